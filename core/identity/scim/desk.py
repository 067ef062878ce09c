"""Which application asks, and how far it reaches."""

import hashlib
import json
from typing import Any
from uuid import UUID

import msgspec
from scim2_models import ForbiddenException, Meta, Reference, Resource
from sqlalchemy import ColumnElement, and_, exists, or_, select
from sqlmodel import col

from core.database import Transaction
from core.identity.models import Closing, OrganizationRow, Person
from core.identity.people import posted, posts
from core.identity.scim import links
from core.identity.scim.models import ScimUser


class Desk(msgspec.Struct):
    """An application at work: the organizations in its reach, and where its resources are
    found. What is beyond its reach it never sees."""

    client: str
    units: set[UUID]
    base: str  # https://…/scim/v2

    def there(self, column: Any) -> ColumnElement[bool]:
        """Return the condition for what belongs to an organization in reach."""
        inside: ColumnElement[bool] = column.in_(self.units)
        return inside

    def people(self, tx: Transaction) -> ColumnElement[bool]:
        """Return the condition for the people the application sees: who holds a post in reach,
        and whom it brought; not those who are gone for it."""
        own = select(col(ScimUser.person_id)).where(col(ScimUser.client_id) == self.client)
        brought = own.where(col(ScimUser.brought)).correlate(None)
        gone = own.where(col(ScimUser.gone_at).is_not(None)).correlate(None)
        return and_(
            or_(
                col(Person.id).in_(posted(self.there, tx.now).correlate(None)),
                col(Person.id).in_(brought),
            ),
            col(Person.id).not_in(gone),
        )

    def groups(self) -> ColumnElement[bool]:
        """Return the condition for the units the application sees."""
        return and_(
            self.there(col(OrganizationRow.id)),
            ~exists().where(col(Closing.organization_id) == col(OrganizationRow.id)),
        )

    async def must_reach(self, tx: Transaction, person_id: UUID) -> None:
        """Raise `ForbiddenException` where a person holds a post beyond reach, or none and was
        not brought by this application."""
        held = await posts(tx, [person_id])
        if held and all(post.organization_id in self.units for post in held):
            return
        if held or not await links.is_brought(tx, self.client, links.PERSON, person_id):
            raise ForbiddenException(
                detail="This person also works where the application does not act."
            )

    def finish(self, found: Resource[Any], kind: str, created: Any) -> None:
        """Write into a resource where it is, since when, and which version it is."""
        said = json.dumps(found.model_dump(), sort_keys=True, default=str)
        version = hashlib.sha256(said.encode()).hexdigest()[:20]
        found.meta = Meta(
            resource_type=kind,
            created=created,
            location=Reference(f"{self.base}/{kind}s/{found.id}"),
            version=f'W/"{version}"',
        )


def uuid_of(text: Any) -> UUID | None:
    """Return the id that a text is, None where it is none."""
    try:
        return UUID(str(text))
    except ValueError:
        return None

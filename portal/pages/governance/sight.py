"""Which apps a reader sees: those whose owner their permission reaches. What is out of sight
looks absent, and is in no list, count or file."""

from typing import TypeVar

from sqlalchemy import select
from sqlmodel import col

from core.database import Transaction
from core.identity.models import OrganizationRow
from portal.pages.admin.reach import seen
from portal.pages.context import AnyRequest, Portal

T = TypeVar("T")


class Sight:
    """The owners whose apps are seen, by code; of every owner, and of none, where `codes` is
    None."""

    def __init__(self, codes: frozenset[str] | None) -> None:
        self._codes = codes

    def sees(self, owner: str) -> bool:
        """Return whether the apps of an owner (its code) are seen."""
        return self._codes is None or owner in self._codes

    def apps(self, portal: Portal) -> list[str] | None:
        """Return the apps behind the door that are seen, None: everything."""
        if self._codes is None:
            return None
        owners = {name: portal.apps.manifest(name) for name in portal.apps.instances}
        return [name for name, m in owners.items() if m and m.owner.organization in self._codes]


async def sight(tx: Transaction, request: AnyRequest) -> Sight:
    """Return what the reader sees with the permission that the route was allowed by."""
    scope = seen(request, tx.now)
    if scope is None:
        return Sight(None)
    found = await tx.session.execute(
        select(col(OrganizationRow.code)).where(scope(col(OrganizationRow.id)))
    )
    return Sight(frozenset(found.scalars()))

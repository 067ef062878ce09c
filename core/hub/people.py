"""What the rooms above identity do when people and organizations come, go and move."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import delete, or_, select
from sqlmodel import col

from core.access import grants
from core.access.models import Grant, Role
from core.audit.models import AuditEntry
from core.database import Transaction
from core.identity.events import OrganizationClosed, PostEnded
from core.identity.transfers import works_in
from core.work.items import hand_over, pass_on, people_with_items
from plugin_sdk.ports import ScopeKind


class ImportedRoles:
    """`core.identity.people_plans.Roles` on the grants: each reaches the post's organization."""

    async def known(self, tx: Transaction) -> frozenset[str]:
        """See `Roles`. Roles of an audience are held by everyone and granted to nobody."""
        found = await tx.session.execute(select(col(Role.key)).where(col(Role.audience).is_(None)))
        return frozenset(found.scalars())

    async def held(self, tx: Transaction, posts: Sequence[UUID]) -> Mapping[UUID, frozenset[str]]:
        """See `Roles`."""
        found = await tx.session.execute(
            select(col(Grant.post_id), col(Grant.role)).where(
                col(Grant.post_id).in_(posts),
                col(Grant.revoked_at).is_(None),
                col(Grant.scope) == ScopeKind.ORGANIZATION,
                or_(col(Grant.ends_at).is_(None), col(Grant.ends_at) > tx.now),
            )
        )
        held: dict[UUID, set[str]] = {}
        for post, role in found:
            held.setdefault(post, set()).add(role)
        return {post: frozenset(roles) for post, roles in held.items()}

    async def give(self, tx: Transaction, post: UUID, role: str, by: UUID | None) -> UUID:
        """See `Roles`."""
        return await grants.grant(tx, post, role, ScopeKind.ORGANIZATION, granted_by=by)

    async def give_new(
        self, tx: Transaction, given: Sequence[tuple[UUID, str]], by: UUID | None
    ) -> list[UUID]:
        """See `Roles`. One statement for all: `grants.grant` asks five questions each."""
        rows = [
            Grant(
                post_id=post,
                role=role,
                scope=ScopeKind.ORGANIZATION,
                granted_by=by,
                created_at=tx.now,
            )
            for post, role in given
        ]
        tx.session.add_all(rows)
        await tx.session.flush()
        return [row.id for row in rows]

    async def take_back(self, tx: Transaction, given: Sequence[UUID]) -> None:
        """See `Roles`."""
        await tx.session.execute(
            delete(Grant)
            .where(col(Grant.id).in_(given))
            .execution_options(synchronize_session=False)
        )

    async def hanging(
        self, tx: Transaction, people: Mapping[UUID, UUID], given: Sequence[UUID]
    ) -> Mapping[UUID, str]:
        """See `Roles`."""
        owners = {post: person for person, post in people.items()}
        found = dict.fromkeys(await people_with_items(tx, list(people)), "hangs-work")
        acted = await tx.session.execute(
            select(col(AuditEntry.person_id))
            .where(col(AuditEntry.person_id).in_(people))
            .distinct()
        )
        found |= {id: "hangs-acts" for id in acted.scalars() if id is not None}
        granted = await tx.session.execute(
            select(col(Grant.post_id)).where(
                col(Grant.post_id).in_(owners), col(Grant.id).not_in(given)
            )
        )
        return found | {owners[post]: "hangs-grant" for post in granted.scalars()}


async def hand_over_work(tx: Transaction, event: PostEnded) -> None:
    """Give the open work of a post to the successor or the unit; who holds another post in the
    same unit keeps it."""
    heir = event.successor_id
    if heir is None and await works_in(tx, event.person_id, event.organization_id):
        return
    await hand_over(tx, event.person_id, event.organization_id, to=heir)


async def pass_on_work(tx: Transaction, event: OrganizationClosed) -> None:
    """Give the open work of a closed organization to its successor."""
    if event.successor_id is not None:
        await pass_on(tx, event.organization_id, event.successor_id)

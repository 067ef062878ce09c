"""What the rooms above identity do when people and organizations come, go and move."""

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from sqlalchemy import delete, or_, select
from sqlalchemy.exc import NoResultFound
from sqlmodel import col

from core.access import grants
from core.access.exclusion import refuse_together
from core.access.granting import GRANTING, may_give_in, reaches
from core.access.loading import current_generation, load_actor, load_delegated
from core.access.models import Grant, Role
from core.audit.models import AuditEntry
from core.database import Transaction
from core.identity.events import OrganizationClosed, PostEnded
from core.identity.people import person
from core.identity.people_files import Reason
from core.identity.people_plans import Plan
from core.identity.people_roles import RoleRefused
from core.identity.transfers import works_in
from core.work.items import hand_over, pass_on, people_with_items
from plugin_sdk.data import new_id
from plugin_sdk.ports import Actor, ScopeKind
from plugin_sdk.problems import Conflict

MANAGING = "yimen.people.manage"
REFUSED = {
    "role-unknown": "role-unknown",
    "grant-beyond": "roles-beyond",
    "grant-to-oneself": "not-oneself",
}


class ImportedRoles:
    """`core.identity.people_plans.Roles` on the grants: each reaches the post's organization."""

    async def actor(
        self, tx: Transaction, person_id: UUID, post_id: UUID | None, delegation_id: UUID | None
    ) -> Actor:
        """See `Roles`."""
        generation = await current_generation(tx)
        who = await person(tx, person_id)
        if who is None or who.disabled:
            return Actor(person_id=person_id)
        if delegation_id is None:
            return await load_actor(tx, person_id, who.name, post_id, generation=generation)
        delegated = await load_delegated(
            tx, person_id, who.name, delegation_id, generation=generation
        )
        return delegated or Actor(person_id=person_id, name=who.name)

    async def reached(
        self, tx: Transaction, actor: Actor, units: Collection[frozenset[UUID]]
    ) -> frozenset[frozenset[UUID]]:
        """See `Roles`."""
        if actor.system:
            return frozenset(units)
        return frozenset([each for each in units if await reaches(tx, actor, MANAGING, [*each])])

    def may_grant(self, tx: Transaction, actor: Actor) -> bool:
        """See `Roles`."""
        return actor.system or bool(actor.permits_for(GRANTING, tx.now))

    async def refused(
        self, tx: Transaction, by: Actor, plans: Sequence[Plan]
    ) -> list[Reason | None]:
        """See `Roles`. Asked once for each role in an organization, and once for each set of
        roles of those who hold nothing else: a file has thousands of rows and few of these."""
        pairs = {(item.organization_id, role) for item in plans for role in item.roles}
        beyond = {
            (unit, role)
            for unit, role in pairs
            if unit is None or not await may_give_in(tx, by, unit, role, ScopeKind.ORGANIZATION)
        }
        kept_apart = await self._kept_apart(tx) if plans else frozenset()
        asked: dict[tuple[UUID | None, tuple[str, ...]], Reason | None] = {}
        reasons: list[Reason | None] = []
        for item in plans:
            far = [role for role in item.roles if (item.organization_id, role) in beyond]
            if far:
                reasons.append(Reason("roles-beyond", {"roles": "、".join(far)}))
                continue
            # what hangs on the post of who moves ends with it
            holds = item.person_id if item.does != "move" else None
            whose = holds if kept_apart.intersection(item.roles) else None
            key = (whose, item.roles)
            if key not in asked:
                asked[key] = await _together(tx, *key)
            reasons.append(asked[key])
        return reasons

    async def _kept_apart(self, tx: Transaction) -> frozenset[str]:
        found = await tx.session.execute(select(col(Role.key), col(Role.excludes)))
        return frozenset(one for key, others in found if others for one in (key, *others))

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

    async def give(self, tx: Transaction, post: UUID, role: str, by: Actor) -> UUID:
        """See `Roles`."""
        try:
            return await grants.grant(tx, post, role, ScopeKind.ORGANIZATION, granter=by)
        except Conflict as refused:
            raise RoleRefused(Reason(refused.code)) from None
        except grants.GrantError as refused:
            code = REFUSED.get(refused.code, "changed-meanwhile")
            raise RoleRefused(Reason(code, {"roles": role})) from None

    async def give_new(
        self, tx: Transaction, given: Sequence[tuple[UUID, str]], by: Actor
    ) -> list[UUID]:
        """See `Roles`. One statement for all: `grants.grant` asks five questions each."""
        rows = [
            Grant(
                post_id=post,
                role=role,
                scope=ScopeKind.ORGANIZATION,
                granted_by=by.real_person_id,
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


async def _together(
    tx: Transaction, person_id: UUID | None, roles: tuple[str, ...]
) -> Reason | None:
    """Return why a person (None: one who holds nothing yet) would not hold these roles."""
    try:
        await refuse_together(tx, person_id or new_id(), roles)
    except NoResultFound:  # it names the person, and nobody is there yet
        return Reason("roles-exclude")
    except Conflict as refused:
        return Reason(refused.code)
    return None


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

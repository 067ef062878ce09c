"""What an import of people needs of roles and reach: a port, since both live in higher rooms."""

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol
from uuid import UUID

from core.database import Transaction
from core.identity.people_files import Reason
from plugin_sdk.ports import Actor

if TYPE_CHECKING:
    from core.identity.people_plans import Plan


class RoleRefused(ValueError):
    """A role that is not given after all, by the `reason`."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.code)
        self.reason = reason


class Roles(Protocol):
    """What an import needs of the roles of a post; the hub has it from a higher room."""

    async def actor(
        self, tx: Transaction, person_id: UUID, post_id: UUID | None, delegation_id: UUID | None
    ) -> Actor:
        """Return who imports as the database has them now: without permits where the account,
        the post or the delegation is not in force."""
        ...

    async def reached(
        self, tx: Transaction, actor: Actor, units: Collection[frozenset[UUID]]
    ) -> frozenset[frozenset[UUID]]:
        """Return those of the sets of organizations all of which somebody administers; the
        empty set is reached by who administers everything."""
        ...

    def may_grant(self, tx: Transaction, actor: Actor) -> bool:
        """Return whether somebody grants roles at all."""
        ...

    async def refused(
        self, tx: Transaction, by: Actor, plans: Sequence["Plan"]
    ) -> list[Reason | None]:
        """Return why the roles of each row are not given: beyond what this person may give, or
        not to be held together; None where they are."""
        ...

    async def known(self, tx: Transaction) -> frozenset[str]:
        """Return the keys of all roles."""
        ...

    async def held(self, tx: Transaction, posts: Sequence[UUID]) -> Mapping[UUID, frozenset[str]]:
        """Return the roles that posts hold, within their organization."""
        ...

    async def give(self, tx: Transaction, post: UUID, role: str, by: Actor) -> UUID:
        """Give a post a role within its organization; return the grant's id.

        Raises `RoleRefused`.
        """
        ...

    async def give_new(
        self, tx: Transaction, given: Sequence[tuple[UUID, str]], by: Actor
    ) -> list[UUID]:
        """Give roles to posts that this transaction has added for people whom it has added:
        roles that it did not refuse, and nobody has anything of them cached. Return the grants'
        ids."""
        ...

    async def take_back(self, tx: Transaction, given: Sequence[UUID]) -> None:
        """Remove grants that an import gave."""
        ...

    async def hanging(
        self, tx: Transaction, people: Mapping[UUID, UUID], grants: Sequence[UUID]
    ) -> Mapping[UUID, str]:
        """Return what hangs on people (each with the post that was added) beyond these grants,
        as a code of the catalogue, for those of whom something does."""
        ...

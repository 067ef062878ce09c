"""Organizations and offices as apps know them, read only."""

from collections.abc import Sequence
from typing import Final, Protocol
from uuid import UUID

import msgspec


class Organization(msgspec.Struct, frozen=True):
    """A unit of the directory."""

    id: UUID
    code: str
    name: str
    level: str
    parent_id: UUID | None


OFFICIALS: Final = 100
"""So many the directory names at once who hold a permission: who is one of more cannot be picked
from a list."""


class Official(msgspec.Struct, frozen=True):
    """Who holds a post: what stands on the door of an office, and nothing else of a person."""

    post_id: UUID
    person_id: UUID
    name: str
    title: str
    organization_id: UUID
    organization: str


class Directory(Protocol):
    """Organizations and offices, read only. Of people never more than who holds an office."""

    async def organization(self, id: UUID) -> Organization | None: ...
    async def by_code(self, code: str) -> Organization | None: ...
    async def children(self, id: UUID) -> list[Organization]: ...
    async def units(self, permission: str) -> list[Organization]:
        """Return the organizations with a post that holds the app's permission."""
        ...

    async def officials(self, permission: str) -> list[Official]:
        """Return who holds a post with the app's permission, by organization, the first
        `OFFICIALS`; not to whom one is delegated."""
        ...

    async def regions(self) -> list[Organization]:
        """Return the divisions (county, towns) that a matter can lie in, in tree order."""
        ...

    async def names(self, ids: Sequence[UUID]) -> dict[UUID, str]: ...

    async def present(self, id: UUID) -> Organization | None:
        """Return the organization that stands for one today: itself, or where it was closed
        (撤并) the one that succeeded it in the end; None where nothing did."""
        ...

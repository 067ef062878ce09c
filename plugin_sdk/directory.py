"""Organizations as apps know them: names and tree, read only."""

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

import msgspec


class Organization(msgspec.Struct, frozen=True):
    """A unit of the directory."""

    id: UUID
    code: str
    name: str
    level: str
    parent_id: UUID | None


class Directory(Protocol):
    """Organizations, read only. Names and tree, never people's data."""

    async def organization(self, id: UUID) -> Organization | None: ...
    async def by_code(self, code: str) -> Organization | None: ...
    async def children(self, id: UUID) -> list[Organization]: ...
    async def units(self, permission: str) -> list[Organization]:
        """Return the organizations with a post that holds the app's permission."""
        ...

    async def regions(self) -> list[Organization]:
        """Return the divisions (county, towns) that a matter can lie in, in tree order."""
        ...

    async def names(self, ids: Sequence[UUID]) -> dict[UUID, str]: ...

    async def present(self, id: UUID) -> Organization | None:
        """Return the organization that stands for one today: itself, or where it was closed
        (撤并) the one that succeeded it in the end; None where nothing did."""
        ...

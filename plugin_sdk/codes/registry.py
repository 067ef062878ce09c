"""Which code opens whose page."""

import secrets
from collections.abc import Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlmodel import col

from plugin_sdk.codes.models import PublicCode
from plugin_sdk.ports import Actor, Hub, Organization, Read, Work
from plugin_sdk.problems import NotFound

ALPHABET: Final = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"  # none that is read as another
LENGTH: Final = 8
BATCH: Final = 100


def new_code(length: int = LENGTH) -> str:
    """Return a code to be printed and typed; with 12 letters nobody hits upon one."""
    return "".join(secrets.choice(ALPHABET) for _ in range(length))


def is_code(typed: str, length: int = LENGTH) -> bool:
    """Return whether something typed could be such a code at all."""
    return len(typed) == length and set(typed) <= set(ALPHABET)


class CodeBook:
    """The codes of an app's organizations. What a code opens is public: it guards nothing."""

    def __init__(self, hub: Hub, row: type[PublicCode]) -> None:
        self.hub = hub
        self.row = row

    def href(self, code: str) -> str:
        """Return the address of a code's page on this hub."""
        return f"/apps/{self.hub.app}/c/{code}"

    def address(self, code: str) -> str:
        """Return the whole address, as it is printed."""
        return self.hub.site + self.href(code)

    async def give(self, work: Work, organizations: Sequence[UUID]) -> dict[UUID, str]:
        """Return the codes of organizations, made for those that had none."""
        known = await self.codes(work, organizations)
        for id in organizations:
            if id not in known:
                known[id] = new_code()
                await work.add(self.row(organization_id=id, code=known[id], made_at=work.now))
        return known

    async def give_all(self, actor: Actor, organizations: Sequence[UUID]) -> None:
        """Give every organization its code, some at a time; those that have one keep it."""
        for start in range(0, len(organizations), BATCH):
            async with self.hub.work(actor) as work:
                await self.give(work, organizations[start : start + BATCH])

    async def codes(self, read: Read, organizations: Sequence[UUID]) -> dict[UUID, str]:
        """Return the codes of those organizations that have one."""
        row = self.row
        statement = select(col(row.organization_id), col(row.code)).where(
            col(row.organization_id).in_(organizations)
        )
        return {id: code for id, code in await read.session.execute(statement)}

    async def owner(self, read: Read, code: str) -> UUID:
        """Return whose code it is, in either case of letters. Raises `NotFound`."""
        row = self.row
        statement = select(col(row.organization_id)).where(col(row.code) == code.strip().upper())
        id: UUID | None = (await read.session.execute(statement)).scalar_one_or_none()
        if id is None:
            raise NotFound
        return id

    async def open(self, code: str) -> tuple[UUID, Organization]:
        """Return whose code it is, and the organization that stands for it today. Raises
        `NotFound` for an unknown code, and where nothing succeeded a closed organization."""
        async with self.hub.read(self.hub.system("public page")) as read:
            id = await self.owner(read, code)
        present = await self.hub.directory.present(id)
        if present is None:
            raise NotFound
        return id, present

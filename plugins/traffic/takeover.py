"""A file of the old app on its way in: who its people are here, what came before, and why a row is
not taken."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlmodel import col

from plugin_sdk.cases.imports import Refused, old_number, unwrapped
from plugin_sdk.ports import LegacyPerson, Work
from plugin_sdk.tables import BadRow, Row
from plugin_sdk.views import Phrase
from plugins.traffic.desk import Desk
from plugins.traffic.desk_models import Imported

USER: Final = "用户编号"


class NotTaken(Refused):
    """Why a row of the old app cannot be taken: the words at `traffic.import.<code>`."""

    def __init__(self, code: str, **params: Any) -> None:
        super().__init__(code)
        self.reason = Phrase(f"traffic.import.{code}", params)


Values = Mapping[str, str]
Take = Callable[["Takeover", Work, LegacyPerson, Values], Awaitable[bool]]


class Table(msgspec.Struct, frozen=True):
    """A table of the old app: the kind of its records, its columns, and what takes a row."""

    kind: str
    columns: tuple[str, ...]
    take: Take


class Takeover:
    """One file of the old app on its way in."""

    def __init__(self, desk: Desk, of: str, kind: str, unit: UUID) -> None:
        self.desk = desk
        self.of = of
        self.kind = kind
        self.unit = unit

    async def bring_in(self, table: Table, line: Row | BadRow) -> bool:
        """Take a row; return whether it is new. Raises `Refused`."""
        if isinstance(line, BadRow):
            raise Refused(line.code, **line.params)
        values = {name: unwrapped(line.values[name]) for name in table.columns}
        user, hub = old_number(values[USER]), self.desk.hub
        person = await hub.numbers.legacy(self.of or hub.app, user)
        if person is None:
            raise NotTaken("user-unknown", user=user)
        async with hub.work(hub.system("import")) as work:
            return await table.take(self, work, person, values)

    async def first(self, work: Work, person: LegacyPerson, number: str, at: datetime) -> bool:
        """Note that a record came over; return whether it is the first time. Raises `Refused` for
        a number that came with another person or time."""
        key = f"{self.of or 'legacy'}:{self.kind}:{number}"
        found = await self.one(work, Imported, col(Imported.key) == key)
        if found is not None:
            if (found.person_id, found.at) != (person.person_id, at):
                raise Refused("number-taken", number=number)
            return False
        row = Imported(
            **self.owned(person), key=key, of=self.of, kind=self.kind, number=number, at=at
        )
        await work.add(row, placed=True)
        return True

    async def one(self, work: Work, model: Any, condition: Any) -> Any:
        """Return the one row of a condition for change, None where there is none."""
        found = await work.session.execute(work.rows(model, col(model.id)).where(condition))
        id = found.scalar_one_or_none()
        return await work.get(model, id) if id else None

    def owned(self, person: LegacyPerson) -> dict[str, Any]:
        """Return whose a record is."""
        return {"organization_id": self.unit, "person_id": person.person_id}

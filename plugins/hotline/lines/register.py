"""Lines as a register: entered, merged into the one intake, their old numbers closed."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final, Literal
from uuid import UUID

from sqlmodel import col

from plugin_sdk.deadlines import local_day
from plugin_sdk.ports import Hub, Organization, Read, Work
from plugin_sdk.problems import Invalid
from plugin_sdk.registers import EndForm, Register, RegisterDesk, RegisterEngine
from plugin_sdk.taking import Typed
from plugin_sdk.views import FactView, FieldView, Option, Phrase, Words
from plugins.hotline.desk import OrderDesk
from plugins.hotline.lines.forms import LineForm, wrong
from plugins.hotline.lines.models import Line

READ: Final = "line.read"
LINES: Final = Register(
    name="line",
    path="/lines",
    read=READ,
    edit="line.edit",
    form=LineForm,
    imports="line.edit",
    remind=(30, 7),
)
ORDER: Final = ("code", "name", "owner", "starts_on", "takes_over_on", "ends_on", "app")
Stage = Literal["open", "merged", "closed"]
STAGES: Final[tuple[Stage, ...]] = ("open", "merged", "closed")


def stage_of(line: Line, today: date) -> Stage:
    """Return how far a line is: on its own, routed into the one intake, its number closed."""
    if line.ends_on is not None and line.ends_on < today:
        return "closed"
    merged = line.takes_over_on is not None and line.takes_over_on <= today
    return "merged" if merged else "open"


class LineEngine(RegisterEngine[Line]):
    """Lines; the number of one whose callers do not reach the one intake yet is not closed."""

    async def end(self, work: Work, id: UUID, form: EndForm) -> Line:
        """Close the old number. Raises as every register does, and `Invalid`."""
        line = await self.find(work, id)
        if line.takes_over_on is None or form.ends_on < line.takes_over_on:
            raise Invalid(wrong("ends_on", "before_merge"))
        return await super().end(work, id, form)


class LineDesk(RegisterDesk[Line]):
    """Lines, of the units that orders are dispatched to."""

    hints = frozenset({"code", "takes_over_on", "app", "ends_on"})

    def __init__(self, engine: LineEngine, orders: OrderDesk) -> None:
        super().__init__(engine)
        self.orders = orders

    async def units(self) -> list[Organization]:
        """Return the units, as the directory said a moment ago."""
        return await self.orders.engine.units_with("order.sign")

    async def options(self, read: Read) -> Mapping[str, list[Option]]:
        """Return the units whose a line may be."""
        return {"owner": [Option(str(one.id), one.name) for one in await self.units()]}

    async def fields(
        self, read: Read, typed: Typed, known: Mapping[str, Any] | None = None
    ) -> list[FieldView]:
        """Return the fields of a line's form, its number first."""
        found = await super().fields(read, typed, known)
        return sorted(found, key=lambda field: ORDER.index(field.name))

    def facts(
        self, values: Mapping[str, Any], options: Mapping[str, list[Option]]
    ) -> list[FactView]:
        """Return what a line says, in the order of its form."""
        given = {name: values[name] for name in ORDER if name in values}
        labels: list[Words] = [self.engine.words(f"field.{name}") for name in given]
        return sorted(super().facts(given, options), key=lambda fact: labels.index(fact.label))

    async def notes(self, read: Read, rows: Sequence[Line]) -> Mapping[UUID, Words | None]:
        """Return how far each line is, and whose it was."""
        today, units = local_day(read.now), {str(one.id): one.name for one in await self.units()}
        return {
            row.id: self.engine.words(
                "note", stage=self.stage(row, today), owner=units.get(row.owner, "")
            )
            for row in rows
        }

    def stage(self, row: Line, today: date) -> Phrase:
        """Return how far a line is, in words."""
        return self.engine.words(f"stage.{stage_of(row, today)}")


async def line_of(read: Read, number: str) -> str | None:
    """Return the number of a line in the register that was called, None for another one (the
    county's own 12345 is none of the old lines)."""
    statement = read.rows(Line, col(Line.code), permission=READ).where(col(Line.code) == number)
    found: str | None = (await read.session.execute(statement.limit(1))).scalar_one_or_none()
    return found


async def names(read: Read) -> Mapping[str, str]:
    """Return the names of all lines by their numbers."""
    statement = read.rows(Line, col(Line.code), col(Line.name), permission=READ)
    return {code: name for code, name in await read.session.execute(statement)}


def line_engine(hub: Hub) -> LineEngine:
    """Return the lines of a hub."""
    return LineEngine(hub, LINES, Line)

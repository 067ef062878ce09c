"""Who is late: organizations and months, from the periods alone."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlmodel import col

from plugin_sdk.deadlines import local_day
from plugin_sdk.duties.calendar import add_months, month_of, spell_period
from plugin_sdk.duties.engine import DutyEngine
from plugin_sdk.duties.models import standing_of
from plugin_sdk.duties.views import DutyTableView, TableCell, TableRow
from plugin_sdk.ports import Read
from plugin_sdk.views import FilterView, Option, Phrase

MONTHS: Final = 6
ROWS: Final = 100


class Facts(msgspec.Struct, frozen=True):
    """What of a period tells how it stands."""

    organization_id: UUID
    supervisor_id: UUID | None
    period: date
    due_at: datetime | None
    owed: int
    done: int
    nil: int
    completed_at: datetime | None
    late_at: datetime | None
    released_at: datetime | None


class Timely(msgspec.Struct):
    """How many periods were due, and how many of them were completed in time (按时率)."""

    due: int = 0
    timely: int = 0

    def add(self, fact: Facts, now: datetime) -> None:
        """Count a period whose day has come; one that was released counts nowhere."""
        standing = standing_of(fact, now)
        if fact.due_at is None or fact.due_at > now or standing in ("released", "none"):
            return
        self.due += 1
        self.timely += standing in ("on_time", "nil")


async def periods(
    engine: DutyEngine[Any],
    read: Read,
    since: date,
    until: date,
    *,
    supervisor_id: UUID | None = None,
    permission: str | None = None,
) -> list[Facts]:
    """Return the periods in scope of the months from `since` to `until`."""
    row = engine.row
    columns = [col(getattr(row, name)) for name in Facts.__struct_fields__]
    statement = read.rows(row, *columns, permission=permission or engine.duty.watch).where(
        col(row.period) >= since, col(row.period) <= until
    )
    if supervisor_id is not None:
        statement = statement.where(col(row.supervisor_id) == supervisor_id)
    return await read.fetch(statement, Facts)


async def table_view(
    engine: DutyEngine[Any], read: Read, supervisor: UUID | None, until: date | None = None
) -> DutyTableView:
    """Return the table of six months; those that lack something now come first."""
    last = until or add_months(month_of(local_day(read.now)), -engine.duty.months_later)
    months = [add_months(last, n - MONTHS + 1) for n in range(MONTHS)]
    every = await periods(engine, read, months[0], last)
    supervisors = {fact.supervisor_id for fact in every if fact.supervisor_id}
    found = [fact for fact in every if supervisor in (None, fact.supervisor_id)]
    names = await engine.hub.directory.names(
        list(supervisors | {fact.organization_id for fact in found})
    )
    by_unit: dict[UUID, dict[date, Facts]] = defaultdict(dict)
    for fact in found:
        by_unit[fact.organization_id][fact.period] = fact
    lacking = {
        unit
        for unit, facts in by_unit.items()
        if any(standing_of(fact, read.now) == "missing" for fact in facts.values())
    }
    order = sorted(by_unit, key=lambda unit: (unit not in lacking, names.get(unit, "")))
    rows = [_row(engine, names.get(unit, ""), by_unit[unit], months, read) for unit in order]
    towns = sorted((names.get(id, ""), id) for id in supervisors)
    chosen = f"?supervisor={supervisor}" if supervisor else ""
    return DutyTableView(
        title=engine.words("table"),
        sentence=Phrase("duties.some_lacking", {"n": len(lacking), "of": len(by_unit)})
        if lacking
        else Phrase("duties.none_lacking", {"of": len(by_unit)}),
        periods=months,
        rows=rows[:ROWS] if supervisor is None else rows,
        filters=[
            FilterView(
                name="supervisor",
                label=engine.words("supervisor"),
                options=[Option(str(id), name) for name, id in towns],
                value=str(supervisor or ""),
            )
        ]
        if len(towns) > 1
        else [],
        export_href=engine.href("table.csv") + chosen,
    )


def _row(
    engine: DutyEngine[Any],
    name: str,
    facts: dict[date, Facts],
    months: Sequence[date],
    read: Read,
) -> TableRow:
    count, cells = Timely(), []
    for month in months:
        fact = facts.get(month)
        if fact is None:
            cells.append(TableCell(standing="none"))
            continue
        count.add(fact, read.now)
        query = f"period={spell_period(month)}&organization={fact.organization_id}"
        cells.append(
            TableCell(standing=standing_of(fact, read.now), href=f"{engine.href()}?{query}")
        )
    return TableRow(name=name, cells=cells, timely=count.timely, due=count.due)

"""Counting cases as they change: a mark in the act's own transaction, a fold that follows.

An act says that its case is to be looked at (`mark`): one row of the case's own, so that two
hundred who file at once do not wait for one sum. The fold takes what is to be looked at, some
cases at a time, and brings the cells from what each counted for to what it counts for now. That
is one transaction: killed anywhere, nothing of it is counted and the next fold does it whole;
folded twice, the second finds nothing to do.
"""

from collections import Counter, defaultdict
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import bindparam, delete, func, select, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col

from plugin_sdk.cases.counted import COUNTS, NOBODY, Key, counted_of, difference
from plugin_sdk.cases.flow import Flow
from plugin_sdk.cases.models import CaseCounted, CaseFigure, CaseRow
from plugin_sdk.extension import Job
from plugin_sdk.ports import Actor, Calendar, Hub, Read, Work

AT_ONCE: Final = 200
KEYS_AT_ONCE: Final = 1000
_KEY: Final = Key._fields


class CaseCounting:
    """The figures of a flow whose cases are counted as they change."""

    def __init__(self, hub: Hub, row: type[CaseRow], flow: Flow) -> None:
        if row.counted is None or row.figures is None:
            raise TypeError(f"{row.__name__} has no tables to be counted in")
        self.hub = hub
        self.row = row
        self.counted: type[CaseCounted] = row.counted
        self.figures: type[CaseFigure] = row.figures
        self._flow = flow

    def job(self, key: str = "figures") -> Job:
        """Return the job that counts what has changed or has become due."""
        return Job(key=key, run=self.run)

    async def run(self, actor: Actor) -> None:
        """Count until nothing waits, some cases a transaction."""
        while True:
            async with self.hub.work(actor) as work:
                if await self.fold(work) < AT_ONCE:
                    return

    async def fold(self, work: Work, limit: int = AT_ONCE) -> int:
        """Count up to so many of the cases that are to be looked at; return how many there were.
        Under the system's actor."""
        await self._alone(work)
        row = self.counted
        waiting = (
            select(col(row.case_id), col(row.counted))
            .where(col(row.look_at) <= work.now)
            .order_by(col(row.look_at), col(row.case_id))
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        found = {id: before for id, before in await work.session.execute(waiting)}
        if not found:
            return 0
        calendar = Remembered(self.hub.calendar)
        cases, held = await self._cases(work, list(found))
        earlier = await self._earlier(work, cases)
        changes: dict[Key, Counter[str]] = {}
        looked: list[dict[str, Any]] = []
        for id, before in found.items():
            after: dict[str, Any] = {}
            again: datetime | None = None
            if id in cases:
                after, again = counted_of(cases[id], held[id], earlier[id], work.now, calendar)
            if after != before:
                difference(before, after, changes)
            looked.append({"of": id, "again": again, "after": after})
        await self._write(work, {key: cell for key, cell in changes.items() if any(cell.values())})
        table: Any = row.__table__  # type: ignore[attr-defined]  # SQLModel's own
        await work.session.execute(
            update(table)
            .where(table.c.case_id == bindparam("of"))
            .values(look_at=bindparam("again"), counted=bindparam("after")),
            looked,
        )
        return len(found)

    async def waiting(self, read: Read) -> int:
        """Return how many cases the reader may see changed, or became due, since they were
        counted."""
        waiting = select(col(self.counted.case_id)).where(col(self.counted.look_at) <= read.now)
        statement = read.rows(self.row, func.count(), permission=self._flow.read).where(
            col(self.row.id).in_(waiting)
        )
        return int((await read.session.execute(statement)).scalar_one())

    async def mark_all(self, actor: Actor) -> int:
        """Let every case be looked at, those too that never were; return how many there are.

        The figures stand meanwhile and are brought from what they were to what they are. It may
        be killed and begun again.
        """
        after, many = NOBODY, 0
        while True:
            async with self.hub.work(actor) as work:
                id = col(self.row.id)
                following = work.rows(self.row, id, permission=self._flow.read).where(id > after)
                found = await work.session.execute(following.order_by(id).limit(KEYS_AT_ONCE))
                ids = list(found.scalars())
                if not ids:
                    return many
                await _upsert(work, self.counted, ids, work.now)
                after, many = ids[-1], many + len(ids)

    async def _alone(self, work: Work) -> None:
        """Let one fold go on at a time: a row that stands for no case is held to its end."""
        await _upsert(work, self.counted, [NOBODY], None)

    async def _cases(
        self, work: Work, ids: list[UUID]
    ) -> tuple[dict[UUID, CaseRow], dict[UUID, list[tuple[datetime | None, UUID]]]]:
        rows = work.rows(self.row, permission=self._flow.read).where(col(self.row.id).in_(ids))
        cases = {row.id: row for row in (await work.session.execute(rows)).scalars()}
        entry = self.row.entries
        columns = (col(entry.case_id), col(entry.at), col(entry.organization_id))
        steps = work.rows(entry, *columns, permission=self._flow.read)
        held: defaultdict[UUID, list[tuple[datetime | None, UUID]]] = defaultdict(list)
        ordered = steps.where(col(entry.case_id).in_(ids)).order_by(col(entry.seq))
        for case, at, unit in await work.session.execute(ordered):
            held[case].append((at, unit))
        return cases, held

    async def _earlier(
        self, work: Work, cases: dict[UUID, CaseRow]
    ) -> dict[UUID, list[tuple[datetime, int]]]:
        """Return the ratings of outcomes that a reopening overtook, by case."""
        which = col(self.row.entries.case_id).in_(cases)
        said = await ratings(work, self._flow, self.row, which, self._flow.read)
        present = Counter((id, case.rated_at, case.rating) for id, case in cases.items())
        earlier: defaultdict[UUID, list[tuple[datetime, int]]] = defaultdict(list)
        for case, at, stars in (said - present).elements():
            earlier[case].append((at, stars))
        return earlier

    async def _write(self, work: Work, changes: dict[Key, Counter[str]]) -> None:
        """Add changes to the cells; those in which nothing is left are taken away."""
        table: Any = self.figures.__table__  # type: ignore[attr-defined]  # SQLModel's own
        key = tuple_(*(table.c[name] for name in _KEY))
        keys = sorted(changes)
        for first in range(0, len(keys), KEYS_AT_ONCE):
            some = keys[first : first + KEYS_AT_ONCE]
            present = await work.session.execute(select(table).where(key.in_(some)))
            stood = {Key(*(cell[name] for name in _KEY)): cell for cell in present.mappings()}
            added = [_added(one, stood.get(one), changes[one]) for one in some]
            if gone := [Key(*(cell[name] for name in _KEY)) for cell in added if _empty(cell)]:
                await work.session.execute(delete(table).where(key.in_(gone)))
            if kept := [cell for cell in added if not _empty(cell)]:
                insert = _dialect(work).insert(table)
                values = {name: insert.excluded[name] for name in (*COUNTS, "times")}
                await work.session.execute(
                    insert.on_conflict_do_update(index_elements=_KEY, set_=values), kept
                )


class Remembered:
    """A calendar that asks for each day once: thousands of cases share the same days."""

    def __init__(self, calendar: Calendar) -> None:
        self._calendar = calendar
        self._days: dict[Any, bool] = {}

    def is_working_day(self, day: Any) -> bool:
        """Return whether people work on a day. Raises `CalendarUnknown`."""
        found = self._days.get(day)
        if found is None:
            found = self._days[day] = self._calendar.is_working_day(day)
        return found


async def ratings(
    read: Read, flow: Flow, row: type[CaseRow], which: Any, permission: str | None = None
) -> Counter[tuple[Any, ...]]:
    """Return the ratings on the timelines of cases in scope, those too of outcomes that a
    reopening overtook: of which case, when, and what was said. `which` narrows the entries."""
    if not flow.rating:
        return Counter()
    entry = row.entries
    columns = (col(entry.case_id), col(entry.at), col(entry.data))
    statement = read.rows(entry, *columns, permission=permission)
    found = await read.session.execute(statement.where(col(entry.verb).in_(flow.rating), which))
    return Counter((case, at, int(said["rating"])) for case, at, said in found)


async def mark(work: Work, row: CaseRow) -> None:
    """Say that a case is to be counted again, where its flow is counted."""
    if row.counted is not None:
        await _upsert(work, row.counted, [row.id], work.now)


async def _upsert(
    work: Work, counted: type[CaseCounted], ids: list[UUID], look_at: datetime | None
) -> None:
    table: Any = counted.__table__  # type: ignore[attr-defined]  # SQLModel's own
    rows: list[dict[str, Any]] = [{"case_id": id, "look_at": look_at, "counted": {}} for id in ids]
    insert = _dialect(work).insert(table).values(rows)
    changed = {"look_at": insert.excluded.look_at}
    await work.session.execute(
        insert.on_conflict_do_update(index_elements=["case_id"], set_=changed)
    )


def _added(key: Key, cell: Any, more: Counter[str]) -> dict[str, Any]:
    """Return a cell with more counted in it, without what has become nothing."""
    found: dict[str, Any] = {**key._asdict(), **dict.fromkeys(COUNTS, 0), "times": {}}
    if cell is not None:
        found |= dict(cell)
    times = {name: dict(bins) for name, bins in found["times"].items()}
    for name, n in more.items():
        histogram, _, at = name.partition(":")
        if not at:
            found[name] += n
            continue
        bins = times.setdefault(histogram, {})
        bins[at] = bins.get(at, 0) + n
    kept = {name: {at: n for at, n in bins.items() if n} for name, bins in times.items()}
    found["times"] = {name: bins for name, bins in kept.items() if bins}
    return found


def _empty(cell: dict[str, Any]) -> bool:
    return not any(cell[name] for name in COUNTS) and not cell["times"]


def _dialect(work: Work) -> Any:
    return postgresql if work.session.get_bind().dialect.name == "postgresql" else sqlite

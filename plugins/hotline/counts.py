"""What happens at the hotline beside its orders, counted as it happens: calls in, ratings, checks,
follow-up calls.

What happened is one more row, in the transaction in which it does (`count`): nobody waits for a
sum, and what is taken back is counted with it. A job gathers such rows into cells of a day, of ten
days and of a month (`plugin_sdk.cases.spans`), some a transaction. A reader adds the few cells
that a period is put together of and what is not gathered yet: figures are never late, and gathering
changes none. What is counted is what a recount of the rows themselves would find.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Index, and_, case, delete, func, or_, select, tuple_
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Field, col

from plugin_sdk.cases.counted import NOBODY
from plugin_sdk.cases.spans import SPANS, Span, parts_of, spans_of
from plugin_sdk.data import new_id
from plugin_sdk.deadlines import local_day
from plugin_sdk.extension import Job
from plugin_sdk.ports import Actor, Hub, Read, Work
from plugins.hotline.models import Base

CALLS: Final = "call"
"""Calls in, by the old number that was dialled ('': the county's own)."""
RATINGS: Final = "rating"
"""Ratings of answers, by their stars, of the unit that gave the answer."""
CHECKS: Final = "check"
"""Answers that were checked: `JUDGED`, and of these so many `PASSED` or had each point."""
JUDGED, PASSED = "judged", "passed"
FOLLOW_UPS: Final = "follow_up"
"""Follow-ups that are over, by their outcome."""
NEW: Final = "new"
AT_ONCE: Final = 500
_KEY: Final = ("kind", "span", "since", "organization_id", "centre_id", "value", "entry_id")
_CELL: Final = ("kind", "organization_id", "centre_id", "value")


class Count(Base, table=True):
    """How often a `value` of a `kind` was: in a span of the calendar, or `new` on a day.

    `organization_id` is the unit that it is said of, `centre_id` who received the order where that
    is to see it too (else `NOBODY`). What is new has an `entry_id` of its own, a cell has none.
    Numbers and nobody: not scoped by itself, it is read by the units of a permission.
    """

    __tablename__ = "hotline_count"
    __table_args__ = (Index("ix_hotline_count_new", "span", "entry_id"),)

    kind: str = Field(primary_key=True, max_length=20)
    span: str = Field(primary_key=True, max_length=5)
    since: date = Field(primary_key=True)
    organization_id: UUID = Field(primary_key=True)
    centre_id: UUID = Field(primary_key=True)
    value: str = Field(primary_key=True, max_length=100)
    entry_id: UUID = Field(primary_key=True)
    n: int


def count(
    work: Work, kind: str, value: str, day: date, unit: UUID, *, centre: UUID = NOBODY, n: int = 1
) -> None:
    """Count something that happened on a day (with `n` = -1: that did not happen on it)."""
    work.session.add(
        Count(
            kind=kind,
            span=NEW,
            since=day,
            organization_id=unit,
            centre_id=centre,
            value=value,
            entry_id=new_id(),
            n=n,
        )
    )


async def counted(
    read: Read,
    kind: str,
    since: date,
    until: date,
    *by: str,
    value: str | None = None,
    permission: str | None = None,
) -> dict[tuple[Any, ...], int]:
    """Return how often it happened from `since` to `until` (both days included) within scope, by
    columns of `Count`; of one value where it is named.

    By `since` are told apart the spans that the period is put together of, of whole months these.
    """
    if since > until:
        return {}
    parts = parts_of(since, until, local_day(read.now))
    new = and_(col(Count.span) == NEW, col(Count.since).between(since, until))
    taken = [part for part, often in parts.items() if often < 0]
    n = case((_any_of(taken), -col(Count.n)), else_=col(Count.n)) if taken else col(Count.n)
    columns = [getattr(Count, name) for name in by]
    statement = select(func.sum(n), *columns).where(
        col(Count.kind) == kind, or_(new, _any_of(parts))
    )
    units = read.units(permission)
    if units is not None:
        of = (col(Count.organization_id), col(Count.centre_id))
        statement = statement.where(or_(*(one.in_(units) for one in of)))
    if value is not None:
        statement = statement.where(col(Count.value) == value)
    found = await read.session.execute(statement.group_by(*columns))
    return {tuple(key): int(n) for n, *key in found if n}


def job(hub: Hub) -> Job:
    """Return the job that gathers what is new."""

    async def run(actor: Actor) -> None:
        while True:
            async with hub.work(actor) as work:
                if await gather(work) < AT_ONCE:
                    return

    return Job(key="counts", run=run)


async def gather(work: Work, limit: int = AT_ONCE) -> int:
    """Bring up to so many rows that are new into the cells; return how many there were. Two who
    gather at once take different ones."""
    table: Any = Count.__table__  # type: ignore[attr-defined]  # SQLModel's own
    waiting = select(table).where(table.c.span == NEW).order_by(table.c.entry_id).limit(limit)
    rows = (await work.session.execute(waiting.with_for_update(skip_locked=True))).mappings().all()
    if not rows:
        return 0
    key = tuple_(*(table.c[name] for name in _KEY))
    taken = [tuple(row[name] for name in _KEY) for row in rows]
    await work.session.execute(delete(table).where(key.in_(taken)))
    more: Counter[tuple[Any, ...]] = Counter()
    for row in rows:
        for span in spans_of(row["since"]):
            more[(*span, *(row[name] for name in _CELL))] += row["n"]
    names = ("span", "since", *_CELL)
    cells = [
        {**dict(zip(names, cell, strict=True)), "entry_id": NOBODY, "n": n}
        for cell, n in sorted(more.items(), key=str)  # in one order, so that none wait in a ring
        if n
    ]
    if cells:
        dialect: Any = sqlite if work.session.get_bind().dialect.name == "sqlite" else postgresql
        insert = dialect.insert(table)
        total = {"n": table.c.n + insert.excluded.n}
        await work.session.execute(
            insert.on_conflict_do_update(index_elements=_KEY, set_=total), cells
        )
        made = [tuple(cell[name] for name in _KEY) for cell in cells]
        await work.session.execute(delete(table).where(table.c.n == 0, key.in_(made)))
    return len(rows)


def _any_of(parts: Iterable[Span]) -> ColumnElement[bool]:
    firsts: dict[str, Sequence[date]] = {
        name: [part.since for part in parts if part.span == name] for name in SPANS
    }
    span, at = col(Count.span), col(Count.since)
    return or_(*(and_(span == name, at.in_(days)) for name, days in firsts.items() if days))

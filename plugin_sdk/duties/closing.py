"""What a duty's day brings by itself: periods opened, reminders, late marks. It may be stopped
anywhere and run again, and it may run twice: the end is that of one run."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import date
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlmodel import col

from plugin_sdk.deadlines import local_day
from plugin_sdk.duties.calendar import add_months, month_of, month_words
from plugin_sdk.duties.engine import DutyEngine
from plugin_sdk.ports import Actor, To, Work
from plugin_sdk.views import Phrase

BATCH: Final = 100
"""How many organizations are looked at in one unit of work."""


class Owes(msgspec.Struct, frozen=True):
    """An organization that owes the duty, and who looks after it."""

    organization_id: UUID
    supervisor_id: UUID | None


async def close_day(
    engine: DutyEngine[Any],
    actor: Actor,
    owing: Sequence[Owes],
    expected: Callable[[date], Awaitable[Sequence[str]]],
) -> None:
    """Do what is due today: open the period that falls due this month, release organizations
    that are no more, remind, and mark what is late."""
    today = local_day(engine.hub.now())
    period = add_months(month_of(today), -engine.duty.months_later)
    await _open(engine, actor, period, owing, await expected(period))
    present = {one.organization_id for one in owing}
    await _each(engine, actor, lambda work, row: _look(engine, work, row, present))


async def _open(
    engine: DutyEngine[Any],
    actor: Actor,
    period: date,
    owing: Sequence[Owes],
    expected: Sequence[str],
) -> None:
    if not expected:
        return
    row = engine.row
    async with engine.hub.read(actor) as read:
        statement = read.rows(row, col(row.organization_id), permission=engine.duty.read).where(
            col(row.period) == period, col(row.owed) > 0, col(row.supervisor_id).is_not(None)
        )
        known = set((await read.session.execute(statement)).scalars())
    due_at = engine.due(period)
    if not known and due_at is not None and due_at < engine.hub.now():
        return  # its day had passed before anybody was asked: nobody owes it
    lacking = [one for one in owing if one.organization_id not in known]
    for start in range(0, len(lacking), BATCH):
        async with engine.hub.work(actor) as work:
            for one in lacking[start : start + BATCH]:
                await engine.open(work, one.organization_id, period, expected, one.supervisor_id)


async def _each(
    engine: DutyEngine[Any], actor: Actor, do: Callable[[Work, Any], Awaitable[None]]
) -> None:
    """Do something with each period that is open and not yet marked late."""
    row, last = engine.row, None
    while True:
        async with engine.hub.work(actor) as work:
            statement = (
                work.rows(row, permission=engine.duty.read)
                .where(
                    col(row.completed_at).is_(None),
                    col(row.late_at).is_(None),
                    col(row.released_at).is_(None),
                )
                .order_by(col(row.id))
                .limit(BATCH)
            )
            if last is not None:
                statement = statement.where(col(row.id) > last)
            found = (await work.session.execute(statement)).scalars().all()
            for period in found:
                await do(work, period)
            if len(found) < BATCH:
                return
            last = found[-1].id


async def _look(engine: DutyEngine[Any], work: Work, row: Any, present: set[UUID]) -> None:
    """Remind of a period or mark it late; one whose organization was closed owes nothing."""
    if row.organization_id not in present:
        row = await work.get(engine.row, row.id, permission=engine.duty.read)
        row.released_at = work.now
        await work.todo.close(engine.subject(row.id))
        work.audit(f"{engine.duty.name}.release", engine.subject(row.id))
        return
    due_at = row.due_at or engine.due(row.period)
    if due_at is None or not row.owed:
        return
    if row.due_at is None or work.now > due_at:
        row = await work.get(engine.row, row.id, permission=engine.duty.read)
        row.due_at = due_at  # its calendar may not have been known when it opened
    if work.now > due_at:
        row.late_at = work.now
        row.version += 1
        _tell(engine, work, row, "late", {"period": month_words(row.period)})
        if row.supervisor_id is not None:
            work.notify(
                To(organization_id=row.supervisor_id, permission=engine.duty.watch),
                engine.words("some_late", period=month_words(row.period)),
                engine.href("table"),
                dedupe=f"{engine.duty.name}:late:{row.supervisor_id}:{row.period}",
            )
        return
    left = (local_day(due_at) - local_day(work.now)).days
    if any(left <= n for n in engine.duty.remind):
        level = min(n for n in engine.duty.remind if left <= n)
        said: dict[str, Any] = {"period": month_words(row.period), "date": local_day(due_at)}
        _tell(engine, work, row, "remind", said, f":{level}")


def _tell(
    engine: DutyEngine[Any],
    work: Work,
    row: Any,
    words: str,
    params: Mapping[str, Any],
    mark: str = "",
) -> None:
    message: Phrase = engine.words(words, **params)
    work.notify(
        To(organization_id=row.organization_id, permission=engine.duty.file),
        message,
        engine.month_href(row),
        dedupe=f"{engine.subject(row.id)}:{words}{mark}",
    )


def window(today: date, months: int) -> list[date]:
    """Return so many months up to this one, oldest first."""
    first = add_months(month_of(today), 1 - months)
    return [add_months(first, n) for n in range(months)]

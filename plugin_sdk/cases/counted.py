"""What a case counts for: a pure function of the case, its timeline and the time.

A case counts for what happened to it: opened, responded, resolved, due, rated, each on its day
with the unit that held it just before. Each outcome that was rated counts once, also when the
case was reopened since. Every count has cells (`CaseFigure`): one in the figures of the unit that
set the case, one in those of the unit that held it where that is another; for all cases and for
each dimension; in its day, its ten days and its month. What a case counted for before is kept
beside it, so that a correction takes exactly that away.

What may flare up is told apart by what and where at once (`SPOT`), of which there are as many as
one times the other: a cell is of one what, and holds how many were opened at each where.

Times are kept as histograms that can be added up. Working days are whole: their figures are
exact. Calendar time is kept in steps of 5 %: a figure from it is the end of its step, at most
5 % above what a sorted list of all times would say.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from math import ceil, log
from typing import Any, Final, NamedTuple
from uuid import UUID

from plugin_sdk.cases.models import CaseRow
from plugin_sdk.cases.spans import spans_of
from plugin_sdk.deadlines import CalendarUnknown, local_day, working_days_between
from plugin_sdk.ports import Calendar

NOBODY: Final = UUID(int=0)
RATED: Final = tuple(f"rated_{n}" for n in range(1, 6))
UNRATED: Final = "unrated"
"""The histogram that holds, at 0, how many outcomes nobody has rated: a case that was rated and
reopened has two ratings and one outcome, so that this is not the difference of both."""
COUNTS: Final = ("opened", "responded", "resolved", "due", "on_time", *RATED)
SPOT: Final = "spot"
"""The dimension whose values are `what|where`; openings alone are counted by it."""
OPENED_AT: Final = "opened_at"
"""What a cell of `SPOT` has in place of histograms: how many were opened where."""
STEP: Final = 1.05
RETRY: Final = timedelta(days=1)
"""How long until a case is looked at again whose working days no calendar knows yet."""
STILL_ANNOUNCED: Final = timedelta(days=366)
"""How old a day is whose calendar is not waited for any more."""
_MINUTE: Final = timedelta(minutes=1)

Held = Sequence[tuple[datetime | None, UUID]]
"""The steps of a timeline: when, and who held the case after it."""
Earlier = Sequence[tuple[datetime, int]]
"""The ratings of outcomes that a reopening overtook, each with its time."""


class Key(NamedTuple):
    """The key of a `CaseFigure`."""

    organization_id: UUID
    dimension: str
    span: str
    since: date
    value: str
    origin_id: UUID


def step_of(start: datetime, end: datetime) -> int:
    """Return the step of a histogram of calendar time that holds the time between two moments."""
    minutes = (end - start) / _MINUTE
    return max(ceil(log(minutes, STEP) - 1e-9), 0) if minutes > 1 else 0


def days_of(step: int) -> float:
    """Return the end of a step of calendar time, in days."""
    return float(STEP**step) / (24 * 60)


def counted_of(
    row: CaseRow, held: Held, earlier: Earlier, now: datetime, calendar: Calendar
) -> tuple[dict[str, Any], datetime | None]:
    """Return what a case counts for now, and when it must be looked at again though nobody acts:
    when its deadline comes, or once its calendar may be known."""
    acts: list[list[Any]] = []
    unknown = False

    def add(kind: str, moment: datetime, *more: Any) -> None:
        unit = _held_before(held, moment) or row.organization_id
        acts.append([kind, local_day(moment).isoformat(), str(unit), *more])

    def time_until(moment: datetime) -> tuple[int, int | None]:
        nonlocal unknown
        moment = max(moment, row.opened_at)
        try:
            working = working_days_between(row.opened_at, moment, calendar)
        except CalendarUnknown:
            unknown |= moment > now - STILL_ANNOUNCED
            return step_of(row.opened_at, moment), None
        return step_of(row.opened_at, moment), working

    add("opened", row.opened_at)
    if row.responded_at is not None:
        add("responded", row.responded_at, *time_until(row.responded_at))
    if row.resolved_at is not None:
        unrated = [UNRATED] if row.rating is None else []
        add("resolved", row.resolved_at, *time_until(row.resolved_at), *unrated)
    settled = row.resolved_at is not None or row.paused_at is None
    if row.due_at is not None and row.due_at <= now and settled:
        add("due", row.due_at, row.resolved_at is not None and row.resolved_at <= row.due_at)
    for moment, rating in earlier:
        add("rated", moment, rating)
    if row.rating is not None and row.rated_at is not None:
        add("rated", row.rated_at, row.rating)
    about = {name: value[:100] for name, value in row.dimensions.items()}
    counted = {"origin": str(row.origin_organization_id), "of": about, "acts": acts}
    coming = row.due_at if row.due_at is not None and row.due_at > now else None
    again = [moment for moment in (coming, now + RETRY if unknown else None) if moment]
    return counted, min(again, default=None)


def _held_before(held: Held, moment: datetime) -> UUID | None:
    """Return who held a case just before a moment: at first who received it."""
    holder = held[0][1] if held else None
    for at, unit in held:
        if at is not None and at < moment:
            holder = unit
    return holder


def cells_of(counted: Mapping[str, Any]) -> Iterator[tuple[Key, list[str]]]:
    """Yield the cells of what a case counts for, each with the names that it adds one to."""
    if not counted:
        return
    origin, about = UUID(counted["origin"]), counted["of"]
    for kind, day, unit, *more in counted["acts"]:
        holder, on = UUID(unit), date.fromisoformat(day)
        places = [(origin, NOBODY)] if holder == origin else [(origin, NOBODY), (holder, origin)]
        spans, usual = spans_of(on), _names(kind, more)
        for dimension, value in {"": "", "unit": unit, **about}.items():
            names = usual
            if dimension == SPOT:
                value, _, where = value.rpartition("|")
                if kind != "opened" or not (value and where):
                    continue
                names = [kind, f"{OPENED_AT}:{where}"]
            for organization, other in places:
                for span, since in spans:
                    yield Key(organization, dimension, span, since, value, other), names


def _names(kind: str, more: Sequence[Any]) -> list[str]:
    if kind == "due":
        return ["due", "on_time"] if more[0] else ["due"]
    if kind == "rated":
        return [f"rated_{more[0]}"]
    if kind == "opened":
        return [kind]
    names = {"responded": "response", "resolved": "resolution"}
    calendar, working, *unrated = more
    times = [f"{names[kind]}_calendar:{calendar}"]
    times += [f"{names[kind]}_working:{working}"] if working is not None else []
    return [kind, *times, *(f"{name}:0" for name in unrated)]


def difference(
    before: Mapping[str, Any], after: Mapping[str, Any], into: dict[Key, Counter[str]]
) -> None:
    """Add to `into` what brings the cells from what a case counted for to what it counts for."""
    for counted, sign in ((before, -1), (after, 1)):
        for key, names in cells_of(counted):
            cell = into.get(key)
            if cell is None:
                cell = into[key] = Counter()
            for name in names:
                cell[name] += sign

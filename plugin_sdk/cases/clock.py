"""The clock of a case: its deadline started, paused, extended, dated later, and shown.

A deadline moves for three causes only: the flow pauses it, an extension is approved, the
case is reopened. Passing a case between units is none of them.
"""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec

from plugin_sdk.cases.flow import Clock, Flow
from plugin_sdk.cases.models import CaseRow
from plugin_sdk.deadlines import (
    OFFICE_HOURS,
    CalendarUnknown,
    Term,
    due,
    extend,
    local_day,
    remaining,
    shift_for_pause,
    skipped_days,
)
from plugin_sdk.ports import Calendar, Hub
from plugin_sdk.problems import Invalid, field_error
from plugin_sdk.views import DeadlineView

MORE = "more"  # what extensions added, in the unit of the term


def start(hub: Hub, row: CaseRow, moment: datetime, term: Term | None) -> None:
    """Start the deadline of a case: dated, 期限待定, or none."""
    row.due_from = moment if term else None
    row.due_term = msgspec.to_builtins(_named(term)) if term else None
    date_it(hub, row)


def restart(hub: Hub, row: CaseRow, moment: datetime) -> None:
    """Start the case's own term anew, without what extensions had added."""
    row.paused_at = None
    start(hub, row, moment, _term(row, extended=False))


def date_it(hub: Hub, row: CaseRow) -> bool:
    """Date what waits for a calendar; return whether the case now has its date."""
    term = _term(row)
    if term is None or row.due_from is None:
        row.due_at, row.due_pending = None, False
        return False
    row.due_at = hub.due(row.due_from, term)
    row.due_pending = row.due_at is None
    return not row.due_pending


def ask_for(hub: Hub, row: CaseRow, day: date, now: datetime, field: str = "due_on") -> None:
    """Set the deadline of a case that a person asked for. Raises `Invalid` as `closing` does."""
    row.due_at, row.due_pending = closing(hub, day, now, limit=row.due_at, field=field), False


def closing(
    hub: Hub, day: date, now: datetime, *, limit: datetime | None, field: str = "due_on"
) -> datetime:
    """Return the end of a working day, the deadline that a person asked for.

    Raises `Invalid` for a day that has passed, is no working day, lies beyond the calendar
    that is known, or would give more time than there is (`limit`).
    """
    try:
        works = hub.calendar.is_working_day(day)
    except CalendarUnknown as unknown:
        raise Invalid(field_error(field, "beyond-calendar", year=str(unknown.year))) from None
    if not works:
        raise Invalid(field_error(field, "not-a-working-day"))
    moment = OFFICE_HOURS.closing(day).astimezone(UTC)
    if moment <= now:
        raise Invalid(field_error(field, "in-the-past"))
    if limit is not None and moment > limit:
        raise Invalid(field_error(field, "later-than-term", date=local_day(limit)))
    return moment


def add_time(hub: Hub, row: CaseRow, count: int) -> None:
    """Add an approved extension, counted from the old deadline in the unit of its term."""
    stored: dict[str, Any] = dict(row.due_term or {"working_days": 1})
    unit = next(name for name in stored if name != MORE)
    stored[MORE] = stored.get(MORE, 0) + count
    row.due_term = stored
    if row.due_at is None:
        date_it(hub, row)
        return
    try:
        row.due_at = extend(row.due_at, Term(**{unit: count}), hub.calendar)
    except CalendarUnknown:
        row.due_at, row.due_pending = None, True


def turn(hub: Hub, row: CaseRow, clock: Clock, now: datetime) -> None:
    """Let the clock run, pause or stop, as the state that the case enters says."""
    if clock is Clock.PAUSED:
        row.paused_at = row.paused_at or now
        return
    if row.paused_at is None:
        return
    paused_at, row.paused_at = row.paused_at, None
    if row.due_from is not None:
        row.due_from += now - paused_at
    if row.due_at is not None:
        try:
            row.due_at = shift_for_pause(row.due_at, paused_at, now, hub.calendar)
        except CalendarUnknown:
            row.due_at, row.due_pending = None, True


def reminder(calendar: Calendar, due_at: datetime, working_days: int) -> datetime | None:
    """Return the opening of offices so many working days before a deadline."""
    day = local_day(due_at)
    left = working_days
    try:
        while left:
            day -= timedelta(days=1)
            left -= calendar.is_working_day(day)
    except CalendarUnknown:
        return None
    return OFFICE_HOURS.opening(day).astimezone(UTC)


def window(hub: Hub, moment: datetime, term: Term) -> datetime | None:
    """Return when a window that opened at `moment` closes, None while that is unknown."""
    try:
        return due(moment, term, hub.calendar)
    except CalendarUnknown:
        return None


def runs(flow: Flow, row: CaseRow) -> bool:
    """Return whether the deadline of a case runs now."""
    state = flow.state(row.state)
    return state.clock is Clock.RUNS and not state.final


def on_time(row: CaseRow) -> bool | None:
    """Return whether a case was resolved by its deadline; None where it has none, or that is not
    dated yet."""
    if row.due_at is None or row.resolved_at is None:
        return None
    return row.resolved_at <= row.due_at


def deadline_view(
    calendar: Calendar,
    now: datetime,
    *,
    due_at: datetime | None,
    pending: bool,
    paused_at: datetime | None,
    done_at: datetime | None,
    skipped: bool = False,
) -> DeadlineView:
    """Return a deadline as people read it. With `skipped` the days of rest up to it too."""
    if due_at is None:
        return DeadlineView(kind="unknown" if pending and done_at is None else "none")
    if done_at is not None:
        on_time = done_at <= due_at
        return DeadlineView(kind="done_on_time" if on_time else "done_late", due_at=due_at)
    if paused_at is not None:
        return DeadlineView(kind="paused", due_at=due_at)
    left = remaining(now, due_at, calendar)
    days: list[date] = []
    if skipped and now < due_at:
        try:
            days = skipped_days(now, due_at, calendar)
        except CalendarUnknown:
            days = []
    return DeadlineView(kind=left.kind, n=left.n, due_at=due_at, skipped=days)


def _named(term: Term) -> dict[str, int]:
    found = {
        name: value for name in term.__struct_fields__ if (value := getattr(term, name)) is not None
    }
    return dict(found)


def _term(row: CaseRow, *, extended: bool = True) -> Term | None:
    if row.due_term is None:
        return None
    stored = dict(row.due_term)
    more = stored.pop(MORE, 0) if extended else 0
    stored.pop(MORE, None)
    ((unit, count),) = stored.items()
    return Term(**{unit: count + more})

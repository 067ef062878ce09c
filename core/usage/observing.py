"""Reading everything that was counted of some apps: a few statements, however many apps.

Rows read are apps × days (and their reach, durations and exits), never how often an app is used.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any, Literal, cast

from sqlalchemy import func, select
from sqlmodel import col

from core.database import Transaction
from core.usage import gaps, reach
from core.usage.measures import DayTotals, ExitSeen, Observed, ReachTotal, Window
from core.usage.models import (
    KINDS,
    UsageDay,
    UsageElement,
    UsageExit,
    UsageLatency,
)
from core.usage.periods import overlapping, period_of


async def observe(
    tx: Transaction,
    apps: Mapping[str, str],
    window: Window,
    *,
    recent: Window | None = None,
) -> list[Observed]:
    """Return what was counted of apps (id → cadence) in a window, in the order asked.

    Durations, fields asked and exits are those of `recent`, where it is given.
    """
    lately = recent or window
    unknown = await gaps.missing(tx, window)
    first = await _first_days(tx, apps)
    reached = await reach.totals(tx, apps, window)
    days = await _days(tx, apps, window)
    durations = await _latency(tx, apps, lately)
    elements = await _elements(tx, apps, lately)
    exits = await _exits(tx, apps, lately)
    return [
        Observed(
            app=app,
            counted_since=first.get(app),
            days=tuple(days[app]),
            unknown_days=unknown.days,
            lost=unknown.lost,
            lost_minutes=unknown.minutes,
            reach=_every_period(reached, app, cadence, first.get(app), window),
            latency=durations[app],
            asked=elements[app][0],
            spared=elements[app][1],
            exits=tuple(exits[app]),
            recent=recent,
        )
        for app, cadence in apps.items()
    ]


def _every_period(
    reached: Mapping[str, Sequence[ReachTotal]],
    app: str,
    cadence: str,
    first: date | None,
    window: Window,
) -> tuple[ReachTotal, ...]:
    """Return the reach of an app with the periods in which there was nobody: since people are
    counted (of any app), and since the app was."""
    known = {total.period: total for total in reached.get(app, ())}
    counted = min((total.since for of in reached.values() for total in of), default=None)
    if first is None or counted is None:
        return tuple(known.values())
    every = {
        period.key: ReachTotal(period.key, period.since, period.until, 0, 0)
        for period in overlapping(window.since, window.until)
        if period == period_of(cadence, period.since) and period.until >= max(first, counted)
    }
    return tuple(sorted({**every, **known}.values(), key=lambda total: total.since))


async def _first_days(tx: Transaction, apps: Mapping[str, str]) -> dict[str, date]:
    row = UsageDay
    statement = select(col(row.app), func.min(col(row.day))).group_by(col(row.app))
    if len(apps) <= MOST_NAMED:
        statement = statement.where(col(row.app).in_(list(apps)))
    return {app: first for app, first in await tx.session.execute(statement)}


async def _days(
    tx: Transaction, apps: Mapping[str, str], window: Window
) -> dict[str, list[DayTotals]]:
    found = await tx.session.execute(
        select(col(UsageDay.app), col(UsageDay.day), *(getattr(UsageDay, kind) for kind in KINDS))
        .where(*_of(UsageDay, apps, window))
        .order_by(col(UsageDay.app), col(UsageDay.day))
    )
    by_app: dict[str, list[DayTotals]] = defaultdict(list)
    for app, *values in found:
        by_app[app].append(DayTotals(*values))
    return by_app


async def _latency(
    tx: Transaction, apps: Mapping[str, str], window: Window
) -> dict[str, dict[int, int]]:
    row = UsageLatency
    found = await tx.session.execute(
        select(col(row.app), col(row.bucket), func.sum(row.count))
        .where(*_of(row, apps, window))
        .group_by(col(row.app), col(row.bucket))
    )
    by_app: dict[str, dict[int, int]] = defaultdict(dict)
    for app, bucket, count in found:
        by_app[app][bucket] = int(count)
    return by_app


async def _elements(
    tx: Transaction, apps: Mapping[str, str], window: Window
) -> dict[str, tuple[int, int]]:
    row = UsageElement
    found = await tx.session.execute(
        select(col(row.app), func.sum(row.asked), func.sum(row.spared))
        .where(*_of(row, apps, window))
        .group_by(col(row.app))
    )
    by_app: dict[str, tuple[int, int]] = defaultdict(lambda: (0, 0))
    by_app.update({app: (int(asked), int(spared)) for app, asked, spared in found})
    return by_app


async def _exits(
    tx: Transaction, apps: Mapping[str, str], window: Window
) -> dict[str, list[ExitSeen]]:
    row = UsageExit
    key = (col(row.app), col(row.feature), col(row.host), col(row.kind))
    found = await tx.session.execute(
        select(*key, func.sum(row.count))
        .where(*_of(row, apps, window))
        .group_by(*key)
        .order_by(*key)
    )
    by_app: dict[str, list[ExitSeen]] = defaultdict(list)
    for app, feature, host, kind, count in found:
        by_app[app].append(
            ExitSeen(feature, host, cast(Literal["redirect", "link"], kind), int(count))
        )
    return by_app


def _of(row: Any, apps: Mapping[str, str], window: Window) -> Iterator[Any]:
    """Yield the conditions for the rows of apps in a window."""
    if len(apps) <= MOST_NAMED:
        yield col(row.app).in_(list(apps))
    yield col(row.day) >= window.since
    yield col(row.day) <= window.until


MOST_NAMED = 500
"""More apps than these are not named in a statement: all are read."""

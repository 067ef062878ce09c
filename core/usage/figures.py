"""Reading the counts: by app and day, from the totals of days."""

from datetime import date
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, func, or_, select, union_all
from sqlmodel import col

from core.database import Transaction
from core.usage.models import (
    KINDS,
    REQUESTS,
    UsageCell,
    UsageDay,
    UsageElement,
    UsageHour,
    UsageLatency,
    UsageMinute,
)

GRAINS: tuple[Any, ...] = (UsageCell, UsageHour, UsageMinute)


class AppFigures(msgspec.Struct, frozen=True):
    """The counts of an app in a period."""

    app: str
    opens: int
    starts: int
    completes: int
    effects: int
    answered: int
    refused: int
    failed: int


class Burden(msgspec.Struct, frozen=True):
    """How many fields of an app's forms asked for what the hub held: filled in and left so
    (`spared`), typed all the same (`asked`)."""

    app: str
    spared: int
    asked: int


class CellFigures(msgspec.Struct, frozen=True):
    """The counts of one feature of an app on a day, from one organization ('' for none), in the
    order of `KINDS`."""

    day: date
    feature: str
    organization: str
    channel: str
    counts: tuple[int, ...]


class DayFigures(msgspec.Struct, frozen=True):
    """The counts of an app on a day."""

    day: date
    opens: int
    effects: int
    answered: int
    failed: int


async def by_app(tx: Transaction, since: date, until: date) -> list[AppFigures]:
    """Return the counts of each app from `since` to `until`, both included, by name."""
    total = UsageDay
    found = await tx.session.execute(
        select(
            col(total.app),
            *(
                func.sum(getattr(total, name))
                for name in AppFigures.__struct_fields__
                if name != "app"
            ),
        )
        .where(col(total.day) >= since, col(total.day) <= until)
        .group_by(col(total.app))
        .order_by(col(total.app))
    )
    return [AppFigures(app, *(int(count or 0) for count in counts)) for app, *counts in found]


async def by_day(tx: Transaction, app: str, since: date, until: date) -> list[DayFigures]:
    """Return the counts of an app day by day; a day without a row is not in the list."""
    total = UsageDay
    found = await tx.session.execute(
        select(
            col(total.day),
            func.sum(total.opens),
            func.sum(total.effects),
            func.sum(total.answered),
            func.sum(total.failed),
        )
        .where(col(total.app) == app, col(total.day) >= since, col(total.day) <= until)
        .group_by(col(total.day))
        .order_by(col(total.day))
    )
    return [DayFigures(day, *(int(count or 0) for count in counts)) for day, *counts in found]


async def cells_of(tx: Transaction, app: str, since: date, until: date) -> list[CellFigures]:
    """Return the counts of an app by day, feature, organization and channel: what stands in
    minutes, hours and days, in one look."""
    key = ("day", "feature", "organization", "channel")
    grains = union_all(
        *(
            select(*(table.c[name] for name in (*key, *KINDS))).where(
                table.c.app == app, table.c.day >= since, table.c.day <= until
            )
            for table in (model.__table__ for model in GRAINS)
        )
    ).subquery()
    groups = [grains.c[name] for name in key]
    found = await tx.session.execute(
        select(*groups, *(func.sum(grains.c[kind]) for kind in KINDS))
        .group_by(*groups)
        .order_by(*groups)
    )
    return [
        CellFigures(day, feature, organization, channel, tuple(map(int, counts)))
        for day, feature, organization, channel, *counts in found
    ]


async def burden(tx: Transaction, since: date, until: date) -> list[Burden]:
    """Return what forms asked of people that the hub held, by app; an app that asked for
    nothing of it is not in the list."""
    row = UsageElement
    found = await tx.session.execute(
        select(col(row.app), func.sum(row.spared), func.sum(row.asked))
        .where(col(row.day) >= since, col(row.day) <= until)
        .group_by(col(row.app))
        .order_by(col(row.app))
    )
    return [Burden(app, int(spared), int(asked)) for app, spared, asked in found]


async def first_day(tx: Transaction) -> date | None:
    """Return the first day that the door counted a request; before it all is unknown."""
    first = select(func.min(col(UsageDay.day))).where(was_counted())
    return (await tx.session.execute(first)).scalar_one()


def was_counted() -> ColumnElement[bool]:
    """Return the condition for totals in which the door counted a request."""
    return or_(*(col(getattr(UsageDay, kind)) > 0 for kind in REQUESTS))


async def latency(tx: Transaction, app: str, since: date, until: date) -> dict[int, int]:
    """Return how many answers fell into each bucket of duration (`core.usage.latency`)."""
    found = await tx.session.execute(
        select(col(UsageLatency.bucket), func.sum(UsageLatency.count))
        .where(
            col(UsageLatency.app) == app,
            col(UsageLatency.day) >= since,
            col(UsageLatency.day) <= until,
        )
        .group_by(col(UsageLatency.bucket))
        .order_by(col(UsageLatency.bucket))
    )
    return {bucket: int(count) for bucket, count in found}

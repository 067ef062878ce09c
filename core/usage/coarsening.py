"""Minutes into hours, hours into days: each count stands in exactly one of the three.

A move is one transaction, so that one that is cut moved nothing, and two at once move each row
once: what the one deletes the other does not find.
"""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, delete, func, literal, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col

from core.database import Database, Transaction
from core.usage.models import KINDS, UsageCell, UsageHour, UsageMinute
from plugin_sdk.data import UtcTime
from plugin_sdk.times import SHANGHAI

PLACE = ("app", "feature", "organization", "channel")
GRACE = timedelta(minutes=2)
"""How long after its end an hour or a day is left alone: what is late for it comes by then, and
what is later is moved with the next."""


async def coarsen(database: Database) -> None:
    """Move what is over, an hour or a day at a time."""
    async with database.transaction() as tx:
        over = tx.now - GRACE
        minutes = await tx.session.execute(
            select(col(UsageMinute.at)).where(col(UsageMinute.at) < _hour(over)).distinct()
        )
        hours = sorted({_hour(at) for at in minutes.scalars()})
    for hour in hours:
        async with database.transaction(write=True) as tx:
            await move_hour(tx, hour)
    async with database.transaction() as tx:
        today = over.astimezone(SHANGHAI).date()
        found = await tx.session.execute(
            select(col(UsageHour.day)).where(col(UsageHour.day) < today).distinct()
        )
        days = sorted(found.scalars())
    for day in days:
        async with database.transaction(write=True) as tx:
            await move_day(tx, day)


async def move_hour(tx: Transaction, hour: datetime) -> None:
    """Move the minutes of an hour into it."""
    minute = UsageMinute
    these = (col(minute.at) >= hour, col(minute.at) < hour + timedelta(hours=1))
    await _move(tx, minute, these, UsageHour, {"at": literal(hour, UtcTime)}, ("day",))


async def move_day(tx: Transaction, day: date) -> None:
    """Move the hours of a day into it."""
    await _move(tx, UsageHour, (col(UsageHour.day) == day,), UsageCell, {}, ("day",))


async def _move(
    tx: Transaction,
    source: Any,
    these: Iterable[ColumnElement[bool]],
    target: Any,
    given: dict[str, Any],
    kept: tuple[str, ...],
) -> None:
    """Move rows to coarser ones: what is `kept` of them and their places together are the key,
    with what is `given`; their counts are added up."""
    rows = delete(source.__table__).where(*these)
    moved: Any = source.__table__
    if not tx.database.sqlite:  # one statement, which moves what it locks and nothing else
        moved = rows.returning(source.__table__).cte("moved")
    names = (*kept, *PLACE)
    groups = [moved.c[name] for name in names]
    sums = [func.sum(moved.c[kind]) for kind in KINDS]
    chosen = select(*given.values(), *groups, *sums).group_by(*groups)
    if tx.database.sqlite:  # nobody else writes until this transaction ends
        chosen = chosen.where(*these)
    dialect = sqlite if tx.database.sqlite else postgresql
    into = dialect.insert(target.__table__).from_select([*given, *names, *KINDS], chosen)
    key = [column.name for column in target.__table__.primary_key]
    table = target.__table__
    await tx.session.execute(
        into.on_conflict_do_update(
            index_elements=key,
            set_={kind: table.c[kind] + into.excluded[kind] for kind in KINDS},
        )
    )
    if tx.database.sqlite:
        await tx.session.execute(rows)


def _hour(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)

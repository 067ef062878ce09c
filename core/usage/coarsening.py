"""Minutes into hours, hours into days: each count stands in exactly one of the three.

A move is one transaction, so that one that is cut moved nothing, and two at once move each row
once: what the one deletes the other does not find.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, delete, func, literal, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col

from core.database import Database, Transaction
from core.usage.models import KINDS, UsageCell, UsageHour, UsageMinute
from plugin_sdk.data import UtcTime
from plugin_sdk.times import SHANGHAI

PLACE = ("day", "app", "feature", "organization", "channel")
QUARTER = timedelta(minutes=15)
GRACE = timedelta(minutes=2)
"""How long after its end an hour or a day is left alone: what is late for it comes by then, and
what is later is moved with the next."""


async def coarsen(database: Database) -> None:
    """Move what is over, little enough at a time that none takes long."""
    async with database.transaction() as tx:
        over = tx.now - GRACE
        found = await tx.session.execute(
            select(col(UsageMinute.at)).where(col(UsageMinute.at) < _hour(over)).distinct()
        )
        quarters = sorted({_quarter(at) for at in found.scalars()})
    for quarter in quarters:
        async with database.transaction(write=True) as tx:
            await move_quarter(tx, quarter)
    async with database.transaction() as tx:
        today = over.astimezone(SHANGHAI).date()
        found = await tx.session.execute(
            select(col(UsageHour.at)).where(col(UsageHour.day) < today).distinct()
        )
        hours = sorted(found.scalars())
    for hour in hours:
        async with database.transaction(write=True) as tx:
            await move_hour(tx, hour)


async def move_quarter(tx: Transaction, quarter: datetime) -> None:
    """Move the minutes of a quarter of an hour into the hour."""
    minute = UsageMinute
    these = (col(minute.at) >= quarter, col(minute.at) < quarter + QUARTER)
    await _move(tx, minute, these, UsageHour, {"at": literal(_hour(quarter), UtcTime)})


async def move_hour(tx: Transaction, hour: datetime) -> None:
    """Move an hour into its day."""
    await _move(tx, UsageHour, (col(UsageHour.at) == hour,), UsageCell, {})


async def _move(
    tx: Transaction,
    source: Any,
    these: Iterable[ColumnElement[bool]],
    target: Any,
    given: dict[str, Any],
) -> None:
    """Move rows to coarser ones, of their day, their place and what is `given`."""
    rows = delete(source.__table__).where(*these)
    moved: Any = source.__table__
    if not tx.database.sqlite:  # one statement, which moves what it locks and nothing else
        moved = rows.returning(source.__table__).cte("moved")
    groups = [moved.c[name] for name in PLACE]
    sums = [func.sum(moved.c[kind]) for kind in KINDS]
    chosen = select(*given.values(), *groups, *sums).group_by(*groups)
    if tx.database.sqlite:  # nobody else writes until this transaction ends
        chosen = chosen.where(*these)
    dialect = sqlite if tx.database.sqlite else postgresql
    into = dialect.insert(target.__table__).from_select([*given, *PLACE, *KINDS], chosen)
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


def _quarter(at: datetime) -> datetime:
    return at.replace(minute=at.minute // 15 * 15, second=0, microsecond=0)


def _hour(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)

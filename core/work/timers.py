"""Timers and number series."""

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import delete, select, true
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col

from core.database import Transaction
from core.work.models import Series, Timer

SHANGHAI = ZoneInfo("Asia/Shanghai")


class DueTimer(msgspec.Struct, frozen=True):
    """A timer whose moment has come."""

    app: str
    kind: str
    subject: str


async def set_timer(
    tx: Transaction, app: str, kind: str, subject: str, at: datetime | None
) -> None:
    """Set the timer of a kind on a subject, or clear it."""
    if at is None:
        await tx.session.execute(
            delete(Timer).where(
                col(Timer.app) == app, col(Timer.kind) == kind, col(Timer.subject) == subject
            )
        )
        return
    dialect = sqlite if tx.database.sqlite else postgresql
    insert = dialect.insert(Timer).values(app=app, kind=kind, subject=subject, at=at)
    await tx.session.execute(
        insert.on_conflict_do_update(
            index_elements=["app", "kind", "subject"], set_={"at": insert.excluded.at}
        )
    )


async def due_timers(
    tx: Transaction, *, apps: Sequence[str] | None = None, limit: int = 100
) -> list[DueTimer]:
    """Return the timers whose moment has come, earliest first; of `apps` alone, so that those
    of an app that is switched off do not stand before the others'."""
    found = await tx.session.execute(
        select(col(Timer.app), col(Timer.kind), col(Timer.subject))
        .where(col(Timer.at) <= tx.now, col(Timer.app).in_(apps) if apps is not None else true())
        .order_by(col(Timer.at))
        .limit(limit)
    )
    return [DueTimer(*row) for row in found]


async def take_timer(tx: Transaction, timer: DueTimer) -> bool:
    """Take a due timer; return whether it was still there, so that it fires once."""
    taken = await tx.session.execute(
        delete(Timer)
        .where(
            col(Timer.app) == timer.app,
            col(Timer.kind) == timer.kind,
            col(Timer.subject) == timer.subject,
            col(Timer.at) <= tx.now,
        )
        .returning(col(Timer.kind))
    )
    return taken.first() is not None


async def next_number(tx: Transaction, app: str, name: str) -> str:
    """Return the next number of a series: the day in Shanghai and a count, 12 digits.

    It is taken in the transaction, so a rollback gives it back and no number is lost.
    """
    day = tx.now.astimezone(SHANGHAI).strftime("%Y%m%d")
    dialect = sqlite if tx.database.sqlite else postgresql
    insert = dialect.insert(Series).values(app=app, name=name, day=day, last=1)
    taken = await tx.session.execute(
        insert.on_conflict_do_update(
            index_elements=["app", "name", "day"], set_={"last": Series.last + 1}
        ).returning(col(Series.last))
    )
    return f"{day}{taken.scalar_one():04d}"

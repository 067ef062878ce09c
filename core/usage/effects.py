"""What finishes business, counted exactly: in the transaction of the act, once a subject."""

from datetime import date
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col

from core.database import Transaction
from core.usage.cells import add, add_to_days, counts_of
from core.usage.models import UsageEffect, UsageElement, organization_key
from plugin_sdk.times import SHANGHAI

# names that no effect of a manifest has
STARTED, COMPLETED, RATED = "@started", "@completed", "@rated"


async def record_start(
    tx: Transaction,
    app: str,
    name: str,
    subject: str,
    organization: UUID | None,
    channel: str,
    *,
    shown: bool = False,
) -> None:
    """Count a procedure as started in the transaction that opens its subject; once a subject.

    With `shown` its form was counted when it was shown: what began is noted, and not counted
    again.
    """
    if await _note(tx, app, STARTED, subject) and not shown:
        await _count(tx, app, name, organization, channel, "starts")


async def record_effect(
    tx: Transaction,
    app: str,
    name: str,
    subject: str,
    organization: UUID | None,
    channel: str,
    *,
    measured: bool = True,
    on_time: bool | None = None,
    reminded: bool = False,
) -> bool:
    """Count a finished business object in the transaction of the act, with what is said of it
    (`plugin_sdk.ports.Work.effect`); once a subject.

    Its first effect completes a procedure whose start was counted, so that never more are
    completed than started. What is not `measured` (history that is brought in or acted out)
    is noted, so that it does not count later either. Returns whether it was counted now.
    """
    if not await _note(tx, app, name, subject) or not measured:
        return False
    started = await tx.session.execute(
        select(col(UsageEffect.day)).where(
            col(UsageEffect.app) == app,
            col(UsageEffect.name) == STARTED,
            col(UsageEffect.subject) == subject,
        )
    )
    completes = started.first() is not None and await _note(tx, app, COMPLETED, subject)
    kinds = {
        "effects": True,
        "completes": completes,
        "timed": on_time is not None,
        "timely": on_time is True,
        "reminded": reminded,
    }
    counted = (kind for kind, holds in kinds.items() if holds)
    await _count(tx, app, name, organization, channel, *counted)
    return True


async def record_rating(
    tx: Transaction,
    app: str,
    name: str,
    subject: str,
    organization: UUID | None,
    channel: str,
    *,
    satisfied: bool,
) -> None:
    """Count a rating in the transaction of the act; the first of a subject."""
    if await _note(tx, app, RATED, subject):
        kinds = ("rated", "satisfied") if satisfied else ("rated",)
        await _count(tx, app, name, organization, channel, *kinds)


async def record_element(
    tx: Transaction, app: str, element: str, *, spared: int, asked: int
) -> None:
    """Count, in the transaction of the act, fields that asked for what the hub held."""
    row = (_day(tx), app, element, spared, asked)
    await add(tx, UsageElement, ("day", "app", "element"), ("spared", "asked"), [row])


async def _note(tx: Transaction, app: str, name: str, subject: str) -> bool:
    """Note that something befell a subject; return whether it was the first time."""
    dialect = sqlite if tx.database.sqlite else postgresql
    added = await tx.session.execute(
        dialect.insert(UsageEffect)
        .values(app=app, name=name, subject=subject, day=_day(tx))
        .on_conflict_do_nothing()
        .returning(col(UsageEffect.subject))
    )
    return added.first() is not None


async def _count(
    tx: Transaction, app: str, name: str, organization: UUID | None, channel: str, *kinds: str
) -> None:
    cell = (_day(tx), app, name, organization_key(organization), channel)
    await add_to_days(tx, {cell: counts_of(**dict.fromkeys(kinds, 1))})


def _day(tx: Transaction) -> date:
    return tx.now.astimezone(SHANGHAI).date()

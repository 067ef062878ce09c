"""What the kit does by itself: refunds asked of the provider, payments expired, statements
compared. The provider is asked between units of work, never within one."""

import asyncio
import logging
from collections.abc import Awaitable, Mapping
from datetime import date, timedelta
from typing import Any, Final, TypeVar
from uuid import UUID

from sqlmodel import col

from plugin_sdk.deadlines import local_day
from plugin_sdk.extension import Job
from plugin_sdk.figures import bounds
from plugin_sdk.payments import findings
from plugin_sdk.payments.engine import Disagreement, PaymentEngine
from plugin_sdk.payments.findings import Ours, compare
from plugin_sdk.payments.models import IMPORTED
from plugin_sdk.payments.provider import Movement, ProviderAway, RefundOrder, RefundRefused
from plugin_sdk.payments.simulated import SimulatedProvider
from plugin_sdk.ports import Actor, Read

logger = logging.getLogger(__name__)

T = TypeVar("T")
BATCH: Final = 50
PROVIDER_SECONDS: Final = 5.0
ASK_AGAIN: Final = timedelta(days=1)
"""After how long a refund of which nothing was heard is asked for again, under its number."""


def payment_jobs(engine: PaymentEngine, *, often: str, daily: str) -> list[Job]:
    """Return the jobs of payments under their keys in the manifest: `often` sends refunds and
    expires, `daily` compares statements."""

    async def mind(actor: Actor) -> None:
        if isinstance(engine.provider, SimulatedProvider):
            await engine.provider.deliver(engine.receive)
        try:
            await send_refunds(engine)
            await expire(engine)
        except ProviderAway:
            logger.warning("the provider of payments is away; what is asked of it waits")

    async def compare_days(actor: Actor) -> None:
        today = local_day(engine.hub.now())
        for back in range(engine.terms.statement_days, 0, -1):
            await reconcile(engine, today - timedelta(days=back))

    return [Job(key=often, run=mind), Job(key=daily, run=compare_days)]


async def asked(call: Awaitable[T]) -> T:
    """Return what the provider answers in time. Raises `ProviderAway`, `RefundRefused`."""
    try:
        async with asyncio.timeout(PROVIDER_SECONDS):
            return await call
    except (TimeoutError, OSError) as error:
        raise ProviderAway(type(error).__name__) from error


async def send_refunds(engine: PaymentEngine) -> None:
    """Ask the provider for each refund that waits to be asked for. Raises `ProviderAway`."""
    refund, payment = engine.tables.refund, engine.tables.payment
    async with engine.hub.read(engine.system) as read:
        again = (col(refund.state) == "sent") & (col(refund.sent_at) < read.now - ASK_AGAIN)
        waiting = read.rows(refund).where((col(refund.state) == "asked") | again)
        found = await read.session.execute(waiting.order_by(col(refund.id)).limit(BATCH))
        rows = list(found.scalars())
        numbers = await _numbers(read, payment, {row.payment_id for row in rows})
    for row in rows:
        order = RefundOrder(row.number, numbers[row.payment_id], row.transaction, row.amount)
        try:
            await asked(engine.provider.refund(order))
        except RefundRefused as refusal:
            logger.warning("refund %s is refused: %s", row.number, refusal)
            await _sent(engine, order.payment, row.id, refused=True)
        else:
            await _sent(engine, order.payment, row.id, refused=False)


async def _sent(engine: PaymentEngine, number: str, id: UUID, *, refused: bool) -> None:
    async with engine.hub.work(engine.system) as work:
        row = await engine.by_number(work, number)
        refund = await work.get(engine.tables.refund, id)
        if refund.state not in ("asked", "sent"):
            return  # its notice was quicker
        if refused:
            await engine.not_returned(work, row, refund)
        else:
            refund.state, refund.sent_at = "sent", work.now


async def expire(engine: PaymentEngine) -> None:
    """Expire what was not paid in time, once the provider has said what it knows of it. Raises
    `ProviderAway`: then it stays open, and what comes in is taken."""
    payment = engine.tables.payment
    async with engine.hub.read(engine.system) as read:
        found = await read.session.execute(
            read.rows(payment, col(payment.number))
            .where(col(payment.state) == "open", col(payment.expires_at) < read.now)
            .order_by(col(payment.expires_at))
            .limit(BATCH)
        )
        numbers = list(found.scalars())
    for number in numbers:
        for movement in await asked(engine.provider.movements(number)):
            await _taken(engine, movement, "asked")
        async with engine.hub.work(engine.system) as work:
            row = await engine.by_number(work, number)
            if row.state == "open":
                engine.move(work, row, "expire")


async def _taken(engine: PaymentEngine, movement: Movement, source: str) -> bool:
    try:
        return await engine.take_alone(movement, source)
    except Disagreement:  # staff find it listed
        return False


async def reconcile(engine: PaymentEngine, day: date) -> None:
    """Compare a day with the provider's statement of it: what was not said to us is taken, the
    rest is put down for staff. Doing it again changes nothing. Raises `ProviderAway`."""
    lines = await asked(engine.provider.statement(day))
    async with engine.hub.read(engine.system) as read:
        ours = await _held(engine, read, day)
    lacking, differing, missing = compare(lines, ours)
    for line in lacking:
        if await _taken(engine, line, "statement"):
            async with engine.hub.work(engine.system) as work:
                await findings.put_down(engine, work, "missing-here", line, state="repaired")
    async with engine.hub.work(engine.system) as work:
        for line in differing:
            sum = ours[line.id].amount
            kind = "other-body" if line.kind == "refund" else "other-sum"
            await findings.put_down(engine, work, kind, line, ours=sum)
        for id in missing:
            await findings.put_down_missing(engine, work, day, id, ours[id])
        await findings.appeared(engine, work, [line.id for line in lines])


async def _held(engine: PaymentEngine, read: Read, day: date) -> Mapping[str, Ours]:
    """Return what came in and went back on a day as we know it."""
    start, end = bounds(day, day)
    came, back = engine.tables.transaction, engine.tables.refund
    found = await read.session.execute(
        read.rows(came).where(
            col(came.paid_at) >= start, col(came.paid_at) < end, col(came.source) != IMPORTED
        )
    )
    moved = [(row.transaction, row) for row in found.scalars()]
    found = await read.session.execute(
        read.rows(back).where(
            col(back.done_at) >= start, col(back.done_at) < end, col(back.state) == "done"
        )
    )
    gone = list(found.scalars())
    elsewhere = await read.session.execute(
        read.rows(came, col(came.transaction)).where(
            col(came.source) == IMPORTED,
            col(came.transaction).in_([row.transaction for row in gone]),
        )
    )
    known = set(elsewhere.scalars())
    moved += [(row.number, row) for row in gone if row.transaction not in known]
    numbers = await _numbers(read, engine.tables.payment, {row.payment_id for _, row in moved})
    return {id: Ours(numbers[row.payment_id], row.transaction, row.amount) for id, row in moved}


async def _numbers(read: Read, payment: Any, ids: set[UUID]) -> dict[UUID, str]:
    known: dict[UUID, str] = {}
    wanted = sorted(ids)
    for start in range(0, len(wanted), 500):  # a statement takes so many parameters
        rows = read.rows(payment, col(payment.id), col(payment.number))
        found = await read.session.execute(
            rows.where(col(payment.id).in_(wanted[start : start + 500]))
        )
        known.update({id: number for id, number in found})
    return known

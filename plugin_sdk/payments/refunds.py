"""Giving back: by staff, over a limit with a second person; by an app that finds it is owed."""

from typing import Any
from uuid import UUID

from sqlmodel import col

from plugin_sdk.payments.engine import PaymentEngine
from plugin_sdk.payments.forms import Decision
from plugin_sdk.ports import Work
from plugin_sdk.problems import Conflict
from plugin_sdk.signing import signature
from plugin_sdk.views import Phrase


async def propose(
    engine: PaymentEngine, work: Work, row: Any, reason: str, *, version: int | None = None
) -> Any:
    """Give a payment back, or propose it where its sum is above what one decides alone. `row` was
    got for change. Returns the refund. Raises `Conflict`."""
    if version is not None and version != row.version:
        raise Conflict("payments.stale")
    if row.state != "paid" or row.transaction is None:
        raise Conflict("payments.impossible")
    if await _under_way(engine, work, row.transaction):
        raise Conflict("payments.refund-waits")
    alone = row.amount <= engine.terms.refund_alone_fen
    refund = await engine.send_back(
        work,
        row,
        row.transaction,
        row.amount,
        **signature(work),
        reason=reason,
        automatic=False,
        state="asked" if alone else "proposed",
    )
    if alone:
        engine.move(work, row, "refund")
        return refund
    row.version, row.changed_at = row.version + 1, work.now
    await work.todo.open(
        _subject(refund),
        engine.staff(row, engine.payments.refund),
        Phrase("payments.todo.refund", {"title": row.title}),
        engine.href("refunds", str(refund.id)),
        label=Phrase("payments.refund.proposed"),
    )
    return refund


async def decide(engine: PaymentEngine, work: Work, id: UUID, decision: Decision) -> Any:
    """Approve or decline what another person proposed; return the payment. Raises `Conflict`:
    nobody decides on what they had a hand in."""
    refund = await work.get(engine.tables.refund, id)
    row = await work.get(engine.tables.payment, refund.payment_id)
    await work.require(engine.payments.refund, row)
    if refund.state != "proposed":
        raise Conflict("payments.refund-decided")
    if refund.signers & work.actor.hands:
        raise Conflict("payments.second-person")
    refund.decided_by, refund.decided_role = work.actor.real_person_id, work.actor.post_title
    if decision is Decision.APPROVE:
        refund.state = "asked"
        engine.move(work, row, "refund")
    else:
        refund.state, refund.claim = "declined", None
        row.version, row.changed_at = row.version + 1, work.now
    work.audit(f"refund.{decision}", engine.subject(row), refund=refund.number)
    await work.todo.close(_subject(refund))
    return row


async def give_back(engine: PaymentEngine, work: Work, subject: str, reason: str) -> bool:
    """Give back what settled a subject that turned out not to be owed; return whether there was
    anything. What is under way already is left alone."""
    row = await engine.claimed(work, f"paid:{subject}")
    if row is None or row.state != "paid" or await _under_way(engine, work, row.transaction):
        return False
    row = await work.get(engine.tables.payment, row.id, permission=engine.payments.read)
    await propose(engine, work, row, reason)
    return True


async def _under_way(engine: PaymentEngine, work: Work, transaction: str) -> bool:
    refund = engine.tables.refund
    found = await work.session.execute(
        work.rows(refund, col(refund.id), permission=engine.payments.read).where(
            col(refund.claim) == transaction
        )
    )
    return found.first() is not None


def _subject(refund: Any) -> str:
    return f"refund:{refund.number}"

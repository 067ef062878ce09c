"""Giving back: by staff, over a limit with a second person; by an app that finds it is owed."""

from typing import Any
from uuid import UUID

from sqlmodel import col

from plugin_sdk.payments.engine import PaymentEngine
from plugin_sdk.payments.forms import Decision
from plugin_sdk.ports import Work
from plugin_sdk.problems import Conflict, Invalid, field_error
from plugin_sdk.signing import signature
from plugin_sdk.views import Phrase


async def propose(
    engine: PaymentEngine,
    work: Work,
    row: Any,
    reason: str,
    *,
    version: int | None = None,
    owed: bool = False,
) -> Any:
    """Give a payment back, or propose it where its sum is above what one decides alone. `row` was
    got for change. What is `owed` the second person cannot decline. Returns the refund. Raises
    `Conflict`."""
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
        owed=owed,
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


async def decide(
    engine: PaymentEngine, work: Work, id: UUID, decision: Decision, reason: str | None = None
) -> Any:
    """Approve or decline what another person proposed, or say why what is owed has to wait; return
    the payment. Raises `Conflict`: nobody decides on what they had a hand in, and what is owed is
    not declined; `Invalid` for a delay without a reason."""
    refund = await work.get(engine.tables.refund, id)
    row = await work.get(engine.tables.payment, refund.payment_id)
    await work.require(engine.payments.refund, row)
    if refund.state != "proposed":
        raise Conflict("payments.refund-decided")
    if refund.signers & work.actor.hands:
        raise Conflict("payments.second-person")
    if decision not in Decision.of(refund):
        raise Conflict(f"payments.refund-{'owed' if refund.owed else 'not-owed'}")
    refund.note = reason or refund.note
    if decision is Decision.DELAY:
        if reason is None:
            raise Invalid(field_error("reason", "missing"))
        row.version, row.changed_at = row.version + 1, work.now
        work.audit("refund.delay", engine.subject(row), refund=refund.number, reason=reason)
        return row  # it goes on waiting, for them or for another
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
    anything to ask for. What staff have proposed is owed from now on; what is on its way is left
    alone. It looks within the actor's scope: the receiver of the money may be another unit, so an
    app's own job looks again."""
    row = await engine.claimed(work, f"paid:{subject}")
    if row is None or row.state != "paid":
        return False
    row = await work.get(engine.tables.payment, row.id, permission=engine.payments.read)
    waiting = await _under_way(engine, work, row.transaction)
    if waiting is None:
        await propose(engine, work, row, reason, owed=True)
        return True
    refund = await work.get(engine.tables.refund, waiting, permission=engine.payments.read)
    refund.owed = True
    return False


async def _under_way(engine: PaymentEngine, work: Work, transaction: str) -> UUID | None:
    refund = engine.tables.refund
    found = await work.session.execute(
        work.rows(refund, col(refund.id), permission=engine.payments.read).where(
            col(refund.claim) == transaction
        )
    )
    id: UUID | None = found.scalar_one_or_none()
    return id


def _subject(refund: Any) -> str:
    return f"refund:{refund.number}"

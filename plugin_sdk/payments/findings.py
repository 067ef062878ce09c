"""What does not agree with the provider: found once, repaired where it is certain, else listed
until staff have settled it."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import msgspec
from sqlmodel import col

from plugin_sdk.deadlines import local_day
from plugin_sdk.payments.provider import Movement
from plugin_sdk.ports import Read, Work
from plugin_sdk.problems import Conflict
from plugin_sdk.views import Phrase

if TYPE_CHECKING:
    from plugin_sdk.payments.engine import PaymentEngine

KINDS: Final = (
    "unknown",  # the provider knows a payment or a refund that we do not
    "other-sum",
    "other-body",  # the provider says otherwise than before
    "missing-here",  # it was not said to us; taken from the statement
    "missing-there",
)


class Ours(msgspec.Struct, frozen=True):
    """Something that we hold for moved: its payment, transaction and sum in fen."""

    number: str
    transaction: str
    amount: int


def compare(
    lines: Sequence[Movement], ours: Mapping[str, Ours]
) -> tuple[list[Movement], list[Movement], list[str]]:
    """Return what of a day's statement we do not hold, what we hold with another sum, and the
    ids of what we hold and the statement lacks. `ours` is by `Movement.id`."""
    lacking = [line for line in lines if line.done and line.id not in ours]
    differing = [line for line in lines if line.id in ours and ours[line.id].amount != line.amount]
    stated = {line.id for line in lines}
    return lacking, differing, [id for id in ours if id not in stated]


async def put_down(
    engine: "PaymentEngine",
    work: Work,
    kind: str,
    movement: Movement,
    *,
    state: str = "open",
    ours: int | None = None,
) -> None:
    """Put down what the provider says and we do not, once however often it is found."""
    finding = await _of_key(engine, work, f"{kind}:{movement.id}")
    if finding is not None:
        if finding.state == "open" and state == "repaired":
            _close(work, finding, "repaired")
        return
    theirs = movement.amount
    said = (movement.number, movement.id, local_day(movement.at))
    await _add(engine, work, kind, *said, ours=ours, theirs=theirs, state=state)


async def put_down_missing(
    engine: "PaymentEngine", work: Work, day: date, id: str, ours: Ours
) -> None:
    """Put down what we hold and the provider's statement of its day lacks."""
    if await _of_key(engine, work, f"missing-there:{id}") is None:
        said = ("missing-there", ours.number, id, day)
        await _add(engine, work, *said, ours=ours.amount, theirs=None, state="open")


async def appeared(engine: "PaymentEngine", work: Work, ids: Iterable[str]) -> None:
    """Close what was missing from a statement and stands in a later one."""
    row, stated = engine.tables.finding, set(ids)
    found = await work.session.execute(
        work.rows(row).where(col(row.kind) == "missing-there", col(row.state) == "open")
    )
    for finding in found.scalars().all():
        if finding.transaction in stated:
            _close(work, await work.get(row, finding.id), "repaired")


async def settle(engine: "PaymentEngine", work: Work, id: UUID, note: str, *, back: bool) -> Any:
    """Settle a finding with what was done about it; with `back` the money of another sum that
    came in for a known payment goes back. Raises `Conflict`."""
    finding = await work.get(engine.tables.finding, id)
    if finding.state != "open":
        raise Conflict("payments.finding-settled")
    if back:
        await _send_back(engine, work, finding, note)
    _close(work, finding, "settled")
    finding.note, finding.settled_by = note, work.actor.real_person_id
    work.audit("payment.finding", f"finding:{finding.key}", back=back)
    return finding


async def may_go_back(engine: "PaymentEngine", read: Read, finding: Any) -> bool:
    """Return whether what came in is of a known payment, is not held here, and so can go back."""
    if finding.state != "open" or finding.kind != "other-sum" or finding.theirs is None:
        return False
    payment = engine.tables.payment
    known = await read.session.execute(
        read.rows(payment, col(payment.id)).where(col(payment.number) == finding.number)
    )
    held = await engine.transaction(read, finding.transaction)
    return known.first() is not None and held is None


async def _send_back(engine: "PaymentEngine", work: Work, finding: Any, note: str) -> None:
    if not await may_go_back(engine, work, finding):
        raise Conflict("payments.cannot-go-back")
    row = await engine.by_number(work, finding.number)
    movement = Movement(
        kind="paid",
        number=finding.number,
        transaction=finding.transaction,
        amount=finding.theirs,
        at=finding.found_at,
    )
    await engine.came_in(work, row, movement, "statement", extra=True)
    await engine.send_back(work, row, finding.transaction, finding.theirs, reason=note)


async def _of_key(engine: "PaymentEngine", work: Work, key: str) -> Any:
    row = engine.tables.finding
    found = await work.session.execute(work.rows(row, col(row.id)).where(col(row.key) == key))
    id = found.scalar_one_or_none()
    return await work.get(row, id) if id else None


async def _add(
    engine: "PaymentEngine",
    work: Work,
    kind: str,
    number: str,
    transaction: str,
    day: date,
    **sums: Any,
) -> None:
    receiver = await engine.hub.directory.by_code(engine.terms.receiver)
    if receiver is None:
        raise Conflict("payments.no-receiver")
    settled_at: datetime | None = work.now if sums["state"] == "repaired" else None
    row = engine.tables.finding(
        organization_id=receiver.id,
        key=f"{kind}:{transaction}",
        day=day,
        kind=kind,
        number=number,
        transaction=transaction,
        found_at=work.now,
        settled_at=settled_at,
        **sums,
    )
    await work.add(row)
    work.audit("payment.differs", f"finding:{row.key}", kind=kind, state=row.state)
    if row.state == "open":
        work.notify(
            engine.staff(row, engine.payments.reconcile),
            Phrase("payments.told.finding", {"number": number}),
            engine.href("findings"),
            dedupe=f"finding:{row.key}",
        )


def _close(work: Work, finding: Any, state: str) -> None:
    finding.state, finding.settled_at = state, work.now

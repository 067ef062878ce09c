"""The engine of payments: opened for a subject, taken when the provider says so, expired.

It knows the ports alone. What the provider says is taken under the app's own name, whoever
brings it: a notice, the job that asks, the statement of a day. Each is one unit of work that
locks the payment, so that what arrives twice, late or at once counts once.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, ClassVar, Final

import msgspec
from sqlmodel import col

from plugin_sdk.payments.findings import put_down
from plugin_sdk.payments.models import (
    TRANSITIONS,
    FindingRow,
    PaymentRow,
    RefundRow,
    TransactionRow,
)
from plugin_sdk.payments.provider import Movement, Provider, opened_notice
from plugin_sdk.ports import Actor, Hub, Read, To, Work
from plugin_sdk.problems import Conflict, Problem
from plugin_sdk.views import Money, Phrase

CLAIMS: Final = {"open": "open", "paid": "paid", "refunding": "paid"}
"""The states in which a payment holds its subject, and as what."""


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """What the platform granted (`[settings.payments]`): the provider, the code of the
    organization that receives, how long a payment stays open, and up to how many fen one member
    of staff gives back alone. `key_file` holds the key that the provider signs with."""

    provider: str
    receiver: str
    valid_minutes: int = 120
    refund_alone_fen: int = 0
    statement_days: int = 3
    key_file: str | None = None
    notice_seconds: int = 0
    refund_seconds: int = 0


class Payments(msgspec.Struct, frozen=True, kw_only=True):
    """Payments as an app declares them: where the pages stand, and the app's own permissions to
    pay and to see (`read`), to give back, and to settle what does not agree."""

    path: str = "/payments"
    pay: str = "payment.pay"
    read: str = "payment.read"
    refund: str = "payment.refund"
    reconcile: str = "payment.reconcile"
    effect: str | None = None


class PaymentTables(msgspec.Struct, frozen=True, kw_only=True):
    """The app's own tables."""

    payment: type[PaymentRow]
    transaction: type[TransactionRow]
    refund: type[RefundRow]
    finding: type[FindingRow]


class Disagreement(Problem):
    """The provider says what cannot be: of an unknown payment, another sum, or otherwise than
    before (409). `kind` names it in findings: unknown, other-sum, other-body."""

    status = 409

    def __init__(self, kind: str) -> None:
        super().__init__(f"payments.{kind}")
        self.kind = kind


class PaymentEngine:
    """What is done with payments. An app overrides `paid` and `returned`: what they write is in
    the same unit of work as the payment's own state."""

    tables: ClassVar[PaymentTables]

    def __init__(self, hub: Hub, payments: Payments, terms: Terms, provider: Provider) -> None:
        self.hub = hub
        self.payments = payments
        self.terms = terms
        self.provider = provider

    async def paid(self, work: Work, row: Any) -> None:
        """Do what follows once a subject is paid."""

    async def returned(self, work: Work, row: Any) -> None:
        """Do what follows once what settled a subject has gone back."""

    @property
    def system(self) -> Actor:
        """Return who takes what the provider says."""
        return self.hub.system("payments")

    def subject(self, row: Any) -> str:
        """Return how the hub's own records name a payment."""
        return f"payment:{row.number}"

    def href(self, *parts: str) -> str:
        """Return the address of the list, of a payment by its number, or of an act."""
        return "/".join((f"/apps/{self.hub.app}{self.payments.path}", *parts))

    async def open(self, work: Work, *, subject: str, title: str, lines: Mapping[str, int]) -> Any:
        """Return the payment of a subject for whoever acts: the one that is open, or a new one
        whose sum (the lines, in fen) holds until it expires. The app has checked that the
        subject is theirs. Raises `Conflict` (`payments.settled`, `payments.others`)."""
        payment, amount = self.tables.payment, sum(lines.values())
        if amount <= 0 or min(lines.values()) < 0:
            raise ValueError("a payment is of a sum above zero")
        if await self.claimed(work, f"paid:{subject}", beyond=True) is not None:
            raise Conflict("payments.settled")
        held = await self.claimed(work, f"open:{subject}", beyond=True)
        if held is not None:
            if held.person_id != work.actor.person_id:
                raise Conflict("payments.others")
            if work.now < held.expires_at:
                return held
            held = await self._for_change(work, held)
            self.move(work, held, "expire")
            await work.session.flush()  # its claim is free before another takes it
        receiver = await self.hub.directory.by_code(self.terms.receiver)
        if receiver is None:
            raise Conflict("payments.no-receiver")
        row = payment(
            organization_id=receiver.id,
            person_id=work.actor.person_id,
            number=await work.number("payment"),
            subject=subject,
            claim=f"open:{subject}",
            title=title,
            lines=[{"name": name, "amount": fen} for name, fen in lines.items() if fen],
            amount=amount,
            opened_at=work.now,
            expires_at=work.now + timedelta(minutes=self.terms.valid_minutes),
            changed_at=work.now,
        )
        await work.add(row, placed=True)
        work.audit("payment.open", self.subject(row), amount=amount, of=subject)
        if self.payments.effect is not None:
            work.start(self.payments.effect, self.subject(row))
        return row

    async def take(self, work: Work, movement: Movement, source: str) -> bool:
        """Take what the provider says of a payment; return whether it was news. `work` is the
        app's own. Raises `Disagreement`, and then nothing is written."""
        row = await self.by_number(work, movement.number)
        if row is None:
            raise Disagreement("unknown")
        if movement.kind == "refund":
            return await self._take_refund(work, row, movement)
        known = await self.transaction(work, movement.transaction)
        if known is not None:
            if (known.payment_id, known.amount, movement.done) != (row.id, movement.amount, True):
                raise Disagreement("other-body")
            return False
        if not movement.done:  # no money came, whatever the sum
            if row.state != "open":
                return False
            self.move(work, row, "fail")
            self._tell(work, row, "failed", movement.transaction)
            return True
        if movement.amount != row.amount:
            raise Disagreement("other-sum")
        settled = await self.claimed(work, f"paid:{row.subject}")
        extra = row.transaction is not None or settled is not None
        await self.came_in(work, row, movement, source, extra=extra)
        if extra:
            self._tell(work, row, "twice", movement.transaction)
            await self.send_back(work, row, movement.transaction, movement.amount)
        else:
            await self._settle(work, row, movement)
        return True

    async def came_in(
        self, work: Work, row: Any, movement: Movement, source: str, *, extra: bool
    ) -> None:
        """Write down the money of a transaction."""
        await work.add(
            self.tables.transaction(
                organization_id=row.organization_id,
                person_id=row.person_id,
                payment_id=row.id,
                transaction=movement.transaction,
                amount=movement.amount,
                paid_at=movement.at,
                known_at=work.now,
                source=source,
                extra=extra,
            )
        )

    async def _settle(self, work: Work, row: Any, movement: Movement) -> None:
        other = await self.claimed(work, f"open:{row.subject}")
        if other is not None and other.id != row.id:  # an older one of the subject was paid late
            self.move(work, await self._for_change(work, other), "expire")
        row.transaction, row.paid_at = movement.transaction, movement.at
        row.late = movement.at > row.expires_at
        self.move(work, row, "pay")
        await work.session.flush()
        self._tell(work, row, "late" if row.late else "paid", movement.transaction)
        work.emit("payment.paid", number=row.number, subject=row.subject, amount=row.amount)
        if self.payments.effect is not None:
            work.effect(self.payments.effect, self.subject(row), served=row.person_id)
        await self.paid(work, row)

    async def send_back(
        self, work: Work, row: Any, transaction: str, amount: int, **values: Any
    ) -> Any:
        """Ask for the money of a transaction to go back, by itself unless `values` say who did.
        It leaves by the job, once: the transaction is claimed. Returns the refund."""
        given = {"reason": "", "automatic": True, "state": "asked", "at": work.now, **values}
        refund = self.tables.refund(
            organization_id=row.organization_id,
            person_id=row.person_id,
            number=await work.number("refund"),
            payment_id=row.id,
            transaction=transaction,
            claim=transaction,
            amount=amount,
            **given,
        )
        await work.add(refund, placed=True)
        work.audit("refund.ask", self.subject(row), refund=refund.number, amount=amount)
        return refund

    async def _take_refund(self, work: Work, row: Any, movement: Movement) -> bool:
        statement = work.rows(self.tables.refund, col(self.tables.refund.id))
        found = await work.session.execute(
            statement.where(col(self.tables.refund.number) == movement.refund)
        )
        id = found.scalar_one_or_none()
        if id is None:
            raise Disagreement("unknown")
        refund = await work.get(self.tables.refund, id)
        ours = (refund.payment_id, refund.transaction, refund.amount)
        if ours != (row.id, movement.transaction, movement.amount):
            raise Disagreement("other-body")  # money that left is none to give back
        outcome = "done" if movement.done else "failed"
        if refund.state == outcome:
            return False
        if refund.state in ("done", "failed"):
            raise Disagreement("other-body")
        if refund.state not in ("asked", "sent"):
            raise Disagreement("unknown")  # nobody has decided to give it back
        if not movement.done:
            await self.not_returned(work, row, refund)
            return True
        refund.state, refund.done_at = "done", movement.at
        self._tell(work, row, "returned", refund.number, refund.amount)
        if refund.transaction == row.transaction:
            self.move(work, row, "return")
            work.emit("payment.refunded", number=row.number, subject=row.subject)
            await self.returned(work, row)
        return True

    async def not_returned(self, work: Work, row: Any, refund: Any) -> None:
        """Write that the provider cannot give something back: staff are told."""
        refund.state, refund.claim = "failed", None
        if refund.transaction == row.transaction:
            self.move(work, row, "keep")
        work.notify(
            self.staff(row, self.payments.refund),
            Phrase("payments.told.refund_failed", {"title": row.title, "number": row.number}),
            self.href(row.number),
            dedupe=f"refund-failed:{refund.number}",
        )

    def move(self, work: Work, row: Any, step: str) -> None:
        """Take a step of the table. Raises `Conflict` (`payments.impossible`)."""
        target = TRANSITIONS.get((row.state, step))
        if target is None:
            raise Conflict("payments.impossible")
        held = CLAIMS.get(target)
        row.claim = f"{held}:{row.subject}" if held else None
        row.state, row.version, row.changed_at = target, row.version + 1, work.now
        work.audit(f"payment.{step}", self.subject(row), amount=row.amount)

    def staff(self, row: Any, permission: str) -> To:
        """Return who of the receiving organization holds a permission."""
        return To(organization_id=row.organization_id, permission=permission)

    def _tell(self, work: Work, row: Any, what: str, once: str, amount: int = 0) -> None:
        if row.person_id is None:
            return
        params = {"title": row.title, "amount": Money(amount or row.amount)}
        work.notify(
            To(person_id=row.person_id),
            Phrase(f"payments.told.{what}", params),
            self.href(row.number),
            dedupe=f"payment-{what}:{once}",
        )

    async def by_number(self, work: Work, number: str) -> Any:
        """Return the payment of a number, locked, None where there is none in scope."""
        payment = self.tables.payment
        found = await work.session.execute(
            work.rows(payment, col(payment.id)).where(col(payment.number) == number)
        )
        id = found.scalar_one_or_none()
        return await work.get(payment, id) if id else None

    async def claimed(self, read: Read, claim: str, *, beyond: bool = False) -> Any:
        """Return the payment that holds a claim (`open:<subject>`, `paid:<subject>`), None where
        none does; `beyond` the actor's scope: another may have paid."""
        payment = self.tables.payment
        rows = (
            read.beyond_scope(payment, reason="whether the subject is paid")
            if beyond and not read.actor.system
            else read.rows(payment)
        )
        found = await read.session.execute(rows.where(col(payment.claim) == claim))
        return found.scalar_one_or_none()

    async def transaction(self, read: Read, name: str) -> Any:
        """Return what came in under a transaction of the provider, None where nothing did."""
        row = self.tables.transaction
        found = await read.session.execute(read.rows(row).where(col(row.transaction) == name))
        return found.scalar_one_or_none()

    async def _for_change(self, work: Work, row: Any) -> Any:
        return await work.get(self.tables.payment, row.id)

    async def receive(self, headers: Mapping[str, Any], body: bytes) -> None:
        """Take a notice. Raises `Problem` for one that is not signed, and `Disagreement`, which
        staff then find listed."""
        movement = opened_notice(self.provider.key, headers, body, self.hub.now())
        await self.take_alone(movement, "notice")

    async def take_alone(self, movement: Movement, source: str) -> bool:
        """`take` in a unit of work of its own; what disagrees is put down for staff in another.
        Raises `Disagreement`."""
        try:
            async with self.hub.work(self.system) as work:
                return await self.take(work, movement, source)
        except Disagreement as error:
            async with self.hub.work(self.system) as work:
                await put_down(self, work, error.kind, movement)
            raise

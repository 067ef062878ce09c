"""The desk of payments: lists, one payment, its receipt, what does not agree, forms."""

from collections.abc import Sequence
from datetime import date
from typing import Any, Final, Literal
from urllib.parse import urlencode

from sqlalchemy import case, func
from sqlmodel import col

from plugin_sdk.cursors import Position, cut, older, read_cursor
from plugin_sdk.figures import counted
from plugin_sdk.money import spell_yuan
from plugin_sdk.payments.engine import PaymentEngine
from plugin_sdk.payments.findings import may_go_back
from plugin_sdk.payments.forms import (
    DecideForm,
    Decision,
    RefundForm,
    Settled,
    SettleForm,
    SimulatedForm,
)
from plugin_sdk.payments.models import STATES
from plugin_sdk.payments.provider import Order
from plugin_sdk.payments.views import (
    FindingItem,
    FindingsView,
    PaymentItem,
    PaymentListView,
    PaymentView,
    ReceiptView,
    SumLine,
)
from plugin_sdk.ports import Read
from plugin_sdk.problems import NotFound
from plugin_sdk.taking import BLANK, Typed
from plugin_sdk.views import (
    ActionView,
    EntryView,
    FactView,
    FigureCard,
    FiguresView,
    FilterView,
    FormView,
    Money,
    Option,
    Phrase,
)

PAGE: Final = 20
MOST_FINDINGS: Final = 200
TONES: Final[dict[str, Literal["done", "returned", "paused"]]] = {
    "done": "done",
    "declined": "returned",
    "failed": "returned",
    "proposed": "paused",
}


class PaymentDesk:
    """What is shown of payments. An app overrides `subject_href`: where a subject is
    shown to who pays for it."""

    def __init__(self, engine: PaymentEngine) -> None:
        self.engine = engine
        self.hub = engine.hub
        self.payments = engine.payments

    def subject_href(self, subject: str) -> str | None:
        """Return where what a payment is for is shown."""
        return None

    async def find(self, read: Read, number: str) -> Any:
        """Return a payment in scope. Raises `NotFound`."""
        payment = self.engine.tables.payment
        found = await read.session.execute(
            read.rows(payment, permission=self.payments.read).where(col(payment.number) == number)
        )
        row = found.scalar_one_or_none()
        if row is None:
            raise NotFound
        return row

    async def list_view(self, read: Read, state: str, cursor: str) -> PaymentListView:
        """Return a page of the payments in scope: one's own, or those of one's organization."""
        payment = self.engine.tables.payment
        statement = read.rows(payment, permission=self.payments.read)
        if state:
            statement = statement.where(col(payment.state) == state)
        if cursor:
            at = read_cursor(cursor)
            statement = statement.where(older(at, col(payment.changed_at), col(payment.id)))
        statement = statement.order_by(col(payment.changed_at).desc(), col(payment.id).desc())
        found = (await read.session.execute(statement.limit(PAGE + 1))).scalars()
        rows, following = cut(list(found), PAGE, lambda row: Position(row.changed_at, row.id))
        asked = {name: value for name, value in (("state", state), ("cursor", following)) if value}
        staff = await read.holds(self.payments.reconcile)
        return PaymentListView(
            title=Phrase("payments.list" if staff else "payments.own"),
            items=[self._item(row) for row in rows],
            filters=[
                FilterView(
                    name="state",
                    label=Phrase("payments.column.state"),
                    options=[Option(name, Phrase(f"payments.state.{name}")) for name in STATES],
                    value=state,
                )
            ],
            next_href=f"{self.engine.href()}?{urlencode(asked)}" if following else None,
            links=[self._link(name) for name in ("findings", "figures")] if staff else [],
        )

    def _item(self, row: Any) -> PaymentItem:
        return PaymentItem(
            number=row.number,
            title=row.title,
            amount=Money(row.amount),
            state=row.state,
            state_label=Phrase(f"payments.state.{row.state}"),
            at=row.paid_at or row.opened_at,
            href=self.engine.href(row.number),
        )

    def _link(self, name: str) -> ActionView:
        return ActionView(
            verb=name, label=Phrase(f"payments.{name}.title"), href=self.engine.href(name)
        )

    async def payment_view(self, read: Read, row: Any) -> PaymentView:
        """Return one payment, with what came in and what goes back."""
        own = row.person_id is not None and row.person_id == read.actor.person_id
        due = row.state == "open" and read.now < row.expires_at
        mine = own and await read.holds(self.payments.pay)
        said = "passed" if row.state == "open" and not due else row.state
        if row.state == "paid" and row.late:
            said = "late"
        kept = row.state in ("paid", "refunding", "refunded")
        return PaymentView(
            number=row.number,
            title=row.title,
            amount=Money(row.amount),
            lines=self.lines(row),
            state=row.state,
            state_label=Phrase(f"payments.state.{row.state}"),
            sentence=Phrase(f"payments.sentence.{said}", {"until": row.expires_at}),
            version=row.version,
            expires_at=row.expires_at,
            entries=await self._entries(read, row),
            pay_href=self.engine.provider.address(self.order(row)) if due and mine else None,
            subject_href=self.subject_href(row.subject) if own else None,
            receipt_href=self.engine.href(row.number, "receipt") if kept else None,
            actions=await self._actions(read, row),
            list_href=self.engine.href(),
        )

    def order(self, row: Any) -> Order:
        """Return what the provider is asked to take."""
        return Order(row.number, row.amount, row.title, row.expires_at)

    def lines(self, row: Any) -> list[SumLine]:
        """Return the parts of a sum; their words are the app's (`<app>.payment.<name>`)."""
        return [
            SumLine(Phrase(f"{self.hub.app}.payment.{line['name']}"), Money(line["amount"]))
            for line in row.lines
        ]

    async def _actions(self, read: Read, row: Any) -> list[ActionView]:
        if row.state != "paid" or not await read.holds(self.payments.refund, row):
            return []
        waiting = await self._refunds(read, row, "proposed")
        if waiting:
            href = self.engine.href("refunds", str(waiting[0].id))
            return [ActionView(verb="decide", label=Phrase("payments.act.decide"), href=href)]
        href = self.engine.href(row.number, "refund")
        return [ActionView(verb="refund", label=Phrase("payments.act.refund"), href=href)]

    async def _refunds(self, read: Read, row: Any, *states: str) -> Sequence[Any]:
        refund = self.engine.tables.refund
        statement = read.rows(refund, permission=self.payments.read).where(
            col(refund.payment_id) == row.id
        )
        if states:
            statement = statement.where(col(refund.state).in_(states))
        found: Sequence[Any] = (await read.session.execute(statement)).scalars().all()
        return found

    async def _entries(self, read: Read, row: Any) -> list[EntryView]:
        came = self.engine.tables.transaction
        money = read.rows(came, permission=self.payments.read).where(col(came.payment_id) == row.id)
        entries = [
            EntryView(
                verb="extra" if one.extra else "paid",
                label=Phrase(f"payments.entry.{'extra' if one.extra else 'paid'}"),
                at=one.paid_at,
                text=f"¥{spell_yuan(one.amount)} · {one.transaction}",
                tone="returned" if one.extra else "done",
            )
            for one in (await read.session.execute(money)).scalars()
        ]
        back = await self._refunds(read, row)
        entries += [self._refund_entry(refund) for refund in back]
        opened = EntryView(verb="open", label=Phrase("payments.entry.open"), at=row.opened_at)
        return sorted([*entries, opened], key=lambda one: one.at or row.opened_at, reverse=True)

    def _refund_entry(self, refund: Any) -> EntryView:
        return EntryView(
            verb="refund",
            label=Phrase(f"payments.refund.{refund.state}"),
            at=refund.done_at or refund.at,
            role=refund.role,
            unit=refund.unit,
            reason=" · ".join(said for said in (refund.reason, refund.note) if said) or None,
            text=f"¥{spell_yuan(refund.amount)} · {refund.number}",
            tone=TONES.get(refund.state, "step"),
        )

    def receipt_view(self, row: Any) -> ReceiptView:
        """Return the receipt of what was paid. Raises `NotFound` where nothing was."""
        if row.paid_at is None:
            raise NotFound
        back = row.state in ("refunding", "refunded")
        paid_at = Phrase("payments.at", {"at": row.paid_at})
        return ReceiptView(
            number=row.number,
            title=row.title,
            amount=Money(row.amount),
            lines=self.lines(row),
            facts=[
                FactView(Phrase("payments.column.number"), row.number),
                FactView(Phrase("payments.column.transaction"), row.transaction),
                FactView(Phrase("payments.column.paid_at"), paid_at),
                FactView(
                    Phrase("payments.column.provider"),
                    Phrase(f"payments.provider.{self.engine.provider.name}"),
                ),
            ],
            note=Phrase(f"payments.receipt.{row.state}") if back else None,
            payment_href=self.engine.href(row.number),
        )

    async def findings_view(self, read: Read) -> FindingsView:
        """Return what does not agree with the provider, what is open first."""
        row = self.engine.tables.finding
        statement = read.rows(row, permission=self.payments.reconcile)
        first = case((col(row.state) == "open", 0), else_=1)
        found = await read.session.execute(
            statement.order_by(first, col(row.found_at).desc(), col(row.id)).limit(MOST_FINDINGS)
        )
        items = [self._finding(finding) for finding in found.scalars().all()]
        days = self.engine.terms.statement_days
        return FindingsView(
            title=Phrase("payments.findings.title"),
            items=items,
            open=sum(item.state == "open" for item in items),
            compared=Phrase("payments.findings.compared", {"days": days}),
        )

    def _finding(self, row: Any) -> FindingItem:
        known = row.kind in ("other-sum", "missing-here", "missing-there")
        href = self.engine.href("findings", str(row.id))
        return FindingItem(
            id=str(row.id),
            day=row.day,
            kind=Phrase(f"payments.finding.{row.kind}"),
            number=row.number,
            transaction=row.transaction,
            ours=None if row.ours is None else Money(row.ours),
            theirs=None if row.theirs is None else Money(row.theirs),
            state=row.state,
            state_label=Phrase(f"payments.findings.{row.state}"),
            note=row.note,
            payment_href=self.engine.href(row.number) if known else None,
            settle=ActionView(verb="settle", label=Phrase("payments.act.settle"), href=href)
            if row.state == "open"
            else None,
        )

    async def figures_view(self, read: Read, since: date, until: date) -> FiguresView:
        """Return what was paid and given back in a period, and what does not agree now."""
        tables, permission = self.engine.tables, self.payments.reconcile
        period = (since, until)
        sums: list[tuple[str, Any, Any, Any]] = [
            ("paid", tables.payment, tables.payment.paid_at, None),
            ("received", tables.transaction, tables.transaction.paid_at, "amount"),
            ("refunded", tables.refund, tables.refund.done_at, "amount"),
            ("findings", tables.finding, tables.finding.found_at, None),
        ]
        cards: list[FigureCard] = []
        for name, model, moment, column in sums:
            value = func.sum(col(getattr(model, column))) if column else None
            words = f"payments.figures.{name}"
            card = await counted(
                read, words, model, moment, *period, value=value, permission=permission
            )
            if column:
                card.unit = "fen"
            cards.append(card)
        return FiguresView(
            title=Phrase("payments.figures.title"), since=since, until=until, cards=cards
        )

    def about(self, row: Any) -> list[FactView]:
        """Return what a form is about: the payment in a few rows."""
        return [
            FactView(Phrase("payments.column.title"), row.title),
            FactView(Phrase("payments.column.amount"), Money(row.amount)),
            FactView(Phrase("payments.column.number"), row.number),
            FactView(Phrase("payments.column.state"), Phrase(f"payments.state.{row.state}")),
        ]

    def refund_form(self, row: Any, typed: Typed = BLANK) -> FormView:
        """Return the form that gives a payment back."""
        alone = row.amount <= self.engine.terms.refund_alone_fen
        return FormView(
            title=Phrase("payments.act.refund"),
            intro=Phrase(f"payments.refund.{'alone' if alone else 'with_second'}"),
            action=self.engine.href(row.number, "refund"),
            verb=Phrase("payments.act.refund" if alone else "payments.act.propose"),
            fields=[f for f in typed.fields(RefundForm, "payments") if f.name != "version"],
            hidden={"version": str(row.version)},
            cancel=self.engine.href(row.number),
            conflict=typed.conflict,
            about=self.about(row),
        )

    def decide_form(self, row: Any, refund: Any, typed: Typed = BLANK) -> FormView:
        """Return the form in which a second person decides."""
        proposed = Phrase("payments.refund.by", {"unit": refund.unit, "role": refund.role})
        offered = [Option(one, Phrase(f"payments.decision.{one}")) for one in Decision.of(refund)]
        return FormView(
            title=Phrase("payments.act.decide"),
            intro=Phrase(f"payments.refund.{'owed' if refund.owed else 'second'}"),
            action=self.engine.href("refunds", str(refund.id)),
            verb=Phrase("payments.act.decide"),
            fields=typed.fields(DecideForm, "payments", options={"decision": offered}),
            cancel=self.engine.href(row.number),
            conflict=typed.conflict,
            about=[
                *self.about(row),
                FactView(Phrase("payments.field.reason"), refund.reason),
                FactView(Phrase("payments.column.proposed"), proposed),
                *(
                    [FactView(Phrase("payments.column.delayed"), refund.note)]
                    if refund.note
                    else []
                ),
            ],
        )

    async def settle_form(self, read: Read, finding: Any, typed: Typed = BLANK) -> FormView:
        """Return the form that settles a finding."""
        ways = list(Settled) if await may_go_back(self.engine, read, finding) else [Settled.NOTE]
        offered = [Option(way.value, Phrase(f"payments.how.{way}")) for way in ways]
        item = self._finding(finding)
        return FormView(
            title=Phrase("payments.act.settle"),
            action=self.engine.href("findings", str(finding.id)),
            verb=Phrase("payments.act.settle"),
            fields=typed.fields(
                SettleForm, "payments", {"how": Settled.NOTE}, options={"how": offered}
            ),
            cancel=self.engine.href("findings"),
            conflict=typed.conflict,
            about=[
                FactView(Phrase("payments.column.kind"), item.kind),
                FactView(Phrase("payments.column.day"), item.day),
                FactView(Phrase("payments.column.transaction"), item.transaction),
                FactView(Phrase("payments.column.ours"), item.ours),
                FactView(Phrase("payments.column.theirs"), item.theirs),
            ],
        )

    def simulated_form(self, order: Order, action: str, typed: Typed = BLANK) -> FormView:
        """Return the page of the simulated provider, which takes nothing once it is too late."""
        over = order.expires_at <= self.hub.now()
        return FormView(
            title=Phrase("payments.simulated.title"),
            intro=Phrase("payments.simulated.intro"),
            action=action,
            verb=Phrase("payments.simulated.pay", {"amount": Money(order.amount)}),
            fields=typed.fields(SimulatedForm, "payments.simulated", {"how": "at-once"}),
            cancel=self.engine.href(order.number),
            conflict=typed.conflict or (Phrase("payments.simulated.over") if over else None),
            about=[
                FactView(Phrase("payments.column.title"), order.title),
                FactView(Phrase("payments.column.amount"), Money(order.amount)),
                FactView(Phrase("payments.column.number"), order.number),
            ],
        )

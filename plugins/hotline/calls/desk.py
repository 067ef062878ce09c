"""The operator's desk as it is shown."""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

from sqlmodel import col

from plugin_sdk.cases.queries import CaseFacts, columns_of
from plugin_sdk.ports import Read
from plugin_sdk.problems import AppConflict, NotFound
from plugin_sdk.taking import BLANK, Typed
from plugin_sdk.views import ActionView, CaseItem, FieldView, Phrase
from plugins.hotline.calls.forms import DeskForm, DialForm, FinishForm, SeatForm
from plugins.hotline.calls.listing import orders_shown
from plugins.hotline.calls.models import Call
from plugins.hotline.calls.switchboard import HISTORY, READ, Switchboard
from plugins.hotline.calls.views import (
    CallItem,
    DeskView,
    FiledView,
    PartForm,
    PhoneView,
    RingingView,
    call_item,
    line_words,
    phone_words,
    seen_of,
)
from plugins.hotline.knowledge.answering import called
from plugins.hotline.lines import register as lines
from plugins.hotline.models import Order

HERE: Final = "/apps/hotline"
DESK: Final = f"{HERE}/desk"
INTAKE: Final = f"{HERE}/intake"
NOT_BY_PHONE: Final = frozenset({"photos", "longitude", "latitude"})
NOT_TYPED: Final = frozenset({"repeats", "used"})
"""What is chosen of what stands beside the form."""


class Desk:
    """What operators see. `part` of what was typed says which of the desk's forms it is of."""

    def __init__(self, board: Switchboard) -> None:
        self.board = board
        self.orders = board.orders

    async def phone(self, read: Read, shown: str) -> PhoneView:
        """Return the telephone; `shown` is the call that the page around it is of."""
        ringing, current = await self.board.ringing(read), await self.board.at_desk(read)
        names = await lines.names(read)
        return self._phone(ringing, current, names, shown)

    def _phone(
        self,
        ringing: Sequence[Call],
        current: Call | None,
        names: Mapping[str, str],
        shown: str,
    ) -> PhoneView:
        rings = [
            RingingView(
                id=str(call.id),
                phone=phone_words(call.phone),
                line=line_words(call.line, names),
                started_at=call.started_at,
                answer_href=f"{HERE}/calls/{call.id}/answer",
            )
            for call in ringing
        ]
        said = None
        if rings:
            first = {"phone": rings[0].phone, "line": rings[0].line, "n": len(rings)}
            said = Phrase("hotline.call.rings", first)
        at, seen = str(current.id) if current else "", seen_of(ringing, current)
        return PhoneView(
            ringing=rings,
            current=at,
            state=_state(current),
            seen=seen,
            shown=shown,
            href=f"{DESK}/phone?{urlencode({'seen': seen, 'shown': shown})}",
            said=said,
        )

    async def view(
        self,
        read: Read,
        part: str = "",
        typed: Typed = BLANK,
        filed: str = "",
        query: str = "",
        *,
        kept: bool = False,
    ) -> DeskView:
        """Return the desk, with what was typed into one of its forms, what is found by that or by
        the words of a query, and the order just filed; without the caller's number where the
        answer is `kept` for who sends the act again."""
        ringing, current = await self.board.ringing(read), await self.board.at_desk(read)
        names = await lines.names(read)

        def of(name: str) -> Typed:
            return typed if name == part else BLANK

        view = DeskView(
            phone=self._phone(ringing, current, names, str(current.id) if current else ""),
            seat=await self.board.seat(read),
            seat_form=PartForm(
                action=f"{HERE}/seat", fields=of("seat").fields(SeatForm, "hotline.call")
            ),
            dial_form=PartForm(
                action=f"{HERE}/calls/out", fields=of("dial").fields(DialForm, "hotline.call")
            ),
            conflict=typed.conflict,
            links=[
                *self._simulated(),
                ActionView(verb="intake", label=Phrase("hotline.order.intake"), href=INTAKE),
                ActionView(verb="calls", label=Phrase("hotline.call.list"), href=f"{HERE}/calls"),
            ],
        )
        if filed:
            view.filed = await self._filed(read, filed)
        if current is None:
            return view
        view.call = call_item(current, names, await orders_shown(read, [current]))
        begun = await self.orders.answering.standing(read, typed.values.get("used"))
        view.begun = called(begun) if begun else ""
        used = {"used": str(begun.id)} if begun else {}
        here = f"{HERE}/calls/{current.id}"
        view.finish = PartForm(
            action=f"{here}/finish",
            fields=_typed_in(of("finish").fields(FinishForm, "hotline.call")),
            hidden=used,
        )
        if current.direction == "in":
            view.intake = PartForm(
                action=f"{here}/order",
                fields=await self._intake(read, "" if kept else current.phone, of("order")),
                hidden=used,
            )
            view.beside = await self.orders.beside.view(
                read, f"{here}/look", of("order").values, query, answers=True
            )
        view.orders = await self.orders_of(read, current.phone)
        view.calls = await self._before(read, current, names)
        return view

    def _simulated(self) -> list[ActionView]:
        if self.board.exchange.name != "simulated":
            return []
        ring = Phrase("hotline.call.simulated.link")
        return [ActionView(verb="ring", label=ring, href=f"{HERE}/telephony/simulated")]

    async def _intake(self, read: Read, phone: str, typed: Typed) -> list[FieldView]:
        engine = self.orders.engine
        fields = typed.fields(
            DeskForm,
            engine.prefix,
            {"phone": _as_dialled(phone)},
            options=await self.orders.options(read, DeskForm, None),
            hints=self.orders.hints | {"spot_reply"},
        )
        return [field for field in _typed_in(fields) if field.name not in NOT_BY_PHONE]

    async def looked(self, read: Read, id: UUID, typed: Typed, query: str) -> DeskView:
        """Return the desk with what is found by what was typed of a call. Raises `AppConflict`
        where that is not the call at the desk: what one caller said is not shown to go on with
        another's."""
        current = await self.board.at_desk(read)
        if current is None or current.id != id or current.direction != "in":
            raise AppConflict("hotline", "call-over")
        return await self.view(read, "order", typed, query=query)

    async def begun(self, read: Read, typed: Typed, id: UUID) -> Typed:
        """Return what was typed with the reply begun by an answer: in place of the one before if
        that stands as it was, or else after it. Raises `NotFound`, `Conflict`."""
        answering, values = self.orders.answering, typed.values
        row = self.orders.beside.matter(read, values)
        begun = await answering.begun(read, row, id)
        text, before = begun.values["text"], str(values.get("reply") or "").strip()
        old = await answering.standing(read, values.get("used"))
        if before and not (old and before == answering.completed(read, row, old.text).strip()):
            text = f"{before}\n{text}"
        return Typed(values={**values, "reply": text, "used": begun.values["used"]})

    async def orders_of(self, read: Read, phone: str) -> list[CaseItem]:
        """Return the orders in scope of who is reached at a number, newest first. Those of a
        secret caller are nobody's."""
        if not phone:
            return []
        statement = (
            read.rows(Order, *columns_of(Order, "kind"), permission="order.read")
            .where(col(Order.caller_phone) == phone, col(Order.secret).is_(False))
            .order_by(col(Order.opened_at).desc())
            .limit(HISTORY)
        )
        return await self.orders.items(read, await read.fetch(statement, CaseFacts))

    async def _before(self, read: Read, call: Call, names: Mapping[str, str]) -> list[CallItem]:
        found = await self.board.before(read, call)
        numbers = await orders_shown(read, found)
        told = [one for one in found if one.order_id is None or one.order_id in numbers]
        return [call_item(one, names, numbers) for one in told]

    async def _filed(self, read: Read, number: str) -> FiledView | None:
        """Return what the caller is told, to whoever filed it; None for anybody else."""
        engine = self.orders.engine
        try:
            order = await engine.find(read, number)
        except NotFound:
            return None
        if not await engine.filed_by(read, order):
            return None
        going = read.rows(Call, col(Call.id), permission=READ).where(
            col(Call.order_id) == order.id,
            col(Call.ended_at).is_(None),
            col(Call.direction) == "in",
        )
        id = (await read.session.execute(going.limit(1))).scalar_one_or_none()
        (item,) = await self.orders.items(read, [_facts(order)])
        return FiledView(
            number=order.number,
            code=order.code,
            deadline=item.deadline,
            href=engine.href(order.number),
            hang_up_href=f"{HERE}/calls/{id}/hang-up" if id else None,
        )


def _typed_in(fields: Sequence[FieldView]) -> list[FieldView]:
    return [field for field in fields if field.name not in NOT_TYPED]


def _as_dialled(phone: str) -> str:
    """Return a mobile as people say it; other numbers keep what makes them whole."""
    return phone[3:] if phone.startswith("+861") and len(phone) == len("+8613800000000") else phone


def _state(call: Call | None) -> Phrase | None:
    if call is None:
        return None
    if call.ended_at is not None:
        return Phrase("hotline.call.state.ended")
    return Phrase(f"hotline.call.state.{'going' if call.answered_at else 'connecting'}")


def _facts(order: Any) -> CaseFacts:
    names = [name for name in CaseFacts.__struct_fields__ if name != "kind"]
    return CaseFacts(**{name: getattr(order, name) for name in names}, kind=order.kind)

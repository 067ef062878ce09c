"""The operator's desk as it is shown, and the list of calls."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

from sqlmodel import col

from plugin_sdk.cases.queries import CaseFacts, columns_of
from plugin_sdk.cursors import Position, cut, older, read_cursor
from plugin_sdk.figures import bounds
from plugin_sdk.ports import Read
from plugin_sdk.problems import AppConflict, NotFound, Problem
from plugin_sdk.taking import BLANK, Typed
from plugin_sdk.views import ActionView, CaseItem, FieldView, FilterView, Option, Phrase
from plugins.hotline.calls.forms import DeskForm, DialForm, FinishForm, SeatForm
from plugins.hotline.calls.models import Call
from plugins.hotline.calls.switchboard import HISTORY, READ, Switchboard
from plugins.hotline.calls.views import (
    CallItem,
    CallsView,
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
OUTCOMES: Final = ("order", "answered", "transferred", "called_back", "abandoned", "unrecorded")
NOT_BY_PHONE: Final = frozenset({"photos", "longitude", "latitude"})
NOT_TYPED: Final = frozenset({"repeats", "used"})
"""What is chosen of what stands beside the form."""
PAGE: Final = 50


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
        view.call = call_item(current, names, await self._numbers(read, [current]))
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
        numbers = await self._numbers(read, found)
        told = [one for one in found if one.order_id is None or one.order_id in numbers]
        return [call_item(one, names, numbers) for one in told]

    async def _numbers(self, read: Read, calls: Sequence[Call]) -> dict[UUID, str]:
        """Return the numbers of the orders that calls belong to: in scope, of no secret caller."""
        ids = [call.order_id for call in calls if call.order_id is not None]
        if not ids:
            return {}
        statement = read.rows(Order, col(Order.id), col(Order.number), permission="order.read")
        statement = statement.where(col(Order.id).in_(ids), col(Order.secret).is_(False))
        return {id: number for id, number in await read.session.execute(statement)}

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

    async def calls(self, read: Read, asked: Mapping[str, str], cursor: str) -> CallsView:
        """Return a page of the calls in scope. Raises `Problem` for what is no choice."""
        names = await lines.names(read)
        statement = read.rows(Call, permission=READ)
        filters = _filters(names, asked)
        for one in filters:
            if one.value and one.options:
                if one.value not in {option.value for option in one.options}:
                    raise Problem("case.unknown-state")
                statement = statement.where(col(getattr(Call, one.name)) == one.value)
        if day := asked.get("day"):
            first, last = bounds(_day(day), _day(day))
            statement = statement.where(col(Call.started_at) >= first, col(Call.started_at) < last)
        if cursor:
            place = read_cursor(cursor)
            statement = statement.where(older(place, col(Call.started_at), col(Call.id)))
        statement = statement.order_by(col(Call.started_at).desc(), col(Call.id).desc())
        found = await read.session.execute(statement.limit(PAGE + 1))
        rows, following = cut(
            list(found.scalars()), PAGE, lambda call: Position(call.started_at, call.id)
        )
        numbers = await self._numbers(read, rows)
        chosen = {one.name: one.value for one in filters if one.value}
        return CallsView(
            items=[call_item(call, names, numbers) for call in rows],
            filters=filters,
            next_href=f"{HERE}/calls?{urlencode({**chosen, 'cursor': following})}"
            if following
            else None,
            links=[
                ActionView(
                    verb="figures",
                    label=Phrase("hotline.line.figures.title"),
                    href=f"{HERE}/lines/figures",
                )
            ]
            if await read.holds(lines.READ)
            else [],
        )


def _typed_in(fields: Sequence[FieldView]) -> list[FieldView]:
    return [field for field in fields if field.name not in NOT_TYPED]


def _filters(names: Mapping[str, str], asked: Mapping[str, str]) -> list[FilterView]:
    choices: dict[str, list[Option]] = {
        "direction": [
            Option(one, Phrase(f"hotline.call.direction.{one}")) for one in ("in", "out")
        ],
        "outcome": [Option(one, Phrase(f"hotline.call.outcome.{one}")) for one in OUTCOMES],
        "line": [Option(code, f"{name} {code}") for code, name in sorted(names.items())],
    }
    found = [
        FilterView(
            name=name,
            label=Phrase(f"hotline.call.field.{name}"),
            options=options,
            value=asked.get(name, ""),
        )
        for name, options in choices.items()
        if options
    ]
    day = Phrase("hotline.call.field.day")
    return [*found, FilterView(name="day", label=day, options=[], value=asked.get("day", ""))]


def _day(text: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise Problem("case.bad-period") from None
    if not 1900 < day.year < 9000:
        raise Problem("case.bad-period")
    return day


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

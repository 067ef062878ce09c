"""The demonstration: calls of the last months by several lines, of our own making."""

from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from typing import Any, Final

from sqlmodel import col

from plugin_sdk.extension import ImportReport
from plugin_sdk.forms import validate
from plugin_sdk.ports import Actor, Work
from plugins.hotline.calls.connecting import switchboard_of
from plugins.hotline.calls.forms import DeskForm, FinishForm
from plugins.hotline.calls.models import Call
from plugins.hotline.calls.switchboard import READ, Switchboard
from plugins.hotline.calls.telephony import Event
from plugins.hotline.desk import OrderDesk

WATER: Final = {"kind": "help", "text": "小区水压低，六楼早晚没有水", "place": "富国街道阳光小区"}
BUS: Final = {
    "kind": "consult",
    "text": "3 路公交末班车是几点",
    "reply": "末班车 21:30 从客运站发车。",
}
CALLS: Final[tuple[tuple[float, str, str, Mapping[str, Any]], ...]] = (
    # days ago, line, number (made up; empty: withheld), what became of it
    (58.2, "12328", "13800001206", BUS),
    (51.1, "12319", "13800001207", {"outcome": "answered", "note": "告知报修电话"}),
    (44.3, "0543-3321111", "13800001208", WATER),
    (40.0, "12345", "", {"outcome": "answered", "note": "问办公时间"}),
    (33.2, "12369", "13800001209", {"outcome": "transferred", "note": "转 110"}),
    (27.4, "12345", "13800001210", {}),
    (20.1, "0543-3321111", "13800001208", {"outcome": "answered", "note": "告知修复时间"}),
    (12.3, "12345", "13800001211", {"outcome": "called_back", "note": "断线后回拨"}),
    (6.2, "12369", "13800001212", {"outcome": "answered", "note": "告知已并入 12345"}),
    (1.1, "12345", "13800001210", {}),
)


async def demonstrate(desk: OrderDesk, cast: Mapping[str, Actor]) -> AsyncIterator[ImportReport]:
    """Let the calls come in and be dealt with; what is there is left as it is."""
    board, hub = switchboard_of(desk), desk.hub
    if board is None:
        return
    await desk.prepare()
    async with hub.read(hub.system("demonstration")) as read:
        found = read.rows(Call, col(Call.provider_id), permission=READ)
        known = set((await read.session.execute(found)).scalars())
    for n, (days, line, phone, became) in enumerate(CALLS, 1):
        id = f"demonstration-{n}"
        if id not in known:
            then = hub.at(hub.now() - timedelta(days=days))
            async with then.work(cast["operator"]) as work:
                await _act_out(board, work, id, line, phone, became)
        outcome: Any = "present" if id in known else "added"
        yield ImportReport(line=n, outcome=outcome, total=len(CALLS))


async def _act_out(
    board: Switchboard, work: Work, id: str, line: str, phone: str, became: Mapping[str, Any]
) -> None:
    """Let one call ring, be answered (unless nothing became of it), and end."""
    centre = await board.orders.engine.receiver(work.actor)
    told: dict[str, Any] = {"call": id, "phone": phone, "line": line}
    call = await board.take(work, Event(kind="ringing", at=work.now, **told), centre)
    if became:
        await board.answer(work, call.id)
        at = work.now + timedelta(seconds=6)
        await board.take(work, Event(kind="answered", at=at, **told), centre)
        if "outcome" in became:
            await board.finish(work, call.id, validate(FinishForm, became))
            call.ended_at = None  # the exchange says when
        else:
            await board.file(work, call.id, validate(DeskForm, {**became, "phone": phone}))
    at = work.now + timedelta(seconds=40 if not became else 190)
    await board.take(work, Event(kind="ended", at=at, **told), centre)

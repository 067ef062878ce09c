"""Four months of orders of our own making, acted out through the engine in every state; after a
rain one street office has more of them than before."""

import csv
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from plugin_sdk.cases.rehearsal import Act, Scene, rehearse
from plugin_sdk.extension import ImportReport
from plugin_sdk.forms import Submission, validate
from plugin_sdk.ports import Actor, Work
from plugins.hotline.calls import demonstration as calls
from plugins.hotline.checking import demonstration as checking
from plugins.hotline.coordination import demonstration as coordinations
from plugins.hotline.desk import OrderDesk
from plugins.hotline.dispatching import demonstration as dispatching
from plugins.hotline.enterprises import demonstration as enterprises
from plugins.hotline.forms import FileForm, IntakeForm
from plugins.hotline.knowledge import demonstration as knowledge
from plugins.hotline.lines import demonstration as lines
from plugins.hotline.open311 import demonstration as publishing
from plugins.hotline.reception import demonstration as receptions

SOURCE: Final = Path(__file__).parent / "data" / "demonstration.csv"
DAY: Final = 24.0
CALLER: Final = {"caller_name": "王秀英", "phone": "13800005678"}  # made up


async def _orders(desk: OrderDesk, cast: Mapping[str, Actor]) -> AsyncIterator[ImportReport]:
    regions = {one.name: str(one.id) for one in await desk.hub.directory.regions()}
    with SOURCE.open(encoding="utf-8", newline="") as file:
        orders = list(csv.DictReader(file))
    unit = str(cast["unit"].organization_id)
    scenes = [
        Scene(
            key=str(n),
            by=order["by"],
            days_ago=float(order["days_ago"]),
            open=_opening(desk, order, regions),
            acts=_acts(order, unit),
        )
        for n, order in enumerate(orders, 1)
    ]
    async for report in rehearse(desk.engine, cast, scenes):
        yield report


def _opening(
    desk: OrderDesk, order: Mapping[str, str], regions: Mapping[str, str]
) -> Callable[[Work], Awaitable[Any]]:
    values = {name: order[name] for name in ("kind", "place", "text")}
    if order["region"]:
        values["region"] = regions[order["region"]]
    values["wishes_public"] = str(order["public"] == "yes").lower()

    async def open_order(work: Work) -> Any:
        if order["by"] == "operator":
            return await desk.intake(work, Submission(validate(IntakeForm, values | CALLER), None))
        return await desk.file(work, Submission(validate(FileForm, values), None))

    return open_order


def _acts(order: Mapping[str, str], unit: str) -> tuple[Act, ...]:
    """Return the acts that lead an order as far as its `path` says."""
    text = {"text": f"您反映的情况已核实：{order['outcome']}。"}
    handed = (Act("dispatch", "dispatcher", 2, {"unit": unit, "category": order["category"]}),)
    signed = (*handed, Act("sign", "unit", 3))
    begun = (*signed, Act("process", "unit", 2))
    reply = Act("reply", "unit", 3 * DAY, text)
    replied = (*begun, reply)
    asked = (*begun, Act("extend", "unit", DAY, {"days": 5, "reason": "配件未到，到货后安装"}))
    decided = (*asked, Act("approve-extension", "dispatcher", 4, {"decision": "approve"}))
    basis = {"reason": "变压器由供电所管理", "legal_basis": "《电力法》第五十三条"}
    why = {"reason": "供电所已并入该单位协调", **handed[0].form}
    once_more = (Act("dispatch", "dispatcher", 2, why),)
    again = Act("reopen", "resident", 2 * DAY, {"reason": "只移走了一个，另一个还在"})
    paths: dict[str, tuple[Act, ...]] = {
        "received": (),
        "answered": (Act("answer", "operator", 1, text),),
        "dispatched": handed,
        "signed": signed,
        "processing": begun,
        "urged": (*begun, Act("urge", "dispatcher", 2 * DAY)),
        "asked": asked,
        "overdue": begun,
        "replied": replied,
        "lapsed": replied,
        "late": (*begun, Act("reply", "unit", 30 * DAY, text)),
        "extended": (*decided, reply),
        "returned": (*handed, Act("return", "unit", 3, basis), *once_more, *replied[1:]),
        "reopened": (*replied, again, *begun),
    }
    for stars in "245":
        paths[f"rated{stars}"] = (*replied, Act("rate", "resident", DAY, {"rating": stars}))
    return paths[order["path"]]


PARTS: Final[Sequence[Callable[[OrderDesk, Mapping[str, Actor]], AsyncIterator[ImportReport]]]] = (
    *(knowledge.demonstrate, _orders, lines.demonstrate, calls.demonstrate),
    *(enterprises.demonstrate, receptions.demonstrate),
    dispatching.demonstrate,
    *(coordinations.demonstrate, checking.demonstrate),
    publishing.demonstrate,
)
"""What is acted out, in this order."""


async def run(desk: OrderDesk, cast: Mapping[str, Actor]) -> AsyncIterator[ImportReport]:
    """Yield a report for each thing that the cast acts out."""
    for part in PARTS:
        async for report in part(desk, cast):
            yield report

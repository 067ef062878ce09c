"""Rules, a request that repeats another, and one that goes from hand to hand: of our own making."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any, Final

from sqlmodel import col

from plugin_sdk.cases.rehearsal import Act, Scene, rehearse
from plugin_sdk.extension import ImportReport
from plugin_sdk.forms import Submission, validate
from plugin_sdk.ports import Actor, Work
from plugins.hotline.desk import OrderDesk
from plugins.hotline.dispatching.forms import ResponsibilityForm
from plugins.hotline.dispatching.rules import RuleDesk
from plugins.hotline.forms import FileForm, IntakeForm
from plugins.hotline.models import Order

CITY: Final = "城乡建设/城市建设和市政管理"
RULES: Final = (
    ("市政管理", "unit", CITY, "三定方案：城市管理局负责市政公用设施和市容环境"),
    ("小区管理", "unit3", f"{CITY}/小区管理", "三定方案：住房和城乡建设局负责物业管理"),
    (
        "噪音污染",
        "unit",
        "环境保护/环境污染/噪音污染",
        "职责分工：施工和生活噪声由城市管理局查处",
    ),
    ("交通运输", "unit2", "交通运输", "三定方案：交通运输局负责客货运输和道路"),
)
LEAF: Final = f"{CITY}/城市公共设施"
CALLER: Final = {"caller_name": "刘建国", "phone": "13800004321"}  # made up
REPEATED: Final = "rehearsal:23"
"""The order of the demonstration that another one repeats."""


async def demonstrate(orders: OrderDesk, cast: Mapping[str, Actor]) -> AsyncIterator[ImportReport]:
    """Yield a report for each rule and each order."""
    desk = RuleDesk(orders)
    keeper = cast["dispatcher"].organization_id
    for line, (name, role, category, basis) in enumerate(RULES, 1):
        form = validate(
            ResponsibilityForm,
            {
                "name": name,
                "unit": str(cast[role].organization_id),
                "category": category,
                "basis": basis,
            },
        )
        async with orders.hub.work(orders.hub.system("demonstration")) as work:
            new = await desk.engine.by_key(work, desk.engine.key(form.unit, None, form)) is None
            if new:
                await desk.engine.add(work, form, organization_id=keeper)
        yield ImportReport(line=line, outcome="added" if new else "present", total=len(RULES))
    async for report in rehearse(orders.engine, cast, await _scenes(orders, cast)):
        yield report


async def _scenes(orders: OrderDesk, cast: Mapping[str, Actor]) -> list[Scene]:
    async with orders.hub.read(orders.hub.system("demonstration")) as read:
        statement = read.rows(Order, col(Order.number)).where(col(Order.source_key) == REPEATED)
        number = (await read.session.execute(statement)).scalar_one()
    unit, unit2 = (str(cast[role].organization_id) for role in ("unit", "unit2"))
    garbage = {
        "kind": "complain",
        "place": "城东菜市场",
        "text": "城东菜市场后门的垃圾两天没清，气味很大，苍蝇多。",
    }
    rail = {
        "kind": "help",
        "place": "滨河路桥头",
        "text": "桥头的护栏松了，孩子放学都从这里过，怕掉下去。",
    }
    noise = {"kind": "complain", "place": "富国路", "text": "富国路工地夜里两点还在打桩，睡不着。"}
    ours = {"reason": "桥梁护栏不是市政设施", "legal_basis": "三定方案第三条"}
    theirs = {"reason": "桥在城区，由市政养护", "legal_basis": "《城市道路管理条例》第六条"}
    return [
        Scene(
            key="dispatching:1",
            by="resident2",
            days_ago=1.5,
            open=_filed(orders, garbage),
            acts=(Act("follow", "dispatcher", 1, {"original": number}),),
        ),
        Scene(
            key="dispatching:2",
            by="operator",
            days_ago=2.5,
            open=_taken(orders, rail),
            acts=(
                Act("dispatch", "dispatcher", 1, {"unit": unit, "category": LEAF}),
                Act("return", "unit", 4, ours),
                Act("dispatch", "dispatcher", 1, {"unit": unit2, "category": LEAF}),
                Act("return", "unit2", 4, theirs),
            ),
        ),
        Scene(key="dispatching:3", by="operator", days_ago=0.1, open=_taken(orders, noise)),
    ]


def _filed(desk: OrderDesk, values: Mapping[str, Any]) -> Callable[[Work], Awaitable[Any]]:
    async def file(work: Work) -> Any:
        return await desk.file(work, Submission(validate(FileForm, values), None))

    return file


def _taken(desk: OrderDesk, values: Mapping[str, Any]) -> Callable[[Work], Awaitable[Any]]:
    async def take(work: Work) -> Any:
        return await desk.intake(work, Submission(validate(IntakeForm, {**values, **CALLER}), None))

    return take

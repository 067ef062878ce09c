"""Receptions and refused matters of our own making, acted out through their engines."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any, Final

from sqlmodel import col

from plugin_sdk.cases.rehearsal import Act, Scene, rehearse
from plugin_sdk.deadlines import local_day
from plugin_sdk.extension import ImportReport
from plugin_sdk.forms import Submission, validate
from plugin_sdk.ports import Actor, Work
from plugins.hotline.desk import OrderDesk
from plugins.hotline.enterprises.demonstration import by
from plugins.hotline.reception.days import DayEngine
from plugins.hotline.reception.forms import MatterForm, ReceptionDayForm, VisitForm
from plugins.hotline.reception.models import ReceptionDay
from plugins.hotline.reception.visits import VisitDesk, visit_desk
from plugins.hotline.reception.windows import MatterDesk, matter_desk

PHONE: Final = "13800000201"  # made up
PLACE: Final = {"place": "信访接待中心 2 室", "opens": "09:00", "closes": "11:30", "places": 12}
DAYS: Final = (  # days from today, who receives, about what
    (-7, "副区长（分管城建）", "供水和物业"),
    (5, "副区长（分管教育）", "入学和校车"),
    (12, "区长", "营商环境"),
)
VISITS: Final[tuple[tuple[str, str, tuple[Act, ...]], ...]] = (
    (
        "resident",
        "小区二次供水改造停了半年，天天水压不足",
        (
            Act(
                "receive",
                "leader",
                74,
                {
                    "text": "来访人说明了停工经过；住建局当场核对了合同",
                    "promise": "督促施工方一周内复工，月底前完成供水改造",
                },
            ),
        ),
    ),
    (
        "resident2",
        "物业费涨了三成，没有开过业主大会",
        (Act("settle", "leader", 75, {"text": "社区当场答应下周召集业主大会，来访人同意"}),),
    ),
)
MATTERS: Final[tuple[tuple[str, str, str, str, tuple[Act, ...]], ...]] = (
    (
        "unit",
        "临街店铺门头牌匾备案",
        "政务大厅 6 号窗口",
        "去了三次，每次要的图纸都不一样",
        (
            Act("take", "specialist", 2, {"representative": "政务大厅首席事务代表 孙代表"}),
            Act("state", "unit", 20, {"finding": "wrong", "text": "窗口人员按旧指南要的图纸"}),
            Act("settle", "specialist", 3, {"cause": "rule", "text": "已按新指南当场备案"}),
        ),
    ),
    (
        "unit2",
        "农用三轮车转出",
        "车管所 2 号窗口",
        "说系统里查不到档案，让回原籍开证明",
        (Act("take", "specialist", 3, {"representative": "政务大厅首席事务代表 孙代表"}),),
    ),
)


async def demonstrate(orders: OrderDesk, cast: Mapping[str, Actor]) -> AsyncIterator[ImportReport]:
    """Announce days, let two people come to the first, and register two matters."""
    visits, matters = visit_desk(orders.hub), matter_desk(orders.hub)
    first = await _announce(visits.days, cast["dispatcher"])
    await orders.prepare()
    await matters.prepare()
    scenes = [
        Scene(
            key=f"visit:{n}",
            by=who,
            days_ago=10,
            open=_visit(visits, first, text),
            acts=acts,
        )
        for n, (who, text, acts) in enumerate(VISITS, 1)
    ]
    async for report in rehearse(visits.engine, cast, scenes):
        yield report
    scenes = [
        Scene(
            key=f"matter:{n}",
            by="resident",
            days_ago=6 - 4 * (n - 1),
            open=_matter(matters, cast[unit], matter, counter, text),
            acts=tuple(_asked(act, cast[unit]) for act in acts),
        )
        for n, (unit, matter, counter, text, acts) in enumerate(MATTERS, 1)
    ]
    async for report in rehearse(matters.engine, cast, scenes):
        yield report


async def _announce(days: DayEngine, actor: Actor) -> Any:
    """Announce the days that are not there yet; return the id of the first."""
    hub, found = days.hub, {}
    actor = by(actor, "reception.announce")
    for after, leader, topic in DAYS:
        there = DayEngine(hub.at(hub.now() - timedelta(days=14)))
        async with there.hub.work(actor) as work:
            known = work.rows(ReceptionDay, col(ReceptionDay.id)).where(
                col(ReceptionDay.name) == topic
            )
            id = (await work.session.execute(known.limit(1))).scalar_one_or_none()
            if id is None:
                ends_on = local_day(hub.now()) + timedelta(days=after)
                form = {**PLACE, "leader": leader, "name": topic, "ends_on": ends_on}
                id = (await there.add(work, validate(ReceptionDayForm, form))).id
        found[topic] = id
    return found[DAYS[0][2]]


def _visit(desk: VisitDesk, day: Any, text: str) -> Callable[[Work], Awaitable[Any]]:
    async def register(work: Work) -> Any:
        form = validate(VisitForm, {"day": day, "text": text, "phone": PHONE})
        return await desk.file(work, Submission(form, None))

    return register


def _matter(
    desk: MatterDesk, unit: Actor, matter: str, counter: str, text: str
) -> Callable[[Work], Awaitable[Any]]:
    async def register(work: Work) -> Any:
        values = {
            "matter": matter,
            "unit_id": unit.organization_id,
            "counter": counter,
            "refused_on": local_day(work.now),
            "text": text,
            "phone": PHONE,
        }
        return await desk.file(work, Submission(validate(MatterForm, values), None))

    return register


def _asked(act: Act, unit: Actor) -> Act:
    if act.verb != "take":
        return act
    return Act(act.verb, act.by, act.hours, {**act.form, "unit": str(unit.organization_id)})

"""The demonstration: one coordination that has ended and one under way, acted out by the cast."""

from collections.abc import AsyncIterator, Mapping
from datetime import date, timedelta
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlmodel import col

from plugin_sdk.cases import CaseEngine
from plugin_sdk.deadlines import Term, local_day
from plugin_sdk.extension import ImportReport
from plugin_sdk.forms import Submission, validate
from plugin_sdk.ports import Actor, Hub
from plugin_sdk.times import SHANGHAI
from plugins.hotline.coordination.deciding import shares_of
from plugins.hotline.desk import OrderDesk, desk_of
from plugins.hotline.forms import FileForm
from plugins.hotline.models import Order

LIGHTS: Final = "城乡建设/城市建设和市政管理/城市公共设施"
UNITS: Final = {"unit": "冯城管", "unit2": "陈交通"}
EXPERT: Final = "unit3"
BASIS: Final = "《城市道路管理条例》第六条"


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """An order that is coordinated: so many days ago, and whether it came to its end."""

    days_ago: int
    text: str
    place: str
    question: str
    ends: bool


CASES: Final = (
    Told(
        days_ago=9,
        text="高架桥下的路灯杆倾斜，下面的路面也塌了一块，晚上骑车很危险。",
        place="渤海十一路高架桥下",
        question="城管局说桥下归交通局，交通局说灯杆归城管局，两家都退回。",
        ends=True,
    ),
    Told(
        days_ago=1,
        text="小区门口的公交站牌挡住盲道，找了两家都说不是自己装的。",
        place="黄河八路公交站",
        question="站牌由交通局设，盲道由城管局管，移站牌由谁出面没有定。",
        ends=False,
    ),
)


async def demonstrate(desk: OrderDesk, cast: Mapping[str, Actor]) -> AsyncIterator[ImportReport]:
    """Yield a report for each coordination; one that was acted out before is left as it is."""
    for line, told in enumerate(CASES, 1):
        new = await Play(desk.hub, cast).out(told, f"rehearsal:coordination:{line}")
        yield ImportReport(line=line, outcome="added" if new else "present", total=len(CASES))


class Play:
    """One coordination as it is acted out, an act after the other."""

    def __init__(self, hub: Hub, cast: Mapping[str, Actor]) -> None:
        self.hub = hub
        self.cast = cast
        self.now = hub.now()

    async def out(self, told: Told, key: str) -> bool:
        """Act it out; return whether it was new."""
        async with self.hub.read(self.hub.system("rehearsal")) as read:
            known = read.rows(Order, col(Order.id), permission="order.read")
            found = await read.session.execute(known.where(col(Order.source_key) == key))
            if found.first() is not None:
                return False
        moment = (self.hub.now() - timedelta(days=told.days_ago)).astimezone(SHANGHAI)
        self.now = moment.replace(hour=9, minute=0, second=0, microsecond=0)
        desk = desk_of(self.hub.at(self.now))
        form = validate(FileForm, {"kind": "help", "text": told.text, "place": told.place})
        async with desk.engine.hub.work(self.cast["resident"]) as work:
            order = await desk.file(work, Submission(form, None))
            order.source_key, id = key, order.id
        await self.order(id, "coordinate", "dispatcher", question=told.question, category=LIGHTS)
        async with self.hub.read(self.hub.system("rehearsal")) as read:
            made = await desk.engine.coordinations.latest(read, id)
        if made is not None:
            await self.meet(made.id)
            until = self.hub.due(self.now, Term(working_days=3))
            if told.ends and until is not None:  # else its year is not known yet
                await self.decide(id, made.id, local_day(until))
        return True

    async def meet(self, id: UUID) -> None:
        """Invite both units and the expert, and convene them."""
        for role, name in UNITS.items():
            await self.do(id, "invite", "dispatcher", unit=self._unit(role), name=name)
        expert = str(self.cast[EXPERT].post_id)
        await self.do(id, "invite-expert", "dispatcher", expert=expert)
        at = (self.now + timedelta(hours=2)).astimezone(SHANGHAI)
        await self.do(
            *(id, "convene", "dispatcher"),
            how="site",
            day=at.date(),
            hour=f"{at:%H:%M}",
            venue="现场",
            chair=str(self.cast["leader"].post_id),
        )
        await self.do(id, "confirm", "unit")

    async def decide(self, order: UUID, id: UUID, day: date) -> None:
        """Hold the meeting, which one unit leaves; decide, and let both units answer."""
        await self.do(id, "confirm", "unit2")
        self.now += timedelta(hours=3)
        await self.do(id, "hold", "dispatcher")
        seen = "灯杆向路面倾斜约十度，路面塌陷约半平方米。"
        await self.do(id, "note", "dispatcher", text=seen)
        await self.do(id, "leave", "unit2", reason="认为桥下路面不归交通局养护")
        opinion = "桥下路面属公路用地，由公路管理机构养护；路灯由城市管理部门管护。"
        await self.do(id, "opine", EXPERT, text=opinion, legal_basis="《公路法》第八条")
        tasks = {"unit": "扶正灯杆，检查同排路灯", "unit2": "补好塌陷的路面，设警示标志"}
        for role, task in tasks.items():
            await self.do(
                *(id, "share", "dispatcher"), unit=self._unit(role), text=task, due_on=day
            )
        await self.do(
            *(id, "propose", "dispatcher"),
            text="灯杆由城市管理局处理，桥下路面由交通运输局处理。",
            legal_basis=BASIS,
            rule_unit=self._unit("unit2"),
        )
        await self.do(id, "sign", "leader", reason="路面依法由交通运输局养护，离会不影响负责")
        async with self.hub.read(self.hub.system("rehearsal")) as read:
            parts = {one.organization_id: one.order_id for one in await shares_of(read, id)}
        said = {"unit": "灯杆已扶正，同排路灯正常。", "unit2": "路面已补好，警示标志已设。"}
        for role, text in said.items():
            part = parts[UUID(self._unit(role))] or order
            await self.order(part, "sign", role)
            await self.order(part, "process", role)
            await self.order(part, "reply", role, text=text)
        await self.order(order, "summarize", "dispatcher", text="灯杆已扶正，路面已补好。")

    def _unit(self, role: str) -> str:
        return str(self.cast[role].organization_id)

    async def do(self, id: UUID, verb: str, by: str, **form: Any) -> None:
        """Do an act on the coordination, some minutes after the one before."""
        self.now += timedelta(minutes=10)
        engine = desk_of(self.hub.at(self.now)).engine.coordinations
        await _act(engine, id, verb, self.cast[by], form)

    async def order(self, id: UUID, verb: str, by: str, **form: Any) -> None:
        """Do an act on an order."""
        self.now += timedelta(minutes=10)
        await _act(desk_of(self.hub.at(self.now)).engine, id, verb, self.cast[by], form)


async def _act(
    engine: CaseEngine[Any], id: UUID, verb: str, actor: Actor, form: Mapping[str, Any]
) -> None:
    transition = engine.flow.by_verb(verb)
    await engine.prepare(verb)
    async with engine.hub.work(actor) as work:
        row = await work.get(engine.row, id, permission=engine.flow.read)
        filled = validate(transition.form, {**form, "version": row.version})
        await engine.act(work, id, verb, filled)

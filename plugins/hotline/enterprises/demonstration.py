"""Four enterprises of our own making with their specialist, a plan, calls, an order, a card."""

from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from typing import Any, Final

import msgspec

from plugin_sdk.deadlines import local_day
from plugin_sdk.extension import ImportReport
from plugin_sdk.forms import validate
from plugin_sdk.ports import Actor
from plugins.hotline.desk import OrderDesk
from plugins.hotline.enterprises.desk import RecordDesk
from plugins.hotline.enterprises.forms import (
    CallForm,
    CallPlanForm,
    CardForm,
    EnterpriseForm,
    SpecialistForm,
)
from plugins.hotline.enterprises.models import Enterprise

FIRMS: Final = (  # codes with a right check character that nobody was given; invented names
    ("91371603MA3C0XYW1U", "滨河纺织有限公司", "medium", "马经理", "13800000101"),
    ("91371603MA3C0ABC03", "沾北新材料科技有限公司", "small", "宋厂长", "13800000102"),
    ("91371603MA3D0KLM29", "河口冷链物流有限公司", "small", "程经理", "13800000103"),
    ("91371603MA3E0PQR3N", "巧手编织专业合作社", "micro", "于社长", "13800000104"),
)
PLAN: Final = {
    "name": "四季度走访",
    "script": "一、用工和订单有没有变化\n二、惠企政策知道几项、拿到几项\n三、有什么要政府办的",
}
CALLS: Final[tuple[dict[str, str], ...]] = (
    {
        "outcome": "reached",
        "note": "订单稳定，缺挡车工二十人",
        "kind": "help",
        "need": "厂门口公交末班车早，夜班工人回不了家，希望延长一小时",
    },
    {"outcome": "no_answer", "note": "下午再打"},
    {"outcome": "reached", "note": "已享受冷链补贴，没有别的要求"},
)
CARD: Final = {
    "title": "一次性吸纳就业补贴",
    "steps": "网上申请\n窗口核验社保缴费记录\n五个工作日到账",
    "place": "政务服务大厅二楼人社窗口",
    "documents": "营业执照\n劳动合同\n社保缴费凭证",
}


async def demonstrate(orders: OrderDesk, cast: Mapping[str, Actor]) -> AsyncIterator[ImportReport]:
    """Enter what is not there yet; yield a report for each enterprise."""
    desk = RecordDesk(orders)
    actor = by(cast["specialist"], "enterprise.call")
    today = local_day(orders.hub.now())
    async with orders.hub.read(actor) as read:
        known = {row.code for row in await desk.engine.in_force(read)}
    if known:
        for line, _ in enumerate(FIRMS, 1):
            yield ImportReport(line=line, outcome="present", total=len(FIRMS))
        return
    began = (today - timedelta(days=40)).isoformat()
    async with orders.hub.work(actor) as work:
        office = {"name": "卫专员", "phone": "0543-3180001", "starts_on": began}
        own = await desk.specialists.add(work, validate(SpecialistForm, office))
        plan_form = {**PLAN, "starts_on": began, "ends_on": today + timedelta(days=30)}
        plan = await desk.plans.engine.add(work, validate(CallPlanForm, plan_form))
    await orders.prepare()
    for line, (code, name, scale, contact, phone) in enumerate(FIRMS, 1):
        values: dict[str, Any] = {
            "code": code,
            "name": name,
            "scale": scale,
            "contact": contact,
            "contact_phone": phone,
            "specialist": own.code,
            "starts_on": began,
        }
        async with orders.hub.work(actor) as work:
            row: Enterprise = await desk.engine.add(work, validate(EnterpriseForm, values))
        if line <= len(CALLS):
            async with orders.hub.work(actor) as work:
                call = validate(CallForm, CALLS[line - 1])
                await desk.calling.keep(work, row.id, call, plan.id)
        if line == 1:
            async with orders.hub.work(actor) as work:
                card = {**CARD, "valid_until": today + timedelta(days=180)}
                await desk.cards.hand_out(work, row.id, validate(CardForm, card))
        yield ImportReport(line=line, outcome="added", total=len(FIRMS))


def by(actor: Actor, permission: str) -> Actor:
    """Return an actor as the door hands them on for a route of that permission."""
    return msgspec.structs.replace(actor, permission=f"hotline.{permission}")

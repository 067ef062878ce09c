"""Answers of our own making: in force, for all, about to end, expired, and one to be published."""

from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from typing import Final, Literal

import msgspec
from sqlmodel import col

from plugin_sdk.deadlines import local_day
from plugin_sdk.extension import ImportReport
from plugin_sdk.forms import validate
from plugin_sdk.ports import Actor, Hub
from plugins.hotline.desk import OrderDesk
from plugins.hotline.knowledge.forms import KnowledgeForm, SeenForm
from plugins.hotline.knowledge.keeping import READ, Keeping
from plugins.hotline.knowledge.models import KnowledgeVersion


class Told(msgspec.Struct, frozen=True):
    """An answer that is acted out: written so many days ago, holding for so many days."""

    question: str
    text: str
    basis: str
    days_ago: int
    days: int
    keywords: str = ""
    public: bool = False
    by: str = "dispatcher"
    published_by: str | None = "leader"


TOLD: Final = (
    Told(
        "路灯不亮找谁",
        "您好，您反映的路灯问题已记下，编号 {编号}。路灯由城市管理局管护，一般 3 个工作日内修好，"
        "最晚 {期限} 前答复您。",
        "《城市照明管理规定》第二十四条",
        *(60, 365, "灯坏了 黑 照明"),
    ),
    Told(
        "居民养老保险怎么缴",
        "每年 12 月 20 日前，带本人身份证到村（社区）服务站，或在手机上缴。缴费档次可以自己选，"
        "缴了以后当天能查到。有事打 12345。",
        "《城乡居民基本养老保险经办规程》",
        *(40, 300, "养老 社保 缴费", True),
    ),
    Told(
        "生活垃圾多久清运一次",
        "小区垃圾每天清运一次，村里隔天清运一次。没有按时清运，打 12345 说明在哪里。",
        "《城市生活垃圾管理办法》第十六条",
        *(50, 60, "垃圾桶 满了 环卫", True),
    ),
    Told(
        "冬季清雪封路怎么查",
        "封路和绕行在“随手办”的路况里查。",
        "县政府冬季保畅通知",
        *(200, 120, "下雪 封路"),
    ),
    Told(
        "占道经营由谁管",
        "您好，占道经营由 {单位} 巡查处置，已登记 {编号}。",
        "《城市市容和环境卫生管理条例》第十四条",
        *(2, 365, "摆摊 占道", False, "unit", None),
    ),
)


async def demonstrate(desk: OrderDesk, cast: Mapping[str, Actor]) -> AsyncIterator[ImportReport]:
    """Yield a report for each; one that was acted out before is left as it is."""
    for line, told in enumerate(TOLD, 1):
        new = await _play(desk.hub, cast, told)
        outcome: Literal["added", "present"] = "added" if new else "present"
        yield ImportReport(line=line, outcome=outcome, total=len(TOLD))


async def _play(hub: Hub, cast: Mapping[str, Actor], told: Told) -> bool:
    keeping, row = Keeping(hub), KnowledgeVersion
    async with hub.read(hub.system("rehearsal")) as read:
        known = read.rows(row, col(row.id), permission=READ).where(
            col(row.question) == told.question,
            col(row.organization_id) == cast[told.by].organization_id,
        )
        if (await read.session.execute(known.limit(1))).first() is not None:
            return False
    moment = hub.now() - timedelta(days=told.days_ago)
    form = validate(
        KnowledgeForm,
        {
            "question": told.question,
            "text": told.text,
            "basis": told.basis,
            "ends_on": local_day(moment + timedelta(days=told.days)),
            "keywords": told.keywords,
            "public": told.public,
        },
    )
    async with hub.at(moment).work(cast[told.by]) as work:
        id = (await keeping.write(work, form)).knowledge_id
    if told.published_by is not None:
        later = moment + timedelta(hours=3)
        async with hub.at(later).work(cast[told.published_by]) as work:
            await keeping.publish(work, id, SeenForm(version=1))
    return True

"""A month of reviews of the example apps, of our own making, acted out through the engine."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any, Final

from core.governance.oversight.desk import ReviewDesk
from core.governance.oversight.forms import NominateForm
from core.governance.oversight.known import register_of
from plugin_sdk.cases.rehearsal import Act, Scene, rehearse
from plugin_sdk.deadlines import local_day
from plugin_sdk.extension import ImportReport
from plugin_sdk.forms import Submission, validate
from plugin_sdk.ports import Actor, Work

DAY: Final = 24.0
PLAN: Final = "完善首页入口，接入统一身份，两个月内达到月均 1000 人次"
BY: Final = "governance"
DECIDER: Final = "decider"


async def run(desk: ReviewDesk, cast: Mapping[str, Actor]) -> AsyncIterator[ImportReport]:
    """Yield a report for each review of an example app; nothing where the register has none."""
    hub = desk.hub
    async with hub.read(hub.system("demonstration")) as read:
        known = await register_of(hub, read)
    scenes = [scene for app, scene in _scenes(desk).items() if app in known]
    await desk.prepare()
    async for report in rehearse(desk.engine, cast, scenes):
        yield report


def _scenes(desk: ReviewDesk) -> dict[str, Scene]:
    """Return a review in each state: decided to be merged, retired, improved; objected to; not
    answered; and waiting for its owner."""
    until = local_day(desk.hub.now()) + timedelta(days=45)
    ready = local_day(desk.hub.now()) + timedelta(days=40)

    def scene(app: str, days_ago: float, *acts: Act, cause: str) -> tuple[str, Scene]:
        opening = _opening(desk, app, cause)
        return app, Scene(key=app, by=BY, days_ago=days_ago, open=opening, acts=acts)

    merge = {"successor": "hotline", "reason": "七项功能与12345热线相同，诉求并到一处办理"}
    retire = {"reason": "一年内没有人挪车成功，热线可以代办"}
    return dict(
        [
            scene(
                "demo-public-voice",
                29.0,
                Act("consent", "steward", DAY, {"text": "同意并入热线，数据移交方案另报"}),
                Act("merge", DECIDER, 2 * DAY, merge),
                cause="与12345热线重复，居民要装两个应用",
            ),
            scene(
                "demo-move-car",
                28.95,
                Act("consent", "unit2", DAY, {"text": "同意关停，挪车电话由热线转接"}),
                Act("retire", DECIDER, 2 * DAY, retire),
                cause="没有备案，近一年几乎没有人用",
            ),
            scene(
                "demo-smart-community",
                28.9,
                Act("plan", "unit3", 2 * DAY, {"text": PLAN, "planned_on": ready.isoformat()}),
                Act(
                    "improve",
                    DECIDER,
                    DAY,
                    {"reason": "给一次改进机会，到期看使用率", "until": until.isoformat()},
                ),
                cause="上线两年半，打开的人多，办成的事少",
            ),
            scene("demo-farm-funds", 28.85, cause="另设登录，与统一身份不一致"),
            scene(
                "demo-rented-homes",
                9.0,
                Act(
                    "object",
                    "unit3",
                    2 * DAY,
                    {"text": "申请每年集中受理一次，出错集中在那几天，已扩容"},
                ),
                cause="出错多、打开慢，申请人反复提交",
            ),
            scene("demo-bill-payment", 4.0, cause="群众反映缴费要跳转三次"),
        ]
    )


def _opening(desk: ReviewDesk, app: str, cause: str) -> Callable[[Work], Awaitable[Any]]:
    async def open_review(work: Work) -> Any:
        form = validate(NominateForm, {"app": app, "cause": cause})
        return await desk.file(work, Submission(form, None))

    return open_review

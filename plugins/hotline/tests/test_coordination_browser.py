"""A coordination to its end: the dispatcher at a desk, the units' people on their phones."""

import io
import re
from datetime import timedelta

import pytest
from PIL import Image

from plugin_sdk.deadlines import local_day
from plugin_sdk.times import SHANGHAI
from plugins.hotline.tests.conftest import HERE, LIGHTS
from plugins.hotline.tests.coordinating import BASIS, Table
from portal.testing.browser import DESKTOP, sign_in

UNITS = {"城市管理局": "冯城管", "交通运输局": "陈交通"}
EXPERT = "楚住建 签收员"


async def press(tab, name):
    """Press the button of that name and wait until it is said what came of it."""
    async with tab.expect_response(lambda answer: answer.request.method == "POST"):
        await tab.locator("main").get_by_role("button", name=name, exact=True).first.click()
    await tab.locator(".flash, .error-summary").first.wait_for()


async def unfold(tab, act):
    """Open the list of the other acts, where this one stands there."""
    await act.wait_for(state="attached")
    if not await act.is_visible():
        await tab.locator(".next-act summary").first.click()


async def begin(tab, name):
    """Open the form of an act: the first one, or one of the others."""
    link = tab.locator("main .next-act a", has_text=re.compile(f"^{name}$")).first
    await unfold(tab, link)
    await link.click()
    await tab.get_by_role("heading", level=1, name=name).wait_for()


async def once(tab, name, said):
    """Do an act that asks for nothing."""
    button = tab.locator("main .next-act button", has_text=re.compile(f"^{name}$")).first
    await unfold(tab, button)
    await button.click()
    await tab.locator(".flash", has_text=said).wait_for()


def photo():
    out = io.BytesIO()
    Image.new("RGB", (640, 480), (90, 96, 102)).save(out, "JPEG")
    return out.getvalue()


@pytest.mark.timeout(300)
async def test_a_coordination_runs_to_its_end(served_hub, phone):
    table = Table(served_hub)
    order = (await table.file(category=LIGHTS))["number"]
    desk = await phone(size=DESKTOP)
    mine, other, expert = await phone(), await phone(), await phone()
    await sign_in(desk, served_hub.url, "dispatcher")
    await desk.goto(f"{served_hub.url}{HERE}/orders/{order}")
    await begin(desk, "提请协调")
    await desk.get_by_label("要协调的问题").fill("两家都说不归它管")
    await press(desk, "提请协调")
    await desk.get_by_role("link", name="查看协调").first.click()
    case = desk.url
    for unit, name in UNITS.items():
        await begin(desk, "邀请单位")
        await desk.get_by_label("单位", exact=True).select_option(label=unit)
        await desk.get_by_label("参加人").fill(name)
        await press(desk, "邀请单位")
    await begin(desk, "邀请法律专家")
    await desk.get_by_role("combobox", name=re.compile("^法律专家")).select_option(label=EXPERT)
    await press(desk, "邀请法律专家")
    await begin(desk, "通知开会")
    at = (served_hub.clock() + timedelta(minutes=30)).astimezone(SHANGHAI)
    await desk.get_by_label("到现场").check()
    await desk.get_by_label("日期").fill(f"{at:%Y-%m-%d}")
    await desk.get_by_label("时间").fill(f"{at:%H:%M}")
    await desk.get_by_label("地点", exact=True).fill("黄河五路桥下")
    await desk.get_by_label("主持人", exact=True).select_option(label="魏主任 主任")
    await press(desk, "通知开会")
    await desk.get_by_text("等参加方确认").wait_for()
    # on their phones the units find it in their work, and say that they come
    for tab, role in ((mine, "unit"), (other, "unit2"), (expert, "unit3")):
        await sign_in(tab, served_hub.url, role, next="/work")
        await tab.locator("main").get_by_role("link", name=re.compile("路灯不亮")).first.click()
        await tab.get_by_role("heading", name="参加方").wait_for()
    for tab in (mine, other):
        await once(tab, "确认参加", "已确认参加")
    served_hub.clock.move(minutes=31)
    await desk.reload()
    await once(desk, "宣布开会", "已宣布开会")
    await mine.goto(case)
    await begin(mine, "记现场情况")
    await mine.get_by_label("情况").fill("灯杆倾斜，桥下路面塌陷")
    await mine.get_by_label("照片").set_input_files(
        {"name": "IMG_0001.jpg", "mimeType": "image/jpeg", "buffer": photo()}
    )
    await press(mine, "记现场情况")
    await mine.locator("ul.photos img").first.wait_for()
    await other.goto(case)
    await begin(other, "离会")
    await other.get_by_label("原因").fill("路面不归交通局")
    await press(other, "离会")
    await expert.goto(case)
    await begin(expert, "出具法律意见")
    await expert.get_by_label("法律意见").fill("公路由交通局养护")
    await expert.get_by_label("依据").fill("《公路法》第八条")
    await press(expert, "出具法律意见")
    # the dispatcher divides it, the chair signs
    await desk.goto(case)
    day = local_day(served_hub.clock())
    calendar = served_hub.hub.apps.hubs["hotline"].calendar
    left = 3
    while left:
        day += timedelta(days=1)
        left -= calendar.is_working_day(day)
    for unit in UNITS:
        await begin(desk, "分任务")
        await desk.get_by_label("单位", exact=True).select_option(label=unit)
        await desk.get_by_label("任务").fill(f"{unit}的一份")
        await desk.get_by_label("办结日期").fill(day.isoformat())
        await press(desk, "分任务")
    await begin(desk, "形成决定")
    await desk.get_by_label("决定", exact=True).fill("灯杆归城管局，路面归交通局")
    await desk.get_by_label("依据").fill(BASIS)
    await desk.get_by_label("以后这类事项由谁办").select_option(label="交通运输局")
    await press(desk, "形成决定")
    chair = await phone()
    await sign_in(chair, served_hub.url, "leader")
    await chair.goto(case)
    await chair.get_by_text("没有参加到底").wait_for()
    await begin(chair, "签发决定")
    await press(chair, "签发决定")
    await chair.locator(".error-summary", has_text="写明为什么仍由它办").wait_for()
    await chair.get_by_label("主持人的理由").fill("路面依法由交通局养护")
    await press(chair, "签发决定")
    await chair.get_by_text("任务已分到各单位").wait_for()
    # each unit sees the decision and its own part, and answers it on the phone
    for tab, unit in ((mine, "城市管理局"), (other, "交通运输局")):
        await tab.goto(case)
        parts = tab.get_by_role("link", name=re.compile("打开工单"))
        assert await parts.count() == 1
        await parts.click()
        await once(tab, "签收", "已签收")
        await once(tab, "开始办理", "已开始办理")
        await begin(tab, "答复")
        await tab.get_by_role("textbox", name="答复").fill(f"{unit}已办好")
        await press(tab, "答复")
    await desk.goto(f"{served_hub.url}{HERE}/orders/{order}")
    await begin(desk, "汇总答复")
    assert "交通运输局已办好" in await desk.get_by_role("textbox", name="答复").input_value()
    await press(desk, "汇总答复")
    await desk.goto(case)
    await desk.get_by_text("诉求人已得到答复").wait_for()
    pdf = await desk.get_by_role("link", name="打开决定书").get_attribute("href")
    got = await desk.context.request.get(f"{served_hub.url}{pdf}")
    assert (await got.body()).startswith(b"%PDF")
    check = await desk.get_by_role("link", name="核验决定书").get_attribute("href")
    visitor = await phone()
    await visitor.goto(f"{served_hub.url}{check}")
    await visitor.get_by_text("决定书真实有效").wait_for()
    assert "路灯" not in await visitor.locator("main").inner_text()

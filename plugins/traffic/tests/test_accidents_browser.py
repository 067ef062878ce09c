"""An accident with two people on two phones, and a third who checks the paper without sign-in."""

import re
from datetime import UTC, datetime

import pytest

from plugins.traffic.tests.conftest import HERE
from plugins.traffic.tests.crash import EAST, NORTH, shot
from plugins.traffic.tests.test_browser import press
from portal.testing.browser import sign_in
from portal.testing.hub import PASSWORD

EMBEDDED = pytest.mark.parametrize("engine_kind", ["embedded"], indirect=True)


SHOTS = ("车前方", "车后方", "碰撞部位", "自己的车牌", "对方的车牌", "自己的驾驶证")


async def take(tab, view, data):
    """Send a photo from the page that asks for it."""
    await tab.get_by_role("heading", level=1, name=re.compile(f"^{view}")).wait_for()
    await tab.get_by_label("照片").set_input_files(
        {"name": "IMG_0001.jpg", "mimeType": "image/jpeg", "buffer": data}
    )
    await press(tab, "用这张照片")


@EMBEDDED
async def test_an_accident_from_report_to_paper_on_two_phones(served_hub, phone):
    mine, theirs = await phone(), await phone()
    await mine.context.grant_permissions(["geolocation"])
    await mine.context.set_geolocation({"longitude": EAST, "latitude": NORTH})
    await sign_in(mine, served_hub.url, "resident")
    await mine.goto(f"{served_hub.url}{HERE}/mine")
    await mine.get_by_role("link", name="事故快处").click()
    await mine.get_by_role("link", name="上报事故").first.click()
    # somebody is hurt: nothing to settle here
    await mine.get_by_label("有人受伤或死亡").check()
    await mine.get_by_role("button", name="用现在的位置").click()
    await mine.get_by_text("已取得位置").wait_for()
    await mine.get_by_label("事故地点").fill("黄河五路渤海七路路口东")
    await mine.get_by_label("自己的车牌号").fill("鲁M8D136")
    await mine.get_by_label("保险公司").fill("鲁北财险")
    await mine.get_by_label("对方的车牌号").fill("鲁M5H207")
    await mine.get_by_label("怎么碰的").select_option("rear")
    await mine.get_by_label("天气").select_option("clear")
    await mine.get_by_label("道路").select_option("crossing")
    await mine.get_by_label("经过").fill("我车等红灯，被后车追尾，后保险杠损坏。")
    await press(mine, "继续")
    await mine.locator(".error-summary", has_text="122").wait_for()
    await mine.get_by_label("都没有，只是车有损坏").check()
    await press(mine, "继续")
    await press(mine, "上报")
    await mine.get_by_role("link", name="查看办理经过").click()
    await mine.get_by_text("还差 6 张照片").wait_for()
    # one photo a page; one that was not taken now is told
    await mine.get_by_role("link", name=re.compile("^拍照：车前方")).click()
    await take(mine, SHOTS[0], shot(datetime(2026, 1, 5, 8, tzinfo=UTC)))
    await mine.locator(".flash", has_text="时间和事故时间对不上").wait_for()
    await mine.get_by_role("link", name=re.compile("^重拍")).first.click()
    now = served_hub.clock()
    for view in SHOTS:
        await take(mine, view, shot(now))
    await mine.get_by_text("照片已拍齐").wait_for()
    case = mine.url
    await mine.get_by_role("link", name="请对方扫码确认").click()
    await press(mine, "出示邀请码")
    code = await mine.locator("strong.number").inner_text()
    address = await mine.locator("figure.qr .hint").inner_text()
    # the other phone scans it, signs in, and lands on the very page
    await theirs.goto(served_hub.url + address[address.index(HERE) :])
    await theirs.fill("#f-username", "resident2")
    await theirs.fill("#f-password", PASSWORD)
    await theirs.click("[data-submit]")
    await theirs.get_by_role("heading", name="填邀请码，确认事故").wait_for()
    assert await theirs.get_by_label("邀请码").input_value() == code.replace(" ", "")
    await theirs.get_by_label("都没有，只是车有损坏").check()
    await theirs.get_by_label("自己的车牌号").fill("鲁M5H207")
    await theirs.get_by_label("保险公司").fill("渤海财险")
    await press(theirs, "加入并查看")
    await theirs.get_by_text("我车等红灯，被后车追尾，后保险杠损坏。").wait_for()
    await theirs.get_by_role("link", name="拍照：自己的驾驶证").click()
    await take(theirs, SHOTS[-1], shot(now))
    # each says how liable they are, on their own phone
    for tab, share in ((theirs, "全部责任"), (mine, "无责任")):
        await tab.goto(case)
        await tab.get_by_role("link", name="确认责任").click()
        await tab.get_by_label(share).check()
        await press(tab, "确认责任")
        await tab.locator(".flash", has_text="已确认责任").wait_for()
    await mine.get_by_text("双方已达成协议").wait_for()
    await theirs.reload()
    pdf = await theirs.get_by_role("link", name="打开文书").get_attribute("href")
    got = await theirs.context.request.get(f"{served_hub.url}{pdf}")
    assert (await got.body()).startswith(b"%PDF")
    check = await theirs.get_by_role("link", name="核验文书").get_attribute("href")
    # a third needs no account
    insurer = await phone()
    await insurer.goto(f"{served_hub.url}{HERE}/verify")
    await insurer.get_by_label("核验码").fill(str(check).rpartition("/")[2])
    await insurer.get_by_role("button", name="核验").click()
    await insurer.get_by_text("文书真实有效").wait_for()
    seen = await insurer.locator("main").inner_text()
    assert "鲁M·8***6" in seen
    assert "全部责任" in seen
    assert "周晓岚" not in seen

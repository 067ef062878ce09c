"""A resident on the road, an officer and whoever checks a licence, on phones of their own."""

import pytest

from plugins.traffic import demonstration
from plugins.traffic.desk import desk_of
from plugins.traffic.tests.conftest import HERE
from portal.testing.browser import sign_in

EMBEDDED = pytest.mark.parametrize("engine_kind", ["embedded"], indirect=True)


async def press(tab, name):
    """Press the first button of that name and wait for what it leads to."""
    async with tab.expect_response(lambda answer: answer.request.method == "POST"):
        await tab.locator("main").get_by_role("button", name=name).first.click()
    await tab.wait_for_load_state()


@EMBEDDED
async def test_violations_and_a_licence_on_phones(served_hub, phone):
    desk = desk_of(served_hub.hub.apps.hubs["traffic"])
    cast = await served_hub.actors()
    reports = [report.outcome async for report in demonstration.run(desk, cast)]
    assert reports == ["added"] * 12
    again = [report.outcome async for report in demonstration.run(desk, cast)]
    assert again == ["present"] * 12
    resident = await phone()
    await sign_in(resident, served_hub.url, "resident")
    await resident.goto(f"{served_hub.url}{HERE}/mine")
    first = resident.locator(".rows .row").first
    box = await first.bounding_box()
    assert box is not None
    assert box["y"] < 600, "points, next date and the first violation stand above the fold"
    await resident.get_by_text("11 分").first.wait_for()
    await resident.get_by_role("link", name="驾驶机动车违反道路交通信号灯通行").click()
    picture = resident.locator(".photos img").first
    await picture.scroll_into_view_if_needed()
    await picture.evaluate("one => one.decode()")
    assert await picture.evaluate("one => one.naturalWidth") == 800
    await resident.get_by_role("link", name="确认违法").click()
    await press(resident, "确认这条违法")
    await resident.locator(".flash", has_text="已确认").wait_for()
    # an objection is filed with the violation filled in, and an officer decides
    await resident.goto(f"{served_hub.url}{HERE}/violations")
    await resident.get_by_role("link", name="百分之五十以上").click()
    await resident.get_by_role("link", name="提出异议").click()
    assert await resident.get_by_label("违法编号").input_value() == "3716030000010003"
    await resident.get_by_label("为什么有异议").fill("限速牌被树挡住，看不到。")
    await press(resident, "继续")
    await press(resident, "提交异议")
    await resident.get_by_role("heading", level=1).wait_for()
    officer = await phone()
    await sign_in(officer, served_hub.url, "officer")
    await officer.goto(f"{served_hub.url}{HERE}/objections")
    await officer.get_by_role("link", name="百分之五十以上").click()
    await officer.get_by_role("link", name="拟撤销").click()
    await officer.get_by_label("审核意见").fill("现场核对，限速牌确实被遮挡。")
    await press(officer, "拟撤销")
    await officer.locator(".flash", has_text="已提出撤销").wait_for()
    # whoever checks a licence needs no account
    await resident.goto(f"{served_hub.url}{HERE}/licence")
    await press(resident, "出示二维码")
    code = (await resident.locator("strong.number").inner_text()).replace(" ", "")
    guard = await phone()
    await guard.goto(f"{served_hub.url}{HERE}/verify")
    await guard.get_by_label("核验码").fill(code)
    await guard.get_by_role("button", name="核验").click()
    await guard.get_by_text("核验通过").wait_for()
    assert "周*岚" in await guard.content()

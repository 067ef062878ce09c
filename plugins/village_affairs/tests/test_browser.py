"""A month in a real browser at phone size: filed, reviewed, read by code, asked about."""

import pytest

from plugins.village_affairs.desk import desk_of
from plugins.village_affairs.tests.conftest import HERE
from portal.testing.browser import sign_in
from portal.testing.hub import PASSWORD

EMBEDDED = pytest.mark.parametrize("engine_kind", ["embedded"], indirect=True)


async def press(tab, name):
    """Press the first button of that name and wait for what it leads to."""
    async with tab.expect_response(lambda answer: answer.request.method == "POST"):
        await tab.locator("main").get_by_role("button", name=name).first.click()
    await tab.wait_for_load_state()


@EMBEDDED
async def test_a_village_publishes_from_a_phone(served_hub, phone):
    desk = served_hub.hub.apps.hubs["village-affairs"]

    await desk_of(desk).close_day(desk.system("job closing"))
    clerk = await phone()
    await sign_in(clerk, served_hub.url, "clerk")
    await clerk.goto(f"{served_hub.url}{HERE}/publications")
    await clerk.get_by_role("link", name="村干部报酬与误工补贴").click()
    await clerk.get_by_label("公开内容").fill("误工补贴，经手 11010519491231002X")
    await clerk.get_by_label("金额（元）").fill("-5")
    await clerk.get_by_label("收款人").fill("丁树林")
    await clerk.get_by_label("凭证").fill("付款单 14 号")
    await press(clerk, "送审")
    summary = clerk.locator(".error-summary")
    await summary.get_by_text("删去身份证号码").wait_for()
    await summary.get_by_text("金额不能小于 0").wait_for()
    assert await clerk.get_by_label("收款人").input_value() == "丁树林"  # nothing is lost
    await clerk.get_by_label("公开内容").fill("误工补贴")
    await clerk.get_by_label("金额（元）").fill("2400")
    await press(clerk, "送审")
    await clerk.locator(".flash", has_text="已送审").wait_for()
    await press(clerk, "本月无")
    await clerk.goto(f"{served_hub.url}{HERE}/codes")
    code = await clerk.locator("td.number").first.inner_text()
    # another person reviews it, led there by their work list
    reviewer = await phone()
    await sign_in(reviewer, served_hub.url, "reviewer")
    await reviewer.goto(f"{served_hub.url}/work")
    await reviewer.locator("main").get_by_role("link", name="审核").last.click()
    await reviewer.get_by_role("link", name="审核", exact=True).click()
    await reviewer.get_by_label("同意公开").check()
    await press(reviewer, "提交审核")
    await reviewer.locator(".flash", has_text="已公开").wait_for()
    # a villager scans the code, reads and asks
    villager = await phone()
    await villager.goto(f"{served_hub.url}{HERE}/c/{code}")
    assert "丁树林" not in await villager.content()
    await villager.get_by_role("link", name="提问", exact=True).click()
    await villager.get_by_label("用户名").fill("resident")

    await villager.get_by_label("密码").fill(PASSWORD)
    await press(villager, "登录")
    await villager.get_by_label("想问什么").fill("误工补贴怎么算的")
    await press(villager, "继续")
    await press(villager, "提交提问")
    await villager.get_by_role("heading", level=1).wait_for()
    await clerk.goto(f"{served_hub.url}{HERE}/questions")
    await clerk.get_by_role("link", name="误工补贴怎么算的").wait_for()
    # the town looks who is late
    town = await phone()
    await sign_in(town, served_hub.url, "town")
    await town.goto(f"{served_hub.url}{HERE}/publications/table")
    await town.get_by_role("heading", level=1, name="谁迟了").wait_for()

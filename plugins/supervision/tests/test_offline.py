"""Filing off line, at phone size: kept on the device, sent once, one person's alone."""

import re

import pytest

from plugins.supervision.tests.conftest import HERE, Cast
from plugins.supervision.tests.test_tasks import photo
from portal.testing.browser import sign_in, until
from portal.testing.hub import PASSWORD

FIELD = f"{HERE}/field"
EMBEDDED = pytest.mark.parametrize("engine_kind", ["embedded"], indirect=True)
PHOTO = {"name": "现场.jpg", "mimeType": "image/jpeg", "buffer": photo()}


async def fill(tab, subject):
    await tab.get_by_label("监督事项").select_option("waste")
    await tab.get_by_label("被检查的单位或项目").fill(subject)
    await tab.get_by_label("检查日期").fill("2026-01-05")
    await tab.get_by_role("radio", name="发现问题", exact=True).check()
    await tab.get_by_label("检查情况").fill("运输车辆未冲洗，带泥上路")
    await tab.get_by_label("照片").set_input_files(PHOTO)


async def submit(tab):
    await tab.get_by_role("button", name="提交", exact=True).click()


async def kept(tab, n):
    await tab.get_by_role("heading", name=f"已存到手机 · 待发送 {n} 条").wait_for()


async def ready(tab, hub):
    """Open the form and wait until it would open without the net too."""
    await tab.goto(f"{hub.url}{FIELD}")
    await tab.locator("html[data-sheltered]").wait_for()


@pytest.mark.parametrize("engine_kind", ["embedded", "production"], indirect=True)
async def test_two_filings_without_the_net_arrive_once_each(served_hub, phone):
    hub, cast = served_hub, Cast(served_hub)
    await cast.topic()
    tab = await phone()
    await sign_in(tab, hub.url, "inspector")
    await ready(tab, hub)
    await tab.context.set_offline(True)
    await tab.reload()  # from what the device keeps
    await submit(tab)
    await tab.locator("main").get_by_text("还有必填项没有填写").wait_for()
    for n, subject in enumerate(("宏达商砼站", "二号工地"), 1):
        await fill(tab, subject)
        await submit(tab)
        await kept(tab, n)
    assert await cast.kept() == []

    # The first is sent and its answer lost on the way: it is sent again and counts once.
    lost = []

    async def lose(route):
        answer = await route.fetch()
        assert answer.status == 201
        lost.append(route.request.headers)
        await route.abort("connectionreset")

    await tab.route(
        f"**{FIELD}",
        lambda route: (
            lose(route) if not lost and route.request.method == "POST" else route.continue_()
        ),
    )
    await tab.context.set_offline(False)
    await until(lambda: _said(tab, lost))
    await tab.unroute_all()
    await tab.get_by_role("button", name="发送", exact=True).click()
    await tab.get_by_role("heading", name="都已发送").wait_for()
    found = await cast.kept()
    assert sorted(row.subject for row in found) == ["二号工地", "宏达商砼站"]
    for row in found:
        seen = await cast.see(f"/findings/{row.number}")
        assert len(seen["attachments"]) == 1
    assert (
        await tab.evaluate(
            "(async () => (await caches.open('yimen-offline')).keys().then(k => k.length))()"
        )
        == 7
    )


async def _said(tab, lost):
    return bool(lost) and await tab.get_by_role("button", name="发送", exact=True).is_visible()


@EMBEDDED
async def test_what_is_refused_stays_with_its_reason_and_is_nobody_elses(served_hub, phone):
    hub, cast = served_hub, Cast(served_hub)
    await cast.topic()
    tab = await phone()
    await sign_in(tab, hub.url, "inspector")
    await ready(tab, hub)
    await tab.context.set_offline(True)
    await fill(tab, "宏达商砼站")
    await submit(tab)
    await kept(tab, 1)
    listed = (await cast.see("/topics"))["items"][0]
    path, over = f"/topics/{listed['id']}/end", cast.day(-1)
    await cast.post("supervisor", path, version=1, ends_on=over, reason="并入扬尘治理")
    await cast.topic("dust", "扬尘治理")
    await tab.context.set_offline(False)
    await tab.locator("main").get_by_text("这一项已停用，重新选一个").wait_for()
    assert await cast.kept() == []

    # Another person on the same phone neither sees nor sends it, and the page kept goes.
    await tab.goto(f"{hub.url}/me")
    await tab.get_by_role("button", name="退出登录").click()
    await tab.get_by_text("手机里还有 1 条没有发送").wait_for()
    await tab.get_by_role("button", name="留在手机").click()
    await tab.wait_for_url(f"{hub.url}/")
    await sign_in(tab, hub.url, "supervisor")
    assert await tab.evaluate("caches.has('yimen-offline')") is False
    await tab.goto(f"{hub.url}{FIELD}")
    await tab.wait_for_timeout(300)
    assert await tab.get_by_text("待发送").count() == 0
    assert await cast.kept() == []
    await tab.goto(f"{hub.url}/me")
    await tab.get_by_role("button", name="退出登录").click()
    await tab.wait_for_url(f"{hub.url}/")

    # Its own person chooses the topic anew; it is sent, and nothing stays behind.
    await sign_in(tab, hub.url, "inspector", next=FIELD)
    await kept(tab, 1)
    await tab.get_by_role("button", name="打开修改").click()
    assert await tab.get_by_label("被检查的单位或项目").input_value() == "宏达商砼站"
    assert await tab.get_by_label("监督事项").input_value() == ""
    await tab.get_by_label("监督事项").select_option("dust")
    await submit(tab)
    await tab.wait_for_url(re.compile("/filed$"))
    (row,) = await cast.kept()
    assert row.topic == "dust"
    assert len((await cast.see(f"/findings/{row.number}"))["attachments"]) == 1
    await tab.goto(f"{hub.url}{FIELD}")
    await tab.locator("html[data-sheltered]").wait_for()
    assert await tab.locator("#offline").is_hidden()


@EMBEDDED
async def test_nothing_is_kept_on_a_public_computer(served_hub, phone):
    hub, cast = served_hub, Cast(served_hub)
    await cast.topic()
    tab = await phone()
    await tab.goto(f"{hub.url}/sign-in?next={FIELD}")
    await tab.fill("#f-username", "inspector")
    await tab.fill("#f-password", PASSWORD)
    await tab.get_by_label("这是公用电脑").check()
    await tab.click("[data-submit]")
    await tab.wait_for_url(f"{hub.url}{FIELD}")
    await tab.locator("main").get_by_text("公用电脑和代办时不在设备上保存").wait_for()
    assert await tab.evaluate("indexedDB.databases()") == []
    assert await tab.evaluate("caches.keys()") == []
    await tab.context.set_offline(True)
    with pytest.raises(Exception, match="ERR_INTERNET_DISCONNECTED"):
        await tab.reload()


@EMBEDDED
async def test_a_problem_is_followed_to_its_end_on_a_phone(served_hub, phone):
    hub, cast = served_hub, Cast(served_hub)
    await cast.topic()
    tabs = {role: await phone() for role in ("inspector", "supervisor", "unit")}
    for role, tab in tabs.items():
        await sign_in(tab, hub.url, role)
    finder, officer, handler = tabs.values()
    await finder.goto(f"{hub.url}{FIELD}")
    await fill(finder, "宏达商砼站")
    await submit(finder)
    await finder.wait_for_url(re.compile("/filed$"))
    (row,) = await cast.kept()
    address = f"{HERE}/findings/{row.number}"

    async def act(tab, button, state, **typed):
        await tab.goto(f"{hub.url}{address}")
        link = tab.get_by_role("link", name=button, exact=True)
        if not await link.is_visible():
            await tab.get_by_text(re.compile("其他 .* 项操作")).click()
        await link.click()
        for label, value in typed.items():
            await tab.get_by_label(label).fill(value)
        if await tab.get_by_label("移交给").count():
            await tab.get_by_label("移交给").select_option(label="城市管理局")
        await tab.get_by_role("button", name=button, exact=True).click()
        await tab.locator(".badge", has_text=state).first.wait_for()

    await act(officer, "移交", "整改中")
    await act(handler, "报告整改", "待复查", 整改情况="已加装冲洗台")
    await act(officer, "复查通过", "待追责")
    await act(officer, "不追责", "待通报", 说明="首次发现，整改及时")
    await act(officer, "通报", "已办结", 决定="在工地例会上通报")
    assert (await cast.see(f"/findings/{row.number}", "inspector"))["state"] == "closed"

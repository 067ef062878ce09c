"""The main job in a real browser at phone size: file, dispatch, answer, rate.

Every test runs with script and without, and leaves the same records. The words a person
looks for stand in the tests as the portal says them.
"""

import io
import re

import pytest
from PIL import Image
from sqlalchemy import select
from sqlmodel import col

from core.files.models import FileRow
from portal.testing.browser import DESKTOP, sign_in, until
from portal.testing.hub import PASSWORD

HOTLINE = "/apps/hotline"
LIGHTS = "城乡建设/城市建设和市政管理/城市公共设施"
TEXT = "社区门口的路灯不亮已经一周\n晚上老人出门看不清路"
SCRIPT = pytest.mark.parametrize("script", [True, False], ids=["script", "plain"])
EMBEDDED = pytest.mark.parametrize("engine_kind", ["embedded"], indirect=True)


def photo_with_position():
    """A JPEG as a phone makes it: it says where it was taken, and by which phone."""
    exif = Image.Exif()
    exif[0x010F] = "A maker of phones"
    gps = exif.get_ifd(0x8825)
    gps[1], gps[2], gps[3], gps[4] = "N", (37.0, 41.0, 53.0), "E", (118.0, 8.0, 2.0)
    image = Image.effect_noise((640, 480), 60).convert("RGB")
    file = io.BytesIO()
    image.save(file, "JPEG", exif=exif)
    return {"name": "路灯.jpg", "mimeType": "image/jpeg", "buffer": file.getvalue()}


async def press(tab, name):
    """Press the button of that name and wait for what it leads to."""
    async with tab.expect_response(lambda answer: answer.request.method == "POST"):
        await tab.get_by_role("button", name=name, exact=True).click()
    await tab.wait_for_load_state()


async def follow(tab, name, address):
    """Follow the link of that name; it leads to an address that ends so."""
    await tab.locator("main").get_by_role("link", name=name).first.click()
    await tab.wait_for_url(re.compile(re.escape(address) + "$"))


async def heading(tab, words):
    await tab.get_by_role("heading", level=1, name=words).wait_for()


async def said(tab, words):
    await tab.locator(".flash", has_text=words).wait_for()


async def file_request(tab, hub):
    """File a request with a photo, from the home page; return its number and code."""
    await follow(tab, "提诉求", f"{HOTLINE}/orders/new")
    await tab.get_by_label("求助").check()
    await tab.get_by_label("内容").fill(TEXT)
    await tab.get_by_label("事发地点").fill("富国街道建设路")
    await press(tab, "继续")
    await heading(tab, "核对后提交")
    asked = await tab.locator(".summary-list").inner_text()
    assert "富国街道建设路" in asked
    await press(tab, "修改 事发地点")
    await heading(tab, "提诉求")
    assert await tab.get_by_label("内容").input_value() == TEXT
    await tab.get_by_label("事发地点").fill("富国街道建设路 12 号")
    await press(tab, "继续")
    await tab.get_by_text("富国街道建设路 12 号").wait_for()
    await tab.get_by_label("照片").set_input_files(photo_with_position())
    await press(tab, "提交诉求")
    await tab.wait_for_url(re.compile("/filed$"))
    promised = await tab.locator(".certain").inner_text()
    assert re.search(r"最晚 \d+月\d+日", promised), promised
    number, code = [
        re.sub(r"\s", "", text) for text in await tab.locator("dd .number").all_inner_texts()
    ]
    assert number.isdigit()
    assert f"{hub.url}{HOTLINE}/orders/{number}/filed" == tab.url
    return number, code


@pytest.mark.parametrize(
    ("engine_kind", "script"),
    [("embedded", True), ("embedded", False), ("production", True)],
    ids=["script-embedded", "plain-embedded", "script-production"],
    indirect=["engine_kind"],
)
async def test_a_request_is_filed_dispatched_answered_and_rated(served_hub, phone, script):
    hub = served_hub
    resident = await phone(script=script)
    await sign_in(resident, hub.url, "resident")
    number, code = await file_request(resident, hub)
    order = f"{HOTLINE}/orders/{number}"

    # Nothing but the picture is kept.
    async with hub.services.database.transaction() as tx:
        digest = (await tx.session.execute(select(col(FileRow.sha256)))).scalar_one()
    content = hub.services.settings.home / "files" / digest[:2] / digest[2:]
    with Image.open(content) as picture:
        assert dict(picture.getexif()) == {}
        assert picture.size == (640, 480)
    assert b"A maker of phones" not in content.read_bytes()

    # Whoever knows number and code follows it, and nobody else.
    anybody = await phone(script=script)
    await anybody.goto(f"{hub.url}/track")
    await anybody.get_by_label("编号").fill(number)
    await anybody.get_by_label("查询码").fill("000000")
    await anybody.get_by_role("button", name="查询").click()
    await anybody.locator(".error-summary").wait_for()
    await anybody.get_by_label("查询码").fill(code)
    await anybody.get_by_role("button", name="查询").click()
    await anybody.locator(".badge", has_text="待派单").wait_for()

    dispatcher = await phone(script=script)
    await sign_in(dispatcher, hub.url, "dispatcher", next="/work")
    await follow(dispatcher, "社区门口的路灯", order)
    await dispatcher.locator("main img").wait_for()
    await follow(dispatcher, "派单", f"{HOTLINE}/dispatch/{number}")
    await dispatcher.get_by_label("承办单位").select_option(label="城市管理局")
    await dispatcher.get_by_label("分类").select_option(LIGHTS)
    await press(dispatcher, "派单")
    await dispatcher.wait_for_url(f"{hub.url}{HOTLINE}/dispatch")
    await said(dispatcher, "已派单")

    unit = await phone(script=script)
    await sign_in(unit, hub.url, "unit", next="/work")
    await follow(unit, "社区门口的路灯", order)
    await press(unit, "签收")
    await said(unit, "已签收")
    await press(unit, "开始办理")
    await said(unit, "已开始办理")
    await follow(unit, "答复", f"{order}/reply")
    await unit.get_by_role("textbox", name="答复").fill("五盏路灯已修好")
    await press(unit, "答复")
    await said(unit, "已答复")

    async def told():
        await resident.goto(f"{hub.url}/messages")
        return bool(await resident.get_by_text("看答复").count())

    await until(told)
    await resident.get_by_text("看答复").click()
    await resident.wait_for_url(hub.url + order)
    await resident.get_by_text("五盏路灯已修好").first.wait_for()
    await follow(resident, "评价", f"{order}/rate")
    assert await resident.locator("input[type=radio]:checked").count() == 0
    await resident.get_by_label("非常满意", exact=True).check()
    await press(resident, "评价")
    await said(resident, "已评价")

    assert anybody.url == f"{hub.url}/track"  # the code is in no address
    await anybody.goto(f"{hub.url}/track?number={number}")
    await anybody.get_by_label("查询码").fill(code)
    await anybody.get_by_role("button", name="查询").click()
    await anybody.locator(".badge", has_text="已办结").wait_for()

    program = await hub.client_as("dispatcher")
    record = (await program.get(order)).json()
    assert record["state"] == "closed"
    assert record["version"] == 6
    assert [entry["verb"] for entry in record["timeline"]] == [
        *("rate", "reply", "process", "sign", "dispatch", "file")
    ]
    assert len(record["attachments"]) == 1
    assert TEXT in [fact["value"] for fact in record["summary"]]


@EMBEDDED
@SCRIPT
async def test_an_error_keeps_what_was_typed_and_says_so_first(served_hub, phone, script):
    tab = await phone(script=script)
    await sign_in(tab, served_hub.url, "resident", next=f"{HOTLINE}/orders/new")
    await tab.get_by_label("投诉", exact=True).check()
    await tab.get_by_label("内容").fill("夜里施工")
    await tab.get_by_label("联系电话").fill("12")
    await press(tab, "继续")
    summary = tab.locator("main > :first-child .error-summary, main > .error-summary:first-child")
    await summary.wait_for()
    assert (await tab.title()).startswith("有误")
    assert await tab.get_by_label("内容").input_value() == "夜里施工"
    assert await tab.get_by_label("联系电话").input_value() == "12"
    assert await tab.get_by_label("投诉", exact=True).is_checked()
    described = await tab.get_by_label("联系电话").get_attribute("aria-describedby")
    beside = await tab.locator(f"#{described.split()[-1]}").inner_text()
    assert await summary.get_by_role("link").inner_text() == f"联系电话：{beside}"
    if script:
        assert await tab.evaluate("document.activeElement.className") == "error-summary"
        assert tab.url.endswith("/orders/new")  # so that the page can be loaded again
    await summary.get_by_role("link").click()
    assert await tab.evaluate("document.activeElement.id") == "f-phone" or not script
    await tab.get_by_label("联系电话").fill("13800001234")
    await press(tab, "继续")
    await press(tab, "提交诉求")
    await tab.wait_for_url(re.compile("/filed$"))


@EMBEDDED
@SCRIPT
async def test_an_act_that_came_too_late_keeps_its_text(served_hub, phone, script):
    program = await served_hub.client_as("resident")
    filed = await program.post(f"{HOTLINE}/orders", json={"kind": "help", "text": TEXT})
    number = filed.json()["number"]
    order = f"{served_hub.url}{HOTLINE}/orders/{number}"
    tab = await phone(script=script)
    await sign_in(tab, served_hub.url, "operator", next=f"{HOTLINE}/orders/{number}/answer")
    await tab.get_by_role("textbox", name="答复").fill("已派人去看")
    assert (await program.post(f"{HOTLINE}/orders/{number}/urge", json={"version": 1})).is_success
    await press(tab, "直接答复")
    await tab.locator(".conflict[role=alert]").wait_for()
    assert await tab.get_by_role("textbox", name="答复").input_value() == "已派人去看"
    if script:
        assert await tab.evaluate("document.activeElement.className") == "conflict"
    await press(tab, "直接答复")  # the form now carries the version that was shown
    await tab.wait_for_url(order)
    await said(tab, "已直接答复")


@EMBEDDED
@SCRIPT
async def test_an_urging_is_undone_within_ten_seconds(served_hub, phone, script):
    program = await served_hub.client_as("resident")
    filed = await program.post(f"{HOTLINE}/orders", json={"kind": "help", "text": TEXT})
    order = f"{HOTLINE}/orders/{filed.json()['number']}"
    tab = await phone(script=script)
    await sign_in(tab, served_hub.url, "resident", next=order)
    await press(tab, "催办")
    await said(tab, "已催办")
    await press(tab, "撤销")
    await said(tab, "撤销")
    await tab.get_by_role("button", name="催办", exact=True).wait_for()


@EMBEDDED
@SCRIPT
async def test_an_app_is_disabled_and_enabled_without_a_restart(served_hub, phone, script):
    url = served_hub.url
    visitor = await phone(script=script)
    administrator = await phone(script=script)
    await sign_in(administrator, url, "administrator", next="/admin/apps")
    hotline = administrator.locator("#app-hotline")
    await hotline.locator("summary").click()
    await hotline.get_by_label("理由").fill("机房维护")
    await hotline.get_by_role("button", name="停用 12345热线", exact=True).click()
    await said(administrator, "停用")
    await hotline.locator(".badge", has_text="停用").wait_for()
    answer = await visitor.goto(f"{url}{HOTLINE}/orders")
    assert answer.status == 503
    await heading(visitor, re.compile("停用|暂停"))
    assert await visitor.get_by_text("机房维护").count()
    await visitor.goto(f"{url}/")  # the rest works

    await hotline.locator("summary").click()
    await hotline.get_by_role("button", name="启用").click()
    await said(administrator, "启用")
    answer = await visitor.goto(f"{url}{HOTLINE}/orders")
    assert answer.status == 200
    await heading(visitor, "登录")


@EMBEDDED
@SCRIPT
async def test_language_and_elder_mode_keep_the_page(served_hub, phone, script):
    url = served_hub.url
    tab = await phone(script=script)
    await sign_in(tab, url, "resident", next=f"{HOTLINE}/orders/new")
    await tab.get_by_label("内容").fill("问个事")
    await tab.get_by_label("咨询").check()
    await press(tab, "继续")
    await press(tab, "提交诉求")
    await tab.wait_for_url(re.compile("/filed$"))
    filed = tab.url
    html = tab.locator("html")

    await tab.locator("header").get_by_role("link", name="English").click()
    await tab.get_by_role("link", name="Home").first.wait_for()
    assert tab.url == filed
    assert await html.get_attribute("lang") == "en"
    await tab.locator("header").get_by_role("button", name="Easy mode").click()
    await tab.locator("html[data-mode=elder]").wait_for()
    assert tab.url == filed
    await tab.goto(f"{url}/search?q=12345")
    await tab.locator("header").get_by_role("link", name="中文").click()
    await tab.locator("html[lang=zh-CN]").wait_for()
    assert tab.url == f"{url}/search?q=12345"
    await tab.locator("header").get_by_role("button", name="长辈版").click()
    await tab.locator("html[data-mode=standard]").wait_for()
    assert tab.url == f"{url}/search?q=12345"


@EMBEDDED
@SCRIPT
async def test_a_wrong_password_says_neither_half_and_leads_back(served_hub, phone, script):
    tab = await phone(script=script)
    await tab.goto(f"{served_hub.url}{HOTLINE}/orders")
    await tab.get_by_label("用户名").fill("resident")
    await tab.get_by_label("密码").fill("not the password")
    await tab.get_by_role("button", name="登录", exact=True).click()
    await tab.locator(".error-summary").wait_for()
    assert await tab.get_by_label("用户名").input_value() == "resident"
    assert await tab.get_by_label("密码").input_value() == ""
    await tab.get_by_label("密码").fill(PASSWORD)
    await tab.get_by_role("button", name="登录", exact=True).click()
    await tab.wait_for_url(f"{served_hub.url}{HOTLINE}/orders")
    await heading(tab, "我的诉求")
    await tab.goto(f"{served_hub.url}/me")
    await tab.get_by_role("button", name="退出").last.click()
    await tab.wait_for_url(f"{served_hub.url}/")
    await tab.locator("main").get_by_role("link", name="登录").wait_for()


@pytest.mark.parametrize("engine_kind", ["embedded"], indirect=True)
async def test_the_position_is_asked_of_the_device_only_when_one_wants_it(served_hub, phone):
    tab = await phone()
    await sign_in(tab, served_hub.url, "resident", next="/apps/hotline/orders/new")
    await tab.context.grant_permissions(["geolocation"], origin=served_hub.url)
    await tab.context.set_geolocation({"longitude": 118.1325, "latitude": 37.698})
    field = tab.locator("input[name=longitude]")
    assert await field.input_value() == ""
    await tab.click("[data-position] button")
    await tab.wait_for_function("() => document.querySelector('[name=latitude]').value !== ''")
    assert await field.input_value() == "118.132500"


@EMBEDDED
@SCRIPT
async def test_what_was_begun_is_gone_on_with_from_the_home_page(served_hub, phone, script):
    url = served_hub.url
    tab = await phone(script=script)
    await sign_in(tab, url, "resident", next=f"{HOTLINE}/orders/new")
    await tab.get_by_label("内容").fill(TEXT)
    if script:  # kept on leaving the field
        await tab.get_by_label("事发地点").focus()
        await tab.get_by_text("草稿已自动保存").wait_for()
        await tab.goto(url)
    else:
        await press(tab, "存草稿")
        await said(tab, "已存草稿")
    assert tab.url == f"{url}/"
    begun = tab.locator("main .row", has_text="还差：类型")
    await begun.get_by_role("link").click()
    await tab.wait_for_url(re.compile(r"/orders/new\?draft="))
    assert await tab.get_by_label("内容").input_value() == TEXT
    await tab.get_by_label("求助").check()
    await press(tab, "继续")
    await press(tab, "提交诉求")
    await tab.wait_for_url(re.compile("/filed$"))
    await tab.goto(url)
    assert await tab.get_by_role("heading", name="继续填写").count() == 0


@EMBEDDED
@SCRIPT
async def test_why_an_act_is_open_is_asked_for_when_one_wants_to_know(served_hub, phone, script):
    program = await served_hub.client_as("resident")
    filed = await program.post(f"{HOTLINE}/orders", json={"kind": "help", "text": TEXT})
    tab = await phone(script=script)
    order = f"{HOTLINE}/orders/{filed.json()['number']}"
    await sign_in(tab, served_hub.url, "dispatcher", next=order)
    panel = tab.locator("details.decision").first
    assert await panel.locator("dl").count() == 0
    await panel.locator("summary").click()
    if not script:
        await panel.get_by_role("link").click()
        panel = tab.locator("#why")
    await panel.get_by_text("hotline.order.dispatch").wait_for()
    await panel.locator("dt", has_text="权限范围").wait_for()
    assert tab.url.endswith(order if script else "/why?permission=hotline.order.dispatch")


@EMBEDDED
@SCRIPT
async def test_rows_of_a_desktop_are_36_px_high_where_one_chose_it(served_hub, phone, script):
    program = await served_hub.client_as("resident")
    await program.post(f"{HOTLINE}/orders", json={"kind": "help", "text": "路灯不亮"})
    tab = await phone(script=script, size=DESKTOP)
    await sign_in(tab, served_hub.url, "dispatcher", next=f"{HOTLINE}/orders")

    async def height():
        box = await tab.locator("[data-row]").first.bounding_box()
        return round(box["height"])

    assert await height() == 48
    await press(tab, "紧凑")
    await tab.locator("html[data-density=compact]").wait_for()
    assert await height() == 36
    small = await phone(script=script)
    await sign_in(small, served_hub.url, "dispatcher", next=f"{HOTLINE}/orders")
    assert not await small.get_by_role("button", name="紧凑").is_visible()

"""Registering a client and reading its trace as an administrator does it, at phone size."""

import os
from pathlib import Path

import pytest

from portal.testing.browser import DESKTOP, PHONE, sign_in
from tests.portal.oidc.relying import Rp
from tests.portal.test_checklist import faults
from tests.portal.test_gallery import AXE

pytestmark = [
    pytest.mark.parametrize("engine_kind", ["embedded"], indirect=True),
    pytest.mark.timeout(300),
]


async def look(tab, name):
    """Look at a page at both sizes, and keep it where the one who runs the tests wants it."""
    await tab.evaluate(f"() => {{ {AXE.read_text(encoding='utf-8')} }}")
    for size in (DESKTOP, PHONE):
        assert await faults(tab, size) == [], name
        if folder := os.environ.get("YIMEN_SCREENSHOTS"):
            await tab.set_viewport_size({"width": size[0], "height": size[1]})
            lang = await tab.locator("html").get_attribute("lang")
            path = Path(folder) / f"link-{name}-{size[0]}-{lang}.png"
            await tab.screenshot(path=path, full_page=True)


@pytest.mark.parametrize("lang", ["zh-CN", "en"])
async def test_a_client_is_registered_and_its_trace_read_on_a_phone(served_hub, phone, lang):
    url, chinese = served_hub.url, lang == "zh-CN"
    tab = await phone(lang=lang)
    await sign_in(tab, url, "administrator", next="/admin/clients/new")
    await look(tab, "new")
    for field, value in (
        ("name_zh", "工作日志"),
        ("name_en", "Work diary"),
        ("id", "diary"),
        ("address", "https://rp.example"),
    ):
        await tab.fill(f"#f-{field}", value)
    await tab.select_option("#f-stack", "php")
    await tab.click("[data-submit]")
    secret = await tab.locator("[data-secret]").inner_text()
    await look(tab, "made")
    rp = Rp(served_hub, "diary", secret, "client_secret_basic")
    await rp.authorize(await served_hub.client_as("unit"))  # at an address that is not its own
    await tab.goto(f"{url}/admin/clients/diary")
    assert secret not in await tab.content()
    await tab.get_by_role("link", name="看登录经过" if chinese else "See the trace").click()
    await tab.get_by_text("一字不差" if chinese else "character by character").wait_for()
    await look(tab, "trace")
    await tab.goto(f"{url}/admin/clients")
    await look(tab, "list")

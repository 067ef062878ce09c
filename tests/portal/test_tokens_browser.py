"""A token is made, used and revoked by hand on a phone; an administrator sees and revokes it."""

import os
from pathlib import Path

import httpx
import pytest

from portal.testing.browser import DESKTOP, PHONE, sign_in
from tests.portal.test_checklist import faults
from tests.portal.test_gallery import AXE
from tests.portal.test_tokens import application, bearer

pytestmark = [
    pytest.mark.parametrize("engine_kind", ["embedded"], indirect=True),
    pytest.mark.timeout(600),
]


async def look(tab, name):
    """Return what the checklist finds on the page as it stands, at both sizes."""
    await tab.evaluate(f"() => {{ {AXE.read_text(encoding='utf-8')} }}")
    wrong = []
    for size in (PHONE, DESKTOP):
        wrong += await faults(tab, size)
        if folder := os.environ.get("YIMEN_SCREENSHOTS"):
            await tab.screenshot(path=Path(folder) / f"{name}-{size[0]}.png", full_page=True)
    await tab.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    return wrong


@pytest.mark.parametrize("lang", ["zh-CN", "en"])
async def test_a_token_is_made_used_and_revoked_by_hand(served_hub, phone, lang):
    await application(served_hub, scopes=["scim"])
    url = served_hub.url
    tab = await phone(lang=lang)
    await sign_in(tab, url, "administrator", next="/me/tokens")
    await tab.fill("[name=name]", "月报导出")
    await tab.select_option("[name=scope]", "hotline:read")
    await tab.click("main form button:has-text('新建'), main form button:has-text('Make')")
    token = await tab.inner_text("[data-token]")
    assert await look(tab, f"made-{lang}") == []
    async with httpx.AsyncClient(base_url=url, headers=bearer(token)) as program:
        orders = "/apps/hotline/orders"
        assert (await program.get(orders, headers={"accept": "application/json"})).status_code in (
            200,
            403,  # the administrator holds nothing in the hotline
        )
        assert await _known(program)
        await tab.goto(f"{url}/me/tokens")
        assert token not in await tab.content()
        assert await look(tab, f"mine-{lang}") == []
        await tab.goto(f"{url}/admin/tokens")
        assert token[-4:] in await tab.content()
        assert await look(tab, f"admin-{lang}") == []
        await tab.goto(f"{url}/me/tokens")
        await tab.click(".rows button")
        await tab.wait_for_load_state()
        assert not await _known(program)


async def _known(program):
    return (await program.get("/healthz")).status_code != 401

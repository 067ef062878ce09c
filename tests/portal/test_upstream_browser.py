"""Signing in through a provider above as a person does it: out of the hub and back, by links."""

import os
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from core.identity.upstream import service
from core.identity.upstream.service import ClientSettings
from core.settings import OWN_MACHINE
from plugin_sdk.text import Text
from portal.testing.browser import DESKTOP, PHONE, sign_in
from portal.testing.hub import PASSWORD
from tests.core.provider_above import CLIENT, SECRET, provider_above

RULES = '[person]\nname = "{name"\n'


@pytest.fixture
def make_hub(make_hub):
    """Hubs that may call this machine."""
    return partial(make_hub, outside_networks=OWN_MACHINE)


@pytest.fixture
async def above():
    async with provider_above() as found:
        yield found


@pytest.fixture
def hosts(above):
    """Its pages may lead to the provider."""
    return {urlsplit(above.issuer).netloc}


async def picture(tab, name):
    """Keep what the window shows, where the one who runs the tests wants it."""
    if folder := os.environ.get("YIMEN_SCREENSHOTS"):
        await tab.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


EMBEDDED = pytest.mark.parametrize("engine_kind", ["embedded"], indirect=True)


@EMBEDDED
@pytest.mark.parametrize(
    ("script", "lang", "size"),
    [(True, "zh-CN", PHONE), (False, "en", DESKTOP)],
    ids=["phone", "desktop"],
)
async def test_the_way_out_and_back(served_hub, above, phone, script, lang, size):
    url = served_hub.url
    chinese = lang == "zh-CN"
    name = "省统一认证" if chinese else "Province sign-in"
    at = f"{'zh' if chinese else 'en'}-{size[0]}"

    def link(zh, en):
        return tab.get_by_role("link", name=zh if chinese else en)

    def button(zh, en):
        return tab.get_by_role("button", name=zh if chinese else en)

    terms = ClientSettings(
        name=Text("省统一认证", "Province sign-in"),
        client_id=CLIENT,
        authentication="client_secret_basic",
        secret=SECRET,
        scopes=("openid",),
        strong_acr=(),
    )
    async with served_hub.services.database.transaction(write=True) as tx:
        await service.add(tx, served_hub.services.numbers, "province", above.issuer, terms)
    # somebody comes who is not known yet
    tab = await phone(script=script, lang=lang, size=size)
    await tab.goto(f"{url}/sign-in?next=/messages")
    await picture(tab, f"sign-in-{at}")
    await link(f"用{name}登录", f"Sign in with {name}").click()
    await tab.wait_for_url("**/stopped?why=unknown**")
    await picture(tab, f"unknown-{at}")
    # they sign in as themselves, and link it
    await link("先登录，再关联", "Sign in, then link").click()
    await tab.fill("#f-username", "unit")
    await tab.fill("#f-password", PASSWORD)
    await tab.click("[data-submit]")
    await tab.wait_for_url(f"{url}/me/identities")
    await button(f"关联{name}", f"Link {name}").click()
    await tab.wait_for_url(f"{url}/me/identities/province/confirm")
    await picture(tab, f"confirm-{at}")
    await button(f"是我的，关联{name}", f"It is mine: link {name}").click()
    await tab.wait_for_url(f"{url}/me/identities")
    await tab.get_by_text("u-***ng").wait_for()
    assert urlsplit(tab.url).path == "/me/identities"
    await picture(tab, f"identities-{at}")
    # from then on it lets them in, to where they wanted to go
    tab = await phone(script=script, lang=lang, size=size)
    await tab.goto(f"{url}/sign-in?next=/me")
    await link(f"用{name}登录", f"Sign in with {name}").click()
    await tab.wait_for_url(f"{url}/me")
    # and out of both
    out = tab.get_by_role("button", name="退出登录" if chinese else "Sign out", exact=True)
    await out.click()
    await tab.wait_for_url(f"{url}/sign-in/with/province/left")
    await picture(tab, f"left-{at}")
    await link(f"也退出{name}", f"Sign out of {name} too").click()
    await tab.wait_for_url(f"{url}/")
    assert "/end" in above.asked


@EMBEDDED
async def test_the_administrator_adds_a_provider_and_tries_its_rules(served_hub, above, phone):
    url = served_hub.url
    tab = await phone()
    await sign_in(tab, url, "administrator", next="/admin/upstreams/new")
    for field, value in (
        ("name_zh", "省统一认证"),
        ("name_en", "Province sign-in"),
        ("key", "province"),
        ("issuer", above.issuer),
        ("client_id", CLIENT),
        ("secret", SECRET),
    ):
        await tab.fill(f"#f-{field}", value)
    await picture(tab, "new")
    await tab.click("[data-submit]")
    await tab.wait_for_url(f"{url}/admin/upstreams/province")
    await tab.get_by_role("button", name="测试连接").click()
    await tab.get_by_text("能用", exact=True).wait_for()
    await picture(tab, "upstream")
    # a fault by its line, with what was typed; then a dry run
    await tab.goto(f"{url}/admin/upstreams/province/rules")
    await tab.fill("#f-rules", RULES)
    await tab.fill("#f-claims", '{"name": "张三", "dept": "371603U01"}')
    await tab.get_by_role("button", name="试算").click()
    await tab.locator(".error-summary").get_by_text("person.name").wait_for()
    assert await tab.locator("#f-rules").input_value() == RULES.rstrip("\n")
    await tab.fill(
        "#f-rules",
        '[person]\nname = "{name}"\n\n[[post]]\norganization = "{dept}"\ntitle = "科员"\n',
    )
    await tab.get_by_role("button", name="试算").click()
    await tab.get_by_text("什么都没有改").wait_for()
    await tab.get_by_text("给岗位：城市管理局 · 科员").wait_for()
    await picture(tab, "rules")

"""Signing in through a provider above as a person does it: out of the hub and back, by links."""

import os
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from core.settings import OWN_MACHINE
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


@pytest.mark.parametrize("engine_kind", ["embedded"], indirect=True)
@pytest.mark.parametrize(
    ("script", "lang", "size"),
    [(True, "zh-CN", PHONE), (False, "en", DESKTOP)],
    ids=["phone", "desktop"],
)
async def test_the_way_out_and_back(served_hub, above, phone, script, lang, size):
    url = served_hub.url
    chinese = lang == "zh-CN"
    name = "省统一认证" if chinese else "Province sign-in"

    def words(zh, en):
        return zh if chinese else en

    at = f"{'zh' if chinese else 'en'}-{size[0]}"
    above.claims = {"name": "张三", "dept": "371603U01"}

    async def window():
        return await phone(script=script, lang=lang, size=size)

    # the administrator adds it, and tries it
    tab = await window()
    await sign_in(tab, url, "administrator")
    await tab.goto(f"{url}/admin/upstreams/new")
    for field, value in (
        ("name_zh", "省统一认证"),
        ("name_en", "Province sign-in"),
        ("key", "province"),
        ("issuer", above.issuer),
        ("client_id", CLIENT),
        ("secret", SECRET),
    ):
        await tab.fill(f"#f-{field}", value)
    await picture(tab, f"new-{at}")
    await tab.click("[data-submit]")
    await tab.wait_for_url(f"{url}/admin/upstreams/province")
    await tab.get_by_role("button", name=words("测试连接", "Test the connection")).click()
    await tab.get_by_text(words("能用", "it answers"), exact=True).wait_for()
    await picture(tab, f"upstream-{at}")
    await tab.goto(f"{url}/admin/upstreams")
    await picture(tab, f"upstreams-{at}")
    # somebody comes who is not known yet
    other = await window()
    await other.goto(f"{url}/sign-in?next=/messages")
    await picture(other, f"sign-in-{at}")
    await other.get_by_role("link", name=words(f"用{name}登录", f"Sign in with {name}")).click()
    await other.wait_for_url("**/stopped?why=unknown**")
    await picture(other, f"unknown-{at}")
    # they sign in as themselves, and link it
    await other.get_by_role("link", name=words("先登录，再关联", "Sign in, then link")).click()
    await other.fill("#f-username", "unit")
    await other.fill("#f-password", PASSWORD)
    await other.click("[data-submit]")
    await other.wait_for_url(f"{url}/me/identities")
    await other.get_by_role("link", name=words(f"关联{name}", f"Link {name}")).click()
    await other.get_by_text("u-***ng").wait_for()
    assert urlsplit(other.url).path == "/me/identities"
    await picture(other, f"identities-{at}")
    # from then on it lets them in, to where they wanted to go
    new = await window()
    await new.goto(f"{url}/sign-in?next=/messages")
    await new.get_by_role("link", name=words(f"用{name}登录", f"Sign in with {name}")).click()
    await new.wait_for_url(f"{url}/messages")
    # and out of both
    await new.goto(f"{url}/me")
    await new.get_by_role("button", name=words("退出登录", "Sign out"), exact=True).click()
    await new.wait_for_url(f"{url}/sign-in/with/province/left")
    await picture(new, f"left-{at}")
    out = words(f"也退出{name}", f"Sign out of {name} too")
    await new.get_by_role("link", name=out).click()
    await new.wait_for_url(f"{url}/")
    assert "/end" in above.asked
    # the rules: a fault by its line, then a dry run
    await tab.goto(f"{url}/admin/upstreams/province/rules")
    await tab.fill("#f-rules", RULES)
    await tab.get_by_role("button", name=words("试算", "Dry run")).click()
    await tab.locator(".error-summary").get_by_text("person.name").wait_for()
    assert await tab.locator("#f-rules").input_value() == RULES.rstrip("\n")
    await tab.fill(
        "#f-rules",
        '[person]\nname = "{name}"\n\n[[post]]\norganization = "{dept}"\ntitle = "科员"\n',
    )
    await tab.get_by_role("button", name=words("试算", "Dry run")).click()
    await tab.get_by_text(words("什么都没有改", "nothing was changed")).wait_for()
    await picture(tab, f"rules-{at}")

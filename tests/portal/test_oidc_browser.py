"""Signing in to another app as a person does it, with script and without, at phone size."""

import os
import re
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from portal.testing.browser import DESKTOP, PHONE
from portal.testing.hub import PASSWORD
from tests.portal.oidc.relying import CALLBACK, LEFT, register
from tests.portal.test_checklist import faults
from tests.portal.test_gallery import AXE

pytestmark = [
    pytest.mark.parametrize("engine_kind", ["embedded"], indirect=True),
    pytest.mark.timeout(300),
]


@pytest.fixture
def hosts():
    """The hosts that pages lead to besides the hub."""
    return {"rp.example"}


class Window:
    """A window in which somebody goes from an app to the hub and back."""

    def __init__(self, tab, hub, *, scripted):
        self.tab = tab
        self.hub = hub
        self.scripted = scripted
        self.came = []

    async def open(self):
        async def app(route):
            request = route.request
            self.came.append((request.method, request.url, request.post_data or ""))
            await route.fulfill(
                status=200,
                content_type="text/html",
                body="<!doctype html><title>app</title><link rel=icon href='data:,'><h1>App</h1>",
            )

        await self.tab.route("https://rp.example/**", app)
        return self

    async def ask(self, rp, **more):
        await self.tab.goto(f"{self.hub.url}/oidc/authorize?{urlencode(rp.asked(**more))}")

    async def back(self):
        """What the app was sent, once the browser is there."""
        await self.tab.wait_for_url("https://rp.example/**")
        await self.tab.get_by_role("heading", name="App").wait_for()
        method, url, body = self.came[-1]
        query = body if method == "POST" else urlsplit(url).query
        return method, {name: values[0] for name, values in parse_qs(query).items()}

    async def look(self, name, words):
        """Look at a page at both sizes."""
        await self.tab.get_by_role("heading", level=1, name=words).wait_for()
        for size in (PHONE, DESKTOP):
            if self.scripted:
                await self.tab.evaluate(f"() => {{ {AXE.read_text(encoding='utf-8')} }}")
                assert await faults(self.tab, size) == [], name
            await self.picture(name, size)

    async def picture(self, name, size):
        if folder := os.environ.get("YIMEN_SCREENSHOTS"):
            await self.tab.set_viewport_size({"width": size[0], "height": size[1]})
            lang = await self.tab.locator("html").get_attribute("lang")
            path = Path(folder) / f"oidc-{name}-{size[0]}-{lang}.png"
            await self.tab.screenshot(path=path, full_page=True)


@pytest.mark.parametrize("script", [True, False], ids=["script", "plain"])
async def test_a_person_signs_in_to_apps_and_out_again(served_hub, phone, script):
    ours = await register(served_hub)
    stranger = await register(served_hub, "stranger", first_party=False)
    lang = "zh-CN" if script else "en"
    words = WORDS[lang]
    tab = await phone(script=script, lang=lang)
    window = await Window(tab, served_hub, scripted=script).open()

    await window.ask(ours)
    await tab.get_by_text(words["for"]).wait_for()
    await window.look("sign-in", words["sign-in"])
    await tab.fill("#f-username", "operator")
    await tab.fill("#f-password", "wrong")
    await tab.click("[data-submit]")
    await tab.locator(".error-summary").wait_for()
    await tab.get_by_text(words["for"]).wait_for()
    await tab.fill("#f-password", PASSWORD)
    await tab.click("[data-submit]")
    method, sent = await window.back()
    assert method == "GET"
    tokens = (await ours.redeem(sent["code"])).json()
    assert (await ours.userinfo(tokens["access_token"])).json()["name"] == "吴话务"

    await window.ask(stranger, response_mode="form_post")
    await window.look("consent", words["consent"])
    await tab.get_by_role("button", name=words["allow"], exact=True).click()
    if not script:
        await tab.get_by_role("button", name=words["go"]).click()
    method, sent = await window.back()
    assert method == "POST"
    assert sent["state"] == "s t/ä"
    assert (await stranger.redeem(sent["code"])).status_code == 200

    await window.ask(ours, prompt="select_account")
    await window.look("account", words["account"])
    await tab.get_by_role("button", name=re.compile(r"吴\*务")).click()
    assert "code" in (await window.back())[1]

    await window.ask(ours, redirect_uri="https://rp.example/other")
    await window.look("refused", words["refused"])

    await tab.goto(f"{served_hub.url}/me/clients")
    await window.look("mine", words["mine"])
    await tab.get_by_role("button", name=re.compile(words["take"])).click()
    await tab.get_by_text(words["taken"]).wait_for()

    leave = {"client_id": "notes", "post_logout_redirect_uri": LEFT, "state": "left"}
    await tab.goto(f"{served_hub.url}/oidc/logout?{urlencode(leave)}")
    await window.look("logout", words["logout"])
    await tab.get_by_role("button", name=words["out"]).last.click()
    assert (await window.back())[1] == {"state": "left"}
    assert (await ours.userinfo(tokens["access_token"])).status_code == 401
    await tab.goto(f"{served_hub.url}/oidc/logout")
    await window.look("signed-out", words["signed-out"])
    assert CALLBACK in window.came[0][1]


WORDS = {
    "zh-CN": {
        "for": "登录后进入“记事”",
        "sign-in": "登录",
        "consent": "允许这个应用看您的信息吗",
        "allow": "允许",
        "go": "继续",
        "account": "用哪个账号登录",
        "refused": "这个应用现在登录不了",
        "mine": "允许其他应用看的信息",
        "take": "收回",
        "taken": "已收回，应用已退出登录",
        "logout": "要退出登录吗",
        "out": "退出登录",
        "signed-out": "已退出登录",
    },
    "en": {
        "for": "After this you go on to Notes",
        "sign-in": "Sign in",
        "consent": "Let this app know about you",
        "allow": "Allow",
        "go": "Go on",
        "account": "Which account",
        "refused": "This app cannot sign you in",
        "mine": "What other apps may know",
        "take": "Take back",
        "taken": "Taken back; the app is signed out",
        "logout": "Sign out?",
        "out": "Sign out",
        "signed-out": "You are signed out",
    },
}

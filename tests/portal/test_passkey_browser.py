"""A passkey in a real browser, with the browser's own virtual authenticator, by keyboard alone."""

from urllib.parse import urlsplit

import pytest

from portal.testing.browser import sign_in

pytestmark = pytest.mark.parametrize("engine_kind", ["embedded"], indirect=True)


async def with_authenticator(tab):
    chromium = await tab.context.new_cdp_session(tab)
    await chromium.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    await chromium.send("WebAuthn.addVirtualAuthenticator", {"options": options})


async def press(tab, name):
    button = tab.get_by_role("button", name=name, exact=True)
    await button.focus()
    await tab.keyboard.press("Enter")


async def test_a_passkey_is_added_signed_in_with_and_asked_for_again(served_hub, phone):
    url = f"http://localhost:{urlsplit(served_hub.url).port}"  # passkeys hold for names
    tab = await phone()
    await with_authenticator(tab)
    await sign_in(tab, url, "operator")
    await tab.goto(f"{url}/me/security")
    await tab.get_by_label("给它起个名字").fill("手机")
    await press(tab, "添加通行密钥")
    await tab.get_by_role("heading", level=1, name="抄下备用码").wait_for()
    assert await tab.locator(".codes li").count() == 10
    await tab.goto(f"{url}/me")
    await press(tab, "退出登录")
    await tab.wait_for_url(f"{url}/")
    await tab.goto(f"{url}/sign-in?next=/work")
    await press(tab, "用通行密钥登录")
    await tab.wait_for_url(f"{url}/work")
    served_hub.clock.move(minutes=31)
    await tab.goto(f"{url}/me/security/totp")
    await tab.get_by_role("heading", level=1, name="确认是您本人").wait_for()
    await press(tab, "用通行密钥验证")
    await tab.get_by_role("heading", level=1, name="设置身份验证器").wait_for()


async def test_without_script_the_pages_say_what_else_helps(served_hub, phone):
    url = f"http://localhost:{urlsplit(served_hub.url).port}"
    tab = await phone(script=False)
    await sign_in(tab, url, "unit")
    await tab.goto(f"{url}/me/security")
    await tab.get_by_text("现在可以先用身份验证器").wait_for()
    assert not await tab.get_by_role("button", name="添加通行密钥").is_visible()

"""The administrator registers clients, changes them, and reads what failed."""

import re

import pytest

from portal.pages.admin.client_settings import STACKS
from portal.testing.hub import ROOT
from tests.portal.oidc.relying import PAGE, Rp, params_of

HERE = "/admin/clients"
NEW = {
    "name_zh": "工作日志",
    "name_en": "Work diary",
    "id": "diary",
    "stack": "django",
    "address": "https://diary.example",
}

pytestmark = pytest.mark.parametrize("engine_kind", ["embedded"], indirect=True)


@pytest.fixture
async def admin(hub_app):
    return await hub_app.client_as("administrator")


async def register(admin, **more):
    """Register a client as the page does; return its page, with the secret of this once."""
    form = {**NEW, **more, "_csrf": admin.csrf}
    return await admin.post(f"{HERE}/new", data=form, headers=PAGE)


def secret_in(page):
    return re.findall(r"data-secret>([^<]+)<", page.text)[0]


async def test_a_client_is_registered_with_settings_to_copy_and_its_secret_shown_once(admin):
    made = await register(admin)
    assert made.status_code == 201, made.text
    assert made.headers["cache-control"] == "no-store"
    secret = secret_in(made)
    assert made.text.count(secret) >= 6  # above, and in the settings of each of four stacks
    for line in (
        "OIDC_USE_PKCE = True",
        "OIDCPKCEMethod S256",
        "setCodeChallengeMethod(&#39;S256&#39;)",
        "issuer-uri: http://127.0.0.1",
        "https://diary.example/oidc/callback/",
    ):
        assert line in made.text, line
    assert "{{" not in made.text
    assert made.text.index("mozilla-django-oidc") < made.text.index("Spring Security")
    again = await admin.get(f"{HERE}/diary", headers=PAGE)
    assert secret not in again.text
    assert "CLIENT_SECRET" in again.text
    assert f"…{secret[-4:]}" in again.text


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"id": "Diary"}, "id"),
        ({"id": "new"}, "id"),
        ({"address": "http://diary.example"}, "address"),
        ({"address": "https://diary.example/#"}, "address"),
        ({"app": "nowhere"}, "app"),
        ({"name_en": " "}, "name_en"),
    ],
)
async def test_what_is_wrong_is_said_where_it_was_entered(admin, given, field):
    answer = await admin.post(f"{HERE}/new", json={**NEW, **given})
    assert answer.status_code == 422, answer.text
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    page = await register(admin, **given)
    assert page.status_code == 422
    assert "Work diary" in page.text or given.get("name_en")


async def test_a_client_is_changed_and_never_over_what_another_wrote(admin):
    await register(admin)
    form = {
        "name_zh": "工作日志",
        "name_en": "Diary",
        "redirect_uris": "https://diary.example/a\nhttps://diary.example/b",
        "scopes": "openid profile posts",
        "refresh": True,
        "first_party": True,
        "version": 1,
    }
    answer = await admin.post(f"{HERE}/diary/edit", json=form)
    assert answer.status_code == 200, answer.text
    stale = await admin.post(f"{HERE}/diary/edit", json=form)
    assert stale.status_code == 409
    assert stale.json()["type"].endswith(":client-stale")
    wrong = await admin.post(f"{HERE}/diary/edit", json={**form, "scopes": "posts", "version": 2})
    assert wrong.json()["errors"][0]["field"] == "scopes"
    shown = await admin.get(f"{HERE}/diary/edit", headers=PAGE)
    assert "https://diary.example/a\nhttps://diary.example/b" in shown.text


async def test_secrets_change_without_a_pause_and_a_shut_client_gets_nothing(hub_app, admin):
    made = await register(admin, stack="other", address="https://rp.example/callback")
    old, unit = secret_in(made), await hub_app.client_as("unit")
    rotated = await admin.post(f"{HERE}/diary/secret", data={"_csrf": admin.csrf}, headers=PAGE)
    new = secret_in(rotated)
    rp = Rp(hub_app, "diary", new, "client_secret_basic")
    for secret in (old, new):
        rp = Rp(hub_app, "diary", secret, "client_secret_basic")
        assert (await rp.redeem(await rp.code(unit, scope="openid"))).status_code == 200
    found = re.findall(r'name="secret" value="([^"]+)"', rotated.text)
    assert len(found) == 2
    dropped = await admin.post(f"{HERE}/diary/secret/drop", json={"secret": found[1]})
    assert dropped.status_code == 200, dropped.text
    late = Rp(hub_app, "diary", old, "client_secret_basic")
    assert (await late.redeem(await late.code(unit, scope="openid"))).status_code == 401
    assert (await admin.post(f"{HERE}/diary/disable", json={})).status_code == 200
    assert (await rp.authorize(unit)).status_code == 400
    assert (await admin.post(f"{HERE}/diary/enable", json={})).status_code == 200
    assert "code" in params_of(await rp.authorize(unit, scope="openid"))
    trace = (await admin.get(f"{HERE}/diary/trace", headers=PAGE)).text
    assert "客户端密钥不对" in trace
    assert "这个客户端已停用" in trace
    for hidden in (old, new, rp.verifier):
        assert hidden not in trace


async def test_a_mistyped_id_is_found_among_the_strangers(hub_app, admin):
    stranger = Rp(hub_app, "dairy", "x", "client_secret_basic")
    await stranger.authorize(await hub_app.client_as("unit"))
    page = await admin.get("/admin/client-trace", headers=PAGE)
    assert "client_id 没有登记" in page.text
    assert "客户端编号：dairy" in page.text


@pytest.mark.parametrize("path", ["", "/new", "/diary", "/diary/edit", "/diary/trace"])
async def test_clients_are_the_administrators_alone(hub_app, path):
    unit = await hub_app.client_as("unit")
    assert (await unit.get(f"{HERE}{path}")).status_code == 403
    assert (await hub_app.client().get(f"{HERE}{path}")).status_code == 401


def test_the_guide_names_the_address_that_each_stack_answers_at(engine_kind):
    guide = (ROOT / "docs" / "linking.md").read_text(encoding="utf-8")
    for stack in STACKS.values():
        (row,) = [line for line in guide.splitlines() if line.startswith(f"| {stack.name} |")]
        assert f"`…{stack.redirect}`" in row
        assert f"`…{stack.signed_out}`" in row or not stack.signed_out

"""Every page of the shell shows itself, in both languages and modes, to whom it is for."""

import itertools

import pytest

from core.apps.native import build

OPEN = ["/", "/apps", "/track", "/feedback", "/search?q=12345", "/transparency", "/sign-in"]
OPEN += ["/about/hotline", "/why", "/why?permission=hotline.order.dispatch", "/absent"]
OPEN += ["/_components"]
SIGNED_IN = [
    "/",
    "/apps",
    "/work",
    "/work?which=done",
    "/messages",
    "/me",
    "/me/record",
    "/search?q=x",
]
SIGNED_IN += ["/me/delegations", "/me/consents"]
ADMIN = ["/admin/people", "/admin/organizations", "/admin/grants", "/admin/apps"]
ADMIN += ["/admin/grants?permission=hotline.order.dispatch", "/admin/audit", "/admin/outbox"]
BY_ROLE = {
    "visitor": OPEN,
    "resident": SIGNED_IN,
    "dispatcher": SIGNED_IN,
    "administrator": [*SIGNED_IN, *ADMIN],
    "grid": [*SIGNED_IN, "/behalf"],
    "governance": [
        *("/governance", "/governance/apps/hotline", "/governance/policy", "/owner/feedback"),
        "/governance/policy?rules.zombie.visits=1",
    ],
    "owner": ["/owner", "/owner/apps/hotline", "/owner/feedback"],
}


@pytest.mark.parametrize("role", list(BY_ROLE))
async def test_pages_show_themselves_in_both_languages_and_modes(hub_app, role):
    client = await (hub_app.client_as(role) if role != "visitor" else _visitor(hub_app))
    for language, mode in (("zh-CN", "standard"), ("en", "elder")):
        client.cookies.set("lang", language)
        client.cookies.set("mode", mode)
        for path in BY_ROLE[role]:
            answer = await client.page(path)
            assert answer.status_code == (404 if path == "/absent" else 200), (path, answer.text)
            assert f'<html lang="{language}" data-mode="{mode}"' in answer.text, path
            if path != "/_components":  # it shows whole pages within a page
                assert answer.text.count("<h1") == 1, path


async def _visitor(hub_app):
    return hub_app.client()


@pytest.mark.parametrize("engine_kind", ["embedded"], indirect=True)
async def test_every_page_can_be_built_and_none_is_in_anothers_way(hub_app):
    build(
        [*hub_app.hub.handlers], guard=lambda app: app, on_problem=hub_app.hub.renderer.on_problem
    )
    for instance in hub_app.hub.apps.instances.values():
        await instance.sections.warm()
        assert hub_app.hub.door.slots[instance.app.id].gate.state == "enabled"


async def test_pages_of_others_lead_to_the_sign_in_or_are_denied(hub_app):
    visitor, resident = hub_app.client(), await hub_app.client_as("resident")
    for path in (*ADMIN, "/governance", "/work", "/me"):
        answer = await visitor.page(path)
        assert answer.status_code == 303, path
        assert answer.headers["location"].startswith("/sign-in?next=%2F")
        assert (await visitor.get(path)).status_code == 401, path
    for path in (*ADMIN, "/governance"):
        denied = await resident.get(path)
        assert denied.status_code == 403, path
        assert denied.json()["type"] == "urn:yimen:problem:denied"
        assert denied.headers["content-type"] == "application/problem+json"


async def test_every_text_is_there_in_both_languages_and_in_our_words(hub_app):
    assert hub_app.hub.catalogue.check() == []


@pytest.mark.parametrize(
    ("role", "paths"),
    [
        ("dispatcher", ["/apps/hotline/orders"]),
        ("administrator", ["/work", "/messages", "/admin/audit"]),
    ],
)
async def test_a_place_that_no_list_gave_is_refused_in_words(hub_app, role, paths):
    client = await hub_app.client_as(role)
    for path, cursor in itertools.product(paths, ("x", "2026-03-02T02:00:00", "MjAyNg")):
        answer = await client.get(path, params={"cursor": cursor})
        assert answer.status_code == 422, path
        assert answer.json()["type"] == "urn:yimen:problem:bad-cursor"
        page = await client.page(f"{path}?cursor={cursor}")
        assert page.status_code == 422, path
        assert "回到列表第一页再翻" in page.text


async def test_work_beyond_a_page_is_reached_and_each_item_once(hub_app, monkeypatch):
    monkeypatch.setattr("portal.pages.home.WORK_PAGE", 3)
    resident = await hub_app.client_as("resident")
    for n in range(7):
        order = {"kind": "help", "text": f"路灯不亮 {n}", "place": "文化路"}
        filed = await resident.post("/apps/hotline/orders", json=order)
        assert filed.status_code == 201, filed.text
    dispatcher = await hub_app.client_as("dispatcher")
    seen, href = [], "/work"
    while href:
        view = (await dispatcher.get(href)).json()
        assert len(view["rows"]) <= 3
        seen += [row["id"] for row in view["rows"]]
        href = view["next_href"]
    assert len(seen) == len(set(seen)) == 7

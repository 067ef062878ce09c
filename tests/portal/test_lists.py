"""A list's state is its address: named, pinned, sent; its rows as high as one likes."""

import html
import re

import pytest

ORDERS = "/apps/hotline/orders"


def pinned(page):
    """Return the pinned lists that a page shows, by address."""
    nav = re.search(r'<nav class="pins".*?</nav>', page, re.DOTALL)
    found = re.findall(r'href="([^"]+)"[^>]*>([^<]+)</a>', nav[0]) if nav else []
    return {html.unescape(href): name for href, name in found}


async def test_a_filtered_list_is_pinned_under_a_name_and_let_go(hub_app):
    unit = await hub_app.client_as("unit")
    address = f"{ORDERS}?state=dispatched&late=1"
    page = (await unit.page(f"{ORDERS}?state=dispatched&late=1")).text
    offered = re.search(r'name="href" value="([^"]+)"', page)
    assert offered is not None
    assert html.unescape(offered[1]) == address
    kept = await unit.post_form("/pins", {"name": "超期待签收", "href": address})
    assert kept.status_code == 303
    assert kept.headers["location"] == address
    listed = (await unit.page(f"{ORDERS}?q=&late=1&state=dispatched")).text
    assert pinned(listed) == {address: "超期待签收"}
    assert 'aria-current="page">超期待签收' in listed
    assert pinned((await unit.page("/work")).text) == {address: "超期待签收"}
    await unit.post_form("/pins", {"name": "先办", "href": address})  # another name, not another
    assert pinned((await unit.page("/work")).text) == {address: "先办"}
    other = await hub_app.client_as("dispatcher")
    assert pinned((await other.page("/work")).text) == {}
    assert (await other.page(address)).status_code == 200  # what is sent opens
    await other.post_form("/pins/remove", {"href": address})
    assert "先办" in (await unit.page("/me")).text
    await unit.post_form("/pins/remove", {"href": address})
    assert pinned((await unit.page("/work")).text) == {}


ELSEWHERE = ("https://elsewhere.example/", "//elsewhere.example", "javascript:alert(1)", "/x\\y")


async def test_only_a_list_of_this_hub_is_pinned(hub_app):
    unit = await hub_app.client_as("unit")
    for href in ELSEWHERE:
        answer = await unit.post("/pins", json={"name": "x", "href": href})
        assert answer.status_code == 422, href
    assert "x</a>" not in (await unit.page("/me")).text


async def test_pins_are_bounded_and_a_visitor_has_none(hub_app):
    unit = await hub_app.client_as("unit")
    answers = [
        (await unit.post("/pins", json={"name": f"第 {n}", "href": f"/work?n={n}"})).status_code
        for n in range(21)
    ]
    assert answers == [200] * 20 + [409]
    assert len(pinned((await unit.page("/work")).text)) == 20
    visitor = await hub_app.client().post("/pins", json={"name": "x", "href": "/work"})
    assert visitor.status_code == 401


@pytest.mark.parametrize("engine_kind", ["embedded"], indirect=True)
async def test_rows_are_as_high_as_the_reader_chose(hub_app):
    unit = await hub_app.client_as("unit")
    assert "data-density" not in (await unit.page(ORDERS)).text
    chosen = await unit.post_form("/density", {"density": "compact", "back": ORDERS})
    assert chosen.headers["location"] == ORDERS
    unit.cookies.set("density", "compact")
    assert 'data-density="compact"' in (await unit.page(ORDERS)).text
    assert (await unit.post_form("/density", {"density": "tiny"})).status_code == 422


@pytest.mark.parametrize("engine_kind", ["embedded"], indirect=True)
async def test_a_decision_is_asked_for_by_its_permission(hub_app):
    resident = await hub_app.client_as("resident")
    filed = (await resident.post(ORDERS, json={"kind": "help", "text": "路灯不亮"})).json()
    dispatcher = await hub_app.client_as("dispatcher")
    page = (await dispatcher.page(f"{ORDERS}/{filed['number']}")).text
    panel = re.search(r'<details class="decision" hx-get="([^"]+)"', page)
    assert panel is not None
    assert panel[1] == "/why?permission=hotline.order.dispatch"
    assert f'href="{panel[1]}"' in page  # and without script
    why = (await dispatcher.get(panel[1], headers={"hx-request": "true"})).text
    assert 'id="why"' in why
    assert 'class="decision"' not in (await resident.page(f"{ORDERS}/{filed['number']}")).text

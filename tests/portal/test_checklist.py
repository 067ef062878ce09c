"""The checklist of portal.md, section 7, on the pages of a running hub.

The main page of each job runs every time; the whole matrix before a release (`make pages`).
"""

import os
import re
from pathlib import Path

import pytest

from portal.testing.browser import DESKTOP, PHONE, sign_in
from portal.testing.hub import PASSWORD
from tests.portal.governed import govern
from tests.portal.test_gallery import AXE, GEOMETRY, RUN_AXE

ORDERS = "/apps/hotline/orders"
LIGHTS = "城乡建设/城市建设和市政管理/城市公共设施"
KILO = 1024
pytestmark = [
    pytest.mark.parametrize("engine_kind", ["embedded"], indirect=True),
    pytest.mark.timeout(600),
]

# {new}, {open}, {done}: an order in that state. The first of a role are its main pages.
MAIN = {
    "visitor": ["/", "/sign-in", "/track"],
    "resident": ["/", f"{ORDERS}/new", f"{ORDERS}/{{done}}", f"{ORDERS}/{{done}}/rate"],
    "dispatcher": ["/", "/work", f"{ORDERS}/{{new}}/dispatch"],
    "unit": [f"{ORDERS}/{{open}}", f"{ORDERS}/{{open}}/reply"],
    "administrator": ["/admin/apps"],
}
MORE = {
    "visitor": [
        *("/apps", "/track?number=1", "/feedback", "/search?q=zzz", "/search?q=12345"),
        *("/about/hotline", "/why?permission=hotline.order.dispatch", "/transparency", "/absent"),
    ],
    "resident": [
        *(ORDERS, f"{ORDERS}?q=zzz", f"{ORDERS}/{{new}}", f"{ORDERS}/{{new}}/filed"),
        *("/apps/hotline/snap", f"{ORDERS}/{{done}}/reopen", "/messages", "/me", "/work"),
        *("/me/record", "/me/consents", "/me/clients"),
    ],
    "grid": ["/behalf"],
    "resident2": ["/", ORDERS, "/work", "/messages", f"{ORDERS}/{{new}}"],
    "operator": ["/apps/hotline/intake", "/apps/hotline/desk", f"{ORDERS}/{{new}}/answer"],
    "dispatcher": [
        *(ORDERS, f"{ORDERS}/{{new}}", f"{ORDERS}/{{done}}", "/apps/hotline/dispatch"),
        f"{ORDERS}?state=received",
        *("/apps/hotline/categories", "/messages", "/me", "/apps", f"{ORDERS}/{{new}}/supervise"),
    ],
    "unit": ["/", f"{ORDERS}/{{open}}/return", f"{ORDERS}/{{open}}/extend", "/me/delegations"],
    "leader": ["/", "/apps/hotline/figures"],
    "administrator": [
        *("/", "/admin/people", "/admin/organizations", "/admin/grants", "/admin/outbox"),
        *("/admin/grants?permission=hotline.order.dispatch", "/admin/audit"),
        *("/me/tokens", "/admin/tokens"),
    ],
    "governance": [
        *("/governance", "/governance?finding=zombie", "/governance/apps/hotline"),
        *("/governance/policy?rules.zombie.visits=1", "/owner/feedback"),
        *("/governance/register", "/governance/register/changes", "/governance/register/new"),
        *("/governance/register/import", "/governance/reports"),
        *("/apps/oversight/accounts", "/apps/oversight/groups/new"),
        *("/governance/apps/hotline/life", "/governance/apps/hotline/life/watch"),
    ],
    "owner": [
        *("/owner", "/owner/apps/hotline", "/owner/feedback", "/owner/apps/hotline/life"),
    ],
}


async def orders(hub):
    """File three requests and take two of them on; return their numbers by state."""
    await govern(hub)
    clients = {role: await hub.client_as(role) for role in ("resident", "dispatcher", "unit")}
    unit = str((await hub.actor("unit")).organization_id)
    acts = [
        ("dispatcher", "dispatch", {"unit": unit, "category": LIGHTS}),
        ("unit", "sign", {}),
        ("unit", "process", {}),
        ("unit", "reply", {"text": "五盏路灯已修好"}),
    ]
    found = {}
    for state, depth in (("new", 0), ("open", 3), ("done", 4)):
        values = {"kind": "help", "text": "社区门口的路灯不亮已经一周\n晚上老人出门看不清路"}
        answer = await clients["resident"].post(ORDERS, json=values)
        found[state] = answer.json()["number"]
        for version, (role, verb, form) in enumerate(acts[:depth], 1):
            path = f"{ORDERS}/{found[state]}/{verb}"
            acted = await clients[role].post(path, json={**form, "version": version})
            assert acted.is_success, acted.text
    await hub.settle()
    return found


async def faults(tab, size):
    """Return what the checklist finds on the page at a size."""
    await tab.set_viewport_size({"width": size[0], "height": size[1]})
    found = await tab.evaluate(GEOMETRY)
    tall = await tab.evaluate("Math.max(innerHeight, document.documentElement.scrollHeight)")
    await tab.set_viewport_size({"width": size[0], "height": tall})  # no bar covers anything
    found += await tab.evaluate(RUN_AXE)
    await tab.set_viewport_size({"width": size[0], "height": size[1]})
    return found


async def check(hub, phone, pages, *, lang="zh-CN", elder=False):
    """Look at every page of every role; return what is wrong, by page."""
    numbers = await orders(hub)
    axe = AXE.read_text(encoding="utf-8")
    folder = os.environ.get("YIMEN_SCREENSHOTS")
    wrong: dict[tuple[str, ...], list[str]] = {}
    for role, addresses in pages.items():
        tab = await phone(lang=lang, elder=elder)
        if role != "visitor":
            await sign_in(tab, hub.url, role)
        titles: dict[str, list[str]] = {}
        for address in addresses:
            path = address.format(**numbers)
            await tab.goto(hub.url + path, wait_until="load")
            await tab.evaluate(f"() => {{ {axe} }}")
            titles.setdefault(await tab.title(), []).append(path)
            assert await tab.locator("html").get_attribute("lang") == lang
            for size in (PHONE, DESKTOP):
                if found := await faults(tab, size):
                    wrong[role, path, str(size[0])] = found
                if folder:
                    name = re.sub(r"\W+", "-", f"{role} {address} {size[0]} {lang} {elder}")
                    await tab.screenshot(path=Path(folder) / f"{name}.png", full_page=True)
        for title, alike in titles.items():
            if len({path.split("?")[0] for path in alike}) > 1:
                wrong[role, title] = alike
    return wrong


async def test_main_pages_pass_the_checklist(served_hub, phone):
    assert await check(served_hub, phone, MAIN) == {}


@pytest.mark.pages
@pytest.mark.parametrize("elder", [False, True], ids=["standard", "elder"])
@pytest.mark.parametrize("lang", ["zh-CN", "en"])
async def test_all_pages_pass_the_checklist(served_hub, phone, lang, elder):
    pages = {role: MAIN.get(role, []) + MORE.get(role, []) for role in {**MAIN, **MORE}}
    assert await check(served_hub, phone, pages, lang=lang, elder=elder) == {}


async def test_a_first_visit_is_light_and_the_next_page_lighter(served_hub, phone):
    tab = await phone()
    requests = []
    tab.on("requestfinished", lambda request: requests.append(request))

    async def weight():
        sizes = [await request.sizes() for request in requests]
        return sum(size["responseBodySize"] for size in sizes) / KILO

    await tab.goto(served_hub.url, wait_until="networkidle")
    assert len(requests) <= 10, [request.url for request in requests]
    assert await weight() <= 150, [request.url for request in requests]
    requests.clear()
    await tab.goto(f"{served_hub.url}/track", wait_until="networkidle")
    sent = [r for r in requests if not (await r.response()).from_service_worker]
    loaded = [r.url for r in sent if (await r.sizes())["responseBodySize"] > 0]
    assert len(loaded) <= 3, loaded
    requests.clear()
    await sign_in(tab, served_hub.url, "resident", next=f"{ORDERS}/new")
    assert await weight() <= 150, "the longest form"


async def test_the_keyboard_is_enough_and_the_focus_is_never_lost(served_hub, phone):
    numbers = await orders(served_hub)
    url = served_hub.url
    tab = await phone(size=DESKTOP)

    async def focused():
        return await tab.evaluate("document.activeElement.id || document.activeElement.tagName")

    await tab.goto(f"{url}/sign-in")
    await tab.keyboard.press("Tab")
    assert await tab.evaluate("document.activeElement.className") == "skip"
    await tab.keyboard.press("Enter")
    await tab.keyboard.press("Tab")
    assert await focused() == "f-username"
    await tab.keyboard.type("dispatcher")
    await tab.keyboard.press("Tab")
    await tab.keyboard.type(PASSWORD)
    await tab.keyboard.press("Enter")
    await tab.wait_for_url(f"{url}/")

    await tab.keyboard.press("g")
    await tab.keyboard.press("w")
    await tab.wait_for_url(f"{url}/work")
    await tab.keyboard.press("j")
    await tab.keyboard.press("Enter")
    await tab.wait_for_url(f"{url}{ORDERS}/{numbers['new']}")
    await tab.keyboard.press("d")
    await tab.wait_for_url(f"{url}/apps/hotline/dispatch/{numbers['new']}")
    await tab.get_by_label("分类").focus()
    await tab.get_by_role("button", name="派单").press("Enter")
    await tab.locator(".error-summary").wait_for()  # no unit was chosen
    assert await tab.evaluate("document.activeElement.className") == "error-summary"
    await tab.get_by_label("承办单位").focus()
    await tab.keyboard.type("城市")
    await tab.get_by_label("承办单位").select_option(label="城市管理局")
    await tab.get_by_label("分类").select_option(LIGHTS)
    await tab.keyboard.press("Control+Enter")
    await tab.wait_for_url(f"{url}/apps/hotline/dispatch")
    await tab.locator(".flash").wait_for()
    assert await focused() not in ("BODY", "HTML")

    unit = await phone()
    await sign_in(unit, url, "unit", next=f"{ORDERS}/{numbers['new']}")
    await unit.get_by_role("button", name="签收").press("Enter")
    await unit.locator(".flash").wait_for()
    assert await unit.evaluate("document.activeElement.tagName") not in ("BODY", "HTML")
    assert await unit.locator("#live").inner_text() in ("", "已签收")

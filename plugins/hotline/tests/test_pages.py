import re

from plugins.hotline.tests.conftest import HERE, LIGHTS

OTHER = "城乡建设/城市建设和市政管理/园林绿化环卫"


def chosen(page, name):
    """Return the value that a select of the page stands at."""
    control = re.search(rf'<select[^>]* name="{name}".*?</select>', page, re.DOTALL)
    assert control is not None
    return re.findall(r'value="([^"]*)" selected', control[0])


async def test_dispatching_takes_over_the_category_that_was_asked_for(desk):
    filed = await desk.file(category=LIGHTS)
    dispatcher = await desk.client("dispatcher")
    path = f"{HERE}/orders/{filed['number']}/dispatch"
    assert chosen((await dispatcher.page(path)).text, "category") == [LIGHTS]
    lacking = await dispatcher.post_form(path, {"version": "1", "unit": "", "category": OTHER})
    assert lacking.status_code == 422
    assert chosen(lacking.text, "category") == [OTHER]  # what was typed comes before it
    bare = await desk.file()
    page = await dispatcher.page(f"{HERE}/orders/{bare['number']}/dispatch")
    assert chosen(page.text, "category") == []


async def test_the_photo_of_a_snap_comes_first_and_is_not_optional(desk):
    page = (await (await desk.client("resident")).page(f"{HERE}/snap")).text
    label = re.search(r'<label for="f-photos">(.*?)</label>', page)
    assert label is not None
    assert "选填" not in label[1]
    assert page.index('id="f-photos"') < page.index('id="f-text"')
    answers = {"kind": "help", "text": "路灯不亮，连着五盏"}
    resident = await desk.client("resident")
    plain = (await resident.post_form(f"{HERE}/orders/new", answers)).text
    assert "选填" in plain[plain.index("f-photos") : plain.index('type="file"')]


async def test_residents_do_not_read_the_word_of_the_staff(desk):
    number = (await desk.file())["number"]
    await desk.answer(number)
    await desk.hub.settle()
    resident = await desk.client("resident")
    for path in (
        *("/", "/work", "/messages", "/search?q=路灯", f"{HERE}/orders", f"{HERE}/orders/new"),
        *(f"{HERE}/orders/{number}", f"{HERE}/orders/{number}/rate"),
        f"{HERE}/orders/{number}/reopen",
    ):
        page = await resident.page(path)
        assert page.status_code == 200, path
        assert "工单" not in page.text, path
    assert "工单" in (await (await desk.client("unit")).page(f"{HERE}/orders")).text


async def test_where_nothing_is_late_the_nearest_deadline_is_named(desk):
    await desk.dispatch((await desk.file())["number"])
    unit = await desk.client("unit")
    (waiting,) = (await unit.get("/work")).json()["rows"]
    late = await unit.get("/work?which=late")
    assert late.json()["rows"] == []
    assert late.json()["next_due"] == waiting["deadline"]["due_at"][:10]
    assert "最近的期限是" in (await unit.page("/work?which=late")).text


async def leads_to(client, path):
    """Return the pages of the app that a page leads to, but for those of the frame."""
    page = (await client.page(f"{HERE}{path}")).text
    return set(re.findall(rf'href="{HERE}(/[^"?#]*)', page[page.index("<main") :]))


async def test_every_page_has_a_way_to_it(desk):
    doors = await desk.client("unit")
    assert "/doors" in (await doors.page(f"{HERE}/orders")).text
    assert "/window" in await leads_to(doors, "/doors")
    for role, ways in {
        "dispatcher": {"/categories", "/rules", "/lines"},
        "unit": {"/categories", "/rules"},
        "leader": {"/categories", "/rules", "/lines"},
        "operator": {"/categories", "/lines"},
    }.items():
        found = await leads_to(await desk.client(role), "/knowledge")
        assert found & {"/categories", "/rules", "/lines"} == ways, role
    dispatching = await leads_to(await desk.client("dispatcher"), "/dispatch")
    assert dispatching >= {"/rules", "/rules/what-if", "/lines", "/publishing"}
    listed = await leads_to(await desk.client("dispatcher"), "/orders")
    assert not listed & {"/doors", "/lines", "/publishing"}


async def test_dispatching_leads_to_the_desk_that_proposes(desk):
    number = (await desk.file())["number"]
    actions = {one["verb"]: one for one in (await desk.see(number))["actions"]}
    assert actions["dispatch"]["href"] == f"{HERE}/dispatch/{number}"
    assert (
        f'href="{HERE}/dispatch/{number}"'
        in (await (await desk.client("dispatcher")).page(f"{HERE}/orders/{number}")).text
    )

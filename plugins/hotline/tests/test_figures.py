"""The figures page: whose acts count where, what is corrected, who sees what, what is too few."""

import io
from typing import Any
from uuid import uuid4

from openpyxl import load_workbook

from plugins.hotline.figures import hot_spots
from plugins.hotline.models import Order
from plugins.hotline.tests.conftest import HERE, LIGHTS

PAGES = ("unit", "category", "region", "line", "channel")


async def lines(desk, by, role="dispatcher"):
    """Return the lines of a page by their names, each with its numbers in order."""
    answer = await (await desk.client(role)).get(f"{HERE}/figures/{by}")
    assert answer.status_code == 200, answer.text
    tables = answer.json()["tables"]
    rows = tables[0]["rows"] if tables else []
    return {row[0] if isinstance(row[0], str) else row[0]["key"]: row[1:] for row in rows}


async def test_each_act_counts_once_where_the_order_was_then(desk):
    unit_names = {}
    for role in ("dispatcher", "unit", "unit2"):
        actor = await desk.hub.actor(role)
        unit_names[role] = actor.organization_name
    numbers = [(await desk.file())["number"] for _ in range(2)]
    await desk.answer(numbers[0])
    before = await lines(desk, "unit")
    assert before == {}  # nothing was counted yet
    page = (await (await desk.client("dispatcher")).get(f"{HERE}/figures")).json()
    assert page["note"]["params"]["n"] == 2

    await desk.count()
    await desk.count()  # a second time changes nothing
    found = await lines(desk, "unit")
    centre, unit = found[unit_names["dispatcher"]], found[unit_names["unit"]]
    # opened at the centre, which responded by dispatching it; resolved by the unit that had it
    assert (centre[0], centre[2]) == (2, 0)
    assert centre[1] is not None
    assert (unit[0], unit[1], unit[2]) == (0, None, 1)
    assert await lines(desk, "unit", "unit") == {unit_names["unit"]: unit}
    assert await lines(desk, "unit", "unit2") == {}
    assert [row[0] for row in (await lines(desk, "channel")).values()] == [2]

    await desk.act(numbers[0], "reopen", "resident", reason="又坏了两盏")
    await desk.count()
    again = await lines(desk, "unit")
    assert unit_names["unit"] not in again  # what was resolved is not any more
    assert again[unit_names["dispatcher"]][0] == 2


async def test_pages_and_files_say_the_same(desk):
    for _ in range(3):
        await desk.file(by="operator", at="intake", caller_name="王秀英", phone="13800005678")
    await desk.count()
    client = await desk.client("dispatcher")
    for by in PAGES:
        page = await client.page(f"{HERE}/figures/{by}")
        assert page.status_code == 200
        assert "九成办理" in page.text
        file = await client.get(f"{HERE}/figures/{by}.csv")
        assert file.status_code == 200
        assert len(file.text.splitlines()) == 1 + len(await lines(desk, by))
    book = load_workbook(io.BytesIO((await client.get(f"{HERE}/figures.xlsx")).content))
    assert len(book.sheetnames) == 1 + len(PAGES)
    assert (await client.get(f"{HERE}/figures.pdf")).content.startswith(b"%PDF")
    assert (await client.get(f"{HERE}/figures/line.pdf")).content.startswith(b"%PDF")
    assert (await client.page(f"{HERE}/figures/spots")).status_code == 200
    about = {"category": LIGHTS, "region": await desk.unit("grid"), "phone": "13800005678"}
    for _ in range(10):
        await desk.file(by="operator", at="intake", **about)
    await desk.count()
    (spot,) = await lines(desk, "spots")
    files = (await client.get(f"{HERE}/figures/spots")).json()["files"]
    assert [one["verb"] for one in files] == ["csv", "xlsx", "pdf"]
    csv = (await client.get(files[0]["href"])).text.splitlines()
    assert len(csv) == 2, spot
    assert "城乡建设" in csv[1]
    assert csv[1].endswith("10,0,10")
    assert (await client.get(files[2]["href"])).content.startswith(b"%PDF")
    assert load_workbook(io.BytesIO((await client.get(files[1]["href"])).content))
    for path in ("figures/unit", "figures/unit.csv", "figures.xlsx", "figures/spots.csv"):
        refused = await client.get(f"{HERE}/{path}?since=2026-05-02&until=2026-05-01")
        assert refused.status_code == 400, path
        assert (await (await desk.client("resident")).get(f"{HERE}/{path}")).status_code == 403


def test_a_hot_spot_has_ten_and_half_as_many_again():
    before = {("城乡建设", "a"): 10, ("城乡建设", "b"): 2, ("环境", "a"): 8}
    now = {("城乡建设", "a"): 14, ("城乡建设", "b"): 9, ("环境", "a"): 12, ("新", "b"): 10}
    found = [(spot.category, spot.region, spot.before, spot.now) for spot in hot_spots(before, now)]
    assert found == [("新", "b", 0, 10), ("环境", "a", 8, 12)]


def test_the_part_of_a_decision_counts_by_its_unit_alone():
    about: dict[str, Any] = {"category_code": LIGHTS, "region_id": uuid4(), "text": "路灯不亮"}
    whole = Order(channel="web", **about)
    assert set(whole.dimensions) == {"category", "region", "line", "channel", "spot"}
    part = Order(channel="split", split_from_id=uuid4(), **about)
    assert part.dimensions == {}

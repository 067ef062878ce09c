"""Lists that are taken out as files: whoever does it is recorded, and none is without end."""

import pytest

from core import audit
from plugin_sdk import exports
from plugins.hotline.tests.conftest import HERE
from plugins.hotline.tests.test_calls import code


async def kept(desk, subject):
    """Return what the record says of a list that was taken out: by whom, what, how narrowed."""
    async with desk.hub.services.database.transaction() as tx:
        found = await audit.search(tx, app="hotline", subject=subject)
    return [(one.act, one.person_id, one.facts) for one in found]


async def test_a_list_of_orders_is_recorded_and_bounded(desk, monkeypatch):
    for n in range(3):
        await desk.file(text=f"路灯不亮 {n}")
    client, person = await desk.client("dispatcher"), (await desk.hub.actor("dispatcher")).person_id
    assert (await client.get(f"{HERE}/orders.csv")).text.count("路灯") == 3
    assert (await client.get(f"{HERE}/orders.csv?state=received&q=王秀英")).status_code == 200
    assert (await client.get(f"{HERE}/orders.csv?state=none")).status_code == 400
    narrowed = {"format": "csv", "state": "received", "searched": True, "n": 0}
    assert await kept(desk, "orders") == [
        ("order.export", person, narrowed),
        ("order.export", person, {"format": "csv", "n": 3}),
    ]
    monkeypatch.setattr(exports, "MOST", 2)
    many = await client.get(f"{HERE}/orders.csv")
    assert (many.status_code, code(many)) == (409, "export-many")
    page = await client.page(f"{HERE}/orders.csv")
    assert "一次最多导出 2 条" in page.text
    assert len(await kept(desk, "orders")) == 2, "what was refused was not taken out"


@pytest.mark.parametrize("most", [10_000, 1])
async def test_a_register_is_recorded_and_bounded(desk, monkeypatch, most):
    client, owner = await desk.client("dispatcher"), await desk.unit()
    for number in ("12319", "12320"):
        line = {"code": number, "name": f"热线 {number}", "owner": owner}
        assert (await client.post(f"{HERE}/lines", json=line)).status_code == 201
    monkeypatch.setattr(exports, "MOST", most)
    sent = await client.get(f"{HERE}/lines.csv")
    found = await kept(desk, "lines")
    if most == 1:
        assert (sent.status_code, code(sent), found) == (409, "export-many", [])
        return
    assert (sent.status_code, sent.text.count("热线 123")) == (200, 2)
    assert [(act, facts) for act, _, facts in found] == [("line.export", {"format": "csv", "n": 2})]
    shown = await (await desk.hub.client_as("administrator")).get("/admin/audit")
    assert "case.said.export" in shown.text

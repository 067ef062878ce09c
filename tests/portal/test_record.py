"""The administrator's page of the record: what people read of it, and how they search it."""

import re

import pytest

pytestmark = pytest.mark.parametrize("engine_kind", ["embedded", "production"], indirect=True)
ORDERS = "/apps/hotline/orders"


def rows(page):
    """Return the rows of the table as plain text."""
    body = page.partition("<tbody")[2].partition("</tbody>")[0]
    return [
        " ".join(re.sub(r"<[^>]+>", " ", row).split()) for row in re.findall(r"<tr>.*?</tr>", body)
    ]


async def test_rows_are_read_and_found_by_number_name_and_act(hub_app):
    resident = await hub_app.client_as("resident")
    filed = (await resident.post(ORDERS, json={"kind": "help", "text": "路灯不亮"})).json()
    refused = await resident.post(f"{ORDERS}/{filed['number']}/dispatch", json={"version": 1})
    assert refused.status_code == 403
    administrator = await hub_app.client_as("administrator")

    found = await administrator.page(f"/admin/audit?q={filed['number']}")
    denied, row = rows(found.text)
    assert "没有权限" in denied
    assert "已提交诉求" in row
    assert filed["number"] in row
    assert "12345热线" in row
    name = (await hub_app.actors())["resident"].name
    assert name not in found.text
    assert name[0] in row

    by_name = rows((await administrator.page(f"/admin/audit?q={name}")).text)
    assert {"已登录", "已提交诉求"} <= {word for row in by_name for word in row.split()}
    only = rows((await administrator.page("/admin/audit?outcome=refused")).text)
    assert len(only) == 1
    assert "被拒绝" in only[0]
    assert rows((await administrator.page("/admin/audit?q=100%25")).text) == []
    page = (await administrator.page("/admin/audit")).text
    state = re.search(r"共 (\d+) 条记录", page)
    assert state is not None
    assert int(state[1]) == len(rows(page))

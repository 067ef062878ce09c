"""The pages of a merge: an app beyond the door, what is typed and refused, who sees it; and what
the hub asks of itself is no use."""

import pytest
from sqlalchemy import func, select
from sqlmodel import col

from core.governance.declared import load
from core.governance.register import register
from core.usage.models import UsageDay
from portal import probe
from portal.probe import Probes

EMBEDDED = pytest.mark.parametrize("engine_kind", ["embedded"], indirect=True)
HERE = "/governance/apps/voice/merge"
VOICE = """
[[apps]]
app = "voice"
names = { zh = "民意直通", en = "Public voice" }
owner = "371603U01"
stage = "active"
since = 2024-01-01
functions = [{ zh = "工单列表与筛选", en = "List and filter orders" }]
"""
EXPORT = "number,opened_at\r\nA1,2024-05-01 08:30:00\r\n"


@pytest.fixture(autouse=True)
def patience(monkeypatch):
    """A busy machine is no page that does not answer."""
    monkeypatch.setattr(probe, "SECONDS", 60.0)


@EMBEDDED
async def test_the_merge_of_an_app_beyond_the_door_is_filled_in_by_hand(hub_app, client_as):
    async with hub_app.services.database.transaction(write=True) as tx:
        for app in load(VOICE):
            await register(tx, app)
    staff = await client_as("governance")

    async def send(at, **form):
        return await staff.post_form(f"{HERE}/{at}", form)

    assert "按名称匹配" in (await staff.page(HERE)).text
    assert (await send("choose", successor="hotline")).status_code == 303
    assert (await send("add", name="意见墙")).status_code == 303
    assert (await send("add", name="意见墙")).status_code == 422

    # what is refused is shown again with what was typed
    for at, form, kept, why in (
        ("place", {"function": "意见墙", "route": "GET /x"}, "意见墙", "新应用没有这个地址"),
        ("waiver", {"function": "意见墙"}, "意见墙", "error-text"),
        ("link", {"path": "wall", "target": "/x"}, 'value="wall"', "从斜杠写起"),
        ("data", {"rows": "12", "digest": ""}, 'value="12"', "64 位十六进制"),
    ):
        query = "?function=意见墙" if "function" in form else ""
        assert (await staff.page(f"{HERE}/{at}{query}")).status_code == 200
        refused = await send(at, **form)
        assert refused.status_code == 422, at
        assert kept in refused.text, at
        assert why in refused.text, at
    assert (await staff.page(f"{HERE}/waiver?kind=nothing")).status_code == 404

    # a file says what was there; half a file says nothing
    for content, status in ((EXPORT + "A1,2024-05-02\r\n", 422), (EXPORT, 303)):
        files = {"file": ("export.csv", content.encode("gb18030"), "text/csv")}
        form = {"kind": "cases"}
        sent = await staff.post_form(f"{HERE}/data", form, files=files)
        assert sent.status_code == status, sent.text
    await send("reconcile")
    view = (await staff.get(HERE)).json()
    (data,) = view["data"]
    assert (data["old_rows"], data["new_rows"], data["proof"]["state"]) == (1, 0, "unequal")
    assert (await send("waiver", kind="cases", reason="留在原单位归档")).status_code == 303
    assert (await send("waiver", function="意见墙", reason="不再公开留言")).status_code == 303
    assert (await send("check")).status_code == 303
    view = (await staff.get(HERE)).json()
    assert [row["proof"]["state"] for row in view["functions"]] == ["proven", "waived"]
    assert (view["open"], view["live"]["key"]) == (True, "merge.before")
    await send("withdraw", function="意见墙")
    await send("withdraw", kind="cases")
    view = (await staff.get(HERE)).json()
    assert [row["function"] for row in view["functions"]] == ["工单列表与筛选"], "it was added"
    assert (view["open"], view["data"][0]["proof"]["state"]) == (False, "unequal")

    # nobody else changes it; who does not see the app sees nothing
    assert (await (await client_as("owner")).get(HERE)).status_code == 404
    assert (await (await client_as("administrator")).get(HERE)).json()["acts"] is False
    for other in ("administrator", "resident"):
        answer = await (await client_as(other)).post(f"{HERE}/check", json={})
        assert answer.status_code == 403
    # an app that shows what stands behind it may not be asked for its own merge into itself
    assert (await staff.get("/governance/apps/nothing/merge")).status_code == 404


@EMBEDDED
async def test_what_the_hub_asks_of_itself_is_no_use_and_takes_no_time(
    hub_app, client_as, break_app, monkeypatch
):
    staff = await client_as("governance")
    cookies = "; ".join(f"{name}={value}" for name, value in staff.cookies.items()).encode()

    async def asked(address, by=cookies):
        return await Probes(hub_app.hub.front, by).status(address)

    assert await asked("/apps/hotline/orders") == 200
    assert await asked("/apps/hotline/orders", b"") == 403, "the way to the sign-in is a refusal"
    assert await asked("/apps/hotline/dispatch") == 403
    assert await asked("/apps/hotline/nothing") == 404
    break_app("hotline")
    assert await asked("/apps/hotline/orders") == 500
    monkeypatch.setattr(probe, "SECONDS", 0.2)
    break_app("hotline", "slow")
    assert await asked("/apps/hotline/orders") is None
    assert not hub_app.hub.apps.instances["hotline"].requests, "it was let go"
    break_app("hotline", None)

    async def counted(kind):
        await hub_app.services.count_usage()
        async with hub_app.services.database.transaction() as tx:
            total = select(func.sum(getattr(UsageDay, kind))).where(col(UsageDay.app) == "hotline")
            return int((await tx.session.execute(total)).scalar_one() or 0)

    assert [await counted(kind) for kind in ("opens", "answered", "refused", "failed")] == [0] * 4
    visitor = hub_app.client()
    assert (await visitor.page("/apps/hotline/orders")).status_code == 303
    assert [await counted(kind) for kind in ("answered", "refused")] == [0, 1]

"""The old app of the traffic police is merged into this one: the page of the merge lists every
function of the inventory, each called and answered, or says which of them nobody has seen yet."""

from datetime import datetime

import pytest

from core.access.grants import grant
from core.governance.declared import load
from core.governance.register import register
from core.identity.models import LegacyUser
from plugin_sdk.ports import ScopeKind
from plugin_sdk.tallies import record, tally
from plugins.traffic.tests import walking
from plugins.traffic.tests.walking import Walk

OLD = "police-app"
FILED = datetime.fromisoformat("2026-08-06T12:00+08:00")
OBJECTION = """\
用户编号,异议编号,违法编号,号牌号码,违法时间,违法地点,违法行为,记分,罚款金额,异议理由,申请时间,审核结果,审核意见,审核时间
u1,Y1,370000000002,鲁M8D136,2026-08-02 09:00:00,金海五路,违停,0,100,有标线,2026-08-06 12:00:00,,,
"""
HERE = f"/governance/apps/{OLD}/merge"


def declared(functions):
    """Return the old app as the register knows it: beyond the door, with what it does."""
    named = ",\n".join(f'{{ zh = "{one.name.zh}", en = "{one.name.en}" }}' for one in functions)
    return f"""
[[apps]]
app = "{OLD}"
names = {{ zh = "掌上交警（旧）", en = "Traffic police app (old)" }}
owner = "371603U10"
stage = "active"
since = 2019-05-01
functions = [
{named}
]
"""


async def as_officers_too(hub, role):
    """Let whoever checks hold the officers' roles: the pages that they call are theirs to see."""
    post = (await hub.actor(role)).post_id
    async with hub.services.database.transaction(write=True) as tx:
        for key in ("traffic.officer", "traffic.leader"):
            await grant(tx, post, key, ScopeKind.ALL, granted_by=None)


async def taken_over(town, folder):
    """Bring an objection of the old app over."""
    person = (await town.hub.actor("resident")).person_id
    async with town.hub.services.database.transaction(write=True) as tx:
        known = {"system": OLD, "legacy_id": "u1", "person_id": person}
        tx.session.add(LegacyUser(**known, created_at=tx.now))
    file = folder / "objections.csv"
    file.write_text(OBJECTION, encoding="utf-8")
    hub = town.hub.hub
    rows = hub.apps.hooks.call(
        "traffic", "import_legacy", hub=hub.apps.hubs["traffic"], source=file, of=OLD
    )
    assert [row.outcome async for row in rows] == ["added"]


@pytest.mark.timeout(400)
async def test_every_function_of_the_old_app_is_listed_with_its_proof(town, tmp_path):
    hub = town.hub
    inventory = hub.hub.apps.manifest("traffic").porting.functions
    assert len(inventory) > 30
    await as_officers_too(hub, "governance")
    async with hub.services.database.transaction(write=True) as tx:
        for app in load(declared(inventory)):
            await register(tx, app)
    office = await hub.client_as("governance")

    async def do(act, **form):
        answer = await office.post(f"{HERE}/{act}", json=form)
        assert answer.status_code == 200, answer.text
        return (await office.get(HERE)).json()

    # each of them is given its place by its name, and at first nothing is proven
    view = await do("choose", successor="traffic")
    listed = {row["function"]: row for row in view["functions"]}
    assert {name: row["route"] for name, row in listed.items()} == {
        one.name.zh: one.route for one in inventory
    }
    assert {row["proof"]["state"] for row in listed.values()} == {"open"}
    # what the hub may call by itself without writing is called: pages alone, as who checks
    view = await do("check")
    proven = {row["route"]: row for row in view["functions"] if row["proof"]["state"] == "proven"}
    assert proven, "pages of officers answer whoever checks"
    assert all(route.startswith("GET ") and "{" not in route for route in proven)

    walk = Walk(town)
    await walking.vehicles_and_licences(town)
    objection = await walking.violations_and_objections(town)
    for part in walking.WALK:
        await part(town)
    await hub.services.count_usage()
    office = await hub.client_as("governance")  # days have passed
    example = {"route": "GET /objections/{number}", "example": f"/objections/{objection}"}
    await do("place", function="异议进度", **example)
    await taken_over(town, tmp_path)
    for kind in ("cases", "vehicles", "licences", "violations", "payments"):
        there = tally(kind, [record("Y1", FILED)] if kind == "cases" else [])
        await do("data", kind=kind, rows=there.rows, digest=there.digest)
    view = await do("check")
    assert {row["proof"]["state"] for row in view["data"]} == {"equal"}
    rows = {row["route"]: row["proof"] for row in view["functions"]}
    assert rows["GET /objections/{number}"]["said"]["key"] == "merge.proof.probe"
    assert rows["POST /objections"]["said"]["key"] == "merge.proof.use", "nobody posts to try"

    # every function was walked through and is proven, and nothing stands in the way
    assert [one.name.zh for one in inventory if not walk.walked(one.route)] == []
    assert {row["proof"]["state"] for row in view["functions"]} == {"proven"}
    assert view["obstacles"] == []
    assert view["open"]
    counted = view["counted"]["params"]
    assert counted["n"] == counted["proven"] == len(inventory)

"""What is recorded reads as words: every act that the shell records, and for whom it was done."""

import ast
from pathlib import Path

from core.access.grants import shell_roles
from core.governance.lifecycle.steps import CARRIED_OUT, STEPS
from portal.assembly import catalogue_of
from tests.portal.test_acting import begun, hand_over

HOUSE = Path(__file__).parents[2]
BUILT = {  # acts whose name is put together, by the file that does
    "portal/cli.py": {"app-enable", "app-drain", "app-disable"},
    "portal/pages/admin/apps.py": {"app-enable", "app-drain", "app-disable"},
    "portal/pages/admin/numbers.py": {"identity-number-accepted", "identity-number-entered"},
    "portal/pages/admin/people.py": {"disabled", "enabled", "post-ended"},
    "portal/pages/admin/people_imports.py": {"people-import-start", "people-import-roll-back"},
    "portal/pages/governance/merge_acts.py": {
        f"merge-{at}" for at in ("choose", "place", "add", "waiver", "withdraw", "link", "unlink")
    },
    "core/governance/lifecycle/moving.py": {
        f"life-{one.verb}" for one in STEPS if not one.by_review and one.verb not in CARRIED_OUT
    },
    "core/governance/archive/service.py": {
        f"app-{act}"
        for act in [
            "archive-asked",
            "restore-asked",
            "archive-called-off",
            "archive-again",
            "purge-approved",
        ]
    },
    "portal/scim/answering.py": {
        *(f"scim-user-{act}" for act in ("added", "changed", "left")),
        *(f"scim-group-{act}" for act in ("added", "changed", "closed")),
    },
    "core/identity/people_imports.py": {"people-imported", "people-import-rolled-back"},
}
PLACES = {"change": 1, "record": 3}  # where the name of the act stands in a call


def recorded(path):
    """Return the acts that a file records: their names, and whether some are built."""
    names, built = set(), False
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        whose = ast.unparse(node.func.value)
        if (whose, node.func.attr) not in (("portal", "change"), ("audit", "record")):
            continue
        act = node.args[PLACES[node.func.attr]]
        if isinstance(act, ast.Constant):
            names.add(act.value)
        else:
            built = True
    return names, built


def test_every_act_of_the_shell_has_words():
    acts, building = set(), set()
    for folder in ("portal", "core"):
        for path in (HOUSE / folder).rglob("*.py"):
            names, built = recorded(path)
            acts |= names
            if built:
                building.add(str(path.relative_to(HOUSE)))
    # a transaction's own record, and a unit of work's, hand on the acts of others
    assert building - {"portal/pages/context.py", "core/hub/unit.py"} == set(BUILT)
    acts |= set().union(*BUILT.values())
    catalogue = catalogue_of({})
    assert len(acts) > 40
    assert {act for act in acts if f"page.admin.record.act.{act}" not in catalogue} == set()


def test_every_permission_of_the_shell_has_words():
    keys = {key.removeprefix("yimen.") for role in shell_roles() for key in role.permissions}
    catalogue = catalogue_of({})
    assert {key for key in keys if f"page.permission.{key}" not in catalogue} == set()


async def test_the_record_says_for_whom_it_was_done(hub_app):
    worker, *_ = await begun(hub_app)
    order = {"kind": "help", "text": "路灯不亮，连着五盏", "place": "文化路"}
    assert (await worker.post("/apps/hotline/orders", json=order)).status_code == 201
    _, answer = await hand_over(hub_app)
    assert answer.status_code == 201, answer.text
    deputy = await hub_app.client_as("deputy")
    (line,) = (await deputy.get("/me/delegations")).json()["groups"][1]["lines"]
    assert (await deputy.post("/post", json={"post": line["id"]})).status_code == 200
    assert (await deputy.post(f"/me/delegations/{line['id']}/end", json={})).status_code == 200
    admin = await hub_app.client_as("administrator")
    entries = (await admin.get("/admin/audit")).json()["entries"]
    said = {e["act"]["key"].rpartition(".")[2]: e["who"] for e in entries}
    assert said["behalf-begun"]["key"] == "page.admin.record.for"
    assert "*" in said["behalf-begun"]["params"]["name"]
    assert said["delegation-ended"]["key"] == "page.admin.record.delegated"
    page = (await admin.page("/admin/audit")).text
    assert "（代 " in page
    assert "（受托）" in page
    assert "已委托岗位" in page
    assert "behalf-begun" not in page

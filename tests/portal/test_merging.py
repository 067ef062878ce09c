"""Merging an old app into its successor: what is not proven shuts the gate, and that alone."""

from datetime import date

import pytest
from sqlalchemy import update
from sqlmodel import col

from core.access.grants import grant
from core.governance.lifecycle.models import Standing
from core.governance.merging import gate
from core.governance.merging.links import links_of
from plugin_sdk.ports import ScopeKind
from tests.portal.old_app import answer_letter, carry_over, tallies, with_mailbox, write_letters

HERE = "/governance/apps/mailbox/merge"
WRITE, SEE, LIST = "居民网上提交来信", "查看来信与办理经过", "来信列表与筛选"
ANSWER, LEADERS = "答复来信", "选择收信领导"


async def test_what_was_carried_over_has_the_tally_of_what_was_there(make_hub, tmp_path):
    hub = await with_mailbox(make_hub)
    first, *_ = await write_letters(hub, ["路灯不亮", "井盖松动", "公交绕行"])
    await answer_letter(hub, first)
    (old,) = await tallies(hub, "mailbox", "mailbox")
    (new,) = await tallies(hub, "hotline", "mailbox")
    assert (old.rows, new.rows) == (3, 0)
    assert await carry_over(hub, tmp_path) == ["added"] * 3
    assert await tallies(hub, "hotline", "mailbox") == [old]
    assert await carry_over(hub, tmp_path) == ["present"] * 3
    await write_letters(hub, ["来晚的一封"])
    (later,) = await tallies(hub, "mailbox", "mailbox")
    assert (later.rows, later.digest != old.digest) == (4, True)
    assert await tallies(hub, "hotline", "mailbox") == [old], "what came since is not there"
    (all_of_it,) = await tallies(hub, "hotline", "hotline")
    assert all_of_it.rows == 3


class Merging:
    """Governance at work on the merge of the mailbox into the hotline."""

    def __init__(self, hub, staff):
        self.hub = hub
        self.staff = staff

    async def act(self, at, status=200, **form):
        answer = await self.staff.post(f"{HERE}/{at}", json=form)
        assert answer.status_code == status, answer.text
        return answer.json()

    async def refused(self, at, **form):
        return [error["field"] for error in (await self.act(at, 422, **form))["errors"]]

    async def seen(self):
        return (await self.staff.get(HERE)).json()

    async def states(self):
        return {row["function"]: row["proof"]["state"] for row in (await self.seen())["functions"]}

    async def obstacles(self, **more):
        async with self.hub.services.database.transaction() as tx:
            return [one.key for one in await gate.obstacles(tx, "mailbox", "hotline", **more)]

    async def holds(self, role, whom="governance"):
        actor = await self.hub.actor(whom)
        async with self.hub.services.database.transaction(write=True) as tx:
            await grant(tx, actor.post_id, role, ScopeKind.ALL, granted_by=None)
        return await self.hub.client_as(whom)


@pytest.fixture
async def merging(make_hub):
    hub = await with_mailbox(make_hub)
    return Merging(hub, await hub.client_as("governance"))


async def test_the_gate_names_what_is_missing_until_everything_is_proven(merging, tmp_path):
    hub = merging.hub
    first, second = await write_letters(hub, ["路灯不亮", "井盖松动"])
    await answer_letter(hub, first)
    assert (await merging.act("check", 409))["type"].endswith("merge-none")
    assert await merging.refused("choose", successor="mailbox") == ["successor"]
    await merging.act("choose", successor="hotline")
    # functions alike are placed, the others wait for a person
    placed = {row["function"]: row["route"] for row in (await merging.seen())["functions"]}
    assert placed == {
        WRITE: "POST /orders",
        SEE: "GET /orders/{number}",
        LIST: "",
        ANSWER: "",
        LEADERS: "",
    }
    assert await merging.obstacles() == [
        *(f"function:{name}" for name in placed),
        "data",
        *(f"link:{path}" for path in ("/letters/{number}", "/letters", "/leaders")),
        "date",
    ]
    # what the successor does not have cannot be named
    assert await merging.refused("place", function=LIST, route="GET /letters") == ["route"]
    assert await merging.refused(
        "place", function=SEE, route="GET /orders/{number}", example="/orders"
    ) == ["example"]
    await merging.act("place", function=LIST, route="GET /dispatch")
    await merging.act("place", function=ANSWER, route="POST /orders/{number}/answer")
    # nothing was used yet, and who checks may not dispatch: a refusal is no proof
    example = f"/orders/L{first}"
    await merging.act("place", function=SEE, route="GET /orders/{number}", example=example)
    await merging.act("check")
    assert set((await merging.states()).values()) == {"open", "unplaced"}
    rows = {row["function"]: row for row in (await merging.seen())["functions"]}
    assert rows[LIST]["proof"]["said"]["params"] == {"status": 403}

    assert rows[LIST]["proof"]["said"]["key"] == "merge.proof.forbidden"
    await merging.act("place", function=LIST, route="GET /orders")
    merging.staff = await merging.holds("hotline.leader")
    await merging.act("check")
    states = await merging.states()
    assert (states[LIST], states[SEE]) == ("proven", "open"), "no letter is in the hotline yet"
    await merging.act("reconcile")
    (data,) = (await merging.seen())["data"]
    assert (data["old_rows"], data["new_rows"], data["proof"]["state"]) == (2, 0, "unequal")
    assert await carry_over(hub, tmp_path) == ["added"] * 2
    await merging.act("reconcile")
    assert (await merging.seen())["data"][0]["proof"]["state"] == "equal"

    # a write is never faked: people did it, or it is not proven
    resident, operator = await hub.client_as("resident"), await hub.client_as("operator")
    filed = await resident.post("/apps/hotline/orders", json={"kind": "help", "text": "漏水"})
    number = filed.json()["number"]
    answer = {"version": 1, "text": "已修好"}
    answered = await operator.post(f"/apps/hotline/orders/{number}/answer", json=answer)
    assert answered.status_code == 200, answered.text
    await hub.services.count_usage()
    await merging.act("check")
    assert await merging.states() == {
        **dict.fromkeys((WRITE, SEE, LIST, ANSWER), "proven"),
        LEADERS: "unplaced",
    }
    said = {
        row["function"]: row["proof"]["said"]["key"] for row in (await merging.seen())["functions"]
    }
    assert said[WRITE] == said[ANSWER] == "merge.proof.use"

    # a waiver is signed, by somebody who is not the owner
    owner = Merging(hub, await merging.holds("yimen.governance", "unit"))
    refusal = await owner.act("waiver", 403, function=LEADERS, reason="不再设分箱")
    assert refusal["type"].endswith("owner-decides")
    await merging.act("waiver", function=LEADERS, reason="统一受理，不再按领导分设信箱")
    assert [key for key in await merging.obstacles() if not key.startswith("link:")] == ["date"]

    # old links lead within the successor, and are tried
    for target in (
        "//evil.example/x",
        "https://evil.example/",
        "/apps/supervision/findings",
        "/apps/hotline/../me",
        "/apps/hotline/orders/{other}",
        "/apps/hotline/nothing",
    ):
        refusal = await merging.refused(
            "link", path="/letters/{number}", target=target, example=f"/letters/{first}"
        )
        assert refusal == ["target"], target
    to = "/apps/hotline/orders/L{number}"
    assert await merging.refused("link", path="/letters/{number}", target=to) == ["example"]
    await merging.act("link", path="/letters", target="/apps/hotline/orders")
    await merging.act("link", path="/letters/{number}", target=to, example="/letters/999")
    await merging.act("check")
    assert await merging.obstacles() == ["link:/letters/{number}", "date"], "it leads to nothing"
    await merging.act("link", path="/letters/{number}", target=to, example=f"/letters/{second}")
    await merging.act("check")
    assert await merging.obstacles() == ["date"]
    assert await merging.obstacles(closes_on=date(2027, 3, 1)) == []
    async with hub.services.database.transaction() as tx:
        assert await links_of(tx, "mailbox") == [
            ("/letters", "/apps/hotline/orders"),
            ("/letters/{number}", to),
        ]

    # what is open for one reader is open in print
    view = await merging.seen()
    assert (view["open"], view["obstacles"]) == (True, [])
    page = (await merging.staff.page(HERE)).text
    for words in (LEADERS, "统一受理，不再按领导分设信箱", "沈治理", "有人使用", "证据齐全"):
        assert words in page
    for kind in ("pdf", "xlsx"):
        assert (await merging.staff.get(f"{HERE}/proof.{kind}")).status_code == 200

    # evidence grows old, a successor that shuts is none, and a closed app's proof is settled
    hub.clock.move(days=8)
    assert {key.partition(":")[0] for key in await merging.obstacles()} == {
        "function",
        "data",
        "link",
        "date",
    }
    await hub.set_state("hotline", "disabled")
    assert "successor-shut" in await merging.obstacles()
    async with hub.services.database.transaction(write=True) as tx:
        await tx.session.execute(
            update(Standing).where(col(Standing.app) == "mailbox").values(stage="closed")
        )
    merging.staff = await hub.client_as("governance")
    assert (await merging.act("check", 409))["type"].endswith("merge-over")
    assert {*(await merging.states()).values()} == {"proven", "waived"}

"""The administrator's pages of access, and asking for a permission."""

from datetime import timedelta

import pytest

from core.identity import people


def code(answer):
    return answer.json()["type"].rpartition(":")[2]


async def person_of(hub, role):
    return (await hub.actor(role)).person_id


async def test_what_a_person_may_do_is_said_seat_by_seat(hub_app):
    administrator = await hub_app.client_as("administrator")
    id = await person_of(hub_app, "unit")
    page = await administrator.page(f"/admin/access/people/{id}")
    assert "城市管理局 · 签收员" in page.text
    groups = (await administrator.get(f"/admin/access/people/{id}")).json()["groups"]
    held = {fact for group in groups for line in group["lines"] for fact in line["facts"][:1]}
    actor = await hub_app.actor("unit")
    assert held == set(actor.permits)
    absent = await administrator.get(f"/admin/access/people/{actor.post_id}")
    assert (absent.status_code, code(absent)) == (404, "not-found")
    assert (
        await (await hub_app.client_as("unit")).get(f"/admin/access/people/{id}")
    ).status_code == 403


async def test_a_permission_is_asked_for_and_granted_or_not(hub_app):
    unit = await hub_app.client_as("unit")
    why = await unit.page("/why?permission=hotline.order.dispatch")
    assert "/why/request?permission=hotline.order.dispatch" in why.text
    values = {"permission": "hotline.order.dispatch", "reason": "周末替班"}
    assert (await unit.post_form("/why/request", values)).status_code == 303
    assert (await unit.post_form("/why/request", values)).status_code == 303  # once is enough
    other = {"permission": "yimen.people.read", "reason": "看看"}
    assert (await unit.post("/why/request", json=other)).status_code == 201
    await hub_app.settle()
    administrator = await hub_app.client_as("administrator")
    assert "冯城管 申请权限 派单" in (await administrator.page("/work")).text
    assert "冯城管 申请权限" in (await administrator.page("/messages")).text
    lines = (await administrator.get("/admin/access/requests")).json()["groups"][0]["lines"]
    asked = {line["facts"][1]: line["id"] for line in lines}
    assert set(asked) == {"hotline.order.dispatch", "yimen.people.read"}
    grant = {"request": asked["hotline.order.dispatch"], "scope": "organization"}
    wrong = await administrator.post(
        "/admin/access/requests", json={**grant, "role": "hotline.operator"}
    )
    assert wrong.json()["errors"][0]["code"] == "role-lacks"
    grant["role"] = "hotline.dispatcher"
    done = await administrator.post_form("/admin/access/requests", grant)
    assert done.status_code == 303
    declining = f"/admin/access/requests/{asked['yimen.people.read']}/decline"
    assert (await administrator.post_form(declining, {})).status_code == 303
    assert (await administrator.post(declining, json={})).status_code == 404
    assert (await unit.get("/why?permission=hotline.order.dispatch")).json()["allowed"]
    await hub_app.settle()
    told = (await unit.page("/messages")).text
    assert "申请的权限 派单 已授予" in told
    assert "申请的权限 查看人员 没有授予" in told
    assert "冯城管 申请权限" not in (await administrator.page("/work")).text
    resident = await hub_app.client_as("resident")
    refused = await resident.post("/why/request", json=values)
    assert (refused.status_code, code(refused)) == (409, "request-post")
    unknown = await unit.post("/why/request", json={**values, "permission": "no.such"})
    assert unknown.status_code == 422


async def test_changes_and_delegations_are_shown_and_ended(hub_app):
    unit = await hub_app.client_as("unit")
    post = str((await hub_app.actor("unit")).post_id)
    values = {"post": post, "username": "deputy", "ends_on": "2099-01-01", "reason": "x"}
    values["ends_on"] = str((hub_app.clock().date()).replace(day=28))
    administrator = await hub_app.client_as("administrator")
    given = {"username": "deputy", "role": "hotline.leader", "scope": "organization"}
    assert (await administrator.post("/admin/grants", json=given)).status_code == 201
    answer = await unit.post("/me/delegations", json=values)
    assert answer.status_code == 201, answer.text
    handed, changed = (await administrator.get("/admin/access")).json()["groups"]
    (line,) = handed["lines"]
    assert changed["lines"][0]["title"]["key"] == "page.access.change.delegated"
    page = (await administrator.page("/admin/access")).text
    assert "卫副局 得到授权" in page
    assert "由 蒋管理 办理" in page
    ending = f"/admin/delegations/{line['id']}/end"
    assert (await unit.post(ending, json={})).status_code == 403
    assert (await administrator.post_form(ending, {})).status_code == 303
    assert (await administrator.post(ending, json={})).status_code == 404
    assert (await administrator.get("/admin/access")).json()["groups"][0]["lines"] == []


async def test_a_role_is_composed_given_and_dropped(hub_app):
    administrator = await hub_app.client_as("administrator")
    role = {"name": "night", "zh": "夜班", "en": "Night", "permissions": "hotline.order.read"}
    assert (await administrator.post_form("/admin/access/roles", role)).status_code == 303
    assert "夜班" in (await administrator.page("/admin/access/roles")).text
    given = {"username": "deputy", "role": "own.night", "scope": "organization"}
    assert (await administrator.post("/admin/grants", json=given)).status_code == 201
    held = await administrator.post("/admin/access/roles/night/drop", json={})
    assert (held.status_code, code(held)) == (409, "role-held")
    unknown = await administrator.post("/admin/access/roles/nothing/drop", json={})
    assert unknown.status_code == 404
    for field, value, why in (
        ("name", "X", "role-key"),
        ("permissions", "no.such", "role-permissions"),
        ("excludes", "no.such", "role-unknown"),
    ):
        answer = await administrator.post("/admin/access/roles", json={**role, field: value})
        assert (answer.json()["errors"][0]["field"], answer.status_code) == (field, 422)
        assert answer.json()["errors"][0]["code"] == why
        page = await administrator.post_form("/admin/access/roles", {**role, field: value})
        assert page.status_code == 422
        assert "夜班" in page.text  # what was typed is kept


async def test_policy_tests_are_kept_run_and_forgotten(hub_app):
    administrator = await hub_app.client_as("administrator")
    policy = {
        "name": "派单员不管人",
        "username": "dispatcher",
        "permission": "yimen.people.manage",
        "allowed": "no",
    }
    assert (await administrator.post_form("/admin/access/policy", policy)).status_code == 303
    broken = {**policy, "name": "签收员能派单", "permission": "hotline.order.dispatch"}
    broken |= {"username": "unit", "allowed": "yes", "organization": "371603U01"}
    assert (await administrator.post("/admin/access/policy", json=broken)).status_code == 201
    failed, held = (await administrator.get("/admin/access/policy")).json()["groups"]
    assert [line["title"] for line in failed["lines"]] == ["签收员能派单"]
    assert [line["title"] for line in held["lines"]] == ["派单员不管人"]
    for field, value, why in (
        ("name", "签收员能派单", "policy-taken"),
        ("username", "nobody", "person-unknown"),
        ("permission", "no.such", "choice"),
        ("organization", "000", "organization-unknown"),
    ):
        answer = await administrator.post(
            "/admin/access/policy", json={**broken, "name": "又一条", field: value}
        )
        assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, why)
    forget = f"/admin/access/policy/{failed['lines'][0]['id']}/forget"
    assert (await administrator.post_form(forget, {})).status_code == 303
    assert (await administrator.post(forget, json={})).status_code == 404


@pytest.mark.parametrize("allowed", [True, False])
def test_the_command_leaves_with_one_when_a_test_does_not_hold(allowed, monkeypatch):
    import asyncio

    from click.testing import CliRunner

    from core.access.policy import Outcome
    from portal import cli

    outcome = Outcome(
        id=None,  # type: ignore[arg-type]
        name="n",
        person="甲",
        permission="a.b",
        organization=None,
        wanted=True,
        found=allowed,
        by="g" if allowed else "",
        held=allowed,
    )

    async def run(tx):
        return [outcome]

    class Hub:
        class services:  # noqa: N801
            class database:  # noqa: N801
                @staticmethod
                def transaction():
                    import contextlib

                    return contextlib.nullcontext()

    monkeypatch.setattr("core.access.policy.run", run)
    monkeypatch.setattr("portal.commands.access.with_hub", lambda act: asyncio.run(act(Hub)))
    result = CliRunner().invoke(cli.main, ["access", "test"])
    assert result.exit_code == (0 if allowed else 1)
    assert ("FAILED" in result.output) == (not allowed)


async def test_a_page_of_grants_shows_what_ends_soon_first(hub_app):
    administrator = await hub_app.client_as("administrator")
    day = hub_app.clock().date().replace(day=28)
    given = {"username": "deputy", "role": "hotline.leader", "scope": "organization"}
    answer = await administrator.post("/admin/grants", json={**given, "ends_on": str(day)})
    assert answer.status_code == 201, answer.text
    listed = (await administrator.get("/admin/grants")).json()
    assert (listed["expiring"], listed["grants"][0]["soon"]) == (1, True)
    assert "快到期" in (await administrator.page("/admin/grants")).text
    over = await administrator.post("/admin/grants", json={**given, "ends_on": "2020-01-01"})
    assert over.json()["errors"][0]["field"] == "ends_on"


async def test_a_centre_is_let_accept_an_item_and_no_longer(hub_app):
    administrator = await hub_app.client_as("administrator")
    page = "/admin/access/devolution"
    line = {"item": "0001", "name": "户外广告设置审批", "organization": "371603001"}
    line |= {"starts_on": "2026-01-01", "basis": "县政发〔2026〕1号"}
    assert (await administrator.post_form(page, line)).status_code == 303
    again = await administrator.post(page, json={**line, "starts_on": "2026-02-01"})
    assert (again.status_code, again.json()["errors"][0]["code"]) == (422, "devolution-twice")
    kept = await administrator.post_form(page, {**line, "organization": "000"})
    assert kept.status_code == 422
    assert "县政发〔2026〕1号" in kept.text
    asked = {"item": "0001", "organization": "371603001"}
    found = (await administrator.get(f"{page}/may", params=asked)).json()
    assert (found["may"], found["by"]["basis"]) == (True, "县政发〔2026〕1号")
    assert not (
        await administrator.get(f"{page}/may", params={**asked, "day": "2025-01-01"})
    ).json()["may"]
    assert (await administrator.get(f"{page}/may", params={**asked, "day": "x"})).status_code == 422
    (group,) = (await administrator.get(page)).json()["groups"]
    ending = f"{page}/{group['lines'][0]['id']}/withdraw"
    assert (await administrator.post_form(ending, {})).status_code == 303
    assert (await administrator.post(ending, json={})).status_code == 409
    assert "户外广告设置审批 · 富国街道" in (await administrator.page(page)).text
    assert (await (await hub_app.client_as("unit")).get(page)).status_code == 403


async def test_a_user_name_that_many_others_contain_is_found(hub_app):
    async with hub_app.services.database.transaction(write=True) as tx:
        for n in range(60):
            await people.add_person(tx, f"a{n:02}ax", f"甲{n:02}", None)
        person = await people.add_person(tx, "ax", "子", None)
        await people.add_post(tx, person, (await hub_app.actor("unit")).organization_id, "员")
    administrator = await hub_app.client_as("administrator")
    given = {"username": "AX", "role": "hotline.leader", "scope": "organization"}
    assert (await administrator.post("/admin/grants", json=given)).status_code == 201
    unit = await hub_app.client_as("unit")
    day = str(hub_app.clock().date() + timedelta(days=3))
    handed = {
        "post": str((await hub_app.actor("unit")).post_id),
        "username": "ax",
        "ends_on": day,
        "reason": "x",
    }
    answer = await unit.post("/me/delegations", json=handed)
    assert answer.status_code == 201, answer.text

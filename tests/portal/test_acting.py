"""Acting for others, seen from outside: pages, sessions, what is refused and what is said."""

import re
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from core import audit
from plugin_sdk.deadlines import local_day


def in_days(n):
    return (local_day(datetime.now(UTC)) + timedelta(days=n)).isoformat()


def code(answer):
    return answer.json()["type"].rpartition(":")[2]


async def post_of(hub, role):
    return str((await hub.actor(role)).post_id)


async def hand_over(hub, giver="unit", taker="deputy", **more):
    client = await hub.client_as(giver)
    values = {"username": taker, "ends_on": in_days(7), "reason": "出差", **more}
    return client, await client.post(
        "/me/delegations", json={"post": await post_of(hub, giver), **values}
    )


async def signs(client):
    """Whether the client may sign orders now, by the page that says why."""
    return (await client.get("/why?permission=hotline.order.sign")).json()["allowed"]


async def taken(client):
    return (await client.get("/me/delegations")).json()["groups"][1]["lines"]


async def consent(hub, worker="grid", resident="resident", **more):
    client = await hub.client_as(worker)
    values = {
        "username": resident,
        "scope": "hotline",
        "given": "in-person",
        "evidence": "在家中口头同意",
        "ends_on": in_days(30),
        **more,
    }
    return client, await client.post("/behalf", json=values)


async def begun(hub, **more):
    """A grid worker who acts for a resident, and the consent's id."""
    client, answer = await consent(hub, **more)
    assert answer.status_code == 201, answer.text
    (line,) = (await client.get("/behalf")).json()["groups"][0]["lines"]
    answer = await client.post(f"/behalf/{line['id']}/begin", json={})
    assert answer.status_code == 200, answer.text
    return client, line["id"]


async def test_a_post_is_handed_over_taken_and_given_back(hub_app):
    giver, answer = await hand_over(hub_app)
    assert answer.status_code == 201, answer.text
    await hub_app.settle()
    deputy = await hub_app.client_as("deputy")
    assert "冯城管 委托了岗位" in (await deputy.page("/messages")).text
    (line,) = await taken(deputy)
    page = (await deputy.page("/me/delegations")).text
    assert f'name="post" value="{line["id"]}"' in page
    assert "以此岗位办理" in page
    home = (await deputy.page("/")).text
    assert re.search(
        r"<option value=\"[\w-]+\">代 冯城管 · 城市管理局 签收员（至 \d+月\d+日）</option>", home
    )
    assert not await signs(deputy)
    own_form = await post_of(hub_app, "deputy")
    assert f'name="_post" value="{own_form}"' in (await deputy.page("/feedback")).text
    assert (await deputy.post_form("/post", {"post": line["id"]})).status_code == 303
    assert await signs(deputy)
    page = (await deputy.page("/me")).text
    assert f'<option value="{line["id"]}" selected>' in page
    # a form that was opened in the other post is refused, whatever it says
    values = {"app": "yimen", "text": "问一下", "_post": own_form}
    stale = await deputy.post_form("/feedback", values, headers={"accept": "application/json"})
    assert (stale.status_code, code(stale)) == (409, "post-changed")
    assert (await giver.post(f"/me/delegations/{line['id']}/end", json={})).status_code == 200
    assert not await signs(deputy)
    assert await taken(deputy) == []
    again = await giver.post(f"/me/delegations/{line['id']}/end", json={})
    assert again.status_code == 404
    async with hub_app.services.database.transaction() as tx:
        acts = {e.act for e in await audit.search(tx, app="yimen")}
    assert {"delegated", "delegation-ended"} <= acts


NOT_HANDED_OVER = [
    ({"username": "nobody"}, "username", "delegate-unknown"),
    ({"username": "resident"}, "username", "delegate-unknown"),
    ({"username": "unit"}, "username", "delegate-oneself"),
    ({"ends_on": in_days(-2)}, "ends_on", "delegation-over"),
    ({"ends_on": in_days(400)}, "ends_on", "delegation-long"),
    ({"ends_on": "9999-12-31"}, "ends_on", "delegation-long"),
    ({"starts_on": in_days(5), "ends_on": in_days(3)}, "ends_on", "delegation-over"),
    ({"role": "yimen.administrator"}, "role", "role-unknown"),
    ({"post": str(uuid4())}, "post", "post-unknown"),
    ({"reason": "x" * 201}, "reason", "too-long"),
    ({"organization_id": "x"}, "organization_id", "unknown"),
]


async def test_what_cannot_be_handed_over_says_why(hub_app):
    for values, field, why in NOT_HANDED_OVER:
        client, answer = await hand_over(hub_app, **values)
        assert answer.status_code == 422, values
        (error,) = answer.json()["errors"]
        assert (error["field"], error["code"]) == (field, why)
        form = {
            "post": await post_of(hub_app, "unit"),
            "username": "deputy",
            "ends_on": in_days(7),
            "reason": "休假",
            **values,
        }
        page = await client.post_form("/me/delegations", form)
        assert page.status_code == 422, values
        assert error["detail"] in page.text or field == "organization_id"


async def test_what_was_opened_in_one_seat_is_not_sent_in_another(hub_app):
    await hand_over(hub_app)
    await hub_app.settle()
    deputy = await hub_app.client_as("deputy")
    (line,) = await taken(deputy)
    page = (await deputy.page("/messages")).text
    form = re.search(r'<form method="post" action="/messages/read">.*?</form>', page, re.DOTALL)
    assert form is not None
    values = dict(re.findall(r'name="(\w+)" value="([^"]*)"', form[0]))
    await deputy.post("/post", json={"post": line["id"]})
    asking = {"accept": "application/json"}
    stale = await deputy.post_form("/messages/read", values, headers=asking)
    assert (stale.status_code, code(stale)) == (409, "post-changed")
    assert 'action="/messages/read"' in (await deputy.page("/messages")).text  # still unread


async def test_anothers_post_is_not_handed_over_nor_one_that_is_delegated(hub_app):
    await hand_over(hub_app)
    deputy = await hub_app.client_as("deputy")
    (line,) = await taken(deputy)
    await deputy.post("/post", json={"post": line["id"]})
    values = {"username": "leader", "ends_on": in_days(7), "reason": "x"}
    answer = await deputy.post(
        "/me/delegations", json={"post": await post_of(hub_app, "unit"), **values}
    )
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "post-unknown")
    _, answer = await hand_over(hub_app, "dispatcher", "unit")
    assert answer.status_code == 201
    _, answer = await hand_over(hub_app, "unit", "dispatcher")
    assert answer.json()["errors"][0]["code"] == "delegation-circle"


async def test_a_delegation_that_runs_out_leaves_one_signed_in_in_ones_own_post(hub_app):
    hub_app.clock.stand(datetime(2026, 3, 3, 15, tzinfo=UTC))  # 23:00 in Shanghai
    await hand_over(hub_app, ends_on="2026-03-03")
    deputy = await hub_app.client_as("deputy")
    (line,) = await taken(deputy)
    await deputy.post("/post", json={"post": line["id"]})
    assert await signs(deputy)
    hub_app.clock.move(minutes=59)
    assert await signs(deputy)
    hub_app.clock.move(minutes=1)  # the day is over
    assert not await signs(deputy)
    assert (await deputy.get("/me")).json()["posts"][0]["current"] is True
    assert await taken(deputy) == []


async def test_every_page_says_for_whom_one_acts_and_nothing_of_theirs_is_shown(hub_app):
    client, _ = await begun(hub_app)
    for path in ("/", "/apps", "/search?q=x", "/apps/hotline/orders", "/why", "/absent", "/me"):
        for language, words in (
            ("zh-CN", "正在为 周*岚 代办，至"),
            ("en", "You are acting for 周*岚"),
        ):
            client.cookies.set("lang", language)
            page = (await client.page(path)).text
            band = re.search(r'<section class="banner on_behalf".*?</section>', page, re.DOTALL)
            assert band, path
            assert words in band[0]
            assert 'action="/behalf/end"' in band[0]
            assert page.index(band[0]) == page.index('<section class="banner')  # on top
    for path in ("/me", "/messages", "/work", "/me/consents", "/me/delegations"):
        answer = await client.get(path)
        assert (answer.status_code, code(answer)) == (403, "behalf-beyond"), path
    assert (await client.post("/sign-out-everywhere", json={})).status_code == 403
    assert (await client.get("/behalf")).status_code == 403
    resident = await hub_app.client_as("resident")
    assert (await resident.get("/me")).status_code == 200
    assert (await client.post_form("/behalf/end", {})).status_code == 303
    assert (await client.get("/me")).status_code == 200


async def test_what_one_chooses_for_the_display_stays_with_oneself(hub_app):
    client, _ = await begun(hub_app)
    await client.get("/language?to=en")
    await client.post("/mode", json={"mode": "elder"})
    resident = await hub_app.client_as("resident")
    page = (await resident.page("/")).text
    assert '<html lang="zh-CN" data-mode="standard"' in page


async def test_the_resident_is_told_sees_all_and_ends_it_at_the_next_request(hub_app):
    client, id = await begun(hub_app)
    await hub_app.settle()
    resident = await hub_app.client_as("resident")
    assert "登记了您的代办授权" in (await resident.page("/messages")).text
    administrator = await hub_app.client_as("administrator")
    assert "登记了您的代办授权" in (await administrator.page("/admin/outbox")).text
    form = (await client.page("/apps/hotline/orders/new")).text
    assert f'name="_post" value="{id}"' in form
    page = (await resident.page("/me/consents")).text
    assert "姚网格" in page
    assert "开始代办" in page
    other = await hub_app.client_as("resident2")
    assert (await other.post(f"/me/consents/{id}/end", json={})).status_code == 404
    assert (await resident.post_form(f"/me/consents/{id}/end", {})).status_code == 303
    # the form that was open is not filed in the worker's own name
    values = {"kind": "help", "text": "路灯不亮", "_post": id}
    late = await client.post_form(
        "/apps/hotline/orders", values, headers={"accept": "application/json"}
    )
    assert (late.status_code, code(late)) == (409, "post-changed")
    assert (await client.get("/behalf")).json()["groups"][0]["lines"] == []
    assert (await client.post(f"/behalf/{id}/begin", json={})).status_code == 404


async def test_a_resident_gives_consent_by_themselves(hub_app):
    resident = await hub_app.client_as("resident")
    values = {"username": "grid", "scope": "hotline.order.file", "ends_on": in_days(30)}
    assert (await resident.post("/me/consents", json=values)).status_code == 201
    (line,) = (await resident.get("/me/consents")).json()["groups"][0]["lines"]
    assert line["title"] == "姚网格"
    grid = await hub_app.client_as("grid")
    assert (await grid.post(f"/behalf/{line['id']}/begin", json={})).status_code == 200
    assert (await grid.get("/apps/hotline/orders")).status_code == 403


NO_CONSENT = [
    ({"username": "nobody"}, "username", "consent-person"),
    ({"username": "grid"}, "username", "consent-oneself"),
    ({"scope": "yimen"}, "scope", "choice"),
    ({"scope": "hotline.order.dispatch"}, "scope", "choice"),
    ({"given": "online"}, "given", "choice"),
    ({"ends_on": in_days(-3)}, "ends_on", "consent-over"),
    ({"ends_on": in_days(400)}, "ends_on", "consent-long"),
    ({"evidence": ""}, "evidence", "missing"),
    ({"organization_id": "x"}, "organization_id", "unknown"),
]


async def test_a_consent_that_cannot_be_says_why(hub_app):
    for values, field, why in NO_CONSENT:
        client, answer = await consent(hub_app, **values)
        assert answer.status_code == 422, values
        (error,) = answer.json()["errors"]
        assert (error["field"], error["code"]) == (field, why)
        assert (await client.get("/behalf")).json()["groups"][0]["lines"] == []


async def test_only_those_whose_post_acts_for_residents_do(hub_app):
    for role in ("unit", "resident"):
        _, answer = await consent(hub_app, worker=role, resident="resident2")
        assert (answer.status_code, code(answer)) == (403, "denied")
    _, id = await begun(hub_app)
    other = hub_app.client()
    assert (await other.post(f"/behalf/{id}/begin", json={})).status_code == 401
    assert (await other.post("/behalf/end", json={})).status_code == 200


async def test_a_grant_that_would_give_one_person_both_is_refused_with_both_names(hub_app):
    from core.access.grants import RoleDefinition, define_roles
    from plugin_sdk.text import Text

    async with hub_app.services.database.transaction(write=True) as tx:
        roles = [
            RoleDefinition("money.pays", Text("出纳", "Cashier"), ()),
            RoleDefinition("money.books", Text("会计", "Accountant"), (), None, ("money.pays",)),
        ]
        await define_roles(tx, "money", roles)
    administrator = await hub_app.client_as("administrator")
    values = {"username": "deputy", "role": "money.pays", "scope": "organization"}
    assert (await administrator.post("/admin/grants", json=values)).status_code == 201
    values["role"] = "money.books"
    answer = await administrator.post("/admin/grants", json=values)
    assert (answer.status_code, code(answer)) == (409, "roles-exclude")
    assert "会计、出纳" in answer.json()["detail"]
    administrator.cookies.set("lang", "en")
    assert "Accountant, Cashier" in (await administrator.post("/admin/grants", json=values)).text

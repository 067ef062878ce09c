"""An administrator's permissions go no further than their scope."""

from datetime import timedelta

from core.access.delegation import delegate
from core.access.grants import grant
from core.access.requests import ask
from core.identity import people
from plugin_sdk.ports import ScopeKind
from tests.core.identity.county import as_csv, person
from tests.portal.test_people_pages import send


async def local_administrator(hub):
    """Return a client of one who administers the organization of `unit` and no other."""
    post = (await hub.actor("deputy")).post_id
    async with hub.services.database.transaction(write=True) as tx:
        await grant(tx, post, "yimen.administrator", ScopeKind.ORGANIZATION)
    return await hub.client_as("deputy")


async def elsewhere(hub):
    """Return the addresses of acts on what belongs to another organization (`unit2`), and of
    acts on the whole hub, each with the answer: what is out of sight looks absent."""
    actors = await hub.actors()
    away, taker, clerk = actors["unit2"], actors["unit3"], actors["administrator"]
    async with hub.services.database.transaction(write=True) as tx:
        request = await ask(tx, away, "hotline.order.dispatch", "x")
        handed = await delegate(
            tx,
            away.post_id,
            taker.person_id,
            by=away.person_id,
            starts_at=tx.now,
            ends_at=tx.now + timedelta(days=1),
            reason="x",
        )
    person = f"/admin/people/{away.person_id}"
    post = f"/admin/posts/{away.post_id}"
    other = {"organization": "371603U02", "title": "另一岗"}
    unseen = [
        (f"/admin/access/requests/{request}/decline", {}),
        (f"/admin/delegations/{handed}/end", {}),
        (f"{person}/disable", {}),
        (f"{person}/enable", {}),
        (f"{person}/password", {}),
        (f"{person}/leave", {}),
        (f"{person}/posts", {"organization": "371603U01", "title": "另一岗"}),
        (f"{person}/number", {"number": "110101199003070038"}),
        (f"{person}/number/unmask", {"reason": "x"}),
        (f"{person}/erase", {"reason": "x", "confirm": "unit2"}),
        (f"{person}/factors", {"reason": "x"}),
        (f"/admin/people/{actors['resident'].person_id}/disable", {}),
        (f"/admin/people/{clerk.person_id}/disable", {}),
        (f"{post}/end", {}),
        (f"{post}/transfer", {"organization": "371603U01", "title": "x"}),
    ]
    new = {"username": "newcomer", "name": "新", "password": "a long one of its own"}
    refused = [
        (f"/admin/posts/{actors['unit'].post_id}/transfer", other),
        (f"/admin/people/{actors['unit'].person_id}/posts", other),
        ("/admin/people", {**other, **new}),
        ("/admin/people", new),
        (
            "/admin/access/devolution",
            {
                "item": "i-1",
                "name": "x",
                "organization": "371603U02",
                "starts_on": "2026-01-01",
                "basis": "x",
            },
        ),
        ("/admin/access/roles/night/drop", {}),
        (
            "/admin/organizations/close",
            {"code": "371603U02", "reason": "x", "confirmed": "true"},
        ),
        ("/admin/organizations/move", {"code": "371603U02", "parent": "371603U01"}),
        (
            "/admin/organizations",
            {"code": "371603U99", "name": "x", "parent": "371603U02"},
        ),
        ("/admin/calendar", {"year": 2031, "holidays": "2031-01-01"}),
        ("/admin/apps/hotline/disable", {"reason": "x"}),
    ]
    test = {"name": "x", "permission": "yimen.people.manage", "allowed": "no"}
    unknown = [
        ("/admin/access/policy", {**test, "username": "unit2"}),
        (
            "/admin/grants",
            {"username": "unit2", "role": "yimen.governance", "scope": "organization"},
        ),
    ]
    return [
        (path, values, status)
        for acts, status in ((unseen, 404), (refused, 403), (unknown, 422))
        for path, values in acts
    ]


async def test_an_administrator_does_nothing_beyond_their_scope(hub_app):
    acts = await elsewhere(hub_app)
    client = await local_administrator(hub_app)
    for path, values, status in acts:
        answer = await client.post(path, json=values)
        assert answer.status_code == status, (path, answer.text)
    assert (await hub_app.client_as("unit2")).csrf
    assert (await hub_app.client_as("administrator")).csrf
    async with hub_app.services.database.transaction() as tx:
        assert await people.by_username(tx, "newcomer") is None


async def test_an_administrator_of_one_organization_does_their_work_there(hub_app):
    client = await local_administrator(hub_app)
    person = f"/admin/people/{(await hub_app.actor('unit')).person_id}"
    new = {"username": "newcomer", "name": "新", "password": "a long one of its own"}
    for path, values in (
        ("/admin/people", {**new, "organization": "371603U01", "title": "员"}),
        (f"{person}/posts", {"organization": "371603U01", "title": "另一岗"}),
        (f"{person}/disable", {}),
        (f"{person}/enable", {}),
    ):
        answer = await client.post(path, json=values)
        assert answer.status_code in (200, 201), (path, answer.text)


async def test_an_administrator_of_one_organization_sees_what_belongs_there(hub_app):
    await elsewhere(hub_app)
    client = await local_administrator(hub_app)
    everywhere = await hub_app.client_as("administrator")
    for path, away in (
        ("/admin/people", "交通运输局"),
        ("/admin/people?q=unit", "交通运输局"),
        ("/admin/grants?permission=hotline.order.reply", "交通运输局"),
        ("/admin/access", "楚住建"),
        ("/admin/access/requests", "hotline.order.dispatch"),
        ("/admin/audit", "signed-in"),
        ("/admin/audit.csv", "signed-in"),
    ):
        own, whole = [(await who.get(path)) for who in (client, everywhere)]
        assert (own.status_code, whole.status_code) == (200, 200), path
        assert away in whole.text, path
        if "audit" not in path:
            assert away not in own.text, path
        assert len(own.text) < len(whole.text), path
    away = await hub_app.actor("unit2")
    for path in (
        f"/admin/people/{away.person_id}",
        f"/admin/people/{away.person_id}/erase",
        f"/admin/people/{away.person_id}/factors",
        f"/admin/people/{away.person_id}/leave",
        f"/admin/access/people/{away.person_id}",
        f"/admin/posts/{away.post_id}/transfer",
    ):
        assert (await client.get(path)).status_code == 404, path
        assert (await everywhere.get(path)).status_code == 200, path
    assert (await client.get("/admin/outbox")).status_code == 403


async def test_a_file_of_people_goes_no_further_than_who_imports_it(hub_app):
    """A telephone number is a way to sign in: who could change anybody's could be anybody."""
    client = await local_administrator(hub_app)
    newcomers = [[*person(n)[:4], f"371603U0{n}", "员", "", "", ""] for n in (1, 2)]
    chief = ["administrator", "某某", "13800000000", "", "371603U01", "员", "", "", ""]
    mover = ["unit2", "某某", "13800000001", "", "371603U01", "员", "", "", ""]
    seat = (await hub_app.actor("unit")).post_title
    colleague = ["unit", "某某", "13800000002", "", "371603U01", seat, "", "", ""]
    away = [chief, mover, ["resident", *chief[1:]]]
    sent = await send(client, as_csv([*newcomers, *away, colleague]))
    here = sent.json()["location"]
    view = (await client.get(here)).json()
    outcomes = [row["outcome"] for row in view["rows"]]
    assert outcomes == ["ok", "refused", "refused", "refused", "refused", "refused"]
    assert view["rows"][5]["reasons"][-1]["key"] == "people_import.reason.phone-beyond"
    for row in view["rows"][1:5]:
        assert [r["key"] for r in row["reasons"]] == ["people_import.reason.beyond-reach"]
    assert (await client.post(view["start"], json={})).status_code == 200
    await hub_app.settle()
    async with hub_app.services.database.transaction() as tx:
        assert await people.by_username(tx, "p00002") is None
        for username in ("administrator", "unit", "unit2", "resident"):
            (who,) = [p for p in await people.find(tx, username) if p.username == username]
            assert who.name != "某某", username

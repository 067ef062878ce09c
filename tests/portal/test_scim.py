"""SCIM 2.0: an application keeps people and units where it was let, and locks nobody out."""

import asyncio
import json
from typing import Any

import pytest
from scim2_client.client import BaseSyncSCIMClient
from scim2_client.engines.asgi import ASGISCIMClient
from scim2_models import Error, ScimProvider, SearchRequest
from scim2_tester import Status, check_server
from sqlalchemy import delete, select, update
from sqlmodel import col

from core.access import grants
from core.audit.models import AuditEntry
from core.identity import people
from core.identity.models import Passkey, Person
from core.identity.organizations import add_unit, by_code
from core.identity.scim.resources import Group, Phone, User
from plugin_sdk.ports import ScopeKind
from tests.portal.test_tokens import application, bearer, make, rows_of

ROOT = "/scim/v2"
JSON = {"content-type": "application/scim+json"}
EMBEDDED = pytest.mark.parametrize("engine_kind", ["embedded"], indirect=True)
USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


def body(username="zhang.san", **more):
    return {"schemas": [USER], "userName": username, "name": {"formatted": "张三"}, **more}


def operations(*found):
    return {"schemas": [PATCH], "Operations": list(found)}


@pytest.fixture
async def office(hub_app):
    """A unit of the county's directory in which an application acts, and its program."""
    async with hub_app.services.database.transaction(write=True) as tx:
        await add_unit(tx, "U-HR", "人事试点", "unit", "371603")
    token = await application(hub_app, scopes=["scim"], units=("U-HR",))
    program = hub_app.client()
    program.headers.update({"authorization": f"Bearer {token}", **JSON})
    return program


async def person(tx, name) -> Any:
    return await people.by_username(tx, name)


async def place(tx, code) -> Any:
    return await by_code(tx, code)


async def unit_of(program):
    """Return the id of the one unit that was there."""
    answer = await program.get(f'{ROOT}/Groups?filter=displayName eq "人事试点"')
    (group,) = answer.json()["Resources"]
    return group["id"]


def failed(answer, status, kind=None):
    """Return the sentence of an error as RFC 7644 writes it."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith("application/scim+json")
    said = answer.json()
    assert said["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"]
    assert (said["status"], said.get("scimType")) == (str(status), kind), said
    return said["detail"]


class InTheLoop(BaseSyncSCIMClient):
    """The tester's client, which waits for the hub that runs in the test's own loop."""

    def __init__(self, program, loop, provider):
        super().__init__(provider=provider)
        self._program, self._loop = program, loop

    def _stays_under_base_url(self, endpoint):
        return True

    def _parse_json(self, response):
        return response.json()

    def request(self, method, url, **more):
        asked = self._program.request(method, f"{ROOT}/{url.lstrip('/')}", **more)
        return asyncio.run_coroutine_threadsafe(asked, self._loop).result(60)


@EMBEDDED
async def test_scim2_tester_reports_only_successes(office, monkeypatch):
    # the tester draws ten digits for a phone; the hub keeps phones that can ring
    monkeypatch.setattr(Phone.model_fields["value"], "examples", ["+8613800138000"])
    client = InTheLoop(office, asyncio.get_running_loop(), ScimProvider(models=[User, Group]))
    results = await asyncio.to_thread(check_server, client)
    wrong = [(r.title, r.resource_type, r.reason) for r in results if r.status != Status.SUCCESS]
    assert not wrong, wrong
    assert len(results) > 40
    assert {r.resource_type for r in results} == {None, "User", "Group"}


@EMBEDDED
async def test_a_client_of_others_discovers_brings_moves_and_lets_go(hub_app, office):
    """scim2-client, unchanged: it knows of the hub only what the hub says of itself."""
    scim: Any = ASGISCIMClient(
        hub_app.hub,
        base_url=f"{hub_app.hub.settings.public_url}{ROOT}",
        headers={"authorization": office.headers["authorization"]},
    )
    await scim.discover()
    user_type, group_type = scim.get_resource_model("User"), scim.get_resource_model("Group")
    made = await scim.create(
        user_type(user_name="li.si", name={"formatted": "李四"}, active=True, external_id="HR-7")
    )
    assert made.meta.location.endswith(f"{ROOT}/Users/{made.id}")
    (unit,) = (await scim.query(group_type)).resources
    unit.members = [{"value": made.id}]
    assert [m.value for m in (await scim.replace(unit)).members] == [made.id]
    asked = {"filter": 'externalId eq "HR-7"'}
    found = await scim.query(user_type, query_parameters=SearchRequest.model_validate(asked))
    (made,) = found.resources
    assert [g.value for g in made.groups] == [unit.id]
    made.active = False
    assert (await scim.replace(made)).active is False
    await scim.delete(user_type, made.id)
    gone = await scim.query(user_type, made.id, raise_scim_errors=False)
    assert isinstance(gone, Error)
    assert gone.status == 404
    async with hub_app.services.database.transaction() as tx:  # the record stays
        who = await person(tx, "li.si")
        assert (who.name, who.disabled) == ("李四", True)
    again = await scim.create(user_type(user_name="li.si", name={"formatted": "李四"}, active=True))
    assert again.id == made.id


async def test_what_an_application_does_it_does_at_once_and_by_name(hub_app, office):
    """Deactivating ends the sign-ins; the record names the application; twice is once."""
    services = hub_app.services
    answer = await office.post(f"{ROOT}/Users", json=body(externalId="7"))
    assert answer.status_code == 201, answer.text
    user = answer.json()
    assert answer.headers["location"] == user["meta"]["location"]
    failed(await office.post(f"{ROOT}/Users", json=body("ZHANG.San")), 409, "uniqueness")
    failed(await office.post(f"{ROOT}/Users", json=body("administrator")), 409, "uniqueness")
    unit = f"{ROOT}/Groups/{await unit_of(office)}"
    join = operations({"op": "add", "path": "members", "value": [{"value": user["id"]}]})
    for _ in range(2):
        answer = await office.patch(unit, json=join)
        assert [m["value"] for m in answer.json()["members"]] == [user["id"]]
    async with services.database.transaction(write=True) as tx:
        other = (await person(tx, "operator")).id
        (post, *_) = await people.posts(tx, [other])
        here = await place(tx, "U-HR")
        await people.end_post(tx, post.id)
        await people.add_post(tx, other, here.id, "科员")
    session = await hub_app.client_as("operator")
    token = await make(session, "yimen:read")
    assert (await session.get("/me")).status_code == 200
    off = operations({"op": "Replace", "path": "active", "value": False})
    for _ in range(2):
        answer = await office.patch(f"{ROOT}/Users/{other}", json=off)
        assert (answer.status_code, answer.json()["active"]) == (200, False)
    assert (await session.get("/me")).status_code == 401
    assert (await office.get("/work", headers=bearer(token))).status_code == 401
    async with services.database.transaction() as tx:
        entries = [entry for entry in await rows_of(tx, AuditEntry) if "scim-" in entry.act]
    assert sorted(entry.act for entry in entries) == [
        "scim-group-changed",
        "scim-user-added",
        "scim-user-changed",
    ]
    assert {entry.system for entry in entries} == {"人事系统 (hr-sync)"}
    assert {entry.granted_by for entry in entries} == {"client:hr-sync"}


async def test_it_sees_nobody_beyond_its_reach(hub_app, office):
    """Nor changes who also works elsewhere; without the scope or the reach it may nothing."""
    async with hub_app.services.database.transaction(write=True) as tx:
        here = await place(tx, "U-HR")
        both = (await person(tx, "operator")).id
        beyond = (await person(tx, "dispatcher")).id
        resident = (await person(tx, "resident")).id
        county = (await place(tx, "371603")).id
        await people.add_post(tx, both, here.id, "科员")
    answer = await office.get(f"{ROOT}/Users")
    assert [u["userName"] for u in answer.json()["Resources"]] == ["operator"]
    for id in (beyond, resident):
        failed(await office.get(f"{ROOT}/Users/{id}"), 404)
        failed(await office.delete(f"{ROOT}/Users/{id}"), 404)
        failed(await office.put(f"{ROOT}/Users/{id}", json=body()), 404)
    off = operations({"op": "replace", "path": "active", "value": False})
    failed(await office.patch(f"{ROOT}/Users/{both}", json=off), 403)
    failed(await office.delete(f"{ROOT}/Users/{both}"), 403)
    phone = operations({"op": "add", "path": "phoneNumbers", "value": [{"value": "13800138000"}]})
    async with hub_app.services.database.transaction(write=True) as tx:
        for held in await people.posts(tx, [both]):
            if held.organization_id != here.id:
                await people.end_post(tx, held.id)
        await tx.session.execute(update(Person).where(col(Person.id) == both).values(phone=None))
    # who signs in already is given no phone by which somebody else could
    failed(await office.patch(f"{ROOT}/Users/{both}", json=phone), 400, "mutability")
    failed(await office.get(f"{ROOT}/Groups/{county}"), 404)
    unit = f"{ROOT}/Groups/{here.id}"
    failed(
        await office.patch(
            unit,
            json=operations({"op": "add", "path": "members", "value": [{"value": str(beyond)}]}),
        ),
        400,
        "invalidValue",
    )
    failed(await office.delete(unit), 403)
    named = operations({"op": "replace", "path": "displayName", "value": "别的名字"})
    failed(await office.patch(unit, json=named), 400, "mutability")
    nobody = bearer(await application(hub_app, scopes=["scim"], units=(), id="nowhere"))
    failed(await office.get(f"{ROOT}/Users", headers=nobody), 403)
    other = bearer(await application(hub_app, scopes=["hotline.order.read"], id="other"))
    failed(await office.get(f"{ROOT}/Users", headers=other), 403)
    admin = await hub_app.client_as("administrator")
    failed(await admin.get(f"{ROOT}/Users"), 403)
    visitor = await hub_app.client().get(f"{ROOT}/Users", headers={"accept": "text/html"})
    failed(visitor, 401)
    assert visitor.headers["www-authenticate"].startswith("Bearer")


async def administrators(hub, names):
    """Let nobody but these, who work in the pilot's unit, administer the hub; return their ids."""
    found = []
    async with hub.services.database.transaction(write=True) as tx:
        here = await place(tx, "U-HR")
        admin = (await person(tx, "administrator")).id
        for name in names:
            id = (await person(tx, name)).id
            for post in await people.posts(tx, [id]):
                await people.end_post(tx, post.id)
            office = await people.add_post(tx, id, here.id, "系统管理员")
            await grants.grant(tx, office, "yimen.administrator", ScopeKind.ALL)
            found.append(id)
        if admin not in found:
            for post in await people.posts(tx, [admin]):
                await people.end_post(tx, post.id)
    return found


async def test_the_last_administrator_is_never_locked_out(hub_app, office):
    """Not by PATCH, PUT, DELETE, or a group's members; nor are the last two at once."""
    (one,) = await administrators(hub_app, ["operator"])
    user, group = f"{ROOT}/Users/{one}", f"{ROOT}/Groups/{await unit_of(office)}"
    off = {"op": "replace", "path": "active", "value": False}
    whole = (await office.get(user)).json()
    unit = (await office.get(group)).json()
    for attempt in (
        office.patch(user, json=operations(off)),
        office.patch(user, json=operations({"op": "replace", "value": {"active": False}})),
        office.put(user, json=whole | {"active": False}),
        office.delete(user),
        office.put(group, json={"schemas": [GROUP], "displayName": unit["displayName"]}),
        office.patch(group, json=operations({"op": "remove", "path": "members"})),
        office.patch(
            group, json=operations({"op": "remove", "path": f'members[value eq "{one}"]'})
        ),
    ):
        assert "管理员" in failed(await attempt, 409)
    assert (await office.get(user)).json()["active"] is True
    assert (await office.get(group)).json()["members"] == unit["members"]
    both = await administrators(hub_app, ["operator", "dispatcher"])
    answers = await asyncio.gather(
        *(office.patch(f"{ROOT}/Users/{id}", json=operations(off)) for id in both)
    )
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    async with hub_app.services.database.transaction() as tx:
        left = await tx.session.execute(
            select(col(Person.id)).where(
                col(Person.id).in_(both), col(Person.disabled_at).is_(None)
            )
        )
        assert len(left.all()) == 1


async def test_a_client_that_sends_no_body_keeps_nobody_waiting(hub_app, office):
    """Neither who asks for the rights meanwhile, nor another application's change."""
    reading = asyncio.Event()

    async def hangs():
        reading.set()
        await asyncio.sleep(60)
        raise AssertionError

    async def drop(message):
        raise AssertionError(message)

    (user,) = await administrators(hub_app, ["operator"])
    unit = await unit_of(office)
    for method, path in (
        ("POST", f"{ROOT}/Users"),
        ("POST", f"{ROOT}/Groups"),
        ("PATCH", f"{ROOT}/Users/{user}"),
        ("PUT", f"{ROOT}/Groups/{unit}"),
    ):
        headers = {"authorization": office.headers["authorization"], **JSON, "content-length": "9"}
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "root_path": "",
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 80),
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        }
        reading.clear()
        slow = asyncio.create_task(hub_app.hub(scope, hangs, drop))
        await asyncio.wait_for(reading.wait(), 10)
        try:
            answer = await asyncio.wait_for(
                office.post(f"{ROOT}/Users", json=body(f"{method}.x{len(path)}")), 5
            )
            assert answer.status_code == 201, answer.text
        finally:
            slow.cancel()
            await asyncio.gather(slow, return_exceptions=True)


async def test_an_application_enables_whom_it_disabled_alone(hub_app, office):
    """And gives a phone, by which one signs in, to nobody who has signed in some other way."""
    services = hub_app.services
    user = (await office.post(f"{ROOT}/Users", json=body())).json()
    address = f"{ROOT}/Users/{user['id']}"
    off = operations({"op": "replace", "path": "active", "value": False})
    on = operations({"op": "replace", "path": "active", "value": True})
    for change in (off, on, off):
        assert (await office.patch(address, json=change)).status_code == 200
    async with services.database.transaction(write=True) as tx:
        await people.disable(tx, (await person(tx, "zhang.san")).id)  # and so does somebody else
    assert "administrator" in failed(await office.patch(address, json=on), 403)
    assert (await office.delete(address)).status_code == 204
    failed(await office.post(f"{ROOT}/Users", json=body()), 403)
    async with services.database.transaction(write=True) as tx:
        who = (await person(tx, "zhang.san")).id
        await people.enable(tx, who)
    assert (await office.post(f"{ROOT}/Users", json=body())).status_code == 201
    given = operations({"op": "add", "path": "phoneNumbers", "value": [{"value": "13800138000"}]})
    async with services.database.transaction(write=True) as tx:
        tx.session.add(
            Passkey(
                person_id=who,
                credential_id="1",
                public_key="1",
                sign_count=0,
                name="k",
                created_at=tx.now,
            )
        )
    failed(await office.patch(address, json=given), 400, "mutability")
    async with services.database.transaction(write=True) as tx:
        await tx.session.execute(delete(Passkey))
        there = await place(tx, "U-HR")
        other = await people.add_person(tx, "wang.wu", "王五", None)
        await people.add_post(tx, other, there.id, "科员")
    failed(await office.patch(f"{ROOT}/Users/{other}", json=given), 400, "mutability")
    assert (await office.patch(address, json=given)).status_code == 200


async def test_lists_are_filtered_paged_and_cut(hub_app, office):
    unit = await unit_of(office)
    for n in range(5):
        more = {"externalId": f"E{n}"} if n else {"phoneNumbers": [{"value": "13800138000"}]}
        answer = await office.post(f"{ROOT}/Users", json=body(f"p{n}.x", active=n != 3, **more))
        assert answer.status_code == 201, answer.text
    first = (await office.get(f'{ROOT}/Users?filter=userName eq "P0.X"')).json()["Resources"][0]
    join = operations({"op": "add", "path": "members", "value": [{"value": first["id"]}]})
    assert (await office.patch(f"{ROOT}/Groups/{unit}", json=join)).status_code == 200

    async def names(filter):
        answer = await office.get(f"{ROOT}/Users", params={"filter": filter})
        assert answer.status_code == 200, (filter, answer.text)
        return [u["userName"][1] for u in answer.json().get("Resources", [])]

    for filter, expected in {
        'userName sw "p" and active eq true': "0124",
        "active eq false": "3",
        'not (externalId eq "E1")': "0234",
        "externalId pr": "1234",
        'externalId eq "e1"': "",
        'userName eq "p1.x" or externalId eq "E2"': "12",
        'userName ew ".X" and (externalId gt "E2" or phoneNumbers pr)': "034",
        'phoneNumbers[value eq "+8613800138000"]': "0",
        f'groups.value eq "{unit}"': "0",
        f'id eq "{first["id"]}"': "0",
        'displayName co "%"': "",
        'name.formatted co "三"': "01234",
        'userName ne "p1.x" and externalId ne null': "234",
    }.items():
        assert "".join(await names(filter)) == expected, filter
    page = (await office.get(f"{ROOT}/Users?startIndex=2&count=2")).json()
    assert [u["userName"] for u in page["Resources"]] == ["p1.x", "p2.x"]
    assert (page["totalResults"], page["startIndex"], page["itemsPerPage"]) == (5, 2, 2)
    for query in ("count=0", "count=-3", "startIndex=99"):
        page = (await office.get(f"{ROOT}/Users?{query}")).json()
        assert (page["totalResults"], page.get("Resources", [])) == (5, []), query
    cut = (await office.get(f"{ROOT}/Users?attributes=userName")).json()["Resources"][0]
    assert set(cut) == {"schemas", "id", "userName"}
    without = (await office.get(f"{ROOT}/Groups/{unit}?excludedAttributes=members")).json()
    assert "members" not in without
    search = {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],
        "filter": 'displayName eq "人事试点" or userName eq "p4.x"',
        "attributes": ["displayName"],
    }
    both = (await office.post(f"{ROOT}/.search", json=search)).json()
    assert [
        r["meta"]["resourceType"] if "meta" in r else r["schemas"][0] for r in both["Resources"]
    ]
    assert both["totalResults"] == 2
    # versions
    address = f"{ROOT}/Users/{first['id']}"
    tag = (await office.get(address)).headers["etag"]
    assert (await office.get(address, headers={"if-none-match": tag})).status_code == 304
    rename = operations({"op": "replace", "path": "name.formatted", "value": "张三丰"})
    assert (await office.patch(address, json=rename, headers={"if-match": tag})).status_code == 200
    failed(await office.patch(address, json=rename, headers={"if-match": tag}), 412)
    failed(await office.delete(address, headers={"if-match": tag}), 412)


@EMBEDDED
async def test_what_cannot_be_is_said_in_scims_words_and_nothing_is_written(office):
    """Wrong types, paths and filters; too much of anything; what must not change."""
    user = (await office.post(f"{ROOT}/Users", json=body())).json()
    address, before = f"{ROOT}/Users/{user['id']}", None
    before = (await office.get(address)).text

    def op(**more):
        return office.patch(address, json=operations(more))

    deep = "(" * 500 + 'userName eq "x"' + ")" * 500
    long = " or ".join(f'userName eq "{n}"' for n in range(60))
    tries = [
        (office.post(f"{ROOT}/Users", json=body(active="vielleicht")), 400, "invalidValue"),
        (office.post(f"{ROOT}/Users", json=body(name="张三")), 400, "invalidValue"),
        (office.post(f"{ROOT}/Users", json=body(["x"])), 400, "invalidValue"),
        (office.post(f"{ROOT}/Users", json=body("a b")), 400, "invalidValue"),
        (office.post(f"{ROOT}/Users", json={"schemas": [USER]}), 400, "invalidValue"),
        (office.post(f"{ROOT}/Users", json=body("x1", name={"formatted": "a\x00"})), 400, None),
        (
            office.post(f"{ROOT}/Users", json=body("x2", phoneNumbers=[{"value": "12345"}])),
            400,
            "invalidValue",
        ),
        (office.post(f"{ROOT}/Users", json=body("x3\x00")), 400, "invalidValue"),
        (office.post(f"{ROOT}/Users", json=body("x4", externalId="7\x00")), 400, "invalidValue"),
        (
            office.get(f"{ROOT}/Users", params={"filter": 'externalId eq "\\u0000"'}),
            400,
            "invalidFilter",
        ),
        (office.post(f"{ROOT}/Users", json=[body()]), 400, "invalidSyntax"),
        (office.post(f"{ROOT}/Users", content=b"{"), 400, "invalidSyntax"),
        (office.post(f"{ROOT}/Users", content=b"[" * 100_000), 400, "invalidSyntax"),
        (office.post(f"{ROOT}/Users", content=b" " * 600_000 + b"{}"), 413, None),
        (
            office.post(
                f"{ROOT}/Users", content=b"userName=x", headers={"content-type": "text/plain"}
            ),
            415,
            None,
        ),
        (op(op="replace", path="active", value="nein"), 400, "invalidValue"),
        (op(op="replace", path="absent", value="x"), 400, "invalidPath"),
        (op(op="replace", path="emails[", value="x"), 400, "invalidPath"),
        (op(op="replace", path="(" * 3000, value="x"), 400, "invalidFilter"),
        (op(op="replace", path="id", value="x"), 400, "mutability"),
        (op(op="remove", path="userName"), 400, None),
        (op(op="remove"), 400, "noTarget"),
        (op(op="turn", path="active"), 400, "invalidValue"),
        (office.patch(address, json=operations()), 400, "invalidValue"),
        (
            office.patch(
                address,
                json=operations(*[{"op": "replace", "path": "active", "value": True}] * 101),
            ),
            400,
            "invalidValue",
        ),
        (office.get(f"{ROOT}/Users", params={"filter": "userName"}), 400, "invalidFilter"),
        (office.get(f"{ROOT}/Users", params={"filter": 'absent eq "x"'}), 400, None),
        (office.get(f"{ROOT}/Users", params={"filter": "active gt true"}), 400, "invalidFilter"),
        (office.get(f"{ROOT}/Users", params={"filter": deep}), 400, "invalidFilter"),
        (office.get(f"{ROOT}/Users", params={"filter": long}), 400, "invalidFilter"),
        (office.get(f"{ROOT}/Users", params={"count": "viele"}), 400, "invalidValue"),
        (office.get(f"{ROOT}/Schemas?filter=id pr"), 403, None),
        (office.get(f"{ROOT}/Users/{0}"), 404, None),
        (office.get(f"{ROOT}/absent"), 404, None),
        (office.post(f"{ROOT}/Bulk", json={}), 404, None),
        (office.put(f"{ROOT}/Schemas", json={}), 405, None),
    ]
    wrong = []
    for attempt, status, kind in tries:
        answer = await attempt
        said = answer.json()
        right = (answer.status_code, said.get("status")) == (status, str(status))
        if not right or kind not in (None, said.get("scimType")) or not said["detail"]:
            asked = answer.request
            wrong.append((asked.method, str(asked.url)[-60:], asked.content[:90], kind, said))
    assert not wrong
    assert (await office.get(address)).text == before
    assert (await office.get(f"{ROOT}/Users")).json()["totalResults"] == 1
    # what other systems also say is let go, and a name in two pieces is one
    answer = await office.post(
        f"{ROOT}/Users",
        json=body(
            "wang.wu",
            name={"familyName": "王", "givenName": "五"},
            emails=[{"value": "a@b.cn"}],
            title="x",
        ),
    )
    assert answer.status_code == 201, answer.text
    assert answer.json()["name"] == {"formatted": "王五"}
    assert "emails" not in json.dumps(answer.json())
    given = operations({"op": "add", "path": "phoneNumbers", "value": [{"value": "13800138000"}]})
    assert (await office.patch(address, json=given)).status_code == 200
    other = operations(
        {"op": "replace", "path": "phoneNumbers", "value": [{"value": "13900139000"}]}
    )
    failed(await office.patch(address, json=other), 400, "mutability")

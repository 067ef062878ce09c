"""What is another's answers like what is not there, on every route that the hub describes."""

import re
from uuid import uuid4

import pytest
from sqlalchemy import select
from sqlmodel import col

from core.access.models import AccessRequest, Consent, Delegation, Grant, PolicyTest
from core.identity.models import Person, Post
from core.messages.models import Notice

OPEN = {  # names of what everybody may see, and codes that whoever holds one may look up
    *("/about/{app}", "/assets/{name}", "/apps/traffic/verify/{code}"),
    "/apps/hotline/coordinations/verify/{code}",
    # ways in by a provider above: an unknown one leads back to those there are
    *("/sign-in/with/{key}", "/sign-in/again/with/{key}", "/me/identities/{key}/link"),
}
SAMPLE = {"integer": 1, "boolean": True, "array": []}


def value_of(schema, schemas):
    """A value that a field of the published schema takes."""
    if "$ref" in schema:
        return value_of(schemas[schema["$ref"].rpartition("/")[2]], schemas)
    if "anyOf" in schema:
        return value_of(schema["anyOf"][0], schemas)
    if "enum" in schema or "const" in schema:
        return schema.get("const") or schema["enum"][0]
    if schema.get("type") == "string":
        kinds = {"uuid": str(uuid4()), "date": "2026-12-31"}
        return kinds.get(schema.get("format", ""), "x" * max(2, schema.get("minLength", 2)))
    return SAMPLE.get(schema.get("type", ""), 1)


def body_of(operation, schemas):
    """The smallest body that a route takes."""
    if "requestBody" not in operation:
        return {}
    content = operation["requestBody"]["content"]["application/json"]["schema"]
    schema = schemas[content["$ref"].rpartition("/")[2]]
    required = schema.get("required", [])
    return {name: value_of(schema["properties"][name], schemas) for name in required}


async def others(hub):
    """Ids and numbers of what belongs to other people and other units, by kind of place."""
    day = str(hub.clock.day(9))
    resident, unit, grid = [await hub.client_as(r) for r in ("resident", "unit", "grid")]
    filed = await resident.post("/apps/hotline/orders", json={"kind": "help", "text": "路灯不亮"})
    number = filed.json()["number"]
    post = str((await hub.actor("unit")).post_id)
    given = {"post": post, "username": "deputy", "ends_on": day, "reason": "x"}
    assert (await unit.post("/me/delegations", json=given)).status_code == 201
    consent = {"username": "resident", "scope": "hotline", "given": "phone", "evidence": "x"}
    assert (await grid.post("/behalf", json={**consent, "ends_on": day})).status_code == 201
    asked = {"permission": "hotline.order.dispatch", "reason": "x"}
    assert (await unit.post("/why/request", json=asked)).status_code == 201
    await hub.settle()
    strangers = {(await hub.actor(role)).person_id for role in ("resident2", "unit2")}
    async with hub.services.database.transaction() as tx:
        tables = (AccessRequest, Consent, Delegation, Grant, PolicyTest, Notice, Person, Post)
        ids = []
        for table in tables:
            statement = select(col(table.id)).limit(3)
            if table is Notice:
                statement = statement.where(col(Notice.person_id).not_in(strangers))
            ids += [str(id) for id in (await tx.session.execute(statement)).scalars()]
    assert len(ids) > 12
    return {"uuid": ids, "number": [number]}


def place(path, value):
    return re.sub(r"\{\w+\}", str(value), path)


async def said(client, method, path, body):
    more = {"json": body} if method == "post" else {}
    answer = await client.request(method.upper(), path, **more)
    text = re.sub(r'"request": ?"\w+"', "", answer.text)
    return answer.status_code, text.replace(path, "PATH")


@pytest.mark.parametrize("role", ["visitor", "resident2", "unit2"])
async def test_anothers_id_answers_like_one_that_is_not_there(hub_app, role):
    foreign = await others(hub_app)
    client = await (hub_app.client_as(role) if role != "visitor" else visitor(hub_app))
    described = (await client.get("/openapi.json")).json()
    schemas = described["components"]["schemas"]
    looked = 0
    for path, operations in described["paths"].items():
        names = re.findall(r"\{(\w+)\}", path)
        if len(names) != 1 or path in OPEN:
            continue
        for method, operation in operations.items():
            body = body_of(operation, schemas)
            kind = next(p for p in operation["parameters"] if p["in"] == "path")["schema"]
            uuid = kind.get("format") == "uuid"
            absent = str(uuid4()) if uuid else "209901010001"
            expected = await said(client, method, place(path, absent), body)
            assert expected[0] in (401, 403, 404, 422), (method, path, expected)
            for value in foreign["uuid" if uuid else "number"]:
                found = await said(client, method, place(path, value), body)
                assert found == expected, (method, path, value)
                looked += 1
    assert looked > 100


async def visitor(hub):
    return hub.client()

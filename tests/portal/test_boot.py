"""A hub starts, says that it serves, and lets people in."""


async def test_a_hub_says_that_it_is_alive_and_serves(hub_app):
    client = hub_app.client()
    assert (await client.get("/healthz")).json() == {"status": "alive"}
    assert (await client.get("/readyz")).json()["status"] == "ready"


async def test_someone_of_the_cast_signs_in(hub_app):
    client = await hub_app.client_as("operator")
    answer = await client.get("/openapi.json")
    assert answer.status_code == 200
    assert answer.json()["paths"]["/sign-in"]["post"]["x-permission"] == "public"

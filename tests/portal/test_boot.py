"""A hub starts, says that it serves, and lets people in."""


async def test_a_hub_says_that_it_is_alive_and_serves(hub_app):
    client = hub_app.client()
    assert (await client.get("/healthz")).json() == {"status": "alive"}
    assert (await client.get("/readyz")).json()["status"] == "ready"


async def test_someone_of_the_cast_signs_in(hub_app):
    client = await hub_app.client_as("operator")
    answer = await client.get("/openapi.json")
    assert answer.status_code == 200
    paths = answer.json()["paths"]
    assert paths["/sign-in"]["post"]["x-permission"] == "public"
    ways = {
        ("/apps/hotline/orders", "get"): {"session", "token"},
        ("/work", "get"): {"session", "token"},  # open to programs by name
        ("/me/security", "get"): {"session"},  # how one signs in is one's own
        ("/me/tokens", "post"): {"session"},
        ("/scim/v2/Users", "get"): {"token"},
        ("/sign-in", "post"): set(),
    }
    for (path, method), wanted in ways.items():
        security = paths[path][method].get("security", [])
        assert {name for each in security for name in each} == wanted, path

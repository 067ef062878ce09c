import pytest

from portal.testing.hub import PASSWORD

pytestmark = pytest.mark.parametrize("engine_kind", ["embedded"], indirect=True)


async def test_what_is_kept_on_a_device_is_named_for_one_person(hub_app):
    assert (await hub_app.client().get("/offline/session")).status_code == 401
    names = set()
    for role in ("inspector", "inspector", "unit"):
        client = await hub_app.client_as(role)
        said = (await client.get("/offline/session")).json()
        assert said["csrf"] == client.csrf
        page = (await client.page("/me")).text
        assert f'data-keeps="{said["keeps"]}"' in page
        names.add(said["keeps"])
    assert len(names - {""}) == 2  # another session of one person is that person's


async def test_nothing_is_kept_for_a_visitor_or_on_a_public_computer(hub_app):
    client = hub_app.client()
    assert "data-keeps" not in (await client.page("/")).text
    form = {"username": "inspector", "password": PASSWORD, "public_computer": True}
    await client.post("/sign-in", json=form)
    assert (await client.get("/offline/session")).json()["keeps"] == ""
    page = (await client.page("/apps/supervision/field")).text
    assert "data-keeps" not in page
    assert "data-offline=" not in page
    assert "offline.js" not in page


async def test_the_worker_comes_fresh_and_from_ourselves_alone(hub_app):
    answer = await hub_app.client().get("/offline-worker.js")
    assert answer.headers["content-type"].startswith("text/javascript")
    assert answer.headers["cache-control"] == "no-cache"
    assert "script-src 'self'" in answer.headers["content-security-policy"]

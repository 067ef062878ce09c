"""One hub signs in through another: our relying party against our provider, over real HTTP."""

import asyncio
import shutil
from functools import partial
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from core.identity.provider import clients
from core.identity.provider.clients import Wanted
from core.settings import OWN_MACHINE
from plugin_sdk.text import Text
from portal.testing.engines import _plugin, sqlite_url
from portal.testing.hub import PASSWORD, fill_template
from tests.portal.oidc.relying import freely

LED = {"referer": "http://127.0.0.1/sign-in", "accept": "text/html"}
PAGE = "/admin/upstreams"


@pytest.fixture
def make_hub(make_hub):
    """Hubs that may call this machine."""
    return partial(make_hub, outside_networks=OWN_MACHINE)


def path_of(address):
    parts = urlsplit(address)
    return f"{parts.path}?{parts.query}"


@pytest.mark.parametrize("engine_kind", ["embedded"], indirect=True)
async def test_a_county_signs_in_through_the_city(
    served_hub, make_hub, pytestconfig, tmp_path_factory
):
    city = served_hub
    folder = tmp_path_factory.mktemp("county")
    shutil.copyfile(
        await asyncio.to_thread(_plugin(pytestconfig).sqlite_template, fill_template, folder),
        folder / "county.sqlite3",
    )
    county = await make_hub(
        home=folder / "home",
        database_url=sqlite_url(folder / "county.sqlite3"),
        secret=b"of-the-county-alone",
    )
    # the county is a client there, the city a provider here
    async with city.services.database.transaction(write=True) as tx:
        made = await clients.register(
            tx,
            "county",
            Wanted(
                name=Text("县", "County"),
                redirect_uris=("http://127.0.0.1/sign-in/with/city/back",),
                post_logout_uris=("http://127.0.0.1/",),
            ),
            None,
            lending=freely,
        )
    admin = await county.client_as("administrator")
    added = await admin.post(
        f"{PAGE}/new",
        json={
            "key": "city",
            "issuer": city.url,
            "name_zh": "市统一认证",
            "name_en": "City sign-in",
            "client_id": "county",
            "secret": made.secret,
            "strong_acr": "urn:yimen:acr:two-factors",
        },
    )
    assert added.status_code == 201, added.text
    tried = (await admin.post(f"{PAGE}/city/test", json={})).json()["tried"]
    assert tried["problem"] is None, tried
    there = await city.client_as("operator")

    async def travel(here, start, *, again=False, links=False):
        if links:
            led = await here.post_form(start, {}, headers=LED)
            out = led.headers["refresh"].removeprefix("0;url=")
        else:
            led = await here.get(start, headers=LED)
            assert led.status_code == 303, led.text
            out = led.headers["location"]
        assert out.startswith(f"{city.url}/oidc/authorize?")
        answered = await there.get(path_of(out), headers=LED)
        assert answered.status_code == 303, answered.text
        if again:  # the city asks once more who it is
            assert "/sign-in/again" in answered.headers["location"], answered.headers["location"]
            next = parse_qs(urlsplit(answered.headers["location"]).query)["next"][0]
            proof = {"password": PASSWORD, "next": next}
            proved = await there.post("/sign-in/again", json=proof)
            assert proved.status_code == 200, proved.text
            answered = await there.get(proved.json()["location"], headers=LED)
            assert answered.status_code == 303, answered.text
        came = answered.headers["location"]
        assert came.startswith("http://127.0.0.1/sign-in/with/city/back?"), came
        landed = await here.get(path_of(came), headers=LED)
        assert landed.status_code == 303, landed.text
        return landed.headers["location"]

    # another account of another name is linked by who is signed in to both
    unit = await county.client_as("unit")
    asked = await travel(unit, "/me/identities/city/link", again=True, links=True)
    assert asked == "/me/identities/city/confirm"
    assert (await unit.post_form(asked, {})).headers["location"] == "/me/identities"
    stranger = county.client()
    assert await travel(stranger, "/sign-in/with/city?next=/work") == "/work"
    assert "冯" in (await stranger.page("/me")).text
    # what was proved there an hour ago is an hour old here: the city is asked again
    for hub in (city, county):
        hub.clock.move(hours=1)
    late = county.client()
    assert await travel(late, "/sign-in/with/city?next=/work") == "/work"
    asked = await late.post("/me/identities/city/link", json={})
    assert asked.json()["type"].endswith("step-up")
    again = f"/sign-in/again/with/city?{urlencode({'next': '/me/security'})}"
    assert await travel(late, again, again=True) == "/me/security"
    page = {"referer": LED["referer"]}
    led = await late.post("/me/identities/city/link", json={}, headers=page)
    assert led.headers["location"].startswith(f"{city.url}/")
    # keys rotate there, and nobody here notices
    await city.services.provider.keys.rotate(at_once=True)
    county.services.upstreams.flow.providers._keys[city.url].asked_at -= 60
    assert await travel(county.client(), "/sign-in/with/city?next=/work") == "/work"
    # out of both
    left = (await late.post("/sign-out", json={})).json()["location"]
    assert left == "/sign-in/with/city/left"
    out = await late.get("/sign-in/with/city/out", headers=LED)
    assert out.headers["location"].startswith(f"{city.url}/oidc/logout?")
    asked = await there.get(path_of(out.headers["location"]), headers=LED)
    assert asked.status_code == 200

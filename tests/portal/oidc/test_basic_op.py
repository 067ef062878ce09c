"""smoke"""

import pytest
import pytest_asyncio

from tests.portal.oidc.relying import register, shared_hub

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hub(pytestconfig, tmp_path_factory):
    async with shared_hub(pytestconfig, tmp_path_factory) as hub:
        yield hub


async def test_smoke(hub):
    rp = await register(hub)
    browser = await hub.client_as("operator")
    tokens = await rp.sign_in(browser)
    print(tokens)
    print(await rp.claims(tokens["id_token"]))
    print((await rp.userinfo(tokens["access_token"])).json())
    again = await rp.refresh(tokens["refresh_token"])
    print(again.json())
    print((await rp.ask("introspect", token=again.json()["access_token"])).json())
    r = await rp.ask("revoke", token=again.json()["refresh_token"])
    print(r.status_code, r.text)
    r = await rp.userinfo(again.json()["access_token"])
    print(r.status_code, r.text, r.headers)
    r = await rp.refresh(tokens["refresh_token"])
    print(r.status_code, r.text, r.headers)
    r = await rp.authorize(hub.client())
    print(r.status_code, r.headers)
    r = await hub.client().get(r.headers["location"], headers={"accept": "text/html"})
    assert "记事" in r.text

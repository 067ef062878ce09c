"""`yimen upstream`: what it lists, and what it says of a provider that is not usable."""

import asyncio

import pytest
from click.testing import CliRunner

from core.database import Database
from core.identity.numbers import Numbers
from core.identity.upstream import service
from core.identity.upstream.discovery import Providers
from core.identity.upstream.flow import Flow
from core.outside import Outside
from core.settings import OWN_MACHINE
from plugin_sdk.text import Text
from portal.assembly import catalogue_of
from portal.cli import main
from tests.core.provider_above import provider_above


class Hub:
    """What the commands use of a hub."""

    def __init__(self, url):
        self.database = Database(url)
        outside, numbers = Outside(OWN_MACHINE), Numbers(b"of this test alone")
        self.upstreams = self
        self.services = self
        self.flow = Flow(outside, Providers(outside), numbers)
        self.catalogue = catalogue_of({})


@pytest.fixture
def engine_kind():
    """What the commands read is tested on both engines where it is computed."""
    return "embedded"


async def test_providers_are_listed_and_tried(fresh_database_url, monkeypatch):
    def with_hub(act):
        async def go():
            hub = Hub(fresh_database_url)
            try:
                return await act(hub)
            finally:
                await hub.database.close()

        return asyncio.run(go())

    monkeypatch.setattr("portal.commands.upstream.with_hub", with_hub)

    def run(*words):
        return CliRunner().invoke(main, ["upstream", *words], env={"COLUMNS": "200"})

    async def command(*words):
        return await asyncio.to_thread(run, *words)

    assert "there is no provider" in (await command("list")).output
    assert (await command("test")).exit_code == 1
    async with provider_above() as above:
        database = Database(fresh_database_url)
        terms = service.ClientSettings(
            name=Text("省统一认证", "Province"),
            client_id="county",
            authentication="none",
            secret="",
            scopes=("openid",),
            strong_acr=(),
        )
        async with database.transaction(write=True) as tx:
            await service.add(tx, Numbers(b"x" * 32), "province", above.issuer, terms)
        await database.close()
        listed = await command("list")
        assert listed.exit_code == 0, listed.output
        assert "province" in listed.output
        assert above.issuer in listed.output
        tried = await command("test")
        assert tried.exit_code == 0, tried.output
        assert "usable, 1 keys" in tried.output
        above.metadata = {"code_challenge_methods_supported": ["plain"]}
        tried = await command("test", "province")
        assert (tried.exit_code, "no-pkce" in tried.output) == (1, True)
        assert "does not support PKCE" in tried.output
        assert (await command("test", "nobody")).exit_code == 1
    tried = await command("test")
    assert "unreachable" in tried.output

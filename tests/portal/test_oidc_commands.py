"""`yimen oidc rotate`: new keys, in an hour or at once, and the record of it."""

import asyncio
from types import SimpleNamespace

import pytest
from click.testing import CliRunner
from sqlalchemy import select
from sqlmodel import col

from core.audit.models import AuditEntry
from core.database import Database
from core.identity.numbers import Numbers
from core.identity.provider.keys import Keys
from portal.cli import main


@pytest.mark.parametrize("engine_kind", ["embedded"], indirect=True)
def test_keys_are_rotated_from_a_terminal(engine_kind, fresh_database_url, monkeypatch):
    def with_hub(act):
        async def go():
            database = Database(fresh_database_url)
            keys = Keys(database, Numbers(b"of-this-test-alone"))
            services = SimpleNamespace(database=database, provider=SimpleNamespace(keys=keys))
            try:
                return await act(SimpleNamespace(services=services))
            finally:
                await database.close()

        return asyncio.run(go())

    async def state(hub):
        async with hub.services.database.transaction() as tx:
            recorded = await tx.session.execute(
                select(col(AuditEntry.facts)).where(col(AuditEntry.act) == "keys-rotated")
            )
            facts = list(recorded.scalars())
        published = await hub.services.provider.keys.published()
        return [key["kid"] for key in published], facts

    monkeypatch.setattr("portal.commands.oidc.with_hub", with_hub)
    before, _ = with_hub(state)
    coming = CliRunner().invoke(main, ["oidc", "rotate"])
    assert coming.exit_code == 0, coming.output
    assert "signs in an hour" in coming.output
    both, _ = with_hub(state)
    assert set(before) < set(both)
    now = CliRunner().invoke(main, ["oidc", "rotate", "--at-once"])
    assert "signs now" in now.output
    left, facts = with_hub(state)
    assert not set(left) & set(both)
    assert [fact["at_once"] for fact in facts] == [False, True]

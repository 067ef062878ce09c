"""What is weak about a deployment is said in a line, with its remedy."""

from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from core.apps.migrations import migrate
from core.apps.registry import LoadedApp, Refusal
from core.database import Database
from core.identity.numbers import Numbers
from core.identity.upstream import service as upstreams
from core.identity.upstream.service import ClientSettings
from core.settings import Settings
from plugin_sdk.manifest import Grant
from plugin_sdk.text import Text
from portal.deployment import refusals, simulations, weaknesses

NOW = datetime(2026, 5, 6, 12, tzinfo=UTC)


@pytest.fixture
def prepare_template():
    """Migrated, and nobody there."""

    async def fill(url):
        database = Database(url)
        try:
            await migrate(database, [])
        finally:
            await database.close()

    return fill


@pytest.fixture
def settings(fresh_database_url, tmp_path):
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    return Settings(
        home=home,
        database_url=fresh_database_url,
        redis_url="redis://127.0.0.1/0",
        public_url="https://yimen.example",
        secret=b"s" * 32,
        trusted_proxies=("127.0.0.1",),
        audit_checkpoints=tmp_path / "elsewhere.jsonl",
        second_factor="staff",
    )


async def said(settings, *, apps=(), now=NOW, **changed):
    found = await weaknesses(msgspec.structs.replace(settings, **changed), apps, now)
    assert all(weakness.what and weakness.remedy for weakness in found)
    return [weakness.what for weakness in found]


async def test_of_a_sound_deployment_only_the_gateway_is_missing(settings, engine_kind):
    found = await said(settings)
    assert [line for line in found if "SQLite" not in line] == [
        "short messages are simulated: no code and no notice reaches a phone"
    ]
    assert any("SQLite" in line for line in found) == (engine_kind == "embedded")


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"public_url": "http://127.0.0.1:8000"}, "plain http"),
        ({"public_url": "http://127.0.0.1:8000", "host": "0.0.0.0"}, "without TLS"),
        ({"trusted_proxies": ()}, "no proxy is trusted"),
        ({"redis_url": None}, "no Redis"),
        ({"redis_url": "redis://10.1.2.3/0"}, "Redis crosses the network unencrypted"),
        ({"audit_checkpoints": None}, "own disk alone"),
        ({"second_factor": "off"}, "a password alone is enough for everybody"),
        ({"second_factor": "risky"}, "enough for who does nothing risky"),
        ({"step_up_minutes": 61}, "may be 61 minutes old"),
        ({"database_url": "postgresql+asyncpg://a:b@127.0.0.1:1/none"}, "does not answer"),
    ],
)
async def test_each_weak_setting_is_named(settings, changed, words):
    assert not any(words in line for line in await said(settings))
    assert any(words in line for line in await said(settings, **changed))


async def test_what_others_may_read_is_named(settings):
    key = settings.home / "secret.key"
    key.write_bytes(b"s" * 32)
    key.chmod(0o640)
    settings.home.chmod(0o755)
    found = await weaknesses(settings, [], NOW)
    assert {w.remedy for w in found if w.what.startswith("others")} == {
        "chmod 600 $YIMEN_HOME/secret.key",
        "chmod 700 $YIMEN_HOME/.",
    }


async def test_a_year_without_its_notice_is_named(settings):
    later = datetime(2031, 12, 1, tzinfo=UTC)
    found = await said(settings, now=later)
    assert [line[:24] for line in found if "holidays" in line] == [
        "the holidays of 2031 are",
        "the holidays of 2032 are",
    ]


async def test_a_provider_above_by_http_or_within_is_named(settings):
    database = Database(settings.database_url)
    terms = ClientSettings(
        name=Text("省", "Province"),
        client_id="county",
        authentication="none",
        secret="",
        scopes=("openid",),
        strong_acr=(),
    )
    try:
        async with database.transaction(write=True) as tx:
            for key, issuer in (
                ("plain", "http://127.0.0.1:9"),
                ("within", "https://10.20.0.7"),
                ("gone", "https://nowhere.invalid"),
                ("public", "https://93.184.216.34"),
            ):
                await upstreams.add(tx, Numbers(settings.secret), key, issuer, terms)
    finally:
        await database.close()
    found = [line for line in await said(settings) if "provider" in line]
    assert found == [
        "the provider gone cannot be found (unknown-host)",
        "the provider plain is asked by plain http (http://127.0.0.1:9)",
        "the provider plain has an address that is not public",
        "the provider within has an address that is not public",
    ]


async def test_an_unfinished_migration_is_named(settings, tmp_path):
    behind = LoadedApp(id="probe", folder=tmp_path, plugin=pytest)
    (tmp_path / "migrations" / "versions").mkdir(parents=True)
    (tmp_path / "migrations" / "versions" / "0001_first.py").touch()
    assert "the tables of probe are not up to date" in await said(settings, apps=[behind])


def test_a_refused_app_is_named():
    refused = LoadedApp(id="probe", folder=Path(), refusal=Refusal("sdk", "it asks for another"))
    (found,) = refusals([LoadedApp(id="good"), refused])
    assert found.what == "the app probe is refused (sdk: it asks for another)"


def test_what_is_only_simulated_is_said_until_the_grant_names_a_provider():
    grant = Grant(id="parking", version=">=1", permissions="*", audience=("resident",))
    granted = {"payments": {"provider": "simulated"}, "places": {"provider": "county"}, "days": 3}
    app = LoadedApp(id="parking", grant=msgspec.structs.replace(grant, settings=granted))
    (weakness,) = simulations([app, LoadedApp(id="other")])
    assert weakness.what.startswith("parking has simulated payments")
    assert "[settings.payments] in manifests/parking.toml" in weakness.remedy

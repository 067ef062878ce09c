"""`yimen audit` on both engines: what it prints, and its exit status."""

import asyncio
from datetime import timedelta

import pytest
from click.testing import CliRunner
from sqlalchemy import text

from core import audit
from core.database import Database, utc_now
from plugin_sdk.ports import Actor
from portal.cli import main


@pytest.fixture
def run(fresh_database_url, tmp_path, monkeypatch):
    """Return what runs a command of a hub with ten entries, and their database."""
    monkeypatch.setenv("YIMEN_HOME", str(tmp_path))
    monkeypatch.setenv("YIMEN_DATABASE_URL", fresh_database_url)

    def command(*words, **more):
        return CliRunner().invoke(main, ["audit", *words], **more)

    return command


@pytest.fixture
def act(fresh_database_url):
    """Return what runs an act on the database of the hub."""

    def run(call):
        async def go():
            database = Database(fresh_database_url)
            try:
                return await call(database)
            finally:
                await database.close()

        return asyncio.run(go())

    return run


def adding(count, ago=timedelta(0)):
    async def call(database):
        async with database.transaction(write=True, now=utc_now() - ago) as tx:
            for n in range(count):
                await audit.record(tx, Actor(), "probe", "made", f"row:{n}")

    return call


def changing(*statements):
    async def call(database):
        async with database.migration() as connection:
            for name in ("fixed", "sealed", "parts", "deleted"):
                on = "" if database.sqlite else " ON audit_entry"
                await connection.execute(text(f"DROP TRIGGER IF EXISTS audit_entry_{name}{on}"))
            for statement in statements:
                await connection.execute(text(statement))
            await connection.commit()

    return call


def test_a_whole_record_is_said_to_be_whole(run, act):
    act(adding(10))
    before = run("verify")
    assert before.exit_code == 0
    assert "nothing is sealed yet" in before.stdout
    assert "10 entries are not sealed yet; the oldest has waited 0 minutes" in before.stdout
    assert run("seal").exit_code == 0
    after = run("verify")
    assert after.exit_code == 0, after.output
    assert "verified entries 1 to 10 (10); signed up to 10" in after.stdout
    assert "signed with the key " in after.stdout
    assert "the record is whole" in after.stdout


def test_each_fault_is_a_line_and_the_status_is_1(run, act):
    act(adding(10))
    run("seal")
    act(
        changing(
            "UPDATE audit_entry SET act = 'x' WHERE sequence = 3",
            "DELETE FROM audit_entry WHERE sequence IN (6, 10)",
        )
    )
    found = run("verify")
    assert found.exit_code == 1
    faults = found.stdout.splitlines()[:3]
    assert faults[0].startswith("entry 3: not what was sealed there")
    assert faults[1] == "entries 6 to 6: missing (deleted)"
    assert faults[2].startswith("entries 10 to 10: missing from the end, though checkpoint line 2")
    assert "3 faults" in found.stderr


def test_a_restored_backup_is_named_and_goes_on(run, act):
    act(adding(10))
    run("seal")
    act(changing("DELETE FROM audit_entry WHERE sequence > 6"))
    act(adding(2))
    refused = run("seal")
    assert refused.exit_code == 1
    assert "yimen audit resume" in refused.output
    assert "older backup" in run("verify").stdout
    assert run("resume", "restored the backup of 24 November").exit_code == 0
    assert run("seal").exit_code == 0
    after = run("verify")
    assert after.exit_code == 0, after.output
    assert "the record went on from entry 6: restored the backup of 24 November" in after.stdout


def test_another_key_and_a_copy_kept_elsewhere(run, act, tmp_path):
    act(adding(4))
    run("seal")
    noted = run("verify").stdout.split("signed with the key ")[1].split()[0]
    copy = tmp_path / "copy.jsonl"
    copy.write_bytes((tmp_path / "audit" / "checkpoints.jsonl").read_bytes())
    assert run("rotate-key").exit_code == 0
    assert run("verify").exit_code == 0
    assert run("verify", "--checkpoints", str(copy), "--public-key", noted).exit_code == 0
    assert run("verify", "--public-key", noted).exit_code == 1


def test_what_is_over_is_cut(run, act, monkeypatch):
    act(adding(3, timedelta(days=400)))
    act(adding(2))
    run("seal")
    assert "everything is kept" in run("cut").output
    monkeypatch.setenv("YIMEN_AUDIT_DAYS", "180")
    assert "3 entries were over" in run("cut").output
    assert run("seal").exit_code == 0
    after = run("verify")
    assert after.exit_code == 0, after.output
    assert "verified entries 4 to 6 (3)" in after.stdout

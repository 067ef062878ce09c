"""`yimen app archive|restore|purge`: the end of an app from a terminal."""

import asyncio
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import update
from sqlmodel import col

from core.apps.runtime import change
from core.database import Database
from core.governance.lifecycle.models import Standing
from portal.cli import main

ROOT = Path(__file__).parents[2]
FOR = ("--by", "governance", "--reason", "并入热线")


@pytest.fixture
def run(fresh_database_url, tmp_path, monkeypatch):
    """Return what runs a command of a fresh hub."""
    (home := tmp_path / "home").mkdir()
    (home / "demo.json").touch()  # the people of the demonstration are in it
    monkeypatch.setenv("YIMEN_HOME", str(home))
    monkeypatch.setenv("YIMEN_DATABASE_URL", fresh_database_url)
    monkeypatch.setenv("YIMEN_MANIFESTS", str(ROOT / "manifests"))

    def command(*words):
        found = CliRunner().invoke(main, ["app", *words])
        return found.exit_code, found.output

    return command


async def close(url, app):
    """Close an app as governance would."""
    database = Database(url)
    try:
        async with database.transaction(write=True) as tx:
            closed = update(Standing).where(col(Standing.app) == app)
            await tx.session.execute(closed.values(stage="closed"))
            await change(tx, app, mode="closed")
    finally:
        await database.close()


@pytest.mark.parametrize("engine_kind", ["embedded"], indirect=True)
def test_an_app_is_archived_and_brought_back_from_a_terminal(run, fresh_database_url, tmp_path):
    status, said = run("archive", "nobody", *FOR)
    assert status == 1
    status, said = run("archive", "hotline", "--by", "operator", "--reason", "不用了")
    assert (status, "archived" in said) == (1, False), "whoever may not on the page may not here"
    status, said = run("archive", "supervision", *FOR)
    assert (status, "Close supervision first" in said) == (1, True), said
    asyncio.run(close(fresh_database_url, "supervision"))
    status, said = run("archive", "supervision", *FOR)
    assert status == 0, said
    assert "0 rows" not in said
    (bundle,) = (tmp_path / "home" / "archive").glob("supervision-*")
    assert bundle.name in said
    status, said = run("list")
    assert (status, "closed" in said) == (0, True), "a hub starts without its tables"
    status, said = run("purge", "supervision")
    assert (status, "Two people must approve" in said) == (1, True), said
    whole = (bundle / "schema.json").read_bytes()
    (bundle / "schema.json").write_bytes(whole + b" ")
    status, said = run("restore", "supervision", *FOR)
    assert (status, "The bundle is damaged: schema.json" in said) == (1, True), said
    (bundle / "schema.json").write_bytes(whole)
    status, said = run("restore", "supervision", *FOR)
    assert (status, "supervision: restored" in said) == (0, True), said
    status, said = run("restore", "supervision", *FOR)
    assert (status, "There is no bundle" in said) == (1, True), said

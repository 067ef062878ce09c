"""`yimen app life` and the steps from a terminal: the same rules, for a named person."""

import asyncio
from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from core.database import Database, utc_now
from core.governance.lifecycle import moving
from core.governance.lifecycle.service import enter, take
from plugin_sdk.deadlines import local_day
from portal.cli import main
from portal.demo.county import cast_actors

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("engine_kind", ["embedded"], indirect=True)
def test_an_app_is_shown_and_led_through_its_end_from_a_terminal(
    fresh_database_url, tmp_path, monkeypatch
):
    (home := tmp_path / "home").mkdir()
    (home / "demo.json").touch()
    monkeypatch.setenv("YIMEN_HOME", str(home))
    monkeypatch.setenv("YIMEN_DATABASE_URL", fresh_database_url)
    monkeypatch.setenv("YIMEN_MANIFESTS", str(ROOT / "manifests"))

    def run(*words):
        found = CliRunner().invoke(main, ["app", *map(str, words)])
        return found.exit_code, found.output

    today = local_day(utc_now())
    day = today + timedelta(days=45)

    async def decide():
        database = Database(fresh_database_url)
        async with database.transaction(write=True) as tx:
            person = (await cast_actors(tx))["governance"]
            await enter(tx, "supervision", "active", date(2026, 1, 5))
            await take(tx, "supervision", "review", person)
            await take(tx, "supervision", "retire", person, name="沈治理", reason="少有人用")
        await database.close()

    asyncio.run(decide())
    status, said = run("life", "supervision", "--lang", "zh")
    assert status == 0, said
    for words in ("拟关停", "→ sunset: 公告停用", "沈治理", "少有人用"):
        assert words in said, words
    by = ("--by", "governance", "--reason", "并入热线")
    status, said = run("sunset", "supervision", *by, "--closes-on", today + timedelta(days=3))
    assert (status, "At least 30 days" in said) == (1, True), said
    status, said = run("sunset", "supervision", *by, "--closes-on", "2039-03-10", "--lang", "zh")
    assert (status, "2039 年的节假日还没有录入" in said) == (1, True), said
    owner = ("--by", "owner", "--reason", "x")
    assert run("sunset", "supervision", *owner, "--closes-on", day)[0] == 1

    async def every_day(tx):  # whatever year it is when this runs
        return SimpleNamespace(is_working_day=lambda day: True)

    monkeypatch.setattr(moving, "load_calendar", every_day)
    status, said = run("sunset", "supervision", *by, "--closes-on", day)
    assert (status, "supervision: Sunset" in said) == (0, True), said
    status, said = run("close", "supervision", *by)
    assert (status, "that day has not come" in said) == (1, True), said
    status, said = run("call-off", "supervision", *by)
    assert (status, "supervision: Retire" in said) == (0, True), said


@pytest.mark.parametrize("engine_kind", ["embedded"], indirect=True)
def test_an_app_is_counted_anew_from_a_terminal(fresh_database_url, tmp_path, monkeypatch):
    (home := tmp_path / "home").mkdir()
    (home / "demo.json").touch()
    monkeypatch.setenv("YIMEN_HOME", str(home))
    monkeypatch.setenv("YIMEN_DATABASE_URL", fresh_database_url)
    monkeypatch.setenv("YIMEN_MANIFESTS", str(ROOT / "manifests"))
    found = CliRunner().invoke(main, ["app", "recount", "hotline"])
    assert found.exit_code == 0, found.output
    assert "0 cases counted" in found.output
    found = CliRunner().invoke(main, ["app", "recount", "supervision"])
    assert found.exit_code == 1
    assert "counts its cases" in found.output

"""`yimen usage`: what it prints, and what it says is not known."""

import asyncio
import json
from datetime import timedelta
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from core.database import Database, utc_now
from core.usage import gaps, rollup
from core.usage.batches import Batch, Counted
from core.usage.cells import counts_of
from plugin_sdk.times import SHANGHAI
from portal.cli import main


@pytest.fixture
def engine_kind():
    """What the commands read is tested on both engines where it is computed."""
    return "embedded"


@pytest.fixture
def run(fresh_database_url, monkeypatch):
    """Return what runs a command of a hub that has counted for a while, with a gap in it."""

    def with_hub(act):
        async def go():
            database = Database(fresh_database_url)
            services = SimpleNamespace(database=database)
            apps = SimpleNamespace(instances={"hotline": None})
            try:
                return await act(SimpleNamespace(services=services, apps=apps))
            finally:
                await database.close()

        return asyncio.run(go())

    async def fill(hub):
        now = utc_now()
        cell = (now.replace(second=0, microsecond=0), "hotline", "GET /orders", "", "web")
        batch = Batch(
            worker="w",
            sequence=1,
            since=now,
            until=now,
            counted=(Counted(cell, counts_of(opens=3, answered=41)),),
            lost=7,
        )
        async with hub.services.database.transaction(write=True) as tx:
            await rollup.apply(tx, [batch])
            await gaps.note(tx, "v", "died", now - timedelta(seconds=90), now)

    with_hub(fill)
    monkeypatch.setattr("portal.commands.usage.with_hub", with_hub)

    def command(*words):
        return CliRunner().invoke(main, ["usage", *words], env={"COLUMNS": "200"})

    return command


def test_what_was_counted_is_shown_and_what_is_not_known_is_said(run):
    shown = run("show")
    assert shown.exit_code == 0, shown.output
    assert "hotline" in shown.output
    assert "41" in shown.output
    assert "29 days" in shown.output
    assert "7 counts" in shown.output
    of_one = run("show", "--app", "hotline")
    today = utc_now().astimezone(SHANGHAI).date()
    assert f"{today}" in of_one.output
    found = json.loads(run("show", "--json", "--since", f"{today}").output)
    (hotline,) = found["counts"]
    assert (hotline["app"], hotline["opens"], hotline["answered"]) == ("hotline", 3, 41)
    assert found["unknown"]["lost"] == 7
    assert found["unknown"]["days"] == []


def test_gaps_are_shown_with_their_cause_and_wrong_questions_are_told_why(run):
    shown = run("gaps")
    assert shown.exit_code == 0, shown.output
    assert "without a word" in shown.output
    assert "not known" in shown.output
    assert run("gaps", "--until", "2020-01-01").output.startswith(
        "nothing was lost from 2019-12-03"
    )
    backwards = run("show", "--since", "2026-02-01", "--until", "2026-01-01")
    assert backwards.exit_code == 1
    assert "exchange" in backwards.output
    endless = run("show", "--since", "0001-01-01", "--until", "9999-12-31")
    assert endless.exit_code == 1
    assert "1970" in endless.output
    unknown = run("show", "--app", "nothing")
    assert unknown.exit_code == 1
    assert "yimen app list" in unknown.output

"""`yimen governance`: what is looked at, shown, tried and registered from a terminal."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from core.apps.registry import installed
from plugin_sdk.tallies import record, tally
from portal.cli import main

OLD = """
[[apps]]
app = "old"
names = { zh = "诉求直办（旧）", en = "Requests (old)" }
owner = "371603"
stage = "active"
since = 2024-01-01
filing_number = "BA-2024-0001"
own_sign_in = true
functions = [
  { zh = "派单", en = "Dispatch" },
  { zh = "催办", en = "Urge" },
  { zh = "满意度评价", en = "Rate" },
]
"""
ONE = tally("cases", [record("7", datetime(2024, 5, 1, 0, 30, tzinfo=UTC))]).digest
ROOT = Path(__file__).parents[2]
POLICY = ROOT / "manifests" / "policy.toml"


@pytest.fixture
def run(fresh_database_url, tmp_path, monkeypatch):
    """Return what runs a command of a fresh hub with the policy of the house."""
    (home := tmp_path / "home").mkdir()
    (home / "demo.json").touch()  # the people of the demonstration are in it
    monkeypatch.setenv("YIMEN_HOME", str(home))
    monkeypatch.setenv("YIMEN_DATABASE_URL", fresh_database_url)
    monkeypatch.setenv("YIMEN_MANIFESTS", str(ROOT / "manifests"))

    def command(*words):
        found = CliRunner().invoke(main, ["governance", *map(str, words)])
        return found.exit_code, found.output

    return command


@pytest.mark.parametrize("engine_kind", ["embedded"], indirect=True)
def test_the_register_is_filled_looked_at_and_tried_from_a_terminal(run, tmp_path):
    status, said = run("findings")
    assert (status, "never looked at" in said) == (1, True), said
    good, bad = tmp_path / "good.toml", tmp_path / "bad.toml"
    good.write_text(OLD, encoding="utf-8")
    bad.write_text(OLD.replace('"old"', '"worse"') + 'filing_numbr = "1"\n', encoding="utf-8")
    status, said = run("register", good, bad)
    assert status == 1
    assert "bad.toml:" in said
    assert "did you mean filing_number?" in said
    assert run("register", good) == (0, "old: registered\n")
    hotline = tmp_path / "hotline.toml"
    hotline.write_text(OLD.replace('"old"', '"hotline"'), encoding="utf-8")
    status, said = run("register", hotline)
    assert (status, "behind the door" in said) == (1, True)
    tables = tmp_path / "good.csv", tmp_path / "bad.csv"
    head = "编号,名称,英文名称,主管单位,登记时的状态,这一状态起于"
    rows = "old,旧,Old,371603,在用,2024-01-01", "clinic,挂号,Clinic,371603,在用,2024-01-01"
    tables[0].write_text("\n".join((head, *rows)), encoding="gb18030")
    tables[1].write_text(f"{head}\n{rows[1].replace('371603', '999')}", encoding="utf-8")
    status, said = run("register", *tables)
    assert (status, "bad.csv:2" in said) == (1, True), said
    assert run("register", "--dry-run", tables[0]) == (0, "old: changed\nclinic: registered\n")
    status, said = run("evaluate")
    assert (status, f"{len(installed()) + 1} apps" in said) == (0, True), (
        "nothing was half registered"
    )
    status, said = run("report", "--lang", "zh")
    assert (status, "     1  门外的应用" in said, "保留的群" in said) == (0, True, True), said
    status, said = run("report", "--since", "2026-13-01")
    assert (status, "write days as" in said) == (1, True), said
    status, said = run("findings", "--app", "old", "--lang", "zh")
    assert status == 0
    for words in ("门后有门", "无投诉渠道", "同质化", "国办函〔2026〕12号", "→"):
        assert words in said
    assert "hotline" in said
    other = tmp_path / "other.toml"
    text = POLICY.read_text(encoding="utf-8")
    other.write_text(text.replace("least_functions = 3", "least_functions = 99"), encoding="utf-8")
    status, said = run("what-if", other)
    assert status == 0
    assert "would be nominated: 0" in said
    assert "would no longer be: 2" in said
    other.write_text(text.replace("least_functions", "least_function"), encoding="utf-8")
    for tried in (("what-if", other), ("policy", "check", other)):
        status, said = run(*tried)
        assert (status, "did you mean least_functions?" in said) == (1, True)
    assert run("policy", "check", POLICY) == (0, f"{POLICY}: ok\n")
    status, said = run("merge", "check", "old")
    assert (status, "choose its successor" in said) == (1, True)
    export = tmp_path / "export.csv"
    export.write_text("number,opened_at\n7,2024-05-01 08:30:00\n", encoding="utf-8")
    status, said = run("merge", "tally", export)
    assert (status, said) == (0, f"cases: 1 {ONE}\n")
    export.write_text("number,opened_at\n7,May\n", encoding="utf-8")
    status, said = run("merge", "tally", export)
    assert (status, "line 2" in said) == (1, True)


@pytest.mark.parametrize("engine_kind", ["embedded"], indirect=True)
def test_reviews_are_listed_from_a_terminal(run):
    assert run("reviews") == (0, "there is no review\n")

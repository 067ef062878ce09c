"""The policy: what it refuses, on which line, and what it says to do."""

from pathlib import Path

import msgspec
import pytest

from core.governance.findings import KINDS
from core.governance.policy import Fairness, Policy, PolicyError, Rules, check, load
from plugin_sdk.manifest_schema import schema
from tests.plugin_sdk.test_manifest import assert_same

FILE = Path(__file__).parents[3] / "manifests" / "policy.toml"
HOUSE = FILE.read_text(encoding="utf-8")
EXEMPT = '[[exemptions]]\napp = "flood"\nkind = "emergency"\nbasis = "防汛预案"\n'


def test_the_policy_of_the_house_is_clean_and_has_a_rule_for_each_finding():
    policy = load(HOUSE, "manifests/policy.toml")
    assert Rules.__struct_fields__ == tuple(sorted(KINDS, key=Rules.__struct_fields__.index))
    assert all(getattr(policy.rules, kind).basis for kind in KINDS)
    assert policy.windows.yearly >= 13 * 30
    assert "not at hand" in HOUSE, "the file says that the clauses are not"


def test_the_schema_and_the_structs_name_the_same_fields():
    published = schema("policy", "core.governance")
    assert_same(published, published, msgspec.inspect.type_info(Policy), "policy")


@pytest.mark.parametrize(
    ("old", "new", "line", "field", "remedy"),
    [
        ("grace_days =", "grace_dayz =", "grace_dayz", "fairness.grace_dayz", "mean grace_days?"),
        ("[rules.zombie]", "[rules.zombi]", "zombi]", "rules.zombi", "mean zombie?"),
        ("near_zero = 0.10", "near_zero = 0.85", "0.85", "forced_use.near_zero", "lower it"),
        ("visits = 30.0", "visits = 61.0", "61.0", "zombie.visits", "rules.empty_shell.visits"),
        ("daily = 91", "daily = 200", "weekly = 91", "windows.weekly", "write 200 or more"),
        ("yearly = 396", "yearly = 300", "300", "windows.yearly", "write 366 or more"),
        ("grace_days = 90", "grace_days = 500", "500", "fairness.grace_days", "write 396 or less"),
        ("small = 3\n", "small = 6\n", "small = 6", "groups.small", "or raise medium"),
        ("most = 1\n", "most = -1\n", "-1", "caps[0].most", "must be 0 or more"),
        ("most = 1\n", "", "[[rules.beyond_cap.caps]]", "caps[0].most", "How many."),
        ("daily = 0.10", "daily = 0.80", "0.80", "low_use.reach.daily", "write less than 0.8"),
        ("errors = 0.05", "errors = 5", "errors = 5", "failing.errors", "must be 1 or less"),
        ('"审批"]', '"审批", "提交"]', '"审批", "提交"', "same_words[2][2]", "keep one of them"),
        ("[windows]", f"{EXEMPT}[windows]", "[[exemptions]]", "[0].expires", "The last day"),
        ("[31]", "[1, 6, 11, 16, 21, 26]", "[1, 6", "ranking_days", "fewer"),
        ("[windows]", "[windows", "[windows", "", "mend this first"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_line(old, new, line, field, remedy):
    text = HOUSE.replace(old, new, 1)
    faults = check(text, "somewhere/policy.toml")
    fault = next(fault for fault in faults if fault.field.endswith(field))
    assert line in text.splitlines()[fault.line - 1]
    assert remedy in fault.remedy.en
    assert fault.message.zh
    with pytest.raises(PolicyError, match=r"policy.toml:\d+: "):
        load(text, "somewhere/policy.toml")


def test_the_guide_explains_every_rule_and_every_limit():
    guide = (FILE.parents[1] / "docs" / "governance.md").read_text(encoding="utf-8")
    rules = schema("policy", "core.governance")["properties"]["rules"]["properties"]
    for kind in KINDS:
        (row,) = [line for line in guide.splitlines() if f"| `rules.{kind}` |" in line]
        for limit in rules[kind]["properties"].keys() - {"basis"}:
            assert f"`{limit}`" in row, f"{kind}: {limit}"
    for limit in Fairness.__struct_fields__:
        assert f"`{limit}`" in guide, limit


def test_the_quota_of_groups_follows_the_size_and_the_level():
    groups = load(HOUSE).groups
    sizes = {0: 3, 20: 3, 21: 5, 99: 5, 100: 10, 5000: 10}
    assert {people: groups.quota("unit", people) for people in sizes} == sizes
    assert groups.quota("township", 5) == 10
    assert groups.quota("village", 500) == 1

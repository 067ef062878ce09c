"""Findings one by one: what makes each, what only looks like it, and what no use may ever do."""

from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from core.governance.policy import load
from core.governance.register import OwnerFacts, RegisterEntry
from core.governance.rules import evaluate
from core.usage.measures import (
    DayTotals,
    ExitSeen,
    Observed,
    ReachTotal,
    last_days,
    measure,
)
from core.usage.periods import overlapping, period_of
from plugin_sdk.manifest_model import Exemption, Function
from plugin_sdk.text import Text

ROOT = Path(__file__).parents[3]
POLICY = load((ROOT / "manifests" / "policy.toml").read_bytes())
TODAY = date(2026, 11, 26)
FIRST = TODAY - timedelta(days=396)
DAYS = [FIRST + timedelta(days=n) for n in range(396)]
USED = {"opens": 40, "sessions": 40, "fruitful": 30, "starts": 32, "completes": 30, "effects": 30}


def entry(app="a", **more):
    facts = {
        "app": app,
        "names": Text("甲", "A"),
        "owner": OwnerFacts("U1", "某局", "county", True, "C"),
        "stage": "active",
        "since": date(2024, 1, 1),
        "level": "native",
        "behind_door": True,
        "filing_number": "BA-1",
        "complaints": "/feedback",
        "functions": (),
        "fields": frozenset(),
        "forbidden": (),
        "checks_in": False,
        "required_of": frozenset(),
        "cadence": "monthly",
        "entitled": 1000,
        "exemption": None,
        "own_sign_in": False,
        "yearly_cost": None,
    }
    return RegisterEntry(**{**facts, **more})


def observed(day=USED, *, app="a", people=(500, 400), cadence="monthly", on=None, **more):
    """Days alike (`on` says on which there was anything) and as many people in each period."""
    days = [DayTotals(at, **day) for at in DAYS if on is None or on(at)] if day else []
    reach = [
        ReachTotal(period.key, period.since, period.until, *people)
        for period in overlapping(FIRST, TODAY)
        if period == period_of(cadence, period.since)
    ]
    facts = {"days": tuple(days), "reach": tuple(reach), "counted_since": FIRST, **more}
    return Observed(app=app, **facts)


def kinds(seen, *entries, policy=POLICY, today=TODAY):
    register = entries or (entry(),)
    seen = [seen] if isinstance(seen, Observed) else seen
    return {finding.kind for finding in evaluate(policy, seen, register, today)}


def functions(*names):
    return tuple(Function(name=Text(name, name), old="-", route="POST /x") for name in names)


IDLE = {"opens": 40, "sessions": 40}
EMPTY = {**IDLE, "attending": 30}
GONE = {"on": lambda day: day < date(2026, 6, 1)}
RECENT = TODAY - timedelta(days=40)


@pytest.mark.parametrize(
    ("seen", "of", "expected"),
    [
        (observed(), {}, set()),
        (observed(people=(500, 90)), {}, {"low_use"}),
        (observed(people=(500, 100)), {}, set()),
        (observed(people=(500, 2)), {}, {"low_use"}),
        (observed(people=(500, 90)), {"entitled": None}, set()),
        (observed(people=(20, 1)), {"entitled": 30}, set()),
        (observed(people=(500, 90)), {"since": TODAY - timedelta(days=89)}, set()),
        (observed(people=(500, 90), counted_since=RECENT), {}, set()),
        (observed(people=(500, 90), cadence="yearly"), {"cadence": "yearly"}, set()),
        (observed(people=(500, 40), cadence="yearly"), {"cadence": "yearly"}, {"low_use"}),
        (observed(people=(500, 90)), {"stage": "sunset"}, set()),
        (observed(IDLE, people=(300, 0)), {}, {"empty_shell", "low_use"}),
        (
            observed(IDLE, people=(300, 0)),
            {"forbidden": ("likes",)},
            {"empty_shell", "low_use", "forced_use"},
        ),
        (observed(IDLE, people=(300, 0)), {"level": "linked", "finishes": False}, set()),
        (observed({}, people=(0, 0)), {}, {"zombie", "low_use"}),
        (observed({"opens": 1}, people=(3, 0)), {}, {"zombie", "low_use"}),
        (observed({"opens": 2}, people=(30, 0)), {}, {"low_use", "empty_shell"}),
        (observed({}, people=(0, 0)), {"entitled": 30}, {"zombie"}),
        (observed({"opens": 1}, people=(3, 0)), {"entitled": 30}, set()),
        (observed({}, people=(0, 0), counted_since=None), {}, set()),
        (observed(people=(0, 0), **GONE), {"cadence": "weekly"}, {"zombie", "low_use"}),
        (observed(EMPTY, people=(950, 10)), {}, {"forced_use", "low_use"}),
        (observed({**USED, "attending": 8}, people=(950, 900)), {}, set()),
        (observed(IDLE, people=(400, 200)), {"checks_in": True}, {"forced_use"}),
        (observed(), {"checks_in": True}, set()),
        (observed(), {"forbidden": ("leaderboard",)}, {"forced_use"}),
        (observed(), {"forbidden": ("check-in",), "checks_in": True}, set()),
        (observed(asked=150, spared=100), {}, {"burden"}),
        (observed(asked=100, spared=150), {}, set()),
        (observed(asked=80, spared=0), {}, set()),
        (observed({**USED, "answered": 90, "failed": 10}), {}, {"failing"}),
        (observed({**USED, "answered": 99, "failed": 1}), {}, set()),
        (observed(latency={50: 600}), {}, {"failing"}),
        (observed(latency={50: 400}), {}, set()),
        (observed(exits=(ExitSeen("/", "sso.example", "link", 20),)), {}, {"door_behind_door"}),
        (observed(exits=(ExitSeen("/", "sso.example", "link", 19),)), {}, set()),
        (
            observed(exits=(ExitSeen("/", "own.example", "redirect", 99),)),
            {"hosts": frozenset({"own.example"})},
            set(),
        ),
        (observed(), {"own_sign_in": True}, {"door_behind_door"}),
        (observed(), {"filing_number": None}, {"unfiled"}),
        (observed(), {"filing_number": None, "stage": "proposed"}, {"unfiled"}),
        (
            observed({}),
            {"filing_number": None, "stage": "proposed", "since": TODAY - timedelta(days=90)},
            set(),
        ),
        (observed(), {"owner": OwnerFacts("T", "某镇", "township")}, {"owner_below_county"}),
        (observed(), {"owner": OwnerFacts("X", "X", None)}, set()),
        (observed(), {"complaints": " "}, {"no_complaint_channel"}),
    ],
)
def test_each_finding_and_what_only_looks_like_it(seen, of, expected):
    assert kinds(seen, entry(**of)) == expected


def test_who_says_that_few_are_entitled_is_believed_as_long_as_few_come():
    few = entry(entitled=40)
    assert kinds(observed(IDLE, people=(30, 0)), few) == set()
    assert kinds(observed(IDLE, people=(300, 0)), few) == {"forced_use", "low_use"}


def test_how_many_did_not_come_is_not_said():
    """The four of 57 who did not obey an order would be the next to be named."""
    for opened in (55, 57):
        found = evaluate(POLICY, [observed(EMPTY, people=(opened, 0))], [entry(entitled=57)], TODAY)
        shown = [seen for one in found for seen in one.evidence if seen.measure == "near_total"]
        assert [(seen.value, seen.said.params["share"]) for seen in shown] == [(55 / 57, "96.5%")]


def exemption(days):
    return Exemption(kind="statutory", basis="防汛法", expires=TODAY + timedelta(days=days))


def test_an_exemption_holds_until_its_last_day_and_is_then_a_finding():
    unused = observed({}, people=(0, 0))
    assert kinds(unused, entry(exemption=exemption(0))) == set()
    over = {"exemption_expired", "zombie", "low_use"}
    longest = POLICY.fairness.exempt_days
    assert kinds(unused, entry(exemption=exemption(longest))) == set()
    assert kinds(unused, entry(exemption=exemption(longest + 1))) == over, "it never ends"
    assert kinds(unused, entry(exemption=exemption(-1))) == over


def test_a_season_that_sleeps_as_last_year_is_no_zombie_and_one_that_died_is():
    summer = observed(on=lambda day: 4 <= day.month <= 6, people=(0, 0))
    reach = [
        replace(total, opened=500, completed=400) if 4 <= total.since.month <= 6 else total
        for total in summer.reach
    ]
    weekly = entry(cadence="weekly")
    assert kinds(replace(summer, reach=tuple(reach)), weekly) == set()
    used_then = [DayTotals(day, **USED) for day in DAYS[:240]]
    died = replace(summer, reach=tuple(reach), days=tuple(used_then))
    assert kinds(died, weekly) == {"zombie", "low_use"}
    unseen = replace(died, counted_since=date(2026, 2, 1))
    assert kinds(unseen, weekly) == set(), "nobody knows what there was at this time last year"


def test_bursts_before_a_ranking_date_are_a_sign_unless_work_is_due_then():
    quiet = DayTotals(FIRST, opens=4, sessions=4, fruitful=1, effects=1, completes=1)

    def days(fruitful):
        for day in DAYS:
            n = 120 if (day + timedelta(days=3)).month != day.month else 4
            done = fruitful if n > 4 else 1
            yield replace(
                quiet, day=day, opens=n, sessions=n, fruitful=done, effects=done, completes=done
            )

    forced = replace(observed(people=(300, 200)), days=tuple(days(fruitful=5)))
    assert kinds(forced) == {"forced_use"}
    due = replace(forced, days=tuple(days(fruitful=115)))
    assert kinds(due) == set()


def test_a_forced_app_that_looks_busy_scores_low():
    busy = observed({**EMPTY, "opens": 900, "sessions": 900, "attending": 800}, people=(990, 10))
    found = {
        one.key: one for one in measure(busy, last_days(TODAY, 90), entitled=1000, yearly_cost=9)
    }
    assert found["reach"].value == 0.01
    assert found["empty_sessions"].value == 1.0
    assert found["completion"].state == "not_applicable"
    assert kinds(busy) == {"forced_use", "low_use"}


DUTIES = ("提交低保申请", "查询救助进度", "登记高龄津贴", "审核残疾补贴")


def test_two_apps_with_the_same_functions_in_other_words_are_duplicates():
    one = entry("a", functions=functions(*DUTIES))
    same = entry(
        "b", functions=functions("低保申请上报", "进度救助查看", "高龄津贴录入", "预约体检")
    )
    other = entry("c", functions=functions("提交低保申请", "查询车辆违章", "登记养犬", "预约疫苗"))
    seen = [observed(app=app) for app in "abc"]
    found = evaluate(POLICY, seen, [one, same, other], TODAY)
    assert {(finding.app, finding.kind, finding.about) for finding in found} == {
        ("a", "duplicate", "b"),
        ("b", "duplicate", "a"),
    }
    for hidden in "\u200b", "\u3000", "·":  # what an owner may write between any two characters
        renamed = functions(*(hidden.join(one.name.zh) for one in same.functions))
        assert (
            len(evaluate(POLICY, seen, [one, replace(same, functions=renamed), other], TODAY)) == 2
        )
    assert found[0].evidence[0].n == 3
    assert found[0].evidence[0].value == pytest.approx(0.65, abs=0.01), "one of them is common"
    closed = replace(same, stage="closed")
    assert evaluate(POLICY, seen, [one, closed, other], TODAY) == []


def test_one_form_asked_of_the_same_places_twice_is_a_burden():
    form = frozenset({"person.name", "person.phone", "unit.code", "place.region"})
    one, two = (entry(app, fields=form, required_of=frozenset({"team"})) for app in ("a", "b"))
    seen = [observed(app=app) for app in "ab"]
    assert kinds(seen, one, two) == {"burden"}
    assert kinds(seen, one, replace(two, required_of=frozenset({"school"}))) == set()
    assert kinds(seen, one, replace(two, fields=form - {"unit.code"} | {"health"})) == set()


def test_caps_count_departments_of_a_city_each_and_a_district_as_one():
    village = frozenset({"village"})
    city = OwnerFacts("M1", "市某局", "city", True, "M")
    county = [OwnerFacts(f"U{n}", f"某局{n}", "county", True, "C") for n in range(2)]
    seen = [observed(app=app) for app in "ab"]

    def two(owners):
        return [
            entry(app, owner=owner, required_of=village)
            for app, owner in zip("ab", owners, strict=True)
        ]

    assert kinds(seen, *two([city, city])) == {"beyond_cap"}
    assert kinds(seen, *two([city, replace(city, code="M2")])) == set()
    assert kinds(seen, *two(county)) == {"beyond_cap"}
    text = (ROOT / "manifests" / "policy.toml").read_text(encoding="utf-8")
    special = text.replace("# special", "special").replace('"…"', '"b"', 1)
    assert kinds(seen, *two(county), policy=load(special)) == set()


SOME = st.integers(0, 60)
PEOPLE = st.integers(0, 1000)
TRY = settings(deadline=None, max_examples=50)


@TRY
@given(before=PEOPLE, more=PEOPLE, opens=SOME, effects=SOME)
def test_more_use_never_adds_low_use(before, more, opens, effects):
    day = {"opens": opens, "sessions": opens, "effects": effects, "completes": effects}
    few = observed(day, people=(before, before))
    day = {kind: count * 2 + 1 for kind, count in day.items()}
    most = min(1000, before + more)
    many = observed(day, people=(most, most))
    assert ("low_use" in kinds(many)) <= ("low_use" in kinds(few))
    assert ("zombie" in kinds(many)) <= ("zombie" in kinds(few))


@TRY
@given(day=st.fixed_dictionaries(dict.fromkeys(USED, SOME)), people=PEOPLE)
def test_an_exempt_app_is_never_judged_by_its_use(day, people):
    found = kinds(observed(day, people=(people, people)), entry(exemption=exemption(30)))
    assert not found & {"low_use", "zombie", "empty_shell", "forced_use"}


@TRY
@given(lost=st.sets(st.sampled_from(DAYS[-182:]), min_size=19), opens=SOME)
def test_days_that_are_not_known_are_never_counted_as_zero(lost, opens):
    """Of more than a tenth of its window nothing is known: nothing is said of its use, whatever
    there is besides; and of known days alone a rate is made."""
    unknown = observed({"opens": opens}, people=(0, 0), unknown_days=frozenset(lost))
    assert not kinds(unknown) & {"low_use", "zombie", "empty_shell", "forced_use"}
    few = frozenset(sorted(lost)[:18])
    assert kinds(observed(unknown_days=few)) == set()

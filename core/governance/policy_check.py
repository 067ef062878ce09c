"""What the parts of a policy cannot mean together: the rules that no schema can say."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from plugin_sdk.manifest_model import Cadence
from plugin_sdk.manifest_rules import Finding as Departure
from plugin_sdk.manifest_rules import table, tables, text
from plugin_sdk.text import Text

CADENCE_DAYS: Mapping[Cadence, int] = {
    "daily": 1,
    "weekly": 7,
    "monthly": 31,
    "quarterly": 92,
    "yearly": 366,
}


def contradictions(data: dict[str, Any]) -> Iterator[Departure]:
    """Yield what rules of a policy cannot mean together."""
    yield from _windows(data)
    yield from _limits(table(data, "rules"))
    yield from _quotas(table(data, "groups"))
    yield from _twice(data)


def _quotas(groups: dict[str, Any]) -> Iterator[Departure]:
    for low_name, high_name in (
        ("small_people", "large_people"),
        ("small", "medium"),
        ("medium", "large"),
    ):
        low, high = _number(groups, low_name), _number(groups, high_name)
        if low is None or high is None or low < high or (low == high and "people" not in low_name):
            continue
        yield (
            ("groups", low_name),
            Text(
                f"小单位的 {low} 高于大单位的 {high_name} = {high}",
                f"{low} is more than {high_name} = {high} of larger units",
            ),
            Text(f"改小它，或改大 {high_name}", f"lower it, or raise {high_name}"),
        )


def _windows(data: dict[str, Any]) -> Iterator[Departure]:
    windows = table(data, "windows")
    before: tuple[str, float] | None = None
    for cadence, least in CADENCE_DAYS.items():
        days = _number(windows, cadence)
        if days is None:
            continue
        if days < least:
            yield (
                ("windows", cadence),
                Text(f"不足一个完整周期（{least} 天）", f"is less than one cadence, {least} days"),
                Text(f"至少写 {least}", f"write {least} or more"),
            )
        if before is not None and days < before[1]:
            yield (
                ("windows", cadence),
                Text(
                    f"比更频繁的 {before[0]}（{before[1]} 天）还短",
                    f"is shorter than that of {before[0]}, which is needed more often",
                ),
                Text(f"至少写 {before[1]}", f"write {before[1]} or more"),
            )
        before = cadence, days
    grace = _number(table(data, "fairness"), "grace_days")
    if before is not None and grace is not None and grace > before[1]:
        yield (
            ("fairness", "grace_days"),
            Text(
                f"比最长的观察期（{before[1]} 天）还长，按使用判断的规则永远轮不到新应用",
                f"is longer than the longest window, {before[1]} days: no window would ever "
                "reach a new app",
            ),
            Text(f"不超过 {before[1]}", f"write {before[1]} or less"),
        )


_ORDERED = (
    ("zombie", "visits", "empty_shell", "visits", True),
    ("forced_use", "near_zero", "forced_use", "near_total", False),
    ("duplicate", "functions_with_fields", "duplicate", "functions", True),
    ("forced_use", "attending", "forced_use", "empty_sessions", True),
)
"""Pairs of limits: the first is below the second (or equal, where the last part says so)."""


def _limits(rules: dict[str, Any]) -> Iterator[Departure]:
    for low_rule, low_name, high_rule, high_name, equal in _ORDERED:
        low = _number(table(rules, low_rule), low_name)
        high = _number(table(rules, high_rule), high_name)
        if low is None or high is None or low < high or (equal and low == high):
            continue
        named = f"rules.{high_rule}.{high_name}"
        yield (
            ("rules", low_rule, low_name),
            Text(
                f"下限 {low} 高于上限 {named} = {high}",
                f"the lower limit {low} is not below the upper one, {named} = {high}",
            ),
            Text(f"改小它，或改大 {named}", f"lower it, or raise {named}"),
        )
    near_zero = _number(table(rules, "forced_use"), "near_zero")
    for cadence in CADENCE_DAYS:
        reach = _number(table(rules, "low_use", "reach"), cadence)
        near_total = _number(table(rules, "forced_use"), "near_total")
        if reach is not None and near_total is not None and reach >= near_total > (near_zero or 0):
            yield (
                ("rules", "low_use", "reach", cadence),
                Text(
                    f"要求的覆盖率 {reach} 不低于视为“几乎人人”的 {near_total}",
                    f"asks for a reach of {reach}, which rules.forced_use calls near to all",
                ),
                Text(f"改到低于 {near_total}", f"write less than {near_total}"),
            )
    forced = table(rules, "forced_use")
    days, dates = _number(forced, "burst_days"), forced.get("ranking_days")
    if days is not None and isinstance(dates, list) and days * len(dates) > MOST_RANKED_DAYS:
        yield (
            ("rules", "forced_use", "ranking_days"),
            Text(
                "排名日前的天数占了半个月以上，比不出集中使用",
                "the days before ranking dates make up more than half of a month",
            ),
            Text("减少排名日，或改小 burst_days", "name fewer dates, or lower burst_days"),
        )


MOST_RANKED_DAYS = 15


def _twice(data: dict[str, Any]) -> Iterator[Departure]:
    listed = [
        (("exemptions", number, "app"), text(item, "app"))
        for number, item in tables(data, "exemptions")
    ]
    yield from _repeated(listed, "应用", "the app")
    named = [
        (("populations", number, "name"), text(item, "name"))
        for number, item in tables(data, "populations")
    ]
    yield from _repeated(named, "人群", "the population")
    groups = table(data, "rules", "duplicate").get("same_words")
    words = [
        (("rules", "duplicate", "same_words", number, place), word)
        for number, group in enumerate(groups if isinstance(groups, list) else ())
        for place, word in enumerate(group if isinstance(group, list) else ())
        if isinstance(word, str)
    ]
    yield from _repeated(words, "词", "the word")
    caps = [
        (("rules", "beyond_cap", "caps", number, "owner"), _cap_key(item))
        for number, item in tables(table(data, "rules", "beyond_cap"), "caps")
    ]
    yield from _repeated(caps, "上限", "a cap for")


def _cap_key(cap: dict[str, Any]) -> str | None:
    owner, per = text(cap, "owner"), text(cap, "per")
    return f"{owner} / {per}" if owner and per else None


def _repeated(
    items: Sequence[tuple[tuple[str | int, ...], str | None]], zh: str, en: str
) -> Iterator[Departure]:
    seen: set[str] = set()
    for path, value in items:
        if value is not None and value in seen:
            yield (
                path,
                Text(f"{zh}“{value}”写了两次", f"{en} “{value}” stands twice"),
                Text("只留一个", "keep one of them"),
            )
        if value is not None:
            seen.add(value)


def _number(data: dict[str, Any], name: str) -> float | None:
    found = data.get(name)
    if isinstance(found, bool) or not isinstance(found, int | float):
        return None
    return found

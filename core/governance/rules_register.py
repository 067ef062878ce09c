"""Findings from what the register says: filing, owner, exemption, complaints, caps, 门后有门."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from core.governance.cases import Case, visits
from core.governance.findings import Evidence, Finding, listed, made
from core.governance.policy import Cap
from plugin_sdk.views import Phrase


def unfiled(case: Case) -> Iterator[Finding]:
    """Yield 未备案: no filing number, and more than a proposal: past that stage, used, or
    proposed for longer than a proposal takes."""
    entry, rule = case.entry, case.policy.rules.unfiled
    if entry.filing_number or case.over:
        return
    waited = (case.today - entry.since).days
    used = visits(case.observed.within(case.year))
    if entry.stage != "proposed":
        said = Phrase("finding.unfiled.stage")
    elif used:
        said = Phrase("finding.unfiled.used", {"n": used})
    elif waited > rule.days:
        said = Phrase("finding.unfiled.waiting", {"n": waited, "limit": rule.days})
    else:
        return
    yield made(entry.app, "unfiled", rule, [Evidence(said=said, n=used or None)])


def owner_below_county(case: Case) -> Iterator[Finding]:
    """Yield 县以下单位建设: the owner stands below the county, or is a unit of one that does."""
    owner, rule = case.entry.owner, case.policy.rules.owner_below_county
    if case.over or owner.level not in rule.levels:
        return
    level = Phrase(f"page.admin.of_level.{owner.level}")
    said = Phrase("finding.owner_below_county.owner", {"owner": owner.name, "level": level})
    yield made(case.entry.app, "owner_below_county", rule, [Evidence(said=said)])


def exemption_expired(case: Case) -> Iterator[Finding]:
    """Yield 豁免到期: it had exemptions, and none is in force any more, or none for so long."""
    if case.over or case.exempt or not case.exemptions:
        return
    last = max(case.exemptions, key=lambda one: one.expires)
    key = "too_long" if last.expires >= case.today else "day"
    said = Phrase(
        f"finding.exemption_expired.{key}",
        {
            "day": last.expires.isoformat(),
            "basis": last.basis,
            "limit": case.policy.fairness.exempt_days,
        },
    )
    rule = case.policy.rules.exemption_expired
    yield made(case.entry.app, "exemption_expired", rule, [Evidence(said=said, until=last.expires)])


def no_complaint_channel(case: Case) -> Iterator[Finding]:
    """Yield 无投诉渠道: the hub does not frame its pages, and the app names nowhere to complain."""
    if case.over or case.entry.stage == "proposed" or (case.entry.complaints or "").strip():
        return
    said = Phrase("finding.no_complaint_channel.none")
    rule = case.policy.rules.no_complaint_channel
    yield made(case.entry.app, "no_complaint_channel", rule, [Evidence(said=said)])


def door_behind_door(case: Case) -> Iterator[Finding]:
    """Yield 门后有门: the app asks to sign in once more (its manifest says so), or leads people
    to a host that is neither its own nor allowed."""
    rule, entry = case.policy.rules.door_behind_door, case.entry
    if case.over:
        return
    evidence: list[Evidence] = []
    if entry.own_sign_in:
        evidence.append(Evidence(said=Phrase("finding.door_behind_door.manifest")))
    ways: dict[tuple[str, str], int] = defaultdict(int)
    for seen in case.observed.exits:
        if seen.host not in entry.hosts and not rule.allows(seen.host):
            ways[seen.kind, seen.host] += seen.count
    window = case.observed.recent or case.window
    evidence += [
        Evidence(
            said=Phrase(f"finding.door_behind_door.{kind}", {"host": host, "n": count}),
            measure="exits",
            value=count,
            limit=rule.least_exits,
            n=count,
            since=window.since,
            until=window.until,
        )
        for (kind, host), count in sorted(ways.items())
        if count >= rule.least_exits
    ]
    if evidence:
        yield made(entry.app, "door_behind_door", rule, evidence)


def beyond_cap(cases: Sequence[Case]) -> Iterator[Finding]:
    """Yield 超出数量上限 for each system of an owner (or a division) that requires more of them of
    villages and communities than may be. Which of them goes is for people to decide."""
    for case in cases[:1]:
        rule = case.policy.rules.beyond_cap
        for cap in rule.caps:
            special = {one.app for one in cap.special}
            for group in _counted(cases, cap):
                systems = [case for case in group if case.entry.app not in special]
                if len(systems) <= cap.most:
                    continue
                owner = systems[0].entry.owner
                named = listed(case.entry.names for case in systems[:MOST_NAMED])
                said = Phrase(
                    f"finding.beyond_cap.{cap.per}",
                    {"owner": owner.name, "n": len(systems), "limit": cap.most, "named": named},
                )
                seen = Evidence(said=said, measure="systems", value=len(systems), limit=cap.most)
                for one in systems:
                    yield made(one.entry.app, "beyond_cap", rule, [seen], limit=cap.most)


MOST_NAMED = 5


def _counted(cases: Sequence[Case], cap: Cap) -> list[list[Case]]:
    groups: dict[str, list[Case]] = defaultdict(list)
    for case in cases:
        entry = case.entry
        if (
            not case.over
            and entry.owner.level == cap.owner
            and entry.required_of & set(cap.required_of)
        ):
            key = entry.owner.code if cap.per == "owner" else entry.owner.division
            groups[key].append(case)
    return list(groups.values())

"""Findings from comparing apps: 同质化 (function inventories and data fields), and 填报负担 (what
the hub held was asked for again; the same form twice)."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import combinations
from math import log
from unicodedata import normalize

import msgspec
from rapidfuzz import fuzz, process

from core.governance.cases import Case
from core.governance.findings import Evidence, Finding, listed, made, percent
from core.governance.policy import Duplicate
from core.governance.register import RegisterEntry
from plugin_sdk.text import Text
from plugin_sdk.views import Phrase

AT_ONCE = 512
SHOWN = 5


class Pair(msgspec.Struct, frozen=True):
    """How much of the smaller inventory two apps share (weighted), which functions those are,
    and which share of their data fields."""

    functions: float
    shared: tuple[Text, ...]
    fields: float


def duplicate(cases: Sequence[Case]) -> Iterator[Finding]:
    """Yield 同质化 for both apps of each pair whose functions are the same."""
    live = [case for case in cases if not case.over]
    if not live:
        return
    rule = live[0].policy.rules.duplicate
    compared = [case for case in live if len(case.entry.functions) >= rule.least_functions]
    for one, other, pair in _pairs(compared, rule):
        with_fields = pair.fields >= rule.fields
        limit = rule.functions_with_fields if with_fields else rule.functions
        if pair.functions < limit:
            continue
        for case, about in ((one, other), (other, one)):
            evidence = [
                Evidence(
                    said=Phrase(
                        "finding.duplicate.functions",
                        {
                            "other": about.entry.names,
                            "n": len(pair.shared),
                            "share": percent(pair.functions),
                            "limit": percent(limit),
                            "named": listed(pair.shared[:SHOWN]),
                        },
                    ),
                    measure="functions",
                    value=pair.functions,
                    limit=limit,
                    n=len(pair.shared),
                )
            ]
            if with_fields:
                evidence.append(_fields(case, about, pair.fields, rule.fields))
            yield made(
                case.entry.app,
                "duplicate",
                rule,
                evidence,
                about=about.entry.app,
                other=about.entry.names,
            )


def burden(cases: Sequence[Case]) -> Iterator[Finding]:
    """Yield 填报负担 for an app that has people type what the hub held, and for both of a pair
    that ask the same organizations for the same fields."""
    live = [case for case in cases if not case.over]
    for case in live:
        rule, observed = case.policy.rules.burden, case.observed
        n = observed.asked + observed.spared
        if n >= rule.least_fields and observed.asked >= rule.asked * n:
            window = observed.recent or case.window
            share = observed.asked / n
            said = Phrase(
                "finding.burden.asked",
                {"share": percent(share), "limit": percent(rule.asked), "n": n},
            )
            seen = Evidence(
                said=said,
                measure="burden",
                value=share,
                limit=rule.asked,
                n=n,
                since=window.since,
                until=window.until,
            )
            yield made(case.entry.app, "burden", rule, [seen], limit=percent(rule.asked))
    forms = [case for case in live if case.entry.required_of]
    for one, other in combinations(forms, 2):
        rule = one.policy.rules.burden
        common = one.entry.fields & other.entry.fields
        if len(common) < rule.least_same or not one.entry.required_of & other.entry.required_of:
            continue
        share = _jaccard(one.entry, other.entry)
        if share < rule.same_form:
            continue
        for case, about in ((one, other), (other, one)):
            yield made(
                case.entry.app,
                "burden",
                rule,
                [_fields(case, about, share, rule.same_form)],
                about=about.entry.app,
                limit=percent(rule.asked),
            )


def _fields(case: Case, about: Case, share: float, limit: float) -> Evidence:
    common = case.entry.fields & about.entry.fields
    said = Phrase(
        "finding.fields.same",
        {"other": about.entry.names, "share": percent(share), "n": len(common)},
    )
    return Evidence(said=said, measure="fields", value=share, limit=limit, n=len(common))


def _jaccard(one: RegisterEntry, other: RegisterEntry) -> float:
    every = one.fields | other.fields
    return len(one.fields & other.fields) / len(every) if every else 0.0


def comparable(name: Text, rule: Duplicate) -> str:
    """Return what is compared of a function's name: letters and digits alone, however wide and
    whatever invisible stands between them; words that mean the same are one, and characters
    stand in order of code, so that 进度查询 and 查看进度 are the same."""
    plain = "".join(filter(str.isalnum, normalize("NFKC", name.zh)))
    for first, *others in rule.same_words:
        for other in others:
            plain = plain.replace(other, first)
    return "".join(sorted(plain))


def _functions(entry: RegisterEntry, rule: Duplicate) -> dict[str, Text]:
    """Return the functions that an app serves, by what is compared of their names."""
    found: dict[str, Text] = {}
    for function in entry.functions:
        if function.waiver is None and (name := comparable(function.name, rule)):
            found[name] = function.name
    return found


def _pairs(cases: Sequence[Case], rule: Duplicate) -> Iterator[tuple[Case, Case, Pair]]:
    """Yield every pair of apps that share a function, with how much they share.

    A function counts for less the more apps have it, and not at all where a tenth of them do: to
    search and to sign in makes no two apps the same.
    """
    inventories = [_functions(case.entry, rule) for case in cases]
    names = sorted({name for inventory in inventories for name in inventory})
    at = {name: number for number, name in enumerate(names)}
    near = _near(names, rule.alike)
    own = [frozenset(at[name] for name in inventory) for inventory in inventories]
    served = [frozenset(other for name in of for other in near[name]) for of in own]
    having: dict[int, list[int]] = defaultdict(list)
    for number, of in enumerate(served):
        for name in of:
            having[name].append(number)
    telling = {
        name: log(1 + len(cases) / len(apps))
        for name, apps in having.items()
        if len(apps) <= max(FEW, len(cases) // 10)
    }
    own = [of & telling.keys() for of in own]
    together: set[tuple[int, int]] = set()
    for name in telling:
        together.update(combinations(having[name], 2))
    for first, second in sorted(together):
        small, large = sorted((first, second), key=lambda number: (len(own[number]), number))
        if len(own[small]) < rule.least_functions:
            continue
        shared = own[small] & served[large]
        part = sum(telling[name] for name in shared) / sum(telling[name] for name in own[small])
        functions = (inventories[small][names[name]] for name in shared)
        words = tuple(sorted(functions, key=lambda function: function.zh))
        fields = _jaccard(cases[first].entry, cases[second].entry)
        yield cases[first], cases[second], Pair(part, words, fields)


FEW = 20
"""So many apps may share a function before it says nothing of any of them."""


def _near(names: Sequence[str], alike: float) -> list[list[int]]:
    """Return for each name which names have so many characters in common, itself among them."""
    near: list[list[int]] = []
    for start in range(0, len(names), AT_ONCE):
        scores = process.cdist(
            names[start : start + AT_ONCE],
            names,
            scorer=fuzz.ratio,
            score_cutoff=alike * 100,
        )
        near += [row.nonzero()[0].tolist() for row in scores]
    return near

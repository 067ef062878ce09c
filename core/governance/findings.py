"""Findings: what governance sees in the figures of an app, with the evidence and what would
change it. A finding nominates; a person decides."""

from collections.abc import Iterable
from datetime import date
from typing import Any, Literal, get_args

import msgspec

from core.governance.policy import Rule
from plugin_sdk.text import Text
from plugin_sdk.views import Phrase

FindingKind = Literal[
    "low_use",
    "empty_shell",
    "zombie",
    "duplicate",
    "forced_use",
    "burden",
    "door_behind_door",
    "unfiled",
    "owner_below_county",
    "exemption_expired",
    "failing",
    "no_complaint_channel",
    "beyond_cap",
]
KINDS: tuple[FindingKind, ...] = get_args(FindingKind)


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """One thing a finding rests on: what was seen (`said`, words for people), and where it is a
    figure, its value, the limit of the policy that it passed, and how many it speaks of."""

    said: Phrase
    measure: str | None = None
    value: float | None = None
    limit: float | None = None
    n: int | None = None
    since: date | None = None
    until: date | None = None


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One finding about an app. `rule` is the key of the policy that it applied, `basis` the
    published rule behind that, as the policy states it; `about` names the other app of a pair;
    `change` says what would make the finding go away."""

    kind: FindingKind
    app: str
    rule: str
    basis: str
    evidence: tuple[Evidence, ...]
    change: Phrase
    about: str = ""


def made(
    app: str,
    kind: FindingKind,
    rule: Rule,
    evidence: Iterable[Evidence],
    *,
    about: str = "",
    **change: object,
) -> Finding:
    """Return a finding of a rule; `change` are the parameters of what would make it go away
    (`finding.<kind>.change`)."""
    return Finding(
        kind=kind,
        app=app,
        rule=f"rules.{kind}",
        basis=rule.basis,
        evidence=tuple(evidence),
        change=Phrase(f"finding.{kind}.change", change),
        about=about,
    )


def percent(share: float) -> str:
    """Return a share as people read it: 95.9%."""
    return f"{share:.1%}"


def listed(names: Iterable[Text]) -> Text:
    """Return names as one list, in both languages."""
    each = list(names)
    return Text("、".join(name.zh for name in each), ", ".join(name.en for name in each))


def restored(stored: dict[str, Any]) -> Finding:
    """Return a finding as it was before it was stored as JSON, words within words included."""
    finding = msgspec.convert(stored, Finding, strict=False)
    replace = msgspec.structs.replace
    evidence = tuple(replace(one, said=_phrase(one.said)) for one in finding.evidence)
    return replace(finding, evidence=evidence, change=_phrase(finding.change))


def _phrase(phrase: Phrase) -> Phrase:
    return Phrase(phrase.key, {name: _words(value) for name, value in phrase.params.items()})


def _words(value: Any) -> Any:
    match value:
        case {"key": str(key), "params": dict(params)}:
            return _phrase(Phrase(key, params))
        case {"zh": str(zh), "en": str(en)}:
            return Text(zh, en)
    return value

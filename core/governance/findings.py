"""Findings: what governance sees in the figures of an app, with the evidence and what would
change it. A finding nominates; a person decides."""

from datetime import date
from typing import Literal

import msgspec

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

"""From a policy, what was observed, the register and the day to findings: a pure function.

A finding nominates an app for review; it decides nothing. Each rule is a small function of its
own (`rules_use`, `rules_forced`, `rules_register`, `rules_alike`) that yields what it found;
`docs/governance.md` says in words how each finding comes about.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date

from core.governance.cases import Case
from core.governance.findings import Finding
from core.governance.policy import Policy
from core.governance.register import RegisterEntry
from core.governance.rules_alike import burden, duplicate
from core.governance.rules_forced import forced_use
from core.governance.rules_register import (
    beyond_cap,
    door_behind_door,
    exemption_expired,
    no_complaint_channel,
    owner_below_county,
    unfiled,
)
from core.governance.rules_use import empty_shell, failing, low_use, zombie
from core.usage.measures import Observed

OF_ONE: tuple[Callable[[Case], Iterator[Finding]], ...] = (
    low_use,
    zombie,
    failing,
    door_behind_door,
    unfiled,
    owner_below_county,
    exemption_expired,
    no_complaint_channel,
)
OF_ALL: tuple[Callable[[Sequence[Case]], Iterator[Finding]], ...] = (duplicate, burden, beyond_cap)


def evaluate(
    policy: Policy,
    observed: Iterable[Observed],
    register: Iterable[RegisterEntry],
    today: date,
) -> list[Finding]:
    """Return every finding on `today`, by app, kind and the other app of a pair.

    An app of which nothing was observed is unknown, never unused.
    """
    seen = {one.app: one for one in observed}
    cases = [Case(policy, entry, seen.get(entry.app), today) for entry in register]
    found: list[Finding] = []
    for case in cases:
        found += (finding for rule in OF_ONE for finding in rule(case))
        forced = list(forced_use(case))
        found += forced
        if not any(seen.measure for finding in forced for seen in finding.evidence):
            # what looks forced by its use is busy with nothing, which is its evidence already
            found += empty_shell(case)
    for rule in OF_ALL:
        found += rule(cases)
    return sorted(found, key=lambda finding: (finding.app, finding.kind, finding.about))

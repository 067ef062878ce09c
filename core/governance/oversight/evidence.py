"""The evidence of a review: what was found and measured of the app when the register was last
looked at. It is kept in the case, so that a decision can be read years later; whoever decides
does so on evidence that still holds."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

import msgspec

from core.database import Transaction
from core.governance import evaluation
from core.governance.evaluation import key_of
from core.governance.findings import Finding, FindingKind, restored
from core.governance.policy import Policy
from core.usage.measures import Measure


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """What became different between two snapshots: findings that are new, that are gone, and
    those whose figures moved."""

    new: tuple[FindingKind, ...] = ()
    gone: tuple[FindingKind, ...] = ()
    moved: tuple[FindingKind, ...] = ()
    at: datetime | None = None


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """What was known of an app: when the register was looked at (None: never) and under which
    policy, the findings, the measures and their days, and how it changed when it was last
    refreshed."""

    at: datetime | None = None
    policy: str = ""
    findings: tuple[Finding, ...] = ()
    measures: tuple[Measure, ...] = ()
    since: date | None = None
    until: date | None = None
    change: Change | None = None

    def names_the_same(self, other: "Snapshot") -> bool:
        """Return whether two snapshots hold the same findings, whatever their figures."""
        return {key_of(one) for one in self.findings} == {key_of(one) for one in other.findings}

    def newer_than(self, other: "Snapshot") -> bool:
        """Return whether the register was looked at since another was taken."""
        return self.at is not None and (other.at is None or self.at > other.at)

    def too_old(self, policy: Policy, now: datetime) -> bool:
        """Return whether nobody decides on it any more."""
        days = timedelta(days=policy.life_cycle.evidence_days)
        return self.at is None or now - self.at > days


async def snapshot(tx: Transaction, app: str) -> Snapshot:
    """Return what is known of an app now: as the register was last looked at."""
    last = await evaluation.last(tx)
    if last is None:
        return Snapshot()
    held = await evaluation.findings(tx, app)
    measured = next(iter(await evaluation.measured(tx, [app])), None)
    return Snapshot(
        at=last.at,
        policy=last.policy,
        findings=tuple(one.finding for one in held),
        measures=measured.measures if measured else (),
        since=measured.since if measured else None,
        until=measured.until if measured else None,
    )


def changed(before: Snapshot, after: Snapshot) -> Change:
    """Return what is different in a later snapshot."""
    then = {key_of(one): one for one in before.findings}
    now = {key_of(one): one for one in after.findings}
    return Change(
        new=tuple(one.kind for key, one in now.items() if key not in then),
        gone=tuple(one.kind for key, one in then.items() if key not in now),
        moved=tuple(
            one.kind
            for key, one in now.items()
            if key in then and then[key].evidence != one.evidence
        ),
        at=before.at,
    )


def stored(one: Snapshot) -> dict[str, Any]:
    """Return a snapshot as the case keeps it."""
    kept: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(one))
    return kept


def kept(of_case: Mapping[str, Any]) -> Snapshot:
    """Return a snapshot that a case kept."""
    found = msgspec.convert({**of_case, "findings": ()}, Snapshot, strict=False)
    findings = tuple(restored(one) for one in of_case["findings"])
    return msgspec.structs.replace(found, findings=findings)

"""Looking at the register: once a night, and on demand. What is found is kept since when it holds
and until when it held; nothing is decided here.

Reading and judging happen in a transaction that only reads; what was found is then written under
a lock, so that two schedulers at once leave one set of findings.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, cast

import msgspec
from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col

from core.database import Database, Transaction
from core.governance.findings import Finding, FindingKind, restored
from core.governance.models import Evaluation, FindingRow, Measured
from core.governance.policy import Policy
from core.governance.register import RegisterEntry, entries
from core.governance.rules import evaluate
from core.usage.measures import Measure, Observed, last_days, measure
from core.usage.observing import observe
from plugin_sdk.data import lock_key, new_id
from plugin_sdk.manifest_model import Manifest
from plugin_sdk.times import SHANGHAI

Key = tuple[str, str, str]
"""App, kind of finding, the other app of a pair."""


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """A finding as it is kept: since when it holds, when it was last seen, when it was cleared."""

    finding: Finding
    found_at: datetime
    seen_at: datetime
    cleared_at: datetime | None


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What an evaluation changed: findings that are new, still there, and gone."""

    at: datetime
    policy: str
    apps: int
    opened: int
    still: int
    cleared: int

    @property
    def findings(self) -> int:
        """Return how many findings there are now."""
        return self.opened + self.still


class AppMeasures(msgspec.Struct, frozen=True, kw_only=True):
    """The measures of an app when the register was last looked at. `known_since` is the first day
    of which anything is known."""

    app: str
    known_since: date
    at: datetime
    since: date
    until: date
    measures: tuple[Measure, ...]

    def named(self, key: str) -> Measure | None:
        """Return one of the measures."""
        return next((measure for measure in self.measures if measure.key == key), None)


class LastLook(msgspec.Struct, frozen=True, kw_only=True):
    """When the register was last looked at, under which policy, and how many findings it had."""

    at: datetime
    policy: str
    apps: int
    findings: int


class WhatIf(msgspec.Struct, frozen=True, kw_only=True):
    """What another policy would nominate and the present one does not, what it would no longer,
    and how many findings would stay."""

    added: tuple[Finding, ...]
    gone: tuple[Finding, ...]
    same: int


class Look(msgspec.Struct, frozen=True):
    """Everything that a policy is applied to on a day."""

    today: date
    entries: tuple[RegisterEntry, ...]
    observed: Mapping[str, Observed]

    def findings(self, policy: Policy) -> list[Finding]:
        """Return what a policy finds."""
        return evaluate(policy, self.observed.values(), self.entries, self.today)


async def run(
    database: Database,
    policy: Policy,
    installed: Iterable[Manifest],
    *,
    now: datetime | None = None,
) -> Outcome:
    """Look at the register under a policy, and write down what was found and measured; `now` is
    the moment for which a demonstration does so."""
    manifests = list(installed)
    async with database.transaction(now=now) as tx:
        seen = await look(tx, policy, manifests)
    return await keep(database, policy, seen, now=now)


async def keep(
    database: Database, policy: Policy, seen: Look, *, now: datetime | None = None
) -> Outcome:
    """Judge what was seen, and write down what was found and measured; one at a time does."""
    found = await asyncio.to_thread(seen.findings, policy)
    async with database.transaction(write=True, now=now) as tx:
        if not database.sqlite:
            key = lock_key("yimen.findings")
            await tx.session.execute(select(func.pg_advisory_xact_lock(key)))
        outcome = await _keep(tx, policy, seen, found)
        await _measure(tx, policy, seen)
    return outcome


async def look(tx: Transaction, policy: Policy, installed: Iterable[Manifest]) -> Look:
    """Return the register as it is today, with all that was counted of its apps."""
    return await look_at(tx, policy, await entries(tx, installed, policy.counts))


async def look_at(tx: Transaction, policy: Policy, register: Sequence[RegisterEntry]) -> Look:
    """Return a register with all that was counted of its apps until yesterday."""
    today = tx.now.astimezone(SHANGHAI).date()
    until = today - timedelta(days=1)
    observed = await observe(
        tx,
        {entry.app: entry.cadence for entry in register},
        last_days(until, policy.windows.longest),
        recent=last_days(until, policy.rules.failing.days),
    )
    behind = {entry.app for entry in register if entry.behind_door}
    since = await _known_since(tx)
    return Look(
        today,
        tuple(register),
        {
            one.app: counted_from(one, since.get(one.app)) if one.app in behind else one
            for one in observed
        },
    )


async def what_if(
    tx: Transaction, present: Policy, other: Policy, installed: Iterable[Manifest]
) -> WhatIf:
    """Return whom another policy would nominate, and whom no longer; writes nothing."""
    manifests = list(installed)
    seen = await look(tx, present, manifests)
    now = {key_of(finding): finding for finding in await asyncio.to_thread(seen.findings, present)}
    if other.windows.longest > present.windows.longest or other.counts != present.counts:
        seen = await look(tx, other, manifests)
    then = {key_of(finding): finding for finding in await asyncio.to_thread(seen.findings, other)}
    return WhatIf(
        added=tuple(finding for key, finding in then.items() if key not in now),
        gone=tuple(finding for key, finding in now.items() if key not in then),
        same=len(now.keys() & then.keys()),
    )


async def kinds(tx: Transaction) -> list[tuple[str, FindingKind]]:
    """Return which apps have which kinds of finding now: one pair a finding, by app and kind."""
    row = FindingRow
    found = await tx.session.execute(
        select(col(row.app), col(row.kind))
        .where(col(row.cleared_at).is_(None))
        .order_by(col(row.app), col(row.kind), col(row.about))
    )
    return [(app, cast("FindingKind", kind)) for app, kind in found]


async def findings(tx: Transaction, *apps: str, cleared: bool = False) -> list[Held]:
    """Return the findings that hold (with `cleared` those that held too), of some apps or of all,
    by app and kind."""
    row = FindingRow
    statement = select(
        col(row.finding), col(row.found_at), col(row.seen_at), col(row.cleared_at)
    ).order_by(col(row.app), col(row.kind), col(row.about), col(row.found_at))
    if apps:
        statement = statement.where(col(row.app).in_(apps))
    if not cleared:
        statement = statement.where(col(row.cleared_at).is_(None))
    return [
        Held(
            finding=restored(finding),
            found_at=found_at,
            seen_at=seen_at,
            cleared_at=cleared_at,
        )
        for finding, found_at, seen_at, cleared_at in await tx.session.execute(statement)
    ]


async def measured(tx: Transaction, apps: Sequence[str] | None = None) -> list[AppMeasures]:
    """Return the measures of apps (None: of all) when the register was last looked at, by app."""
    row = Measured
    statement = select(*(getattr(row, name) for name in AppMeasures.__struct_fields__)).order_by(
        col(row.app)
    )
    if apps is not None:
        statement = statement.where(col(row.app).in_(apps))
    return [
        AppMeasures(
            app=app,
            known_since=known_since,
            at=at,
            since=since,
            until=until,
            measures=msgspec.convert(measures, tuple[Measure, ...], strict=False),
        )
        for app, known_since, at, since, until, measures in await tx.session.execute(statement)
    ]


async def last(tx: Transaction) -> LastLook | None:
    """Return when the register was last looked at; None if it never was."""
    row = Evaluation
    found = await tx.session.execute(
        select(col(row.at), col(row.policy), col(row.apps), col(row.findings))
        .order_by(col(row.at).desc())
        .limit(1)
    )
    for at, policy, apps, count in found:
        return LastLook(at=at, policy=policy, apps=apps, findings=count)
    return None


def key_of(finding: Finding) -> Key:
    """Return what makes two findings the same one."""
    return finding.app, finding.kind, finding.about


async def _keep(tx: Transaction, policy: Policy, seen: Look, found: Sequence[Finding]) -> Outcome:
    row = FindingRow
    held = {
        (app, kind, about): id
        for id, app, kind, about in await tx.session.execute(
            select(col(row.id), col(row.app), col(row.kind), col(row.about)).where(
                col(row.cleared_at).is_(None)
            )
        )
    }
    now = {key_of(finding): finding for finding in found}
    opened = [
        {
            "id": new_id(),
            "app": finding.app,
            "kind": finding.kind,
            "about": finding.about,
            "found_at": tx.now,
            "seen_at": tx.now,
            "finding": msgspec.to_builtins(finding),
        }
        for key, finding in now.items()
        if key not in held
    ]
    if opened:
        await tx.session.execute(insert(FindingRow), opened)
    for key, id in held.items():
        values: dict[str, Any] = {"cleared_at": tx.now}
        if key in now:
            values = {"seen_at": tx.now, "finding": msgspec.to_builtins(now[key])}
        await tx.session.execute(update(FindingRow).where(col(row.id) == id).values(**values))
    dialect = sqlite if tx.database.sqlite else postgresql
    count = {"policy": policy.version, "apps": len(seen.entries), "findings": len(now)}
    await tx.session.execute(
        dialect.insert(Evaluation).values(at=tx.now, **count).on_conflict_do_nothing()
    )
    still = len(held.keys() & now.keys())
    return Outcome(
        at=tx.now,
        policy=policy.version,
        apps=len(seen.entries),
        opened=len(opened),
        still=still,
        cleared=len(held) - still,
    )


async def _measure(tx: Transaction, policy: Policy, seen: Look) -> None:
    since = await _known_since(tx)
    rows = []
    for entry in seen.entries:
        one = seen.observed.get(entry.app)
        if one is None:
            continue
        window = last_days(seen.today - timedelta(days=1), policy.windows.of(entry.cadence))
        taken = measure(
            one,
            window,
            entitled=entry.entitled,
            yearly_cost=entry.yearly_cost,
            finishes=entry.finishes,
        )
        known = min(filter(None, [since.get(entry.app), one.counted_since, seen.today]))
        rows.append(
            {
                "app": entry.app,
                "known_since": known,
                "at": tx.now,
                "since": window.since,
                "until": window.until,
                "measures": msgspec.to_builtins(taken),
            }
        )
    await tx.session.execute(delete(Measured))
    if rows:
        await tx.session.execute(insert(Measured), rows)


async def _known_since(tx: Transaction) -> dict[str, date]:
    found = await tx.session.execute(select(col(Measured.app), col(Measured.known_since)))
    return {app: since for app, since in found}


def counted_from(observed: Observed, since: date | None) -> Observed:
    """Return what was observed of an app behind the door, counted since it was first looked at:
    that nobody has used it since is known, and no gap. Beyond the door only counts are known."""
    first = observed.counted_since
    if since is None or (first is not None and first <= since):
        return observed
    return msgspec.structs.replace(observed, counted_since=since)

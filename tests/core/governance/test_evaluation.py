"""Looking at the register on both engines: what is opened, kept and cleared, by two at once, and
what another policy would do."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace
from sqlalchemy import insert, select
from sqlmodel import col

from core.governance import evaluation
from core.governance.declared import DeclarationError
from core.governance.declared import load as load_declared
from core.governance.policy import load
from core.governance.register import entries, register
from core.governance.service import JOB, Governance
from core.jobs import PeriodicJob
from core.usage.models import KINDS, UsageDay, UsageReach
from plugin_sdk.manifest import load as load_manifest

ROOT = Path(__file__).parents[3]
POLICY = load((ROOT / "manifests" / "policy.toml").read_bytes())
ASKED = (ROOT / "plugins" / "hotline" / "manifest.toml").read_text(encoding="utf-8")


def manifest(app, **changed):
    """The hotline's manifest as that of another app, with some lines changed."""
    text = ASKED.replace('id = "hotline"', f'id = "{app}"').replace("hotline_", f"{app}_")
    text = text.replace('package = "hotline"', f'package = "{app}"').replace("371603", "U1")
    text = text.replace('cadence = "yearly"', 'cadence = "monthly"')
    text = text.replace('stage = "trial"\nsince = 2026', 'stage = "active"\nsince = 2024')
    for old, new in changed.items():
        text = text.replace(old, new)
    return text


HOTLINE = load_manifest(manifest("hotline"))
NOW = datetime(2026, 11, 26, 3, tzinfo=UTC)


@pytest.fixture(autouse=True)
def stand(shell):
    """Let the time stand: measures are of days."""
    shell.clock.stand(NOW)


async def counted(shell, app, day, days, **counts):
    """Write as many days of an app alike, the last of them `day`."""
    rows = [
        {"app": app, "day": day - timedelta(days=back), **dict.fromkeys(KINDS, 0), **counts}
        for back in range(days)
    ]
    async with shell.write() as tx:
        await tx.session.execute(insert(UsageDay), rows)


async def look(shell, installed, policy=POLICY):
    return await evaluation.run(shell.database, policy, installed)


async def held(shell, **which):
    async with shell.read() as tx:
        found = await evaluation.findings(tx, **which)
    return {(one.finding.app, one.finding.kind): one for one in found}


async def test_what_is_found_is_kept_from_when_until_when(shell):
    today = shell.clock().date()
    await counted(shell, "hotline", today, 200, answered=1)  # somebody looks after it
    first = await look(shell, [HOTLINE])
    assert (first.opened, first.still, first.cleared) == (1, 0, 0)
    (key, one) = next(iter((await held(shell)).items()))
    assert key == ("hotline", "zombie")
    assert one.finding.evidence[0].said.params["days"] == 182
    shell.clock.move(days=1)
    second = await look(shell, [HOTLINE])
    assert (second.opened, second.still, second.cleared) == (0, 1, 0)
    again = (await held(shell))["hotline", "zombie"]
    assert (again.found_at, again.seen_at > one.seen_at) == (one.found_at, True)
    shell.clock.move(days=1)
    await counted(shell, "hotline", shell.clock().date() - timedelta(days=1), 1, effects=9, opens=9)
    third = await look(shell, [HOTLINE])
    assert (third.opened, third.still, third.cleared) == (0, 0, 1)
    assert await held(shell) == {}
    over = (await held(shell, cleared=True))["hotline", "zombie"]
    assert over.cleared_at == third.at
    async with shell.read() as tx:
        last = await evaluation.last(tx)
        (measured,) = await evaluation.measured(tx, ["hotline"])
    assert last is not None
    assert (last.findings, last.policy, last.apps) == (0, POLICY.version, 1)
    assert measured.until == shell.clock().date() - timedelta(days=1)
    assert {one.key: one.state for one in measured.measures}["completion"] == "not_applicable"


async def test_two_schedulers_at_once_leave_one_set_of_findings(shell):
    await counted(shell, "hotline", shell.clock().date(), 200, answered=1)
    outcomes = await asyncio.gather(*(look(shell, [HOTLINE]) for _ in range(3)))
    assert sorted(one.opened for one in outcomes) == [0, 0, 1]
    assert len(await held(shell)) == 1
    async with shell.read() as tx:
        assert len(await evaluation.measured(tx)) == 1


async def test_an_app_that_came_lately_is_unknown_before_and_not_unused(shell):
    today = shell.clock().date()
    await counted(shell, "other", today, 400, answered=1)
    assert (await look(shell, [HOTLINE])).findings == 0
    shell.clock.move(days=100)
    await counted(shell, "other", shell.clock().date(), 100, answered=1)
    assert (await look(shell, [HOTLINE])).findings == 0, "half of its window is known"
    shell.clock.move(days=90)
    await counted(shell, "other", shell.clock().date(), 90, answered=1)
    await look(shell, [HOTLINE])
    assert set(await held(shell)) == {("hotline", "zombie")}


async def test_what_another_policy_would_nominate_and_changes_nothing(shell):
    await counted(shell, "hotline", shell.clock().date(), 200, answered=1, opens=1, effects=1)
    rows = [
        {"app": "hotline", "period": period, "kind": "completed", "organization": "*"}
        for period in ("2026-05", "2026-06", "2026-07", "2026-08", "2026-09", "2026-10")
    ]
    async with shell.write() as tx:
        await tx.session.execute(
            insert(UsageReach), [{**row, "sketch": b"", "people": 300} for row in rows]
        )
    people = replace(POLICY, populations=())
    stated = load_manifest(manifest("hotline", **{'entitled = "all_residents"': "entitled = 2000"}))
    assert stated.usage.entitled == 2000
    reach = replace(people.rules.low_use.reach, monthly=0.2, daily=0.2, weekly=0.2)
    low = replace(people.rules.low_use, reach=reach)
    stricter = replace(people, version="try", rules=replace(people.rules, low_use=low))
    await look(shell, [stated], people)
    async with shell.read() as tx:
        then = await evaluation.what_if(tx, people, stricter, [stated])
        back = await evaluation.what_if(tx, stricter, people, [stated])
    assert [(one.app, one.kind) for one in then.added] == [("hotline", "low_use")]
    assert (then.gone, then.same) == ((), 0)
    assert [one.kind for one in back.gone] == ["low_use"]
    assert await held(shell) == {}


OLD = """
[[apps]]
app = "old"
names = { zh = "旧应用", en = "Old app" }
owner = "U1"
stage = "active"
since = 2024-01-01
entitled = "all_residents"
functions = [{ zh = "查询", en = "Look up" }]
"""


async def test_the_register_holds_what_is_installed_and_what_is_beyond_the_door(shell):
    (old,) = load_declared(OLD)
    filed = replace(old, filing_number="BA-2026-0009")
    async with shell.write() as tx:
        assert await register(tx, old)
        assert not await register(tx, old)
        assert await register(tx, filed)
    async with shell.read() as tx:
        found = await entries(tx, [HOTLINE], POLICY.counts)
        installed = await entries(tx, [load_manifest(manifest("old"))], POLICY.counts)
    assert [(one.app, one.behind_door, one.filing_number) for one in found] == [
        ("hotline", True, "BA-2026-0001"),
        ("old", False, "BA-2026-0009"),
    ]
    assert [one.behind_door for one in installed] == [True]
    assert found[1].entitled == POLICY.counts["all_residents"]
    owner = found[0].owner
    assert (owner.code, owner.level, owner.unit, owner.division) == ("U1", "county", True, "C")


async def test_beyond_the_door_only_what_was_counted_is_judged(shell):
    async with shell.write() as tx:
        (old,) = load_declared(OLD)
        await register(tx, old)
    await look(shell, [], POLICY)
    shell.clock.move(days=500)
    await look(shell, [], POLICY)
    assert "zombie" not in {kind for _, kind in await held(shell)}


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ('stage = "active"', 'stage = "activ"', 6, "not one of"),
        ("since = ", "sinse = ", 7, "did you mean since"),
        ("entitled", "cost", 8, "no field"),
        ("2024-01-01", "2024-01-01\n[[apps]]\napp = 'old'", 9, "twice"),
        ('"U1"', '""', 5, "organization code"),
    ],
)
def test_a_declaration_with_a_fault_is_refused_with_its_line(old, new, line, said):
    with pytest.raises(DeclarationError) as refused:
        load_declared(OLD.replace(old, new, 1))
    faults = refused.value.faults
    assert any(
        fault.line == line and said in f"{fault.message.en} {fault.remedy.en}" for fault in faults
    ), faults


async def test_one_worker_looks_each_night_and_a_policy_with_faults_judges_nobody(shell, tmp_path):
    await counted(shell, "hotline", shell.clock().date(), 200, answered=1)
    jobs, policy = shell.services.jobs, tmp_path / "policy.toml"
    Governance(shell.database, tmp_path, lambda: [HOTLINE]).schedule(jobs)
    await jobs.run_due()
    async with shell.read() as tx:
        assert await evaluation.last(tx) is None, "there is no policy"
    house = (ROOT / "manifests" / "policy.toml").read_text(encoding="utf-8")
    policy.write_text(house.replace("grace_days", "grace_dayz"), encoding="utf-8")
    shell.clock.move(days=1)
    await jobs.run_due()
    async with shell.read() as tx:
        assert await evaluation.last(tx) is None, "it is in force as it stands, or not at all"
        error = await tx.session.scalar(
            select(col(PeriodicJob.last_error)).where(col(PeriodicJob.name) == JOB)
        )
    assert error is not None
    assert "PolicyError" in error
    policy.write_text(house, encoding="utf-8")
    shell.clock.move(days=1)
    await asyncio.gather(jobs.run_due(), jobs.run_due())
    assert set(await held(shell)) == {("hotline", "zombie")}

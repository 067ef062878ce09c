"""How many people: each once in a period, whoever sends what how often; and never who."""

import asyncio
import random
from datetime import date, timedelta
from uuid import uuid4

from sqlalchemy import select
from sqlmodel import col

from core.usage import pseudonyms, reach, sketches
from core.usage.batches import Reached
from core.usage.measures import ReachTotal, Window
from core.usage.models import UsageReach, UsageReachKey
from core.usage.periods import named, overlapping, period_of
from core.usage.visits import RULES
from plugin_sdk.manifest import Usage as Rules
from plugin_sdk.ports import Actor, Audience
from plugin_sdk.times import SHANGHAI


def today(shell) -> date:
    return shell.database.clock().astimezone(SHANGHAI).date()


async def add(shell, *items: Reached) -> None:
    async with shell.write() as tx:
        await reach.add(tx, items)


async def total(shell, app="hotline", since=None, until=None) -> ReachTotal | None:
    window = Window(since or today(shell), until or today(shell))
    async with shell.read() as tx:
        found = await reach.totals(tx, {app: "monthly"}, window)
    (one,) = found.get(app, (None,))
    return one


def test_periods_are_months_quarters_and_years():
    day = date(2026, 11, 26)
    for cadence, key, since, until in (
        ("daily", "2026-11", date(2026, 11, 1), date(2026, 11, 30)),
        ("monthly", "2026-11", date(2026, 11, 1), date(2026, 11, 30)),
        ("quarterly", "2026-Q4", date(2026, 10, 1), date(2026, 12, 31)),
        ("yearly", "2026", date(2026, 1, 1), date(2026, 12, 31)),
    ):
        period = period_of(cadence, day)
        assert (period.key, period.since, period.until) == (key, since, until)
        assert named(key) == period
    assert named("2026").ends_at.isoformat() == "2027-01-01T00:00:00+08:00"
    across = [period.key for period in overlapping(date(2026, 12, 31), date(2027, 1, 1))]
    assert across == ["2026-12", "2027-01", "2026-Q4", "2027-Q1", "2026", "2027"]


async def test_everybody_counts_once_whatever_is_merged_with_what(shell):
    unit, other = str(await shell.organization("U1")), str(await shell.organization("V11"))
    month = period_of("monthly", today(shell)).key
    draw = random.Random(5)
    people = [draw.getrandbits(64) for _ in range(40)]
    sent = [
        Reached("hotline", month, "opened", unit, tuple(people[:25])),
        Reached("hotline", month, "opened", other, tuple(people[15:])),
        Reached("hotline", month, "completed", unit, tuple(people[:3])),
        Reached("hotline", month, "opened", "", (people[0],)),
    ]
    await add(shell, *sent)
    await asyncio.gather(*(add(shell, *random.Random(n).sample(sent, 3)) for n in range(4)))
    found = await total(shell)
    assert found is not None
    assert (found.period, found.opened, found.completed) == (month, 40, 3)
    async with shell.read() as tx:
        assert await reach.totals(tx, ["other"], Window(today(shell), today(shell))) == {}
        assert await reach.by_organization(tx, "hotline", month) == [], "not while it runs"


async def test_a_table_is_published_once_and_never_changes(shell):
    """What is late, and who moves, changes nothing in it: no two tables of a period differ."""
    month = period_of("monthly", today(shell))
    t1, v11, v12, v21 = [await shell.organization(code) for code in ("T1", "V11", "V12", "V21")]
    crowd = iter(range(1, 1000))

    def people(n: int) -> tuple[int, ...]:
        return tuple(next(crowd) for _ in range(n))

    def item(place, *people: int, kind="opened") -> Reached:
        return Reached("hotline", month.key, kind, str(place) if place else "", people)

    first = people(12)
    await add(
        shell,
        item(v11, *first),
        item(v12, *people(3)),
        item(v21, *people(8)),
        item(t1, *people(4), *first[:2]),
        item(None, *people(30)),
        item(v11, *people(4), kind="completed"),
    )
    await reach.settle(shell.database)
    assert await table(shell, month.key) == {}
    shell.clock.stand(month.ends_at + reach.LATE + timedelta(hours=1))
    await asyncio.gather(*(reach.settle(shell.database) for _ in range(2)))
    # 57 in all; 19 of T1, of whom 12 in V11 (3 of V12 and 4 of its own are seven others); 8 of V21
    codes = {"C": 25, "T1": 15, "V11": 10, "T2": 5, "V21": 5}
    shown = {await shell.organization(code): (count, None) for code, count in codes.items()}
    assert await table(shell, month.key) == shown
    await add(shell, item(v12, *people(9)))
    await reach.settle(shell.database)
    assert await table(shell, month.key) == shown
    found = await total(shell, since=month.since, until=month.until)
    assert found is not None
    assert (found.opened, found.completed) == (57, 4)
    async with shell.read() as tx:
        left = await tx.session.execute(
            select(col(UsageReach.organization)).where(col(UsageReach.sketch) != b"").distinct()
        )
        assert list(left.scalars()) == [reach.EVERYWHERE], "no sketch of a place is kept"


async def table(shell, period: str):
    async with shell.read() as tx:
        found = await reach.by_organization(tx, "hotline", period)
    return {one.organization: (one.opened, one.completed) for one in found}


async def test_the_key_of_a_period_is_one_among_workers_and_does_not_outlive_it(make_shell):
    one, other = await make_shell(), await make_shell()
    resident = Actor(person_id=uuid4())
    for shell in (one, other):
        for _ in range(3):
            shell.services.visits.opened("hotline", RULES, resident, "web")
        await shell.services.count_usage()
    found = await total(one)
    assert found is not None
    assert found.opened == 1, "the same person, through another worker"
    one.clock.stand(named(found.period).ends_at + timedelta(days=2))
    one.services.visits.opened("hotline", RULES, resident, "web")
    await one.services.count_usage()
    await reach.settle(one.database)
    async with one.read() as tx:
        (kept,) = await tx.session.execute(select(col(UsageReachKey.period)))
    assert kept.period == period_of("monthly", today(one)).key != found.period
    assert found.period not in str(vars(one.services.visits.pseudonyms)["_keys"]["hotline"].period)


async def test_a_clock_that_leaps_destroys_no_key_and_publishes_nothing(shell):
    """It is wrong as often as not, and what is destroyed does not come back: a day is waited."""
    shell.services.visits.opened("hotline", RULES, Actor(person_id=uuid4()), "web")
    await shell.services.count_usage()
    shell.clock.move(days=400)
    await reach.settle(shell.database)
    async with shell.read() as tx:
        assert len((await tx.session.execute(select(UsageReachKey))).all()) == 1
    shell.services.usage.tick()
    await shell.services.count_usage()
    await reach.settle(shell.database)  # it speaks again, a moment after a gap of 400 days
    async with shell.read() as tx:
        assert len((await tx.session.execute(select(UsageReachKey))).all()) == 1
    shell.clock.move(days=1, minutes=1)
    await reach.settle(shell.database)
    async with shell.read() as tx:
        assert not (await tx.session.execute(select(UsageReachKey))).all()


async def test_whom_an_app_reaches(shell):
    """Those it is for: who serves them is not of them, and nobody is counted who is not known."""
    visits = shell.services.visits
    rules = Rules(effects=("done",), cadence="monthly", entitled="all_residents")
    asker, staff = uuid4(), Actor(person_id=uuid4(), audience=Audience.STAFF)
    for actor in (staff, Actor(), Actor(person_id=uuid4()), Actor(person_id=asker)):
        visits.opened("hotline", rules, actor, "web")
    for actor, served in (
        (staff, asker),
        (staff, None),  # a caller without an account
        (Actor(person_id=asker), None),
        (Actor(name="hotline: lapse", system=True), asker),
    ):
        visits.did("hotline", rules, actor, "web", effects=[("done", served)], filed=False)
    rules = Rules(effects=("done",), cadence="yearly", entitled="all_staff")
    visits.did("survey", rules, staff, "web", effects=[("done", None)], filed=False)
    visits.did("survey", rules, Actor(person_id=asker), "web", effects=[("done", None)], filed=True)
    await shell.services.count_usage()
    found, survey = await total(shell), await total(shell, "survey")
    assert found is not None
    assert survey is not None
    assert (found.opened, found.completed) == (2, 1)
    assert (survey.period, survey.completed) == (str(today(shell).year), 1)


async def test_nobody_waits_for_a_key_and_nobody_is_forgotten_meanwhile(shell, monkeypatch):
    visits = shell.services.visits
    monkeypatch.setattr(pseudonyms, "AGAIN_SECONDS", 0.01)
    before, tries = reach.key_of, []

    async def away(*args):
        tries.append(1)
        if len(tries) < 3:
            raise ConnectionError
        return await before(*args)

    monkeypatch.setattr(pseudonyms, "key_of", away)
    for _ in range(7):
        visits.opened("hotline", RULES, Actor(person_id=uuid4()), "web")
    await shell.services.count_usage()
    found = await total(shell)
    assert found is not None
    assert found.opened == 7


def test_merged_sketches_are_within_two_percent():
    """A seeded few; `python -m bench reach` merges a thousand."""
    close = 0
    for seed in range(20):
        draw = random.Random(seed)
        everybody = [draw.getrandbits(64) for _ in range(8_000)]
        parts = [draw.sample(everybody, 2_000) for _ in range(6)]
        true = len(set().union(*parts))
        found = sketches.people_in(sketches.merged(sketches.merged([], part) for part in parts))
        close += abs(found - true) <= 0.02 * true
    assert close >= 19

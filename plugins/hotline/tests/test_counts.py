"""What is counted as it happens is what a recount of the rows finds: whatever comes twice, late or
at once, however much is gathered, for whoever asks."""

import asyncio
from collections import Counter
from datetime import timedelta
from importlib import import_module
from typing import Any

import msgspec
from alembic.migration import MigrationContext
from alembic.operations import Operations
from hypothesis import strategies as st
from sqlalchemy import delete, insert, select

from plugin_sdk.cases.counted import NOBODY, UNRATED
from plugin_sdk.cases.figures import tally
from plugin_sdk.cases.revisions import count_unrated
from plugin_sdk.deadlines import local_day
from plugin_sdk.ports import Permit, ScopeKind
from plugins.hotline import counts
from plugins.hotline.calls.models import Call
from plugins.hotline.checking.judged import ASKED
from plugins.hotline.checking.models import Check, FollowUp, Rating
from plugins.hotline.counts import CALLS, CHECKS, FOLLOW_UPS, RATINGS, Count, counted, gather
from plugins.hotline.desk import desk_of
from plugins.hotline.lines.figures import months_of, use
from plugins.hotline.lines.register import READ
from plugins.hotline.models import OrderCounted, OrderFigure
from plugins.hotline.tests import test_checking_calls as calling
from plugins.hotline.tests import test_checking_quality as checking
from plugins.hotline.tests.conftest import HERE
from plugins.hotline.tests.switching import Exchange
from tests.core.conftest import explore

MIGRATION = import_module("plugins.hotline.migrations.versions.0016_counts")
PERMISSIONS = {
    CALLS: READ,
    RATINGS: "figures.read",
    CHECKS: "figures.read",
    FOLLOW_UPS: "followup.call",
}
LINES = ("12319", "12345")
EVENTS = st.tuples(
    st.sampled_from(("ringing", "answered", "ended", "ended", "gather", "killed", "twice")),
    st.integers(0, 9),  # which call
    st.integers(0, 1500),  # hours ago
)


class Killed(Exception):
    """The gathering was killed before its transaction was over."""


async def happened(read: Any) -> Counter[Any]:
    """Return what the rows in sight say: of each kind, by unit, value and day."""
    found: Counter[Any] = Counter()

    async def rows(model: Any, kind: str) -> Any:
        statement = read.rows(model, permission=PERMISSIONS[kind])
        return (await read.session.execute(statement)).scalars()

    for call in await rows(Call, CALLS):
        if call.direction == "in":
            day = local_day(call.started_at)
            found[CALLS, call.organization_id, call.line or "", day] += 1
    for rating in await rows(Rating, RATINGS):
        key = (rating.organization_id, str(rating.stars), local_day(rating.rated_at))
        found[RATINGS, *key] += 1
    for check in await rows(Check, CHECKS):
        if check.judged_at is not None:
            said = ["judged", *(name for name in ASKED if getattr(check, name))]
            said += ["passed"] if check.state == "passed" else []
            day = local_day(check.judged_at)
            found.update((CHECKS, check.organization_id, value, day) for value in said)
    for follow in await rows(FollowUp, FOLLOW_UPS):
        if follow.closed_at is not None:
            day = local_day(follow.closed_at)
            found[FOLLOW_UPS, follow.organization_id, follow.outcome, day] += 1
    return found


async def compare(hub: Any, actor: Any) -> Counter[Any]:
    """Compare what an actor reads of some periods with the rows in the actor's sight."""
    today = local_day(hub.now())
    async with hub.read(actor) as read:
        rows = await happened(read)
        for first, last in ((100, -1), (100, 0), (61, 3), (40, 12), (9, 2), (0, 0), (1, 5)):
            since, until = today - timedelta(days=first), today - timedelta(days=last)
            for kind, permission in PERMISSIONS.items():
                wanted: Counter[Any] = Counter()
                for (of, unit, value, day), n in rows.items():
                    if of == kind and since <= day <= until:
                        wanted[unit, value] += n
                got = await counted(
                    read, kind, since, until, "organization_id", "value", permission=permission
                )
                assert got == wanted, (kind, since, until)
                one = await counted(read, kind, since, until, value=LINES[0], permission=permission)
                assert sum(one.values()) == sum(
                    n for key, n in wanted.items() if key[1] == LINES[0]
                )
        months = months_of(today - timedelta(days=100), today + timedelta(days=1))
        monthly: Counter[Any] = Counter()
        for (of, _, line, day), n in rows.items():
            if of == CALLS and f"{day:%Y-%m}" in months:
                monthly[line or None, f"{day:%Y-%m}"] += n
        assert (await use(read, months)).calls == monthly
    return rows


async def compare_all(hub: Any, cast: Any) -> Counter[Any]:
    """Compare for the system, and for who sees one unit or two."""
    units = [cast[name].organization_id for name in ("dispatcher", "unit", "unit2")]
    for some in (units[:1], units[1:2], units[1:], units[::2]):
        permit = Permit(grant="g", role="r", scope=ScopeKind.NAMED, organizations=tuple(some))
        permits = {f"hotline.{name}": (permit,) for name in PERMISSIONS.values()}
        await compare(hub, msgspec.structs.replace(cast["unit"], permits=permits))
    return await compare(hub, hub.system("test"))


async def cells(hub: Any) -> list[Any]:
    """Return the counts that are there."""
    async with hub.read(hub.system("test")) as read:
        return list((await read.session.execute(select(Count))).scalars())


async def gathered(hub: Any, limit: int = 500, *, killed: bool = False) -> None:
    """Gather once."""
    try:
        async with hub.work(hub.system("job counts")) as work:
            await gather(work, limit)
            if killed:
                raise Killed
    except Killed:
        return


async def migrated_anew(hub_app: Any) -> None:
    """Take the counts back, and let the revision make them of what is there."""

    async with hub_app.hub.services.database.migration() as connection:
        await connection.run_sync(in_revision, MIGRATION.downgrade)
        await connection.run_sync(in_revision, MIGRATION.upgrade)
        await connection.commit()


def in_revision(connection: Any, do: Any) -> None:
    """Do what a revision does."""
    with Operations.context(MigrationContext.configure(connection)):
        do()


async def every_way(hub_app: Any, hub: Any, cast: Any) -> Counter[Any]:
    """Compare as it is, gathered, and made of the rows by the revision; return what happened."""
    before = await compare_all(hub, cast)
    await counts.job(hub).run(hub.system("job counts"))
    assert all(cell.entry_id == NOBODY and cell.n for cell in await cells(hub))
    assert await compare_all(hub, cast) == before
    await migrated_anew(hub_app)
    assert await compare_all(hub, cast) == before
    await counts.job(hub).run(hub.system("job counts"))
    assert await compare_all(hub, cast) == before
    return before


async def test_calls_counted_as_they_come_are_those_counted_anew(hub_app):
    exchange, cast = Exchange(hub_app), await hub_app.actors()
    hub = exchange.board.hub
    centre = await exchange.board.orders.engine.receiver(exchange.board.system)
    example = 0

    async def check(history: Any) -> None:
        nonlocal example
        example += 1
        for what, n, hours in history:
            if what in ("gather", "killed"):
                await gathered(hub, n + 1, killed=what == "killed")
                continue
            kind = "ended" if what == "twice" else what
            told = {"direction": "out" if n == 0 else "in", "line": (*LINES, "", "95598")[n % 4]}
            event = exchange.event(kind, f"{example}-{n}", -3600 * hours, **told)
            for _ in range(2 if what == "twice" else 1):
                await exchange.board._receive(event, centre)
        await compare_all(hub, cast)

    await explore(st.lists(EVENTS, min_size=5, max_size=30), check, 12)
    assert await every_way(hub_app, hub, cast)


async def test_calls_at_once_are_counted_once_each(hub_app):
    exchange, cast = Exchange(hub_app), await hub_app.actors()
    hub = exchange.board.hub
    for round in range(2):
        events = [
            exchange.event(kind, f"{round}-{n}", -n * 86400, line=LINES[n % 2])
            for n in range(6)
            for kind in ("ringing", "answered", "ended", "ringing")
        ]
        told = await asyncio.gather(
            *(exchange.send(event) for event in events), *(gathered(hub, 5) for _ in range(4))
        )
        assert {one.status_code for one in told if one} == {200}
    found = await compare_all(hub, cast)
    assert sum(found.values()) == 12
    await asyncio.gather(*(gathered(hub, 5) for _ in range(6)))
    assert await compare_all(hub, cast) == found


async def test_ratings_checks_and_follow_ups_count_as_their_rows_do(desk, hub_app):
    hub, cast = hub_app.hub.apps.hubs["hotline"], await hub_app.actors()
    await checking.closed(desk, ["unit"] * 2 + ["unit2"])
    desk.hub.clock.stand(checking.APRIL)
    checks = (await checking.draw(desk, share=100)).json()["checks"]
    for n, one in enumerate(checks):
        wrong = {"polite": "no", "note": "口气生硬"} if n == 0 else {}
        assert (await checking.judge(desk, one["id"], **wrong)).status_code == 200
    for stars in ("1", "5"):
        number = await calling.answered(desk)
        found = await calling.follow_up(desk, number)
        kept = await calling.call(desk, found["id"], rating=stars)
        assert kept.status_code == 200, kept.text
    again = await calling.follow_up(desk, (await calling.waiting(desk))[0]["number"])
    done = await calling.call(desk, again["id"], result="reopened", note="仍有一盏不亮")
    assert done.status_code == 200, done.text
    found = await every_way(hub_app, hub, cast)
    kinds = Counter[str]()
    for (kind, *_), n in found.items():
        kinds[kind] += n
    assert (kinds[RATINGS], kinds[FOLLOW_UPS], kinds[CHECKS]) == (2, 3, 3 + 2 + 14)


async def test_outcomes_that_nobody_rated_are_told_from_those_rated_twice(desk, hub_app):
    async def bar(role: str = "dispatcher") -> Any:
        page = (await (await desk.client(role)).get(f"{HERE}/figures")).json()
        shown = {chart["title"]["key"]: chart["rows"] for chart in page["charts"]}
        return shown["case.chart.ratings.title"][0][1:], page["note"]

    numbers = [(await desk.file())["number"] for _ in range(7)]
    for number in numbers:
        await desk.answer(number)
        desk.hub.clock.move(hours=1)
    for number in numbers[:4]:
        await desk.act(number, "rate", "resident", rating="5")
    await desk.act(numbers[0], "reopen", "resident", reason="又坏了两盏")
    await desk.answer(numbers[0])
    desk.hub.clock.move(hours=1)
    await desk.act(numbers[0], "rate", "resident", rating="4")
    await desk.count()
    assert await bar() == ([4, 1, 0, 0, 0, 3], None)  # of seven outcomes, one of them twice
    hub = hub_app.hub.apps.hubs["hotline"]
    async with hub.read(hub.system("test")) as read:  # and so do those read case by case
        since = desk.hub.clock.day(-30)
        found = await tally(desk_of(hub).engine, read, since, desk.hub.clock.day(), "order.read")
    assert (found.ratings.total(), found.unrated) == (5, 3)

    async with hub_app.hub.services.database.migration() as connection:  # as it was before
        for table, name in ((OrderCounted, "counted"), (OrderFigure, "times")):
            rows = [dict(row) for row in (await connection.execute(select(table))).mappings()]
            await connection.execute(delete(table))
            await connection.execute(
                insert(table), [{**row, name: without_unrated(row[name])} for row in rows]
            )
        await connection.run_sync(in_revision, lambda: count_unrated("hotline_order"))
        await connection.commit()
    assert (await bar())[1]["params"] == {"n": 3}
    await desk.count()
    assert await bar() == ([4, 1, 0, 0, 0, 3], None)
    await migrated_anew(hub_app)
    await desk.count()
    assert await bar() == ([4, 1, 0, 0, 0, 3], None)


def without_unrated(found: Any) -> Any:
    """Return what a case counts for, or the histograms of a cell, as they were before."""
    acts = [[one for one in act if one != UNRATED] for act in found.get("acts", ())]
    kept = {name: one for name, one in found.items() if name != UNRATED}
    return {**kept, "acts": acts} if acts else kept

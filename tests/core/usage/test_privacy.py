"""Nothing stored answers "how often did this person…", not even to who has every key."""

from datetime import datetime

from sqlalchemy import select

from core.database import core_metadata
from core.usage import reach
from core.usage.models import UsageReachKey
from core.usage.periods import period_of
from plugin_sdk.deadlines import local_day
from plugin_sdk.manifest import Usage as Rules
from plugin_sdk.times import SHANGHAI

RULES = Rules(
    effects=("done", "here"), check_ins=("here",), cadence="monthly", entitled="all_staff"
)


async def stored(shell, app: str) -> dict[str, list[str]]:
    """Everything the tables of usage hold of an app, without its name."""
    found = {}
    async with shell.read() as tx:
        for name, table in core_metadata.tables.items():
            if name.startswith("usage_") and "app" in table.c:
                columns = [column for column in table.c if column.name != "app"]
                rows = await tx.session.execute(select(*columns).where(table.c.app == app))
                found[name] = sorted(repr(tuple(row)) for row in rows)
    return found


async def test_who_came_often_and_who_came_once_leave_the_same(shell):
    """To one app Ann comes at each moment but one and Ben then, to the other the other way round.
    With the same keys for both, each row of the one stands in the other: who holds all of them
    cannot tell which of the two came eleven times."""
    shell.clock.stand(datetime(2026, 11, 10, 10, tzinfo=SHANGHAI))
    await shell.services.count_usage()  # it ticks
    period = period_of("monthly", local_day(shell.database.clock()))
    async with shell.write() as tx:
        for app in ("one", "two"):
            key = UsageReachKey(app=app, period=period.key, key=b"k" * 32, ends=period.until)
            tx.session.add(key)
    await shell.services.places.refresh()
    usage, visits = shell.services.usage, shell.services.visits
    people = [await shell.staff(name, "U1", "probe.writer") for name in ("anna", "benn")]
    tokens = [await shell.sign_in(each.person, 86_400) for each in people]
    ann, ben = [await shell.of_session(token, "probe.write") for token in tokens]
    for moment in range(12):
        for app, often, once in (("one", ann, ben), ("two", ben, ann)):
            actor = once if moment == 5 else often
            usage.request(app, "GET /", actor.organization_id, "web", 200, 0.003)
            usage.count(app, "GET /", actor.organization_id, "web", "opens")
            visits.opened(app, RULES, actor, "web")
            hub = type(shell.hub)(shell.services, app, shell.hub.pages, rules=RULES)
            async with hub.work(actor) as work:
                work.start("thing.file", f"thing:{moment}")
                work.effect("here", f"day:{moment}")
                work.effect("done", f"thing:{moment}", on_time=True, reminded=moment % 2 == 0)
                work.rated("thing.rate", f"thing:{moment}", satisfied=True)
        await shell.services.count_usage()
        shell.clock.move(minutes=20)
    while_open = await stored(shell, "one")
    assert while_open == await stored(shell, "two")
    assert len(while_open["usage_session"]) == 2
    kinds = {row.split(",")[1] for row in while_open["usage_reach"]}
    assert kinds == {" 'opened'", " 'completed'"}
    assert len(while_open["usage_effect"]) == 12 * 5, "business objects, which apps know anyway"
    shell.clock.move(days=38)
    usage.tick()
    await shell.services.count_usage()  # it is heard, else the clock would be in doubt
    shell.clock.move(days=2)
    await shell.services.fold_sessions()
    await reach.settle(shell.database)
    afterwards = await stored(shell, "one")
    assert afterwards == await stored(shell, "two")
    assert afterwards["usage_session"] == afterwards["usage_reach_key"] == []
    assert len(afterwards["usage_reach"]) == 2, "of the whole app alone: two people are too few"

"""A month's closing for the county's 454 villages, with the clock moved; and a merged village."""

from collections import Counter
from datetime import date

from sqlalchemy import func, select
from sqlmodel import col

from core.identity import tree
from core.identity.organizations import by_code
from core.jobs import OutboxRow
from core.work.models import WorkItem
from plugins.village_affairs.models import Month
from portal.demo import county


async def standings(village):
    rows = await village.rows(Month)
    return Counter((row.late_at is not None, row.completed_at is not None) for row in rows)


async def test_a_month_closes_for_every_village_of_the_county(village):
    rows = county.directory()
    towns = [row.parent_code for row in rows if row.level == "village"]
    n = len(towns)
    assert n == 454
    services = village.hub.services
    async with services.database.transaction(write=True) as tx:
        await county.build(tx, rows)
    village.stand(2026, 9, 1)
    await village.close_day()
    await village.close_day()  # twice is once
    assert [row.period for row in await village.rows(Month)] == [date(2026, 8, 1)] * n
    # reminded five days and one day before the tenth, once each
    for day in (5, 9, 9):
        village.stand(2026, 9, day)
        await village.close_day()
    async with services.database.transaction() as tx:
        waiting = (
            select(func.count()).select_from(WorkItem).where(col(WorkItem.closed_at).is_(None))
        )
        assert (await tx.session.execute(waiting)).scalar_one() == n
    # one village of the clerk publishes in time, the others are marked late, for ever
    await village.publish_all(date(2026, 8, 1))
    # a village that was merged into another before the day owes nothing any more
    async with services.database.transaction(write=True) as tx:
        gone, heir = [await by_code(tx, f"37160300120{n}") for n in (3, 2)]
        assert gone is not None
        assert heir is not None
        await tree.close(tx, gone.id, heir.id, reason="合并")
    village.stand(2026, 9, 11, 9)
    await village.close_day()
    await village.close_day()
    late = await standings(village)
    assert late == {(True, False): n - 2, (False, True): 1, (False, False): 1}
    table = await village.get("/publications/table", "affairs")
    assert table["sentence"]["params"] == {"n": n - 2, "of": n}
    town = await village.get("/publications/table", "town")
    cells = Counter(row["cells"][-1]["standing"] for row in town["rows"])
    assert cells["on_time"] + cells["released"] == 2
    assert cells["missing"] == len(town["rows"]) - 2
    async with services.database.transaction() as tx:
        sent = (await tx.session.execute(select(col(OutboxRow.payload)))).scalars()
        keys = Counter(one["key"].rpartition(".")[2] for one in sent if "key" in one)
    told = {key: keys[key] for key in ("remind", "late", "some_late")}
    assert told == {
        "remind": 2 * n,
        "late": n - 2,
        "some_late": len(set(towns)),
    }
    # who is late is urged once a day
    lacking = next(row for row in town["rows"] if row["cells"][-1]["standing"] == "missing")
    month = await village.get(
        lacking["cells"][-1]["href"].removeprefix("/apps/village-affairs"), "town"
    )
    path = month["urge_href"].removeprefix("/apps/village-affairs")
    await village.post(path, "town", 200)
    again = await village.post(path, "town", 409)
    assert again["type"] == "urn:yimen:problem:duties.urged-today"
    figures = await village.get("/figures?since=2026-09-01&until=2026-09-30", "affairs")
    timely = next(card for card in figures["cards"] if card["unit"] == "percent")
    assert (timely["n"], timely["value"]) == (n - 1, round(100 / (n - 1), 1))

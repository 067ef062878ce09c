"""No count is of fewer than five people: small organizations are counted under one above them."""

from collections import Counter
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from sqlmodel import col

from core.usage.models import UsageCell, UsageMinute
from core.usage.places import LEAST, Staffed, placed


def tree(rows):
    """A tree of rows (which of those before it stands above, how many people)."""
    ids = [UUID(int=n) for n in range(len(rows))]
    return {
        id: Staffed(ids[above % n] if n and above is not None else None, people)
        for n, (id, (above, people)) in enumerate(zip(ids, rows, strict=True))
    }


NODES = st.tuples(st.one_of(st.none(), st.integers(0, 30)), st.integers(0, 12))


@given(st.lists(NODES, max_size=30))
def test_nothing_is_counted_of_fewer_than_five_and_nothing_is_handed_up_for_nothing(rows):
    organizations = tree(rows)
    places = placed(organizations)
    assert places.keys() == organizations.keys()
    people = Counter[UUID | None]()
    for id, place in places.items():
        people[place] += organizations[id].people
    assert all(n >= LEAST for place, n in people.items() if place is not None)
    for id, place in places.items():
        above, chain = organizations[id].above, [id]
        while above is not None:
            chain.append(above)
            above = organizations[above].above
        assert place is None or place in chain
        if organizations[id].people >= LEAST:
            assert place == id
        for nearer in chain[: chain.index(place) if place else None]:
            assert organizations[nearer].people < LEAST


async def test_what_is_done_in_a_small_office_is_counted_at_the_town(shell):
    for n in range(5):
        await shell.post(await shell.person(f"town{n}"), "T1")
    clerk = await shell.staff("clerk", "V11", "probe.writer")
    village, town = await shell.organization("V11"), await shell.organization("T1")
    services = shell.services
    assert services.places.of(town) is None, "nobody has looked yet since they came"
    await services.places.refresh()
    assert services.places.of(village) == services.places.of(town) == town
    assert services.places.of(await shell.organization("U1")) is None
    assert services.places.of(UUID(int=1)) is services.places.of(None) is None
    services.usage.request("probe", "GET /x", village, "web", 200, 0.001)
    await services.count_usage()
    actor = await shell.actor(clerk.person, clerk.post, "probe.write")
    async with shell.hub.work(actor) as work:
        work.effect("done", "petition:1")
    async with shell.read() as tx:
        for model in (UsageMinute, UsageCell):
            found = await tx.session.execute(select(col(model.organization)))
            assert found.scalars().all() == [str(town)], model


async def test_a_tree_that_changed_is_looked_at_soon(shell, monkeypatch):
    import asyncio

    looked = asyncio.Event()
    before = shell.services.places._load

    async def load():
        looked.set()
        return await before()

    monkeypatch.setattr(shell.services.places, "_load", load)
    shell.services.places.start()
    await asyncio.sleep(0)
    assert not looked.is_set()
    shell.services.places.changed()
    async with asyncio.timeout(5):
        await looked.wait()

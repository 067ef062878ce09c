"""Two who write at once: one is let go, and told that the other was quicker."""

import asyncio

import pytest

from plugin_sdk.problems import Conflict
from tests.core.probe import Petition


@pytest.mark.parametrize("engine_kind", ["production"], indirect=True)  # SQLite writes one by one
async def test_of_two_who_wait_for_each_other_one_is_told(shell):
    clerk = await (await shell.staff("clerk", "T1", "probe.writer")).actor("probe.write")
    ids = []
    async with shell.hub.work(clerk) as work:
        for title in ("one", "other"):
            row = Petition(organization_id=clerk.organization_id, title=title)
            await work.add(row)
            ids.append(row.id)
    both = asyncio.Barrier(2)

    async def write(first, second, title):
        async with shell.hub.work(clerk) as work:
            (await work.get(Petition, first)).title = title
            await both.wait()
            (await work.get(Petition, second)).title = title

    one, other = ids
    tried = (write(one, other, "a"), write(other, one, "b"))
    found = await asyncio.gather(*tried, return_exceptions=True)
    (told,) = [one for one in found if one is not None]
    assert isinstance(told, Conflict)
    assert told.code == "written-meanwhile"
    async with shell.hub.read(clerk) as read:
        rows = (await read.session.execute(read.rows(Petition))).scalars()
        assert len({row.title for row in rows}) == 1, "nothing is half-written"

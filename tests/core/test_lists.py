"""Lists in pages: none is skipped or shown twice, however many rows share an instant."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import strategies as st

from core import audit
from core.messages import service as messages
from core.work import items
from plugin_sdk.cursors import Position, cut
from plugin_sdk.ports import Actor, To
from plugin_sdk.views import Phrase
from tests.core.conftest import explore

ROWS = 24
INSTANTS = tuple(datetime(2026, 3, 2, 2, n, tzinfo=UTC) for n in range(3))


class Lists:
    """Many rows at three instants, in each list that has pages."""

    def __init__(self, shell, actor, person):
        self.shell = shell
        self.actor = actor
        self.person = person

    async def fill(self):
        for n in range(ROWS):
            moment = INSTANTS[n * 7 % 3]
            due = None if n % 4 == 0 else moment + timedelta(days=1)
            to = To(person_id=self.person)
            async with self.shell.database.transaction(write=True, now=moment) as tx:
                await audit.record(tx, self.actor, "probe", "act", f"s:{n}")
                await messages.send(tx, "probe", to, Phrase(f"k{n}"), "/x")
                for name in ("open", "done"):
                    await items.open_item(
                        tx, "probe", f"{name}:{n}", to, "t", "/x", label=Phrase("l"), due_at=due
                    )
                await items.close_items(tx, "probe", f"done:{n}")
        for moment in INSTANTS:  # as the relay puts them into the message centre, in its order
            self.shell.clock.stand(moment)
            await self.shell.services.jobs.relay()

    async def page(self, name, cursor, size):
        """Return the ids of a page and the cursor of the next."""
        found: Any
        place: Any = by_time
        async with self.shell.read() as tx:
            if name == "audit":
                found = await audit.search(tx, cursor=cursor, limit=size + 1)
            elif name == "messages":
                found = await messages.inbox(tx, self.person, cursor=cursor, limit=size + 1)
            else:
                place = items.place
                found = await items.inbox(tx, self.actor, which=name, cursor=cursor, limit=size + 1)
        shown, following = cut(found, size, place)
        return [row.id for row in shown], following


def by_time(row):
    return Position(row.at, row.id)


@pytest.fixture
async def lists(shell):
    staff = await shell.staff("here", "U1")
    lists = Lists(shell, await staff.actor(), staff.person)
    await lists.fill()
    return lists


@pytest.mark.parametrize("name", ["audit", "messages", "open", "done"])
async def test_pages_put_together_are_the_list(lists, name):
    whole, following = await lists.page(name, "", 500)
    assert following is None
    assert len(set(whole)) == len(whole) == ROWS

    async def look(sizes):
        walked, cursor, turn = [], "", 0
        while cursor is not None:
            shown, cursor = await lists.page(name, cursor, sizes[turn % len(sizes)])
            walked += shown
            turn += 1
        assert walked == whole

    await explore(st.lists(st.integers(1, ROWS), min_size=1, max_size=5), look, examples=25)


async def test_what_is_due_comes_before_what_is_not(lists):
    async with lists.shell.read() as tx:
        found = await items.inbox(tx, lists.actor)
    due = [item.due_at for item in found]
    dated = [moment for moment in due if moment is not None]
    assert dated == sorted(dated)
    assert due == [*dated, *[None] * (len(due) - len(dated))]


async def test_a_visitor_has_no_list(lists):
    async with lists.shell.read() as tx:
        assert await items.inbox(tx, Actor()) == []

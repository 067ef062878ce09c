"""The life cycle: whatever steps are tried, in whatever order, an app stands where they lead."""

from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.apps import runtime
from core.database import Database
from core.governance.lifecycle.moving import earliest_closing, set_door
from core.governance.lifecycle.service import enter, standing, take, taken
from core.governance.lifecycle.steps import BY_ITSELF, CARRIED_OUT, OVER, STEPS, possible, step
from core.work.holidays import HolidayCalendar
from plugin_sdk.deadlines import CalendarUnknown
from plugin_sdk.ports import Actor
from plugin_sdk.problems import Conflict, Denied

PERSON = Actor(person_id=uuid4(), name="沈治理", organization_name="政务数据局")
DOOR = {"sunset": "read_only", **dict.fromkeys(OVER, "closed")}


class _Apps:
    """Doors without workers."""

    async def change_within(self, tx, app, **wanted):
        return await runtime.change(tx, app, **wanted)


def test_every_step_back_undoes_a_step_and_ends_where_that_began():
    for one in STEPS:
        if one.back is None:
            continue
        back = step(one.back)
        assert one.target in back.sources, one.verb
        assert back.target is None or back.target in one.sources, one.verb
        assert back.permission == one.permission, "who may do it may undo it"
    assert possible("purged") == []


@pytest.mark.parametrize("engine_kind", ["embedded"], indirect=True)
@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(tried=st.lists(st.tuples(st.integers(0, 99), st.booleans()), min_size=4, max_size=30))
async def test_any_sequence_of_steps_keeps_the_rules(fresh_database_url, tried):
    database = Database(fresh_database_url)
    app = f"app-{uuid4().hex[:12]}"
    came_from: dict[str, str] = {}  # by the step that undoes: where the app then stood
    where: Any = "proposed"
    count = 0
    try:
        async with database.transaction(write=True) as tx:
            await enter(tx, app, "proposed", date(2026, 1, 5))
            await runtime.introduce(tx, [(app, True)])
            for n, somebody in tried:
                open_ways = possible(where)
                one = (
                    open_ways[n % len(open_ways)] if open_ways and n < 80 else STEPS[n % len(STEPS)]
                )
                by = PERSON if somebody else None
                expected = one.target or came_from.get(one.verb, "active")
                if where not in one.sources:
                    with pytest.raises(Conflict):
                        await take(tx, app, one.verb, by)
                    continue
                if not by and expected not in BY_ITSELF and one.verb not in CARRIED_OUT:
                    with pytest.raises(Denied):
                        await take(tx, app, one.verb, by)
                    continue
                with pytest.raises(Conflict):  # whoever read of it before
                    await take(tx, app, one.verb, by, version=count)
                now = await take(tx, app, one.verb, by, version=count + 1)
                doors: Any = _Apps()
                await set_door(tx, doors, one, now, actor=by or Actor())
                if one.back:
                    came_from[one.back] = where
                where, count = now.stage, count + 1
                assert where == expected
                gate = (await runtime.gates(tx))[app]
                assert gate.mode == DOOR.get(where, "open"), (one.verb, where)
                assert gate.state == "enabled", "the other axis"
            assert (await standing(tx, app)).stage == where
            assert len(await taken(tx, app)) == count
    finally:
        await database.close()


def test_the_first_possible_day_of_closing_is_a_working_day_and_never_guessed():
    calendar = HolidayCalendar()
    saturday = date(2026, 11, 28)
    assert earliest_closing(saturday - timedelta(days=30), 30, calendar) == date(2026, 11, 30)
    with pytest.raises(CalendarUnknown):
        earliest_closing(date(2039, 1, 3), 30, calendar)

"""Appointments: the last place, the waiting list, missed ones, closings; in all orders."""

import asyncio
from collections import Counter
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlmodel import col

from core.jobs import OutboxRow
from plugin_sdk.appointments.declared import AHEAD
from plugin_sdk.problems import Conflict, NotFound
from plugins.traffic.tests.booking import DAY, HERE, Hall

OTHER = date(2026, 9, 3)


@pytest.fixture
async def hall(hub_app):
    return await Hall(hub_app).open()


async def refused(code, doing):
    with pytest.raises(Conflict) as refusal:
        await doing
    assert refusal.value.code == f"appointments.{code}"


async def told(hall):
    """Return how often people were told of what."""
    async with hall.under.services.database.transaction() as tx:
        sent = (await tx.session.execute(select(col(OutboxRow.payload)))).scalars()
        keys = Counter(one["key"].rpartition(".")[2] for one in sent if "key" in one)
    return {key: n for key, n in keys.items() if key}


async def test_the_last_place_goes_to_one_of_two_hundred(hall):
    await hall.offer_hours(quota=2, name="加一个窗口")  # begins together: three places in all
    people = [hall.resident() for _ in range(200)]

    async def attempt(n, person):
        try:
            return await hall.book(person, wait=n % 4 == 0)
        except Conflict as refusal:
            return refusal.code

    found = await asyncio.gather(*(attempt(n, one) for n, one in enumerate(people)))
    states = Counter(one if isinstance(one, str) else one.state for one in found)
    assert states["booked"] == 3
    waiting = states["waiting"]
    assert (
        waiting + states["appointments.full"] + states["booked"] + states["appointments.list-full"]
        == 200
    )
    assert 0 < waiting <= 50
    (slot,) = (await hall.slots()).values()
    assert (slot.taken, slot.waiting) == (3, waiting)
    rows = await hall.bookings()
    assert len({row.number for row in rows}) == len(rows) == 3 + waiting
    assert sorted(row.queue for row in rows if row.queue) == [f"J0900-0{n}" for n in (1, 2, 3)]
    assert sorted(row.ticket for row in rows if row.ticket) == list(range(1, waiting + 1))


async def test_one_person_books_a_service_once_a_day_however_often_they_press(hall):
    await hall.offer_hours(quota=20)
    person = hall.resident()

    async def press(clock):
        try:
            return (await hall.book(person, clock=clock)).state
        except Conflict as refusal:
            return refusal.code

    found = Counter(await asyncio.gather(*(press(c) for c in ("0900", "1000") * 5)))
    assert found["booked"] == 1
    assert sum(slot.taken for slot in (await hall.slots()).values()) == 1
    await hall.book(person, day=OTHER)


async def test_the_waiting_list_moves_up_in_order_and_keeps_a_freed_place(hall):
    first, second, third, late = (hall.resident() for _ in range(4))
    held = await hall.book(first)
    await refused("full", hall.book(second))
    waits = [await hall.book(one, wait=True) for one in (second, third)]
    await hall.cancel(first, held.number)
    # between the cancelling and the moving up nobody slips in
    await refused("full", hall.book(late))
    await hall.tend()
    await hall.tend()
    states = {row.number: row.state for row in await hall.bookings()}
    assert [states[row.number] for row in waits] == ["offered", "waiting"]
    hall.stand(1, 9)
    await refused("moved-on", hall.confirm(third, waits[1].number))
    # who does not confirm in time passes it on
    hall.stand(1, 10, 1)
    await refused("offer-over", hall.confirm(second, waits[0].number))
    await hall.tend()
    states = {row.number: row.state for row in await hall.bookings()}
    assert [states[row.number] for row in waits] == ["lapsed", "offered"]
    taken = await hall.confirm(third, waits[1].number)
    assert (taken.state, taken.queue) == ("booked", "J0900-02")
    assert await told(hall) == {"offered": 2, "lapsed": 1}
    # a higher quota moves up too; who waits when the hour begins waited in vain
    last = [await hall.book(one, wait=True) for one in (first, late)]
    await hall.offer_hours()
    await hall.tend()
    hall.stand(2, 9)
    await hall.tend()
    states = {row.number: row.state for row in await hall.bookings()}
    assert [states[row.number] for row in last] == ["lapsed", "lapsed"]
    assert [(s.taken, s.waiting) for s in (await hall.slots()).values()] == [(1, 0)]


async def test_an_hour_is_moved_only_when_the_new_one_is_had(hall):
    one, two = hall.resident(), hall.resident()
    mine, theirs = await hall.book(one), await hall.book(two, clock="1000")
    await refused("full", hall.move(one, mine.number, DAY, "1000"))
    await refused("same-hour", hall.move(one, mine.number, DAY, "0900"))
    moved = await hall.move(one, mine.number, OTHER, "1000")
    assert (moved.number, moved.day, moved.queue) == (mine.number, OTHER, "J1000-01")
    await hall.move(two, theirs.number, DAY, "0900")
    taken = {key: slot.taken for key, slot in (await hall.slots()).items()}
    assert taken == {
        "A|licence|2026-09-02|0900": 1,
        "A|licence|2026-09-02|1000": 0,
        "A|licence|2026-09-03|1000": 1,
    }
    hall.stand(2, 6)  # within four hours of the beginning
    await refused("cut-off", hall.cancel(two, theirs.number))
    await refused("cut-off", hall.move(two, theirs.number, OTHER, "0900"))
    await refused("too-early", hall.book(two, day=date(2026, 9, 17)))
    hall.stand(2, 9, 30)
    await refused("too-late", hall.book(hall.resident(), day=DAY))
    # of a year whose holidays nobody entered nothing is offered, and it is said
    plan = (await hall.engine.schedule()).plan("A", "licence", date(2031, 3, 5))
    assert (plan.kind, plan.slots) == ("unknown", ())


async def test_who_misses_three_books_no_more_for_a_month(hall):
    person, made = hall.resident(), None
    for day in (2, 3, 4):
        hall.stand(1)
        made = await hall.book(person, day=date(2026, 9, day))
        hall.stand(day, 9, 5)
        await refused("not-late", hall.serve("absent", made.number))
        hall.stand(day, 9, 20)
        await hall.serve("absent", made.number)
    await refused("barred", hall.book(person, day=date(2026, 9, 8)))
    assert made is not None
    await hall.serve("arrive", made.number)  # came late after all
    assert (await hall.book(person, day=date(2026, 9, 8))).state == "booked"


async def test_who_waits_and_misses_three_meanwhile_is_offered_no_place_and_takes_none(hall):
    later, first, person, next_one = date(2026, 9, 8), *(hall.resident() for _ in range(3))
    held = await hall.book(first, day=later)
    waits = await hall.book(person, day=later, wait=True)
    behind = await hall.book(next_one, day=later, wait=True)
    again = await hall.book(first, day=date(2026, 9, 9))
    passed = await hall.book(person, day=date(2026, 9, 9), wait=True)
    for day in (2, 3, 4):
        hall.stand(1)
        made = await hall.book(person, day=date(2026, 9, day))
        hall.stand(day, 9, 10)
        if day == 4:  # the place is offered to them while they are about to miss the third
            await hall.cancel(first, held.number)
            await hall.tend()
        hall.stand(day, 9, 20)
        await hall.serve("absent", made.number)
    await refused("barred", hall.confirm(person, waits.number))
    hall.stand(4, 14)  # the offer has lapsed: it goes to who waits behind
    await hall.tend()
    await hall.tend()
    assert (await hall.confirm(next_one, behind.number)).state == "booked"
    # who is barred and still waits is passed over
    await hall.cancel(first, again.number)
    await hall.tend()
    states = {row.number: row.state for row in await hall.bookings()}
    assert states[passed.number] == "waiting"


async def test_a_closing_calls_off_and_is_nobodys_fault(hall):
    one, two = hall.resident(), hall.resident()
    await hall.book(one)
    await hall.book(two, wait=True)
    await hall.book(two, day=OTHER)
    closing = {"service": "", "quota": 0, "days": "daily", "name": "停电检修"}
    await hall.offer_hours(**closing, starts_on="2026-09-02", ends_on="2026-09-02")
    await hall.tend()
    await hall.tend()
    states = Counter((row.day, row.state) for row in await hall.bookings())
    assert states == {(DAY, "called_off"): 2, (OTHER, "booked"): 1}
    plan = (await hall.engine.schedule()).plan("A", "licence", DAY)
    assert (plan.kind, plan.reason) == ("closed", "停电检修")
    await refused("not-offered", hall.book(one))
    # the day before, at nine, and once
    hall.stand(2, 8, 59)
    await hall.tend()
    assert "tomorrow" not in await told(hall)
    hall.stand(2, 9)
    await hall.tend()
    await hall.tend()
    assert await told(hall) == {"called_off": 2, "tomorrow": 1}


class Expected:
    """What an hour of two places must look like: the rules once more, without a database."""

    def __init__(self):
        self.seats, self.waiting = {}, []

    def play(self, act, one):
        """Do an act; return whether it is possible."""
        if act == "book":
            if one in self.seats or one in self.waiting:
                return False
            if len(self.seats) < 2 and not self.waiting:
                self.seats[one] = "booked"
            else:
                self.waiting.append(one)
        elif act == "cancel":
            if one in self.waiting:
                self.waiting.remove(one)
            else:
                return self.seats.pop(one, None) is not None
        elif act == "confirm":
            if self.seats.get(one) != "offered":
                return False
            self.seats[one] = "booked"
        else:
            if act == "lapse":
                self.seats = {who: how for who, how in self.seats.items() if how != "offered"}
            while len(self.seats) < 2 and self.waiting:
                self.seats[self.waiting.pop(0)] = "offered"
        return True

    def states(self):
        return {**self.seats, **dict.fromkeys(self.waiting, "waiting")}


STEPS = st.lists(
    st.tuples(
        st.sampled_from(("book", "book", "cancel", "confirm", "tend", "lapse")),
        st.integers(0, 4),
    ),
    max_size=12,
)


async def test_in_whatever_order_never_more_than_the_quota_and_first_come_first(hall):
    await hall.offer_hours(quota=2, minutes=5, opens="13:00", closes="18:00", name="property")
    clocks = iter([f"{h}{m:02}" for h in range(13, 18) for m in range(0, 60, 5)])
    people = [hall.resident() for _ in range(5)]

    async def possible(act, one, clock, mine):
        try:
            if act == "book":
                made = await hall.book(people[one], clock=clock, wait=True)
                mine[one] = made.number
            elif act in ("cancel", "confirm"):
                await getattr(hall, act)(people[one], mine.get(one, "0"))
            else:
                if act == "lapse":
                    hall.under.clock.move(minutes=121)
                await hall.tend()
        except (Conflict, NotFound):
            return False
        return True

    async def play(steps):
        hall.stand(1, 0)
        clock, expected = next(clocks), Expected()
        mine: dict[int, str] = {}
        for act, one in steps:
            assert await possible(act, one, clock, mine) == expected.play(act, one)
            found = {row.number: row.state for row in await hall.bookings()}
            ahead = {one: found[number] for one, number in mine.items()}
            ahead = {one: state for one, state in ahead.items() if state in AHEAD}
            assert ahead == expected.states()
            assert list(expected.seats.values()).count("booked") <= 2
        for one in list(expected.states()):  # the day is free for the next sequence
            await hall.cancel(people[one], mine[one])

    loop = asyncio.get_running_loop()

    @settings(max_examples=6, deadline=None, database=None)
    @given(STEPS)
    def holds(steps):
        asyncio.run_coroutine_threadsafe(play(steps), loop).result(60)

    await asyncio.to_thread(holds)


async def test_pages_and_counter(hall, client_as):
    resident, officer = await client_as("resident"), await client_as("officer")
    choose = (await resident.get(f"{HERE}/appointments/new")).json()
    services = {one["label"]["key"]: one["places"] for one in choose["services"]}
    assert [len(places) for places in services.values()] == [1, 0, 0]
    day = (await resident.get(f"{HERE}/appointments/new/licence/A")).json()
    assert day["day"] == "2026-09-01"
    assert [hour["state"] for hour in day["hours"]] == ["free", "free"]
    hour = f"{HERE}/appointments/new/licence/A/2026-09-01/0900"
    made = await resident.post_form(hour, {"_key": "a-key-of-its-own"})
    again = await resident.post_form(hour, {"_key": "a-key-of-its-own"})
    assert (made.status_code, again.headers["location"]) == (303, made.headers["location"])
    other = await client_as("resident2")
    full = await other.post_form(hour, {})
    assert full.status_code == 409
    assert "排队候补" in full.text
    waited = (await other.post(f"{hour}/wait", json={})).json()
    assert (waited["state"], waited["ahead"]) == ("waiting", 0)
    stranger = await other.get(made.headers["location"])
    assert stranger.status_code == 404
    mine = (await resident.get(made.headers["location"])).json()
    counter = f"{HERE}/appointments/counter"
    wrong = await officer.post(f"{counter}/A", json={"code": "J0900-09"})
    assert wrong.status_code == 422
    here = await officer.post(f"{counter}/A", json={"code": mine["queue"].lower()})
    assert here.json()["sentence"]["params"] == {"n": 1, "here": 1, "done": 0, "absent": 0}
    twice = await officer.post(f"{counter}/A", json={"code": mine["number"]})
    assert twice.status_code == 409
    await officer.post(f"{HERE}/appointments/{mine['number']}/finish", json={})
    assert (await resident.get(f"{counter}?place=A")).status_code == 403
    page = await officer.page(counter)
    assert "J0900-01" in page.text
    figures = await (await client_as("brigade")).get(
        f"{HERE}/appointments/figures?since=2026-09-01&until=2026-09-30"
    )
    values = {card["label"]["key"]: card["value"] for card in figures.json()["cards"]}
    assert values["appointments.figure.finished.label"] == 1

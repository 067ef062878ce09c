"""Notices: to a person, a unit, or those who hold a permission there."""

from core.access.grants import withdraw
from core.delivery.service import send_sms, sent
from core.identity.people import disable
from core.messages import service as messages
from plugin_sdk.cursors import Position, write_cursor
from plugin_sdk.ports import To
from plugin_sdk.views import Phrase


async def send(shell, to, key="k", **more):
    async with shell.write() as tx:
        await messages.send(tx, "probe", to, Phrase(key, {"n": 1}), "/x", **more)


async def settle(shell):
    while await shell.services.jobs.relay():
        pass


async def inbox(shell, person):
    async with shell.read() as tx:
        return [notice.key for notice in await messages.inbox(tx, person)]


async def test_a_notice_reaches_one_person(shell):
    one, other = [await shell.person(name) for name in ("one", "other")]
    await send(shell, To(person_id=one))
    assert await inbox(shell, one) == []
    await settle(shell)
    assert await inbox(shell, one) == ["k"]
    assert await inbox(shell, other) == []


async def test_a_notice_to_a_unit_reaches_who_is_there_when_it_leaves(shell):
    here = await shell.staff("here", "U1", "probe.reader")
    there = await shell.staff("there", "T1", "probe.reader")
    gone = await shell.staff("gone", "U1", "probe.reader")
    unit = await shell.organization("U1")
    await send(shell, To(organization_id=unit), "unit")
    async with shell.write() as tx:
        await disable(tx, gone.person)
    late = await shell.staff("late", "U1")
    await settle(shell)
    assert [await inbox(shell, s.person) for s in (here, there, gone, late)] == [
        ["unit"],
        [],
        [],
        ["unit"],
    ]


async def test_a_notice_to_a_permission_reaches_who_holds_it_there(shell):
    holds = await shell.staff("holds", "U1", "probe.writer")
    reads = await shell.staff("reads", "U1", "probe.reader")
    held = await shell.staff("held", "U1", "probe.writer")
    begins = await shell.staff("begins", "T1", "probe.writer")
    async with shell.write() as tx:
        await withdraw(tx, held.given)
    unit = await shell.organization("U1")
    await send(shell, To(organization_id=unit, permission="probe.write"), "there")
    await send(shell, To(permission="probe.write"), "all")
    await send(shell, To(), "nobody")
    await settle(shell)
    found = [sorted(await inbox(shell, s.person)) for s in (holds, reads, held, begins)]
    assert found == [["all", "there"], [], [], ["all"]]


async def test_a_person_with_two_posts_hears_it_once(shell):
    staff = await shell.staff("twice", "U1", "probe.writer")
    await shell.grant(await shell.post(staff.person, "U1"), "probe.writer")
    await send(shell, To(permission="probe.write"))
    await settle(shell)
    assert await inbox(shell, staff.person) == ["k"]


async def test_a_notice_that_is_delivered_twice_arrives_once(shell):
    person = await shell.person("one")
    await send(shell, To(person_id=person))
    (item,) = await shell.services.jobs._take()
    async with shell.write() as tx:
        await messages.deliver(tx, item)
        await messages.deliver(tx, item)
    assert await inbox(shell, person) == ["k"]
    await send(shell, To(person_id=person), "once", dedupe="d")
    await send(shell, To(person_id=person), "once", dedupe="d")
    await settle(shell)
    assert (await inbox(shell, person)).count("once") == 1


async def test_what_was_read_is_marked_by_its_reader_alone(shell):
    one, other = [await shell.person(name) for name in ("one", "other")]
    for _ in range(3):
        await send(shell, To(person_id=one))
    await settle(shell)
    async with shell.write() as tx:
        first, second, _ = await messages.inbox(tx, one)
        assert await messages.unread(tx, one) == 3
        await messages.mark_read(tx, other, first.id)
        assert await messages.opened(tx, other, first.id) is None
        assert await messages.unread(tx, one) == 3
        await messages.mark_read(tx, one, first.id)
        assert await messages.opened(tx, one, second.id) == "/x"
        assert await messages.unread(tx, one) == 1
        await messages.mark_read(tx, one)
        assert await messages.unread(tx, one) == 0
        assert all(notice.read for notice in await messages.inbox(tx, one))


async def test_a_delayed_notice_waits_and_a_list_goes_on(shell):
    person = await shell.person("one")
    await send(shell, To(person_id=person), "late", delay_seconds=60)
    await settle(shell)
    assert await inbox(shell, person) == []
    shell.clock.move(seconds=61)
    await settle(shell)
    for n in range(4):
        await send(shell, To(person_id=person), f"k{n}")
        await settle(shell)
    async with shell.read() as tx:
        first = await messages.inbox(tx, person, limit=3)
        place = Position(first[-1].at, first[-1].id)
        rest = await messages.inbox(tx, person, cursor=write_cursor(place), limit=3)
    assert [n.key for n in (*first, *rest)] == ["k3", "k2", "k1", "k0", "late"]


async def test_a_short_message_leaves_once_and_is_shown_masked(shell):
    async with shell.write() as tx:
        for _ in range(2):
            await send_sms(tx, "13812345678", "编号 1，查询码 7", shown="编号 1", dedupe="x")
    await settle(shell)
    async with shell.read() as tx:
        (message,) = await sent(tx)
    assert message.text == "编号 1"
    assert "13812345678" not in message.address

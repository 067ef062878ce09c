"""Orders that are followed and answered at the same moment: who holds several holds them in one
order, and a case before its timer, so that nobody waits for who waits for them."""

import asyncio

import pytest

from plugins.hotline.desk import desk_of
from plugins.hotline.dispatching.following import TIMER
from plugins.hotline.models import Order
from plugins.hotline.tests.test_following import fact, follow

LATER = 0.3
"""How long whoever is begun is given to hold what they can."""


async def of(desk, *numbers):
    """Return the hub, the engine, and the ids of orders."""
    hub = desk.hub.hub.apps.hubs["hotline"]
    engine = desk_of(hub).engine
    async with hub.read(hub.system("test")) as read:
        return hub, engine, [await engine.id_of(read, number) for number in numbers]


@pytest.mark.parametrize("first", ["the original", "what is put on it"])
async def test_a_follower_is_followed_while_its_original_is_passed_on(desk, first):
    """Whichever of both was filed first."""
    filed = [(await desk.file())["number"] for _ in range(2)]
    original, number = filed if first == "the original" else filed[::-1]
    follower = (await desk.file("resident2"))["number"]
    await follow(desk, follower, original)
    await desk.act(original, "answer", "operator", text="灯已换")
    hub, engine, (root, _) = await of(desk, original, follower)
    await desk.client("dispatcher")
    async with hub.work(hub.system("test")) as work:
        await work.get(Order, root)  # as its timer does
        later = asyncio.create_task(
            desk.try_act(number, "follow", "dispatcher", original=follower, version=1)
        )
        await asyncio.sleep(LATER)
        assert not later.done()
        assert await engine.tell_followers(work, root) == 1
    answer = await later
    assert answer.status_code == 200, answer.text
    await desk.hub.settle()
    for one in (follower, number):
        seen = await desk.see(one)
        assert (seen["state"], fact(seen, "reply")) == ("replied", "灯已换")
        assert fact(seen, "follows") == original


async def test_what_follows_already_is_put_on_another_while_its_original_is_passed_on(desk):
    number, original, other = [(await desk.file())["number"] for _ in range(3)]
    for one in (number, other):
        await follow(desk, one, original)
    await desk.act(original, "answer", "operator", text="灯已换")
    hub, engine, (root,) = await of(desk, original)
    await desk.client("dispatcher")
    async with hub.work(hub.system("test")) as work:
        await work.get(Order, root)
        later = asyncio.create_task(
            desk.try_act(number, "follow", "dispatcher", original=other, version=2)
        )
        await asyncio.sleep(LATER)
        assert await engine.tell_followers(work, root) == 2
    assert (await later).json()["type"].endswith("case.stale")  # it has its answer by now


async def test_an_act_and_the_timer_of_its_case_do_not_wait_for_each_other(desk):
    original, number = [(await desk.file())["number"] for _ in range(2)]
    await follow(desk, number, original)
    await desk.act(original, "answer", "operator", text="灯已换")  # followers are told soon
    hub, engine, (root,) = await of(desk, original)
    async with hub.work(hub.system("test")) as work:
        await work.get(Order, root)
        fired = asyncio.create_task(desk.hub.hub.apps.background.fire_timers())
        await asyncio.sleep(LATER)
        await work.timer(TIMER, engine.subject(root), work.now)
    await fired
    assert (await desk.see(number))["state"] == "replied"

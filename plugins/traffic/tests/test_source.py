"""A source that is away, hangs or lies: no page hangs, and nothing of another is shown or kept."""

import asyncio
import contextlib
from datetime import timedelta

from sqlalchemy import select
from sqlmodel import col

from plugin_sdk.sources import Breaker, SourceEngine
from plugins.traffic.demonstration import NUMBERS
from plugins.traffic.models import State
from plugins.traffic.tests.conftest import CAR, LICENCE

OTHERS = "鲁M5H207"


async def kept(town):
    hub = town.desk.hub
    async with hub.read(hub.system("test")) as read:
        found = await read.session.execute(
            select(col(State.ref), col(State.data), col(State.owner))
        )
        return {ref: (data, owner) for ref, data, owner in found}


async def test_pages_live_on_what_was_said_last(town):
    await town.bind()
    seen = await town.get("/mine")
    assert seen["vehicles"][0]["fresh"]["said"]["key"] == "sources.fresh.now"
    assert seen["licence"]["points_left"] == 11
    assert [item["points"] for item in seen["open"]] == [12, 6, 0], "newest first"
    said = {}
    for name, switch in (
        ("slow", {"delay": 3600}),  # a page that waits for it never comes
        ("away", {"away": True}),
        ("wrong", {"lie": "garbage"}),
    ):
        town.source.switch(**switch)
        town.later(hours=1)
        await town.client("resident")
        said[name] = await town.get("/mine")
        assert [one["plate"] for one in said[name]["vehicles"]] == ["鲁M·8D136"]
        assert said[name]["open"] == seen["open"]
    for name in ("slow", "away", "wrong"):
        fresh = said[name]["vehicles"][0]["fresh"]
        assert fresh["seen_at"] == seen["vehicles"][0]["fresh"]["seen_at"]
        assert fresh["said"]["key"].startswith("sources.kept."), name
    assert said["slow"]["vehicles"][0]["fresh"]["said"]["key"] == "sources.kept.slow"
    page = await (await town.client("resident")).page("/apps/traffic/mine")
    assert "9月1日" in page.text
    town.source.switch()


async def test_what_lies_is_neither_shown_nor_kept(town):
    await town.prove("resident")
    owner = town.desk.hub.numbers.index(NUMBERS["resident"])
    police = town.desk.police
    asks = [
        police.vehicle(CAR, owner),
        police.licence(LICENCE, owner),
        police.violations(CAR, owner),
    ]
    for lie in ("person", "key", "garbage", "size"):
        town.source.switch(lie=lie)
        known = await police.engine.ask_all(asks)
        assert [(one.record, one.fault) for one in known] == [(None, "wrong")] * 3, lie
    town.source.switch()
    (others,) = await police.engine.ask_all([police.vehicle(OTHERS, owner)])
    assert (others.record, others.fault) == (None, "wrong"), "the vehicle of another"
    assert await kept(town) == {}
    (nobody,) = await police.engine.ask_all([police.vehicle("鲁M00000", owner)])
    assert (nobody.record, nobody.fault) == (None, None)
    good = await police.engine.ask_all(asks)
    assert all(one.record is not None for one in good)
    rows = await kept(town)
    assert set(rows) == {f"vehicle:{CAR}", f"licence:{LICENCE}", f"violations:{CAR}"}
    for secret in (NUMBERS["resident"], "周晓岚", "LSVAA49J6F2012345"):
        assert secret not in str(rows)
    async with town.desk.hub.read(town.desk.hub.system("test")) as read:
        none = await police.engine.known(read, police.vehicle(CAR, "index of another"))
    assert none.record is None, "what is kept is shown to its owner alone"


async def test_a_source_that_hangs_is_left_to_rest(town):
    class Stubborn:
        """A provider that does not let itself be stopped, until the test lets it go."""

        def __init__(self):
            self.asked = 0
            self.held = 0
            self.let_go = asyncio.Event()

        async def ask(self, kind, key):
            self.asked += 1
            self.held += 1
            while not self.let_go.is_set():
                with contextlib.suppress(asyncio.CancelledError):
                    await self.let_go.wait()
            self.held -= 1
            return b"{}"

        async def picture(self, key):
            return await self.ask("picture", key)

    at, provider = [0.0], Stubborn()
    engine = SourceEngine(
        town.desk.hub,
        provider,
        State,
        patience_seconds=0.1,
        breaker=Breaker(clock=lambda: at[0]),
    )
    asks = [town.desk.police.vehicle(f"鲁M{n:05}", "x") for n in range(60)]
    known = await engine.ask_all(asks)
    assert {one.fault for one in known} == {"slow", "resting"}
    assert provider.asked == 16, "so many at once and no more"
    assert (await engine.ask(asks[0])).fault == "resting"
    assert provider.asked == 16
    provider.let_go.set()
    while provider.held:  # noqa: ASYNC110  (nothing tells)
        await asyncio.sleep(0)
    provider.let_go.clear()
    at[0] = 30.0
    assert (await engine.ask(asks[0])).fault == "slow"
    assert provider.asked == 17
    provider.let_go.set()


async def test_the_same_asked_at_once_is_kept_once(town):
    await town.prove("resident")
    owner = town.desk.hub.numbers.index(NUMBERS["resident"])
    asked = town.desk.police.vehicle(CAR, owner)
    engine = SourceEngine(
        town.desk.hub, town.source, State, patience_seconds=20, fresh=timedelta(0)
    )
    known = await asyncio.gather(*(engine.ask(asked) for _ in range(16)))
    assert {one.fault for one in known} <= {None, "resting"}
    assert list(await kept(town)) == [f"vehicle:{CAR}"]

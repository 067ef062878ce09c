"""What each layer of the door costs: the same request in one process, without a server, with
one layer more each time. CPU time of the process, alternating, medians."""

import asyncio
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import uvloop

from bench import apps
from bench.serving import Configuration, bare
from bench.site import Site
from core.apps.door import Door
from portal.assembly import Yimen
from portal.front import Exchange

App = Callable[[Any, Any, Any], Awaitable[None]]

HEADERS = [
    (b"host", b"127.0.0.1:8000"),
    (b"accept", b"application/json"),
    (b"accept-encoding", b"gzip"),
    (b"user-agent", b"yimen-bench"),
]


class Layer(msgspec.Struct, frozen=True):
    """A layer: what it is, and the application up to it."""

    name: str
    app: App


class Cost(msgspec.Struct, frozen=True):
    """µs of CPU that a layer adds to a request, and all of it up to there."""

    name: str
    adds: float
    total: float
    totals: list[float]


class _Known:
    """The actors, reduced to one that is known already."""

    def __init__(self, actor: Any) -> None:
        self._actor = actor

    async def of_token(self, token: str) -> Any:
        """Return the one."""
        return self._actor


async def measure(site: Site, *, rounds: int, requests: int) -> list[Cost]:
    """Return the costs of the layers, from the handler outwards."""
    engine = site.engine("embedded")
    folder = site.folder / "apps"
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
    home = site.folder / "home-layers"
    home.mkdir(exist_ok=True)
    chosen = Configuration(
        kind="hub",
        port=8000,
        home=str(home),
        database_url=engine.database_url,
        grants=str(site.grants),
    )
    hub = Yimen(chosen.settings, points=apps.points(1))
    await hub.start(background=False)
    await hub.services.actors.start()
    try:
        layers = await _layers(hub, engine.cookie)
        return await _compare(layers, engine.cookie, rounds, requests)
    finally:
        await hub.close()


async def _layers(hub: Yimen, cookie: str) -> list[Layer]:
    actor = await hub.services.actors.of_token(cookie)
    alone = hub.door.slots[apps.app_id(0)].instance.asgi
    plain = bare()
    usage = hub.services.usage
    nothing: Any = _Uncounted()
    uncounted = Door(nothing, nothing, nothing, hub.renderer.refuse, hub.renderer.moved)
    uncounted.slots = hub.door.slots
    front = hub.front
    known = type(front)(
        hub.settings,
        _Known(actor),  # type: ignore[arg-type]  # it stands for Actors, and looks nobody up
        nothing,  # nobody comes with a token
        door=hub.door,
        portal=hub.door,
        refuse=hub.renderer.refuse,
    )

    def with_actor(app: App, root: str) -> App:
        async def call(scope: Any, receive: Any, send: Any) -> None:
            exchange = scope["yimen"] = Exchange()
            exchange.actor = scope["yimen_actor"] = actor
            exchange.status = 200
            if root:
                scope["root_path"] = root
            await app(scope, receive, send)

        return call

    usage.enabled = True
    return [
        Layer("bare Litestar, the handler alone", plain),
        Layer("app's Litestar: guard (permission)", with_actor(alone, f"/apps/{apps.app_id(0)}")),
        Layer("door: dictionary, gate, breaker, time limit", with_actor(uncounted, "")),
        Layer("usage: counting", with_actor(hub.door, "")),
        Layer("front: headers, request id, bounds", known),
        Layer("cookie to actor (warm lease)", hub),
    ]


class _Uncounted:
    def request(self, *_: Any) -> None:
        """Count nothing."""


async def _compare(layers: list[Layer], cookie: str, rounds: int, requests: int) -> list[Cost]:
    headers = [*HEADERS, (b"cookie", f"yimen={cookie}".encode())]
    totals: list[list[float]] = [[] for _ in layers]
    for number in range(rounds + 1):
        for layer, found in zip(layers, totals, strict=True):
            cost = await _time(layer.app, headers, requests)
            if number:  # the first warms up
                found.append(cost)
    medians = [statistics.median(found) for found in totals]
    steps = [
        statistics.median(b - a for a, b in zip(before, after, strict=True))
        for before, after in zip([[0.0] * rounds, *totals], totals, strict=False)
    ]
    return [
        Cost(layer.name, step, median, found)
        for layer, step, median, found in zip(layers, steps, medians, totals, strict=True)
    ]


async def _time(app: App, headers: Any, requests: int) -> float:
    path = apps.address(0)
    answered = 0

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        nonlocal answered
        answered += message.get("status") == 200

    async def all_of_them() -> float:
        began = time.process_time()
        for number in range(requests):
            if not number % 50:
                await asyncio.sleep(0)  # for the lease to be kept
            await app(
                {
                    "type": "http",
                    "asgi": {"version": "3.0", "spec_version": "2.3"},
                    "http_version": "1.1",
                    "method": "GET",
                    "scheme": "http",
                    "path": path,
                    "raw_path": path.encode(),
                    "query_string": b"",
                    "root_path": "",
                    "headers": headers,
                    "client": ("127.0.0.1", 1),
                    "server": ("127.0.0.1", 8000),
                    "state": {},
                },
                receive,
                send,
            )
        return time.process_time() - began

    # a task of its own, as a server gives a request one
    seconds = await asyncio.create_task(all_of_them())
    if answered != requests:
        raise RuntimeError(f"only {answered} of {requests} were answered")
    return seconds / requests * 1e6


def run(site: Site, *, quick: bool = False) -> list[Cost]:
    """Measure with the event loop of a worker."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(measure(site, rounds=3 if quick else 9, requests=1000 if quick else 3000))

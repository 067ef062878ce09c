"""The door: first path segment to slot by one dictionary look-up, however many apps."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC
from typing import Any
from urllib.parse import quote

from core.apps.farewell import Headers, leads_to, parting, with_query
from core.apps.linked import LAUNCH
from core.apps.slots import Gate, Instance, Slots
from core.usage.capture import Usage
from core.usage.exits import Exits
from core.usage.visits import Visits
from plugin_sdk.deadlines import local_day
from plugin_sdk.manifest import Manifest
from plugin_sdk.problems import Problem
from plugin_sdk.routes import EFFECTLESS
from plugin_sdk.text import Text
from plugin_sdk.views import Phrase

PREFIX = "/apps/"
ABOUT = "/about/"
SEE_OTHER, CONFLICT, GONE = 303, 409, 410
PROBE = "probe"  # the channel of what the hub asks of itself: no use, and not counted
NO_ROUTE = "?"  # the one feature of everything that no route answers, whatever was asked for
SAYS_NOTHING = frozenset({401, 403, 404, 405, 429})  # answers that may not come from the app

Refuse = Callable[[Any, Any, Any, Problem], Awaitable[None]]
Moved = Callable[[Any, Any, Any, str], Awaitable[None]]


class Door:
    """Sends a request to its app, within the app's limits, and counts it."""

    def __init__(
        self, usage: Usage, visits: Visits, exits: Exits, refuse: Refuse, moved: Moved
    ) -> None:
        self.slots: Slots = {}
        self.gone: Mapping[str, Gate] = {}  # apps whose package is not here any more
        self._usage = usage
        self._visits = visits
        self._exits = exits
        self._refuse = refuse
        self._moved = moved

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer a request below `/apps/`. The front door has set its exchange."""
        path: str = scope["path"]
        end = path.find("/", 6)
        app = path[6:] if end < 0 else path[6:end]
        slot = self.slots.get(app)
        if slot is None:
            gate = self.gone.get(app)
            refusal: Problem | str | None = Problem("not-found", status=404)
            if gate is not None and gate.mode == "closed":
                refusal = self._gate(app, None, gate, scope)
                send = _announcing(send, parting(gate.deprecated_at, gate.sunset_at, None))
            await self._turn_away(scope, receive, send, refusal)
            return
        if end < 0:
            await self._moved(scope, receive, send, f"{path}/{_query(scope)}")
            return
        instance = slot.instance
        gate = slot.gate
        if gate.state != "enabled" or gate.mode != "open":
            send = _announcing(send, slot.headers)
            refusal = self._gate(app, slot.app.manifest or slot.app.asked, gate, scope)
            if refusal is not None:
                await self._turn_away(scope, receive, send, refusal)
                return
        requests = instance.requests
        if len(requests) >= instance.limits.concurrency:
            await self._refuse(
                scope, receive, send, Problem("app-busy", status=503, headers={"Retry-After": "1"})
            )
            return
        breaker = instance.breaker
        wait = breaker.admit()
        if wait:
            headers = {"Retry-After": str(int(wait) + 1)}
            await self._refuse(
                scope, receive, send, Problem("app-resting", status=503, headers=headers)
            )
            return
        await self._pass(instance, scope, receive, send, trial=not breaker.closed)

    async def _turn_away(
        self, scope: Any, receive: Any, send: Any, refusal: Problem | str | None
    ) -> None:
        """Answer with a refusal, or with the address to go to instead."""
        if isinstance(refusal, str):
            await self._moved(scope, receive, send, refusal)
        elif refusal is not None:
            await self._refuse(scope, receive, send, refusal)

    async def _pass(
        self, instance: Instance, scope: Any, receive: Any, send: Any, *, trial: bool
    ) -> None:
        app = instance.app.id
        exchange = scope["yimen"]
        task: Any = asyncio.current_task()
        instance.begin(task)
        scope["root_path"] = PREFIX + app
        started = time.perf_counter()
        failure: Problem | None = None
        given_up = False
        # nobody needs to look at what programs are answered
        look = None if exchange.channel in ("api", PROBE) else self._exits.look(app, send)
        try:
            await instance.asgi(scope, receive, look.send if look else send)
        except asyncio.CancelledError:
            if task in instance.late:
                failure = Problem("app-timeout", status=504)
            elif task in instance.cut:
                failure = Problem("app-stopped", status=504)
            elif task.cancelling():
                given_up = True  # the server let go of the request: nobody waits for an answer
                raise
            else:  # the app raised it itself, or awaited something that was cancelled
                failure = Problem("internal", status=500)
                exchange.failed("the app was cancelled by itself")
        except KeyboardInterrupt:
            raise
        except BaseException:  # the app's own handler answers errors; this is the last net,
            failure = Problem("internal", status=500)  # and what would end the worker
            exchange.failed("the app raised beyond its error handler")
        finally:
            instance.end(task)
            failed: bool | None = failure is not None or exchange.status >= 500
            if given_up or exchange.blameless or exchange.status in SAYS_NOTHING:
                failed = None
            elif failure is not None and failure.code == "app-stopped":
                failed = None  # it was cut from outside
            if failed or trial:
                instance.breaker.record(failed, trial=trial)
        if failure is not None and not exchange.started:
            await self._refuse(scope, receive, send, failure)
        if exchange.channel == PROBE:
            return
        route = scope.get("path_template")
        feature = f"{scope['method']} {route}" if route else NO_ROUTE
        self._count(instance, feature, scope, exchange, time.perf_counter() - started)
        if exchange.location:
            self._exits.redirected(app, feature, exchange.location)
        if look:
            self._exits.seen(app, feature, look)

    def _count(
        self, instance: Instance, feature: str, scope: Any, exchange: Any, seconds: float
    ) -> None:
        """Count the request; a page that is reached from outside the app is an open, and so is
        being led to a linked one; a form that begins a procedure a start, also when it is shown
        once more because what it began before is filed already."""
        app = instance.app.id
        unit, channel = exchange.actor.organization_id, exchange.channel
        status = exchange.refused or exchange.status or 500
        self._usage.request(app, feature, unit, channel, status, seconds)
        if channel == "api":
            return
        handler = scope.get("route_handler")
        led = handler is not None and LAUNCH in handler.opt and exchange.status == SEE_OTHER
        seen = scope["method"] == "GET" and (exchange.status == 200 or led)
        if seen and f"{PREFIX}{app}/".encode() not in exchange.referer:
            self._usage.count(app, feature, unit, channel, "opens")
            self._visits.opened(app, instance.rules, exchange.actor, channel)
        anew = scope["method"] == "POST" and exchange.status == CONFLICT
        if (seen or anew) and handler is not None and handler.opt.get("start"):
            self._usage.count(app, feature, unit, channel, "starts")

    def _gate(
        self, app: str, manifest: Manifest | None, gate: Gate, scope: Any
    ) -> Problem | str | None:
        """Return a refusal, an address to go to instead, or None to let it pass."""
        looks = scope["method"] in EFFECTLESS
        if gate.mode == "closed":
            old = leads_to(gate.links, scope["path"][len(PREFIX) + len(app) :]) if looks else None
            if old is not None:
                return with_query(old, _query(scope)[1:])
            return Problem("app-closed", status=GONE, **self._facts(app, manifest, gate))
        if gate.mode == "moved" and gate.successor:
            return f"{PREFIX}{gate.successor}{_rest(scope, app)}{_query(scope)}"
        if gate.state == "enabled" and (gate.mode != "read_only" or looks):
            return None
        facts = self._facts(app, manifest, gate)
        if gate.state == "quarantined":
            facts["reason"] = ""  # what broke is for administrators
            return Problem("app-quarantined", status=503, headers={"Retry-After": "60"}, **facts)
        if gate.state != "enabled":
            return Problem("app-disabled", status=503, headers={"Retry-After": "60"}, **facts)
        return Problem("app-read-only", status=CONFLICT, **facts)

    def _facts(self, app: str, manifest: Manifest | None, gate: Gate) -> dict[str, Any]:
        """Return what the sentence of a refusal says: of which app, why, until when, and what
        comes after it."""
        name = manifest.identity.names if manifest else Text(app, app)
        next = self.slots.get(gate.successor or "")
        after = next.app.manifest.identity.names if next and next.app.manifest else gate.successor
        facts: dict[str, Any] = {
            "app": app,
            "name_zh": name.zh,
            "name_en": name.en,
            "reason": gate.reason,
            "until": gate.until.astimezone(UTC).isoformat() if gate.until else None,
            "back": Phrase("door.back", {"at": gate.until}) if gate.until else "",
            "successor": gate.successor,
            "next": Phrase("door.next", {"name": after}) if after else "",
            "farewell": "",
        }
        if gate.sunset_at is not None:
            if gate.state == "enabled":
                facts["reason"] = ""  # why it was decided is said on its page
            said = {"day": local_day(gate.sunset_at)}
            facts["farewell"] = Phrase(f"door.{_manner(gate)}", said)
            facts["sunset"] = gate.sunset_at.astimezone(UTC).isoformat()
            facts["location"] = ABOUT + app
        return facts


def _manner(gate: Gate) -> str:
    """Return how an app on its way out turns people away, as the words have it."""
    if gate.mode == "closed":
        return "closed"
    return "sunset" if gate.state == "enabled" else "paused"


def _announcing(send: Any, headers: Headers) -> Any:
    """Return what sends answers with some more headers."""
    if not headers:
        return send

    async def announce(message: Any) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", ()), *headers]
        await send(message)

    return announce


def _rest(scope: Any, app: str) -> str:
    """Return what follows the app in the address, as the client wrote it."""
    head = f"{PREFIX}{app}/"
    raw: str = (scope.get("raw_path") or b"").partition(b"?")[0].decode("latin-1")
    if raw.startswith(head):
        return raw[len(head) - 1 :]
    return quote(scope["path"][len(head) - 1 :], safe="/:@!$&'()*+,;=~")


def _query(scope: Any) -> str:
    query: str = scope.get("query_string", b"").decode("latin-1")
    return f"?{query}" if query else ""

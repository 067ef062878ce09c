"""Calling a page of the hub in process, as the person who asks: whether it answers, and how.

A probe is no use of an app: the door counts nothing of it (`Exchange.channel` is `PROBE`). It goes
through the front door with the session of whoever asks, so that it sees what they may see. It
reads; what a route would write is never faked.
"""

import asyncio
from typing import Any, Final
from urllib.parse import quote, unquote

from portal.frames import safe_path

SECONDS: Final = 5.0
"""How long an answer may take."""
ALL_SECONDS: Final = 30.0
"""How long all probes of one act may take together."""


class Probes:
    """Probes of one person's act: with their cookies, in their language."""

    def __init__(self, front: Any, cookies: bytes) -> None:
        self._front = front
        self._cookies = cookies
        self._end = asyncio.get_running_loop().time() + ALL_SECONDS

    async def status(self, address: str) -> int | None:
        """Return the status with which an address answers, of a refusal that leads elsewhere (to
        sign in) that of the refusal; None where it does not answer in time, breaks off, or leads
        out of the hub."""
        left = self._end - asyncio.get_running_loop().time()
        if left <= 0:
            return None
        started: list[int] = []
        complete = asyncio.Event()

        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                started.append(message["status"])
            elif message["type"] == "http.response.body" and not message.get("more_body"):
                complete.set()

        # a task of its own: the door counts requests by their tasks, and cuts them so
        scope = _scope(address, self._cookies)
        call = asyncio.create_task(self._front(scope, _nothing, send), name="probe")
        done, _ = await asyncio.wait({call}, timeout=min(SECONDS, left))
        if not done:
            call.cancel()
        await asyncio.gather(call, return_exceptions=True)
        if not done or call.cancelled() or call.exception() or not complete.is_set():
            return None
        exchange = scope["yimen"]
        location = exchange.location.decode("latin-1")
        if location not in ("", "/") and safe_path(location) == "/":
            return None
        return exchange.refused or started[0]


def _scope(address: str, cookies: bytes) -> dict[str, Any]:
    path, _, query = address.partition("?")
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": unquote(path),
        "raw_path": quote(path, safe="/%:@!$&'()*+,;=~").encode(),
        "query_string": quote(query, safe="/%:@!$&'()*+,;=~?").encode(),
        "root_path": "",
        "headers": [(b"accept", b"text/html"), (b"cookie", cookies)],
        "client": ("127.0.0.1", 0),
        "server": ("127.0.0.1", 80),
        "yimen_probe": True,
    }


async def _nothing() -> dict[str, Any]:
    return {"type": "http.request", "body": b"", "more_body": False}

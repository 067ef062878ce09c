"""Doors behind the door (门后有门): where an app's answers lead to another host.

A redirect is counted each time. Of pages one is looked through now and then, its first 64 KiB
and after it was sent, for links and forms that lead to a sign-in elsewhere: an app that asks
people to sign in once more shows it on its pages, whatever its manifest says.
"""

import asyncio
import re
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable
from html import unescape
from typing import Any, Literal
from urllib.parse import unquote, urlsplit

from core.usage.capture import Usage

LOOK_SECONDS = 10.0
"""Of the pages of an app one is taken so often; of a feature one an hour is looked through."""
FEATURE_SECONDS = 3600.0
MOST_BYTES = 65_536
MOST_FEATURES = 5_000
MOST_HOSTS = 20
"""Hosts of an app that are told apart in a worker: an address may be anybody's to choose."""
OTHERS = "*"

_HOST = re.compile(r"[a-z0-9_.:-]{1,100}")
_LEADS = re.compile(
    r"""\b(?:href|action|url)\s*=\s*["']?\s*((?:https?:)?//[^\s"'<>]{1,1000})""", re.IGNORECASE
)
_SIGN_IN = re.compile(
    r"login|logon|log-in|signin|sign-in|oauth|openid|passport|登录|登陆|(?<![a-z])(?:sso|cas)(?![a-z])"
)


def host_elsewhere(address: str, own: frozenset[str]) -> str | None:
    """Return the host that an address leads to; None for one of ours, a path, or no address."""
    try:
        parts = urlsplit(address)
        host = parts.hostname
    except ValueError:
        return None
    if parts.scheme not in ("", "http", "https") or not host or host in own:
        return None
    return host if _HOST.fullmatch(host) else OTHERS


def sign_ins_elsewhere(page: str, own: frozenset[str]) -> set[str]:
    """Return the hosts elsewhere at which the links and forms of a page lead to a sign-in, by
    the words of their addresses."""
    found = set()
    for raw in _LEADS.findall(page):
        address = unescape(raw)
        if _SIGN_IN.search(unquote(address).lower()):
            found.add(host_elsewhere(address, own))
    return {host for host in found if host}


class Look:
    """One answer that is looked through if it is a page: what was sent of it is kept aside."""

    def __init__(self, send: Callable[[Any], Awaitable[None]]) -> None:
        self._send = send
        self._left = 0
        self._parts: list[bytes] = []

    async def send(self, message: Any) -> None:
        """Send a part of the answer, as it is."""
        if message["type"] == "http.response.start":
            self._left = MOST_BYTES if _readable(message) else 0
        elif self._left > 0:
            part = message.get("body", b"")[: self._left]
            self._left -= len(part)
            self._parts.append(part)
        await self._send(message)

    @property
    def page(self) -> str:
        """Return what there is to read of it."""
        return b"".join(self._parts).decode("utf-8", "replace")


class Exits:
    """What one worker sees of where apps lead. `own` are the hosts of this hub."""

    def __init__(self, usage: Usage, own: Iterable[str]) -> None:
        self._usage = usage
        self._own = frozenset(own)
        self._next_look: dict[str, float] = {}
        self._looked: dict[tuple[str, str], float] = {}
        self._hosts: defaultdict[str, set[str]] = defaultdict(set)
        self._reading: set[asyncio.Future[set[str]]] = set()

    def redirected(self, app: str, feature: str, location: bytes) -> None:
        """Count an answer that leads elsewhere."""
        host = host_elsewhere(location.decode("latin-1"), self._own)
        if host is not None:
            self._count(app, feature, host, "redirect")

    def look(self, app: str, send: Callable[[Any], Awaitable[None]]) -> Look | None:
        """Return a look at the answer to come, if it is time for one."""
        now = time.monotonic()
        if now < self._next_look.get(app, 0.0):
            return None
        self._next_look[app] = now + LOOK_SECONDS
        return Look(send)

    def seen(self, app: str, feature: str, look: Look) -> None:
        """Look through a page that was sent, in a thread, unless one of its feature was lately."""
        now = time.monotonic()
        page = look.page
        if not page or now < self._looked.get((app, feature), 0.0):
            return
        if len(self._looked) >= MOST_FEATURES:
            self._looked.clear()
        self._looked[app, feature] = now + FEATURE_SECONDS
        loop = asyncio.get_running_loop()
        reading = loop.run_in_executor(None, sign_ins_elsewhere, page, self._own)
        self._reading.add(reading)

        def read(done: asyncio.Future[set[str]]) -> None:
            self._reading.discard(done)
            if not done.cancelled() and done.exception() is None:
                for host in done.result():
                    self._count(app, feature, host, "link")

        reading.add_done_callback(read)

    async def read(self) -> None:
        """Return once nothing is being looked through."""
        while self._reading:
            await asyncio.wait(self._reading)
            await asyncio.sleep(0)

    def _count(self, app: str, feature: str, host: str, kind: Literal["redirect", "link"]) -> None:
        hosts = self._hosts[app]
        if host not in hosts and len(hosts) >= MOST_HOSTS:
            host = OTHERS
        hosts.add(host)
        self._usage.exit(app, feature, host, kind)


def _readable(message: Any) -> bool:
    """Return whether an answer is a page that can be read as it is."""
    headers = dict(message.get("headers", ()))
    kind: bytes = headers.get(b"content-type", b"")
    return (
        message["status"] == 200
        and kind.startswith(b"text/html")
        and b"content-encoding" not in headers
    )

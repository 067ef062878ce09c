"""Calls to addresses outside that somebody typed: to other identity providers, to apps that are
told of a sign-out.

Whoever answers there may be slow, absent or hostile, and an address may name a machine of the
county's own network. So a call is bounded in time and size; it goes to the address that was
looked at, never to one that a name means a moment later; it follows nothing and unpacks nothing.
None is made within a transaction: what is slow out there would hold the database.
"""

import asyncio
import socket
import ssl
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any, Final
from urllib.parse import SplitResult, urlencode, urlsplit

import httpcore
import msgspec

CONNECT_SECONDS: Final = 3.0
SECONDS: Final = 10.0
"""How long an answer may take, from the look-up of the name to its last byte."""
MOST_BYTES: Final = 256 * 1024
MOST_AT_ONCE: Final = 8
"""How many calls to one host may be under way: of one that hangs the others are told at once."""
LONGEST_ADDRESS: Final = 2000
PORTS: Final = {"http": 80, "https": 443}
_TRANSLATED: Final = IPv6Network("64:ff9b::/96")  # IPv4 behind NAT64 (RFC 6052)

IpAddress = IPv4Address | IPv6Address
Resolve = Callable[[str, int], Awaitable[list[str]]]


class OutsideError(Exception):
    """A call that brought no answer. `code` names the words for it under `outside.error`:
    `address`, `plain`, `private`, `unknown-host`, `unreachable`, `certificate`, `slow`, `busy`,
    `too-large`, `moved`, `packed`, `malformed`."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Answer(msgspec.Struct, frozen=True):
    """What was answered: headers with names in lower case, the last of each."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> dict[str, Any]:
        """Return the body as a JSON object; raise `OutsideError` (`malformed`) for all else."""
        try:
            found = msgspec.json.decode(self.body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise OutsideError("malformed")
        return found


class Outside:
    """Makes the calls of one worker. `networks` are those, not public, that may be called;
    without TLS none but this machine is."""

    def __init__(self, networks: Iterable[str] = (), *, resolve: Resolve | None = None) -> None:
        self._networks = [ip_network(network) for network in networks]
        self._under_way: Counter[str] = Counter()
        # a name server that hangs holds these threads, not those that check passwords
        self._threads = ThreadPoolExecutor(4, "outside-names")
        self._looking: dict[str, asyncio.Future[list[str]]] = {}
        self._resolve = resolve or self._look_up

    def close(self) -> None:
        """Let go of what looks names up."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def get(self, address: str, *, headers: Mapping[str, str] | None = None) -> Answer:
        """Return what an address answers. Raises `OutsideError`."""
        return await self.call("GET", address, headers=headers or {})

    async def post(
        self, address: str, fields: Mapping[str, str], *, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Send a form to an address; return what it answers. Raises `OutsideError`."""
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        body = urlencode(fields).encode()
        return await self.call("POST", address, headers={**(headers or {}), **kind}, body=body)

    async def call(
        self, method: str, address: str, *, headers: Mapping[str, str], body: bytes | None = None
    ) -> Answer:
        """Call an address once; return what it answers, whatever its status, but for one that
        leads elsewhere. Raises `OutsideError`."""
        parts = checked(address)
        host = parts.hostname or ""
        with self._one_more(host), _named_errors():
            async with asyncio.timeout(SECONDS):
                backend = _CheckedBackend(await self._allowed(parts))
                return await _call(backend, method, parts, headers, body)

    async def try_address(self, address: str) -> None:
        """Raise `OutsideError` for an address that would not be called, without calling it."""
        parts = checked(address)
        with _named_errors():
            async with asyncio.timeout(CONNECT_SECONDS):
                await self._allowed(parts)

    async def is_private(self, address: str) -> bool:
        """Return whether an address names a machine of a network that is not public."""
        parts = checked(address)
        with _named_errors():
            async with asyncio.timeout(CONNECT_SECONDS):
                ips = _parsed(await self._resolve(parts.hostname or "", parts.port or 0))
        if not ips:
            raise OutsideError("unknown-host")
        return not all(_public(ip) for ip in ips)

    async def _allowed(self, parts: SplitResult) -> list[str]:
        """Return the addresses a host has, each of which may be called: one that may not
        refuses them all, since a name that has both was made to be used so."""
        port = parts.port or PORTS[parts.scheme]
        async with asyncio.timeout(CONNECT_SECONDS):
            ips = _parsed(await self._resolve(parts.hostname or "", port))
        if not ips:
            raise OutsideError("unknown-host")
        for ip in ips:
            within = any(ip.version == net.version and ip in net for net in self._networks)
            if not _public(ip) and not within:
                raise OutsideError("private")
            if parts.scheme == "http" and not ip.is_loopback:
                raise OutsideError("plain")
        return [str(ip) for ip in ips]

    async def _look_up(self, host: str, port: int) -> list[str]:
        """Return the addresses of a name. All who ask for one that is being looked up wait for
        the same thread, so that a name server that hangs holds one and not all of them."""
        if (looking := self._looking.get(host)) is None:
            loop = asyncio.get_running_loop()
            looking = loop.run_in_executor(self._threads, _addresses, host, port)
            self._looking[host] = looking
            looking.add_done_callback(lambda _: self._looking.pop(host, None))
        return await asyncio.shield(looking)

    @contextmanager
    def _one_more(self, host: str) -> Iterator[None]:
        if self._under_way[host] >= MOST_AT_ONCE:
            raise OutsideError("busy")
        self._under_way[host] += 1
        try:
            yield
        finally:
            self._under_way[host] -= 1
            if not self._under_way[host]:
                del self._under_way[host]


def _addresses(host: str, port: int) -> list[str]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    return [str(one[4][0]) for one in found]


def checked(address: str) -> SplitResult:
    """Return the parts of an address that may be called; raise `OutsideError` (`address`)."""
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        raise OutsideError("address") from None
    odd = not address.isascii() or not address.isprintable() or any(c in address for c in ' \\"<>')
    if (
        odd
        or len(address) > LONGEST_ADDRESS
        or parts.scheme not in PORTS
        or not parts.hostname
        or parts.username is not None
        or parts.fragment
        or port == 0
    ):
        raise OutsideError("address")
    return parts


def _parsed(found: Iterable[str]) -> list[IpAddress]:
    """Return addresses, those that stand for an IPv4 address as that one."""
    ips = []
    for text in dict.fromkeys(found):
        ip = ip_address(text.partition("%")[0])
        if isinstance(ip, IPv6Address):
            within = ip.ipv4_mapped or ip.sixtofour
            if within is None and ip in _TRANSLATED:
                within = IPv4Address(ip.packed[-4:])
            ip = within or ip
        ips.append(ip)
    return ips


def _public(ip: IpAddress) -> bool:
    """Return whether an address is of the public network. What is reserved (as IPv4 written
    within IPv6 in other ways), or was of a site, is global to the library all the same."""
    odd = ip.is_multicast or ip.is_reserved or (isinstance(ip, IPv6Address) and ip.is_site_local)
    return ip.is_global and not odd


class _CheckedBackend(httpcore.AsyncNetworkBackend):
    """Connects to addresses that were looked at, whatever the name means by now."""

    def __init__(self, ips: list[str]) -> None:
        self._ips = ips
        self._real = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  (the library's own signature)
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to the first address that answers."""
        failure: Exception = OutsideError("unreachable")
        for ip in self._ips[:4]:
            try:
                return await self._real.connect_tcp(ip, port, timeout, None, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure


async def _call(
    backend: _CheckedBackend,
    method: str,
    parts: SplitResult,
    headers: Mapping[str, str],
    body: bytes | None,
) -> Answer:
    sent = {"User-Agent": "yimen", "Accept-Encoding": "identity", "Accept": "application/json"}
    waits = {"connect": CONNECT_SECONDS, "read": SECONDS, "write": SECONDS, "pool": SECONDS}
    async with (
        httpcore.AsyncConnectionPool(
            ssl_context=_certificates() if parts.scheme == "https" else None,
            network_backend=backend,
            max_keepalive_connections=0,
        ) as pool,
        pool.stream(
            method,
            parts.geturl(),
            headers=[*{**sent, **headers}.items()],
            content=body,
            extensions={"timeout": waits},
        ) as response,
    ):
        if 300 <= response.status < 400:
            raise OutsideError("moved")
        found = {
            name.decode("latin-1").lower(): value.decode("latin-1")
            for name, value in response.headers
        }
        if found.get("content-encoding", "identity").strip().lower() not in ("identity", ""):
            raise OutsideError("packed")
        read = bytearray()
        async for part in response.aiter_stream():
            read += part
            if len(read) > MOST_BYTES:
                raise OutsideError("too-large")
        return Answer(response.status, found, bytes(read))


@lru_cache(maxsize=1)
def _certificates() -> ssl.SSLContext:
    """Return whom TLS believes: what this machine does (`SSL_CERT_FILE` names others)."""
    return ssl.create_default_context()


@contextmanager
def _named_errors() -> Iterator[None]:
    try:
        yield
    except (TimeoutError, httpcore.TimeoutException):
        raise OutsideError("slow") from None
    except httpcore.ConnectError as error:
        context = error.__cause__ or error.__context__
        refused = isinstance(context, ssl.SSLError)
        raise OutsideError("certificate" if refused else "unreachable") from None
    except httpcore.ProtocolError:
        raise OutsideError("malformed") from None
    except (httpcore.NetworkError, OSError):
        raise OutsideError("unreachable") from None

"""The servers that are measured. All run under the hub's own parent and the same granian:

    python -m bench.serving CONFIGURATION

so that what differs is the application alone. `hub` is the hub; `bare` a Litestar with the
handler of the first app; `pool` and `pool-asgi` answer a list with asyncpg and msgspec.
"""

import importlib
import logging
import sys
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
from litestar import Litestar, get
from litestar.handlers import HTTPRouteHandler

from bench import apps
from core.access import wall
from core.apps.registry import installed
from core.settings import Settings
from portal.assembly import Yimen
from portal.server import serve


class Configuration(msgspec.Struct, frozen=True, kw_only=True):
    """What one server is: its kind, its port, its data."""

    kind: str
    port: int
    home: str
    database_url: str = ""
    redis_url: str | None = None
    apps: int = 0
    folder: str = ""
    grants: str = "manifests"
    hotline: bool = True
    usage: bool = True
    wall: bool = True
    query: str = ""
    arguments: tuple[UUID, ...] = ()

    @property
    def settings(self) -> Settings:
        """Return the settings of the server."""
        return Settings(
            home=Path(self.home),
            database_url=self.database_url,
            redis_url=self.redis_url,
            port=self.port,
            public_url=f"http://127.0.0.1:{self.port}",
            mode="demonstration",
            county="沾化区",
            root_organization="371603",
            secret=b"of-this-measurement-alone-and-of-no-other",
            grants=Path(self.grants),
        )


class Bare:
    """An application that the hub's server takes for a hub."""

    def __init__(self, asgi: Any) -> None:
        self._asgi = asgi

    async def start(self) -> None:
        """Nothing to start."""

    async def close(self) -> None:
        """Nothing to close."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer."""
        await self._asgi(scope, receive, send)


class Item(msgspec.Struct):
    """A row of the list, as asyncpg returns it."""

    id: UUID
    number: str
    title: str
    state: str
    organization_id: UUID
    opened_at: Any
    due_at: Any
    due_pending: bool
    paused_at: Any
    resolved_at: Any
    closed_at: Any
    kind: str | None
    unit: str


class Pool(Bare):
    """The list by hand: asyncpg's pool, msgspec, and Litestar's routing or none at all."""

    def __init__(self, chosen: Configuration) -> None:
        self._chosen = chosen
        self._pool: Any = None
        super().__init__(self._plain if chosen.kind == "pool-asgi" else self._litestar())

    async def start(self) -> None:
        """Open the pool."""
        import asyncpg

        url = self._chosen.database_url.replace("+asyncpg", "", 1)
        self._pool = await asyncpg.create_pool(url, min_size=10, max_size=10)

    async def close(self) -> None:
        """Close the pool."""
        await self._pool.close()

    async def _answer(self) -> bytes:
        rows = await self._pool.fetch(self._chosen.query, *self._chosen.arguments)
        return msgspec.json.encode([Item(*row) for row in rows])

    def _litestar(self) -> Litestar:
        from litestar import MediaType, Response

        @get("/apps/hotline/orders")
        async def orders() -> Response[bytes]:
            return Response(await self._answer(), media_type=MediaType.JSON)

        return Litestar([orders], openapi_config=None, logging_config=None)

    async def _plain(self, scope: Any, receive: Any, send: Any) -> None:
        body = await self._answer()
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body, "more_body": False})


def bare() -> Litestar:
    """Return the handlers of the first app in a Litestar of their own, without guards."""
    handlers: list[HTTPRouteHandler] = importlib.import_module(apps.package(0)).HANDLERS
    return Litestar(
        path=f"/apps/{apps.app_id(0)}",
        route_handlers=list(handlers),
        openapi_config=None,
        logging_config=None,
    )


def application() -> Any:
    """Return what the configuration asks for."""
    chosen = CHOSEN
    if chosen.kind == "bare":
        return Bare(bare())
    if chosen.kind.startswith("pool"):
        return Pool(chosen)
    found = installed() if chosen.hotline else []
    hub = Yimen(chosen.settings, points=[*found, *apps.points(chosen.apps)])
    hub.services.usage.enabled = chosen.usage
    if not chosen.wall:
        wall.stand = _nowhere
    return hub


async def _nowhere(tx: Any, within: Any) -> None:
    """Set nothing: the role passes by row-level security."""


def read(path: str) -> Configuration:
    """Return the configuration in a file."""
    return msgspec.json.decode(Path(path).read_bytes(), type=Configuration)


CHOSEN = Configuration(kind="bare", port=0, home=".")

if __name__ == "__main__":
    this: Any = importlib.import_module("bench.serving")
    this.CHOSEN = read(sys.argv[1])
    sys.path.insert(0, this.CHOSEN.folder)
    logging.basicConfig(level=logging.WARNING)
    sys.exit(serve(this.CHOSEN.settings, "bench.serving:application"))

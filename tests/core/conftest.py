"""The shell without its portal: services on both engines, and a small county to try them on."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from core.access import wall
from core.access.grants import RoleDefinition, define_roles, grant, shell_roles
from core.access.loading import load_actor, load_session
from core.apps.migrations import migrate
from core.database import Database
from core.hub import AppHub, Services
from core.identity import sessions
from core.identity.arrivals import DirectoryRow, import_directory
from core.identity.organizations import by_code
from core.identity.people import add_person, add_post
from core.settings import Settings
from plugin_sdk.ports import Actor, Audience, ScopeKind
from plugin_sdk.text import Text
from portal.testing.hub import MovedClock
from tests.core.probe import APP, Base, Petition

TREE = (
    ("C", "county", ""),
    ("T1", "township", "C"),
    ("V11", "village", "T1"),
    ("V12", "village", "T1"),
    ("T2", "township", "C"),
    ("V21", "village", "T2"),
    ("U1", "unit", "C"),
)
READER = RoleDefinition("probe.reader", Text("阅", "Reader"), ("probe.read",))
WRITER = RoleDefinition("probe.writer", Text("办", "Writer"), ("probe.read", "probe.write"))
CITIZEN = RoleDefinition(
    "probe.citizen", Text("居民", "Citizen"), ("probe.file", "probe.mine"), Audience.RESIDENT
)


async def fill_core(url: str) -> None:
    """Make the shell's tables, the probe's, a small tree and roles."""
    database = Database(url)
    try:
        await migrate(database, [])
        async with database.migration() as connection:
            await connection.run_sync(Base.metadata.create_all)
            if not database.sqlite:
                await connection.run_sync(wall.build, [Petition])
            await connection.commit()
        async with database.transaction(write=True) as tx:
            rows = [DirectoryRow(code, f"名{code}", level, above) for code, level, above in TREE]
            await import_directory(tx, rows)
            await define_roles(tx, "yimen", shell_roles())
            await define_roles(tx, APP, [READER, WRITER, CITIZEN])
    finally:
        await database.close()


@pytest.fixture(scope="session")
def prepare_template() -> Callable[[str], Awaitable[None]]:
    """Fill the database with the shell alone: what apps do is tested beside them."""
    return fill_core


class Shell:
    """Services of one worker, and short ways to what tests need of them."""

    def __init__(self, services: Services, clock: MovedClock) -> None:
        self.services = services
        self.clock = clock
        pages: Any = None
        self.hub = AppHub(services, APP, pages)

    @property
    def database(self) -> Database:
        return self.services.database

    def write(self) -> Any:
        return self.database.transaction(write=True)

    def read(self) -> Any:
        return self.database.transaction()

    async def organization(self, code: str) -> UUID:
        async with self.read() as tx:
            found = await by_code(tx, code)
        assert found is not None
        return found.id

    async def person(self, username: str) -> UUID:
        async with self.write() as tx:
            return await add_person(tx, username, username, None)

    async def post(self, person: UUID, code: str) -> UUID:
        unit = await self.organization(code)
        async with self.write() as tx:
            return await add_post(tx, person, unit, "岗")

    async def grant(
        self, post: UUID, role: str, scope: ScopeKind = ScopeKind.ORGANIZATION, **more: Any
    ) -> UUID:
        async with self.write() as tx:
            return await grant(tx, post, role, scope, granted_by=None, **more)

    async def staff(
        self,
        username: str,
        code: str,
        role: str | None = None,
        scope: ScopeKind = ScopeKind.ORGANIZATION,
        **more: Any,
    ) -> "Staff":
        person = await self.person(username)
        post = await self.post(person, code)
        given = await self.grant(post, role, scope, **more) if role else None
        return Staff(self, person, post, given)

    async def sign_in(self, person: UUID, seconds: int = 3600) -> str:
        async with self.write() as tx:
            return await sessions.begin(tx, person, seconds=seconds, proofs=["pwd"])

    async def actor(self, person: UUID, post: UUID | None, permission: str = "") -> Actor:
        import msgspec

        async with self.read() as tx:
            found = await load_actor(tx, person, "x", post)
        return msgspec.structs.replace(found, permission=permission)

    async def of_session(self, token: str, permission: str = "") -> Actor:
        """The actor as the database has it, without the cache."""
        import msgspec

        async with self.read() as tx:
            found = await load_session(tx, sessions.digest(token))
        assert found is not None
        return msgspec.structs.replace(found.actor, permission=permission)


class Staff:
    """Someone with a post, and perhaps a grant."""

    def __init__(self, shell: Shell, person: UUID, post: UUID, given: UUID | None) -> None:
        self._shell = shell
        self.person = person
        self.post = post
        self.given = given

    async def actor(self, permission: str = "probe.read") -> Actor:
        return await self._shell.actor(self.person, self.post, permission)


ShellMaker = Callable[..., Awaitable[Shell]]


@pytest.fixture
async def make_shell(
    engine_kind: str, fresh_database_url: str, tmp_path: Path, request: pytest.FixtureRequest
) -> AsyncIterator[ShellMaker]:
    """Return a function that starts the services of one more worker on the same engine."""
    redis_url = request.getfixturevalue("fresh_redis_url") if engine_kind == "production" else None
    made: list[Shell] = []

    async def make(
        *, background: bool = False, standing: datetime | None = None, **settings: Any
    ) -> Shell:
        clock = MovedClock()
        if standing is not None:
            clock.stand(standing)
        values: dict[str, Any] = {
            "home": tmp_path / "home",
            "database_url": fresh_database_url,
            "redis_url": redis_url,
            "secret": b"of-this-test-alone-32-characters",
            **settings,
        }
        shell = Shell(Services(Settings(**values), clock=clock), clock)
        made.append(shell)
        await shell.services.start(background=background)
        return shell

    yield make
    for shell in made:
        with contextlib.suppress(Exception):
            await shell.services.close()


@pytest.fixture
async def shell(make_shell: ShellMaker) -> Shell:
    """Return the services of one worker without background tasks."""
    return await make_shell()


class Undone(Exception):
    """Raised to undo a transaction that an example was tried in."""


async def explore(strategy: Any, check: Callable[[Any], Awaitable[None]], examples: int) -> None:
    """Let hypothesis try an asynchronous check: it looks in a thread, the check runs here."""
    from hypothesis import HealthCheck, given, settings

    loop = asyncio.get_running_loop()

    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def look(example: Any) -> None:
        asyncio.run_coroutine_threadsafe(_await(check, example), loop).result(60)

    await asyncio.to_thread(look)


async def _await(check: Callable[[Any], Awaitable[None]], example: Any) -> None:
    await check(example)


async def until(holds: Callable[[], Awaitable[bool]], seconds: float = 10) -> None:
    """Wait until something holds."""
    async with asyncio.timeout(seconds):
        while True:
            if await holds():
                return
            await asyncio.sleep(0.01)

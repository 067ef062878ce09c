"""Fixtures for app authors: a running hub on both engines, and clients signed in to it."""

import contextlib
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from plugin_sdk.deadlines import local_day

if TYPE_CHECKING:
    from core.identity.passwords import NewPassword

PASSWORD = "correct horse battery staple"  # noqa: S105  (of throw-away accounts)
ROOT = Path(__file__).parent.parent.parent


class MovedClock:
    """The time of a test hub: real time, plus what the test has moved it by; or standing."""

    def __init__(self) -> None:
        self.offset = timedelta()
        self.standing: datetime | None = None

    def __call__(self) -> datetime:
        """Return the time in UTC."""
        return (self.standing or datetime.now(UTC)) + self.offset

    def stand(self, moment: datetime) -> None:
        """Let the time stand at a moment."""
        self.standing = moment.astimezone(UTC)
        self.offset = timedelta()

    def move(self, **by: float) -> None:
        """Move the time, e.g. `move(days=3)`."""
        self.offset += timedelta(**by)

    def day(self, after: int = 0) -> date:
        """Return the county's day, so many days after today: near midnight it is not UTC's."""
        return local_day(self()) + timedelta(days=after)


class Client(httpx.AsyncClient):
    """A client of one session: JSON by default; `page=True` asks as a browser."""

    csrf = ""
    role = ""

    async def post_form(self, url: str, values: dict[str, Any], **more: Any) -> httpx.Response:
        """Send a form as a page does, with the token of the session."""
        headers = {"accept": "text/html", **more.pop("headers", {})}
        return await self.post(url, data={"_csrf": self.csrf, **values}, headers=headers, **more)

    async def page(self, url: str) -> httpx.Response:
        """Ask for a page as a browser does."""
        return await self.get(url, headers={"accept": "text/html"})


class HubUnderTest:
    """A started hub with the demonstration county, its clock and its clients."""

    def __init__(self, hub: Any, clock: MovedClock) -> None:
        self.hub = hub
        self.clock = clock
        self._clients: list[Client] = []

    @property
    def services(self) -> Any:
        """Return the rooms of the hub."""
        return self.hub.services

    def client(self) -> Client:
        """Return a client of nobody yet."""
        transport = httpx.ASGITransport(app=self.hub, raise_app_exceptions=False)
        client = Client(
            transport=transport,
            base_url=self.hub.settings.public_url,
            headers={"accept": "application/json"},
            timeout=30,
        )
        self._clients.append(client)
        return client

    async def client_as(self, role: str) -> Client:
        """Return a client signed in as one of the cast (`portal.demo.cast.CAST`)."""
        client = self.client()
        answer = await client.post("/sign-in", json={"username": role, "password": PASSWORD})
        assert answer.status_code == 200, answer.text
        client.csrf = answer.json()["csrf"]
        client.role = role
        return client

    async def settle(self) -> None:
        """Do now what jobs, timers and the outbox would do soon."""
        await self.hub.apps.background.fire_timers()
        for _ in range(5):
            if not await self.services.jobs.relay():
                break

    async def set_state(self, app: str, state: str, **more: Any) -> int:
        """Set how an app's door stands (`mode`, `successor`, `reason`…) and wait until this
        worker follows and has drained; return the generation."""
        number: int = await self.hub.apps.change(app, state=state, **more)
        await self.hub.apps.follow()
        return number

    async def actors(self) -> dict[str, Any]:
        """Return the cast as actors, by role."""
        from portal.demo.county import cast_actors

        async with self.services.database.transaction() as tx:
            return await cast_actors(tx)

    async def actor(self, role: str) -> Any:
        """Return one of the cast as an actor: what they may do now."""
        from portal.demo.cast import CAST
        from portal.demo.county import cast_actor

        member = next(member for member in CAST if member.role == role)
        async with self.services.database.transaction() as tx:
            return await cast_actor(tx, member)

    async def staff(self, app: str) -> None:
        """Let the unit of the cast hold the roles of an app that the cast was not made for."""
        from portal.demo import county

        manifest = self.hub.apps.manifest(app)
        async with self.services.database.transaction(write=True) as tx:
            await county.staff(tx, manifest)

    async def close(self) -> None:
        """Close clients and hub."""
        for client in self._clients:
            await client.aclose()
        await self.hub.close()

    @contextlib.asynccontextmanager
    async def database_away(self) -> AsyncIterator[None]:
        """Let the database be away: what is connected is cut, and nothing connects."""
        from sqlalchemy import event

        engine = self.services.database.engine

        def refuse(*_: Any) -> None:
            raise ConnectionRefusedError("the database is away")

        event.listen(engine.sync_engine, "do_connect", refuse)
        await engine.dispose()
        try:
            yield
        finally:
            event.remove(engine.sync_engine, "do_connect", refuse)


@pytest.fixture(scope="session")
def prepare_template() -> Callable[[str], Awaitable[None]]:
    """Return what fills the database that each test's own is copied from: every table, the
    demonstration county down to its towns, and the cast."""
    return fill_template


def quick(password: str) -> "NewPassword":
    """Return a password that is checked with next to no work, for it says itself how much: what a
    real one costs is tried where passwords are, and not at each sign-in of a test."""
    from argon2 import PasswordHasher

    from core.identity.passwords import NewPassword

    return NewPassword(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(password))


async def fill_template(url: str) -> None:
    """Migrate and load a county; every account has the same throw-away password."""
    from core.access.grants import define_roles, shell_roles
    from core.apps.migrations import migrate
    from core.apps.registry import installed, load_apps
    from core.apps.supervisor import roles_of
    from core.database import Database
    from portal.demo import cast, county

    database = Database(url)
    try:
        apps = load_apps(installed(), ROOT / "manifests")
        await migrate(database, apps)
        # in their posts for years: tests set the clock back
        long_ago = datetime(2020, 1, 1, tzinfo=UTC)
        async with database.transaction(write=True, now=long_ago) as tx:
            await county.build(tx, county.directory(villages=False))
            await define_roles(tx, "yimen", shell_roles())
            for app in apps:
                if app.manifest is not None:
                    await define_roles(tx, app.id, roles_of(app.manifest))
            for member in cast.CAST:
                await county.enlist(tx, member, quick(PASSWORD))
    finally:
        await database.close()


HubMaker = Callable[..., Awaitable[HubUnderTest]]


@pytest.fixture
def hubs_made() -> list[HubUnderTest]:
    """Return the hubs that the test has started so far, the last one last."""
    return []


@pytest.fixture
async def make_hub(
    engine_kind: str,
    fresh_database_url: str,
    tmp_path: Path,
    hubs_made: list[HubUnderTest],
    request: pytest.FixtureRequest,
) -> AsyncIterator[HubMaker]:
    """Start hubs on the engine of the test, one for each call.

    `points` are entry points of more apps, whose grants stand in `grants`; further settings
    (`watchdog_seconds=…`) replace the defaults.
    """
    from core.apps.migrations import migrate
    from core.settings import Settings
    from portal.assembly import Yimen

    redis_url = request.getfixturevalue("fresh_redis_url") if engine_kind == "production" else None
    made = hubs_made
    cache = request.config.cache.mkdir("yimen")  # templates are compiled once, not for each hub

    async def make(
        *,
        points: Iterable[EntryPoint] | None = None,
        grants: Path | None = None,
        clock: MovedClock | None = None,
        background: bool = False,
        **settings: Any,
    ) -> HubUnderTest:
        from core.apps.registry import installed

        folder = ROOT / "manifests"
        if grants is not None:
            folder = tmp_path / f"grants-{len(made)}"
            shutil.copytree(ROOT / "manifests", folder)
            shutil.copytree(grants, folder, dirs_exist_ok=True)
        moved = clock or MovedClock()
        values: dict[str, Any] = {
            "home": tmp_path / "home",
            "cache": cache,
            "database_url": fresh_database_url,
            "redis_url": redis_url,
            "mode": "demonstration",
            "county": "沾化区",
            "root_organization": "371603",
            "secret": b"of-this-test-alone",
            "grants": folder,
            "public_url": "http://127.0.0.1",
            "poll_seconds": 0.1,
            "watchdog_seconds": 60.0,  # a loaded machine is no blocking app
            "import_seconds": 600.0,
            "search_seconds": 30.0,
            **settings,
        }
        every = [*installed(), *(points or ())]
        hub = Yimen(Settings(**values), clock=moved, points=every)
        under_test = HubUnderTest(hub, moved)
        made.append(under_test)
        if points is not None:  # their tables are not in the template
            await migrate(hub.services.database, hub.loaded())
        await hub.start(background=background)
        if not background:  # who asks is read anew when something was revoked, as behind a door
            await hub.services.actors.start()
        return under_test

    yield make
    for under_test in made:
        with contextlib.suppress(Exception):
            await under_test.close()


@pytest.fixture
async def hub_app(make_hub: HubMaker) -> HubUnderTest:
    """Return a running hub with the demonstration county and the installed apps."""
    return await make_hub()


@pytest.fixture
async def client_as(hub_app: HubUnderTest) -> Callable[[str], Awaitable[Client]]:
    """Sign one of the cast in to `hub_app`, by role."""
    return hub_app.client_as

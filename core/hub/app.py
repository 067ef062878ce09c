"""The hub as one app sees it."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from copy import copy
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final, TypeVar
from uuid import UUID

from sqlalchemy.exc import DBAPIError

from core.access import wall
from core.access.decisions import still_allowed
from core.access.holders import officials_holding, organizations_holding
from core.database import UNIT, Clock, Transaction
from core.files.images import PictureError, reencode_async
from core.files.service import files_of, plain_name
from core.hub.counting import Counting
from core.hub.drafts import AppDrafts
from core.hub.elements import AppElements
from core.hub.numbers import AppNumbers
from core.hub.service import Services
from core.hub.unit import Unit
from core.identity import organizations, tree
from core.usage.visits import RULES
from plugin_sdk.deadlines import CalendarUnknown, Term, due
from plugin_sdk.elements import Elements
from plugin_sdk.files import Picture, StoredFile
from plugin_sdk.life import Life
from plugin_sdk.manifest import Usage as Rules
from plugin_sdk.ports import (
    Actor,
    Calendar,
    Directory,
    Drafts,
    Files,
    Official,
    Organization,
    Pages,
    RequestKey,
)
from plugin_sdk.ports import Numbers as NumbersPort
from plugin_sdk.ports import Read as ReadPort
from plugin_sdk.ports import Work as WorkPort
from plugin_sdk.problems import Conflict, Invalid, NotFound, field_error

T = TypeVar("T")

QUICKER: Final = frozenset({"23505", "40P01", "SQLITE_CONSTRAINT_UNIQUE"})
"""What it is called where another wrote first: a second of what is unique, and on PostgreSQL two
who wait for each other, of whom one is let go. On SQLite nobody writes at the same moment, but what
an app asked before its unit of work may be old."""


async def no_register(tx: Transaction, app: str) -> Life | None:
    """Return where an app stands in a hub without a register: nowhere."""
    return None


class _Tried(Exception):
    """Ends a unit of work of a trial: nothing of it stays."""


class _Directory:
    """`plugin_sdk.ports.Directory` on the tree of organizations."""

    def __init__(self, services: Services, app: str) -> None:
        self._services = services
        self._app = app

    async def organization(self, id: UUID) -> Organization | None:
        async with self._services.database.transaction() as tx:
            return await organizations.organization(tx, id)

    async def by_code(self, code: str) -> Organization | None:
        async with self._services.database.transaction() as tx:
            return await organizations.by_code(tx, code)

    async def children(self, id: UUID) -> list[Organization]:
        async with self._services.database.transaction() as tx:
            return await organizations.children(tx, id)

    async def units(self, permission: str) -> list[Organization]:
        key = f"{self._app}.{permission}"
        async with self._services.database.transaction() as tx:
            return await organizations_holding(tx, key)

    async def officials(self, permission: str) -> list[Official]:
        key = f"{self._app}.{permission}"
        async with self._services.database.transaction() as tx:
            return await officials_holding(tx, key)

    async def regions(self) -> list[Organization]:
        async with self._services.database.transaction() as tx:
            root = self._services.settings.root_organization
            top = await organizations.by_code(tx, root) if root else None
            return await organizations.regions(tx, top.id if top else None)

    async def names(self, ids: Sequence[UUID]) -> dict[UUID, str]:
        return await self._services.names(ids)

    async def present(self, id: UUID) -> Organization | None:
        async with self._services.database.transaction() as tx:
            found = await tree.present(tx, id)
            return await organizations.organization(tx, found) if found else None


class _Files:
    """`plugin_sdk.ports.Files` on the store."""

    def __init__(self, services: Services, app: str) -> None:
        self._services = services
        self._app = app

    async def draw(self, name: str, data: bytes) -> Picture:
        try:
            drawn = await reencode_async(data)
        except PictureError as error:
            raise Invalid(field_error("photos", error.code, **error.params)) from None
        return Picture(
            *(plain_name(name), drawn.data, drawn.width, drawn.height),
            *(drawn.media_type, drawn.sha256, drawn.taken),
        )

    async def keep(self, work: Any, subject: str, picture: Picture) -> StoredFile:
        return await self._services.files.put(work.tx, self._app, subject, picture)

    async def of(self, read: Any, subject: str) -> list[StoredFile]:
        return await files_of(read.tx, self._app, subject)

    async def content(self, read: Any, file: StoredFile) -> bytes:
        found = await self._services.files.content(read.tx, self._app, file.id)
        if found is None:
            raise NotFound
        return found

    def href(self, file: StoredFile, actor: Actor) -> str:
        now = self._services.database.clock()
        return f"/files/{file.id}?t={self._services.files.token(file.id, actor, now)}"


class AppHub:
    """`plugin_sdk.ports.Hub` for one app."""

    def __init__(
        self,
        services: Services,
        app: str,
        pages: Pages,
        settings: Mapping[str, Any] | None = None,
        clock: Clock | None = None,
        *,
        elements: Iterable[str] = (),
        rules: Rules = RULES,
        life_of: Callable[[Transaction, str], Awaitable[Life | None]] = no_register,
    ) -> None:
        """`elements` are the data elements that the app's manifest asks for, `rules` what it
        says of its usage; `life_of` asks the register of apps, which is above the hub."""
        self.app = app
        self.pages = pages
        self.settings: Mapping[str, Any] = settings or {}
        self.services = services
        self.directory: Directory = _Directory(services, app)
        self.numbers: NumbersPort = AppNumbers(services, app)
        self.files: Files = _Files(services, app)
        self.drafts: Drafts = AppDrafts(services, app)
        self.elements: Elements = AppElements(services, app, elements)
        self._clock = clock
        self._rules = rules
        self._life_of = life_of
        self._trial = False
        self._made: dict[Any, Any] = {}

    @property
    def site(self) -> str:
        """See `plugin_sdk.ports.Hub`."""
        return self.services.settings.public_url.rstrip("/")

    @property
    def folder(self) -> Path:
        """See `plugin_sdk.ports.Hub`."""
        return self.services.settings.home / "apps" / self.app

    @property
    def calendar(self) -> Calendar:
        """Return the working calendar as it is known now."""
        return self.services.calendar

    def now(self) -> datetime:
        """See `plugin_sdk.ports.Hub`."""
        return (self._clock or self.services.database.clock)()

    def at(self, moment: datetime) -> "AppHub":
        """See `plugin_sdk.ports.Hub`."""
        there = copy(self)
        there._clock, there._made = lambda: moment, {}
        return there

    def trying(self) -> "AppHub":
        """Return the hub with each unit of work undone at its end, when all that it would have
        written has been checked: for the trial of an import. What a unit of work would leave for
        a later one is not there."""
        there = copy(self)
        there._trial, there._made = True, {}
        return there

    def once(self, make: Callable[["AppHub"], T]) -> T:
        """See `plugin_sdk.ports.Hub`."""
        if make not in self._made:
            self._made[make] = make(self)
        made: T = self._made[make]
        return made

    def system(self, name: str) -> Actor:
        """See `plugin_sdk.ports.Hub`."""
        return Actor(name=f"{self.app}: {name}", system=True)

    def due(self, start: datetime, term: Term) -> datetime | None:
        """See `plugin_sdk.ports.Hub`."""
        try:
            return due(start, term, self.calendar)
        except CalendarUnknown:
            return None

    async def hit(self, name: str, seconds: int) -> int:
        """See `plugin_sdk.ports.Hub`."""
        return await self.services.shared.hit(f"app:{self.app}:{name}", seconds)

    async def life(self, read: Any, app: str) -> Life | None:
        """See `plugin_sdk.ports.Hub`."""
        return await self._life_of(read.tx, app)

    def is_working_day(self, day: date) -> bool:
        """Return whether a day is worked. Raises `CalendarUnknown`."""
        return self.calendar.is_working_day(day)

    def _unit(self, actor: Actor, *, measured: bool = True) -> Unit:
        counting = Counting(
            self.app,
            self.services.visits,
            self._rules,
            measured=measured,
            place=self.services.places.of,
        )
        return Unit(
            self.app, actor, self.pages, counting=counting, freshness=self.services.freshness
        )

    @asynccontextmanager
    async def read(self, actor: Actor) -> AsyncIterator[ReadPort]:
        """See `plugin_sdk.ports.Hub`."""
        unit = self._unit(actor)
        async with (
            self.services.database.share(self.app).held(),
            self.services.database.transaction(
                now=self._clock() if self._clock else None, options={UNIT: unit}
            ) as tx,
        ):
            unit.enter(tx)
            await unit.stand()
            yield unit
        if unit.recorded:  # past the scope: named, and recorded though nothing was written
            async with self.services.database.transaction(write=True) as tx:
                await unit.record(tx)

    @asynccontextmanager
    async def work(self, actor: Actor, key: RequestKey | None = None) -> AsyncIterator[WorkPort]:
        """See `plugin_sdk.ports.Hub`."""
        await self.services.current_calendar()
        unit = self._unit(actor, measured=self._clock is None)
        with suppress(_Tried):
            async with (
                _one_at_a_time(),
                self.services.database.share(self.app).held(),
                self.services.database.transaction(
                    write=True, now=self._clock() if self._clock else None, options={UNIT: unit}
                ) as tx,
            ):
                unit.enter(tx)
                unit.actor = await still_allowed(tx, actor)
                await unit.stand()
                await unit.begin(key)
                yield unit
                await unit.finish()
                if self._trial:
                    await tx.session.flush()
                    raise _Tried
        if unit.leaves_something and not self._trial:
            self.services.jobs.wake()

    @asynccontextmanager
    async def within(self, tx: Transaction, actor: Actor) -> AsyncIterator[WorkPort]:
        """Return a unit of work inside a transaction of the shell's own (an event's)."""
        unit = self._unit(actor)
        connection = await tx.session.connection()
        await connection.execution_options(**{UNIT: unit})
        unit.enter(tx)
        await unit.stand()
        try:
            yield unit
            await unit.finish()
            await wall.stand(tx, wall.NOTHING)
        finally:
            unit.leave()
            await connection.execution_options(**{UNIT: None})


@asynccontextmanager
async def _one_at_a_time() -> AsyncIterator[None]:
    """Let who wrote the same at the same moment hear that another was quicker: what an app asks
    before it writes is true until then, and what is unique is so in the database alone."""
    try:
        yield
    except DBAPIError as error:
        said = {getattr(error.orig, name, None) for name in ("sqlstate", "sqlite_errorname")}
        if not said & QUICKER:
            raise
        raise Conflict("written-meanwhile") from error

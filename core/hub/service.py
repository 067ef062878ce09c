"""The services of one worker, and the hub as an app sees it."""

import logging
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete
from sqlmodel import col

from core import audit
from core.access import erasure, guard, wall
from core.access.actors import Actors
from core.access.decisions import still_allowed
from core.access.holders import organizations_holding
from core.audit import retention, sealing
from core.audit.checkpoints import Book
from core.audit.checks import Checks
from core.audit.sealing import Sealer
from core.database import UNIT, Clock, Database, Transaction, utc_now
from core.delivery import service as delivery
from core.files.images import PictureError, reencode_async
from core.files.service import FileStore, files_of, plain_name
from core.hub.alone import Place
from core.hub.drafts import AppDrafts
from core.hub.models import RequestRecord
from core.hub.numbers import AppNumbers
from core.hub.people import ImportedRoles, hand_over_work, pass_on_work
from core.hub.unit import Unit
from core.identity import devices, organizations, people_imports, sessions, tree
from core.identity.events import (
    OrganizationClosed,
    PersonErased,
    PostEnded,
    SessionEnded,
    TreeChanged,
)
from core.identity.numbers import Numbers
from core.identity.people_imports import PeopleImports
from core.jobs import Jobs
from core.messages import service as messages
from core.settings import Settings
from core.shared_state import SharedState, connect
from core.usage.capture import Usage
from core.work import drafts, pins
from core.work.calendar import calendar_stamp, load_calendar
from core.work.holidays import HolidayCalendar
from plugin_sdk.deadlines import CalendarUnknown, Term, due
from plugin_sdk.files import Picture, StoredFile
from plugin_sdk.ports import (
    Actor,
    Calendar,
    Directory,
    Drafts,
    Files,
    Organization,
    Pages,
    RequestKey,
)
from plugin_sdk.ports import Numbers as NumbersPort
from plugin_sdk.ports import Read as ReadPort
from plugin_sdk.ports import Work as WorkPort
from plugin_sdk.problems import Invalid, field_error

logger = logging.getLogger(__name__)

KEEP_REQUESTS = timedelta(days=7)
NAMES_SECONDS = 60


class Services:
    """Everything one worker runs, started and stopped together. A command, which serves
    nobody (`serves=False`), is not counted among the workers."""

    def __init__(self, settings: Settings, *, clock: Clock = utc_now, serves: bool = True) -> None:
        self.settings = settings
        self.database = Database(settings.database_url, clock=clock)
        guard.install(self.database.engine.sync_engine)
        wall.install(self.database.engine.sync_engine)
        self.shared: SharedState = connect(settings.redis_url, settings.database_url, serves=serves)
        self.place = Place(self.database, joined=settings.redis_url is not None)
        self.actors = Actors(self.database, self.shared, lease_seconds=settings.lease_seconds)
        self.jobs = Jobs(self.database, self.shared)
        self.usage = Usage(self.database, self.shared.worker)
        self.files = FileStore(settings.home, settings.secret)
        self.sealer = Sealer(self.database, Book(settings.checkpoints, settings.checkpoint_key))
        self.checks = Checks(self.sealer)
        self.calendar = HolidayCalendar(notices=[])
        self._calendar_stamp: tuple[int, object] | None = None
        self._calendar_checked = 0.0
        self._names: dict[UUID, str] = {}
        self._names_since = 0.0
        self.database.on(SessionEnded, drafts.drop_with_session)
        self.database.on(PersonErased, erasure.forget_words)
        self.database.on(PersonErased, messages.forget)
        self.database.on(PersonErased, drafts.forget_drafts)
        self.database.on(PersonErased, pins.forget_pins)
        self.numbers = Numbers(settings.secret)
        self.people_imports = PeopleImports(self.database, self.numbers, ImportedRoles())
        self.database.on(PostEnded, hand_over_work)
        self.database.on(OrganizationClosed, pass_on_work)
        self.database.on(TreeChanged, self._tree_changed)
        self.jobs.handle(people_imports.KIND, self.people_imports.work_off)
        self.jobs.handle(messages.KIND, messages.deliver)
        self.jobs.handle(delivery.KIND, delivery.Delivery(delivery.SimulatedSms()).deliver)
        self.jobs.every(sealing.EVERY_SECONDS, sealing.JOB, self.sealer.run)
        if settings.audit_days is not None:
            self.jobs.every(retention.EVERY_SECONDS, retention.JOB, self._cut_record)
        self.jobs.every(3600, "core.tidy-requests", self._tidy_requests)
        self.jobs.every(3600, "core.tidy-sign-ins", self._tidy_sign_ins)
        self.jobs.every(3600, "core.tidy-drafts", self._tidy_drafts)
        self.jobs.every(3600, "core.tidy-outbox", self.jobs.tidy)
        self.jobs.every(3600, "core.tidy-deliveries", self._tidy_deliveries)
        self.jobs.every(3600, "core.tidy-usage", self.usage.tidy)
        self.jobs.every(3600, "core.tidy-revocations", self.actors.tidy)
        self.jobs.every(3600, "core.tidy-imports", self.people_imports.tidy)

    async def start(self, *, background: bool = True) -> None:
        """Connect and begin the background tasks (without them: for commands).

        Raises `AlreadyServed` where another server would decide without hearing this one.
        """
        if background:
            await self.place.take()
        await self.shared.start()
        await self.refresh_calendar()
        if background:
            await self.actors.start()
            self.jobs.start()
            self.usage.start()

    async def close(self) -> None:
        """Stop in order, flushing what was counted."""
        await self.jobs.close()
        await self.checks.close()
        await self.actors.close()
        await self.usage.close()
        await self.shared.close()
        await self.place.leave()
        await self.database.close()

    async def refresh_calendar(self) -> bool:
        """Load the working calendar if a notice was entered; return whether it changed."""
        async with self.database.transaction() as tx:
            stamp = await calendar_stamp(tx)
            if stamp == self._calendar_stamp:
                return False
            self.calendar = await load_calendar(tx)
        first, self._calendar_stamp = self._calendar_stamp is None, stamp
        return not first

    async def current_calendar(self) -> None:
        """Look for a new notice, at most once in two seconds."""
        if time.monotonic() - self._calendar_checked > 2:
            self._calendar_checked = time.monotonic()
            await self.refresh_calendar()

    async def names(self, ids: Sequence[UUID]) -> dict[UUID, str]:
        """Return the names of organizations by id; one is at most a minute old.

        Every list shows a few of them, and would else begin a second transaction.
        """
        if time.monotonic() - self._names_since > NAMES_SECONDS:
            self._names, self._names_since = {}, time.monotonic()
        known = self._names
        missing = [id for id in ids if id not in known]
        if missing:
            async with self.database.transaction() as tx:
                known.update(await organizations.names(tx, missing))
        return {id: known[id] for id in ids if id in known}

    async def refuse(self, actor: Actor, app: str, permission: str, subject: str) -> None:
        """Record a refusal on its own, since what it refused left no transaction.

        Sixty a minute of one person are recorded, so that nobody fills the record.
        """
        if actor.person_id is None:
            return
        if await self.shared.hit(f"refused:{actor.real_person_id}", 60) > 60:
            return
        async with self.database.transaction(write=True) as tx:
            await audit.record(
                tx, actor, app, "refused", subject, outcome="refused", permission=permission
            )

    async def _cut_record(self) -> None:
        if self.settings.audit_days is not None:
            await retention.cut(self.sealer, timedelta(days=self.settings.audit_days))

    async def _tree_changed(self, tx: Transaction, event: TreeChanged) -> None:
        await self.actors.revoke(tx, "*")  # every actor carries facts of an organization
        tx.after_commit(self._forget_names)

    def _forget_names(self) -> None:
        self._names = {}

    async def _tidy_requests(self) -> None:
        async with self.database.transaction(write=True) as tx:
            await tx.session.execute(
                delete(RequestRecord).where(col(RequestRecord.at) < tx.now - KEEP_REQUESTS)
            )

    async def _tidy_sign_ins(self) -> None:
        async with self.database.transaction(write=True) as tx:
            await sessions.tidy(tx)
            await devices.tidy(tx)

    async def _tidy_deliveries(self) -> None:
        async with self.database.transaction(write=True) as tx:
            await delivery.tidy(tx)

    async def _tidy_drafts(self) -> None:
        async with self.database.transaction(write=True) as tx:
            await drafts.tidy_drafts(tx)


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
            plain_name(name), drawn.data, drawn.width, drawn.height, drawn.media_type, drawn.sha256
        )

    async def keep(self, work: Any, subject: str, picture: Picture) -> StoredFile:
        return await self._services.files.put(work.tx, self._app, subject, picture)

    async def of(self, read: Any, subject: str) -> list[StoredFile]:
        return await files_of(read.tx, self._app, subject)

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
    ) -> None:
        self.app = app
        self.pages = pages
        self.settings: Mapping[str, Any] = settings or {}
        self.services = services
        self.directory: Directory = _Directory(services, app)
        self.numbers: NumbersPort = AppNumbers(services, app)
        self.files: Files = _Files(services, app)
        self.drafts: Drafts = AppDrafts(services, app)
        self._clock = clock

    @property
    def site(self) -> str:
        """See `plugin_sdk.ports.Hub`."""
        return self.services.settings.public_url.rstrip("/")

    @property
    def calendar(self) -> Calendar:
        """Return the working calendar as it is known now."""
        return self.services.calendar

    def now(self) -> datetime:
        """See `plugin_sdk.ports.Hub`."""
        return (self._clock or self.services.database.clock)()

    def at(self, moment: datetime) -> "AppHub":
        """See `plugin_sdk.ports.Hub`."""
        return AppHub(self.services, self.app, self.pages, self.settings, lambda: moment)

    def system(self, name: str) -> Actor:
        """See `plugin_sdk.ports.Hub`."""
        return Actor(name=f"{self.app}: {name}", system=True)

    def due(self, start: datetime, term: Term) -> datetime | None:
        """See `plugin_sdk.ports.Hub`."""
        try:
            return due(start, term, self.calendar)
        except CalendarUnknown:
            return None

    def is_working_day(self, day: date) -> bool:
        """Return whether a day is worked. Raises `CalendarUnknown`."""
        return self.calendar.is_working_day(day)

    @asynccontextmanager
    async def read(self, actor: Actor) -> AsyncIterator[ReadPort]:
        """See `plugin_sdk.ports.Hub`."""
        unit = Unit(self.app, actor, self.pages)
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
        unit = Unit(self.app, actor, self.pages, measured=self._clock is None)
        async with (
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
        if unit.leaves_something:
            self.services.jobs.wake()

    @asynccontextmanager
    async def within(self, tx: Transaction, actor: Actor) -> AsyncIterator[WorkPort]:
        """Return a unit of work inside a transaction of the shell's own (an event's)."""
        unit = Unit(self.app, actor, self.pages)
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

"""The services of one worker."""

import logging
import time
from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from uuid import UUID

from sqlalchemy import delete
from sqlmodel import col

from core import audit
from core.access import erasure, guard, wall
from core.access.actors import Actors
from core.access.freshness import Freshness
from core.access.upstreams import Upstreams
from core.audit import retention, sealing
from core.audit.checkpoints import Book
from core.audit.checks import Checks
from core.audit.sealing import Sealer
from core.database import Clock, Database, Transaction, utc_now
from core.delivery import service as delivery
from core.files.service import FileStore
from core.hub import elements
from core.hub.alone import Place
from core.hub.models import RequestRecord
from core.hub.people import ImportedRoles, hand_over_work, pass_on_work
from core.identity import code_requests, organizations, people_imports, tidying
from core.identity.code_requests import CodeRequests
from core.identity.events import (
    OrganizationClosed,
    PersonErased,
    PostEnded,
    SessionEnded,
    SessionRenewed,
    TreeChanged,
)
from core.identity.numbers import Numbers
from core.identity.passkeys import Passkeys
from core.identity.password_rules import PROFILES, PasswordRules
from core.identity.people_imports import PeopleImports
from core.identity.provider.service import Provider
from core.identity.tokens import service as tokens
from core.identity.upstream.service import forget_said
from core.jobs import Jobs
from core.messages import service as messages
from core.outside import Outside
from core.settings import Settings
from core.shared_state import SharedState, connect
from core.usage import coarsening, gaps, reach, rollup, sessions
from core.usage.capture import Usage
from core.usage.places import Places, Staffed
from core.usage.relay import Relay
from core.usage.sinks import DatabaseSink, StreamSink
from core.usage.visits import Visits
from core.work import drafts, pins
from core.work.calendar import calendar_stamp, load_calendar
from core.work.holidays import HolidayCalendar
from plugin_sdk.ports import Actor, To
from plugin_sdk.text import Text
from plugin_sdk.times import SHANGHAI
from plugin_sdk.views import Phrase

logger = logging.getLogger(__name__)

KEEP_REQUESTS = timedelta(days=21)  # a device keeps what it sends again for 14 (ADR 0023)
NAMES_SECONDS = 60
MOST_BATCHES = 10_000  # some forty minutes of four workers whose relay stands still


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
        profile = PROFILES[settings.passwords]
        self.passwords = PasswordRules(profile, (settings.county, "yimen", "一门"))
        self.actors = Actors(
            self.database, self.shared, lease_seconds=settings.lease_seconds, profile=profile
        )
        self.jobs = Jobs(self.database, self.shared)
        self.outside = Outside(settings.outside_networks)
        self.places = Places(self._staffed)
        tables = DatabaseSink(self.database)
        stream = self.shared.stream("usage", MOST_BATCHES)
        self.relay = Relay(self.database, stream) if stream else None
        self.usage = Usage(
            StreamSink(stream) if stream else tables,
            self.shared.worker,
            clock=clock,
            place=self.places.of,
            instead=tables if stream else None,
        )
        self.visits = Visits(self.database, self.usage, settings.secret)
        self.files = FileStore(settings.home, settings.secret)
        self.sealer = Sealer(self.database, Book(settings.checkpoints, settings.checkpoint_key))
        self.checks = Checks(self.sealer)
        self.calendar = HolidayCalendar(notices=[])
        self._calendar_stamp: tuple[int, object] | None = None
        self._calendar_checked = 0.0
        self.app_names: dict[str, Text] = {}
        self._names: dict[UUID, str] = {}
        self._names_since = 0.0
        self.database.on(SessionEnded, drafts.drop_with_session)
        self.database.on(PersonErased, erasure.forget_words)
        self.database.on(PersonErased, messages.forget)
        self.database.on(PersonErased, drafts.forget_drafts)
        self.database.on(PersonErased, elements.forget_all)
        self.database.on(PersonErased, pins.forget_pins)
        self.database.on(PersonErased, forget_said)
        self.database.on(SessionRenewed, drafts.go_on_with_session)
        self.numbers = Numbers(settings.secret)
        self.upstreams = Upstreams(settings, self.outside, self.numbers)
        self.passkeys = Passkeys(settings.public_url, settings.county)
        self.freshness = Freshness(settings.step_up_minutes, settings.second_factor)
        self.provider = Provider(
            settings.public_url,
            settings.secret,
            self.database,
            self.shared,
            self.numbers,
            self.outside,
            idle=profile.idle,
        )
        self.people_imports = PeopleImports(self.database, self.numbers, ImportedRoles())
        self.database.on(PostEnded, hand_over_work)
        self.database.on(OrganizationClosed, pass_on_work)
        self.database.on(TreeChanged, self._tree_changed)
        self.provider.attach(self.jobs)
        self.jobs.handle(people_imports.KIND, self.people_imports.work_off)
        self.jobs.handle(code_requests.KIND, CodeRequests(self.numbers).answer)
        self.jobs.handle(messages.KIND, messages.deliver)
        self.jobs.handle(delivery.KIND, delivery.Delivery(delivery.SimulatedSms()).deliver)
        self.jobs.every(sealing.EVERY_SECONDS, sealing.JOB, self.sealer.run)
        if settings.audit_days is not None:
            self.jobs.every(retention.EVERY_SECONDS, retention.JOB, self._cut_record)
        self.jobs.every(3600, "core.tidy-requests", self._tidy_requests)
        self.jobs.every(3600, "core.tidy-sign-ins", self._tidy_sign_ins)
        self.jobs.every(3600, "core.ending-tokens", self.tell_of_ending_tokens)
        self.jobs.every(3600, "core.tidy-drafts", self._tidy_drafts)
        self.jobs.every(3600, "core.tidy-outbox", self.jobs.tidy)
        self.jobs.every(3600, "core.tidy-deliveries", self._tidy_deliveries)
        self.jobs.every(3600, "core.tidy-usage", partial(rollup.tidy, self.database))
        self.jobs.every(300, "core.coarsen-usage", partial(coarsening.coarsen, self.database))
        self.jobs.every(30, "core.usage-gaps", self._find_gaps)
        self.jobs.every(120, "core.fold-sessions", self.fold_sessions)
        self.jobs.every(3600, "core.settle-reach", partial(reach.settle, self.database))
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
        await self.places.refresh()
        if background:
            await self.actors.start()
            self.jobs.start()
            self.places.start()
            self.usage.start()
            if self.relay:
                self.relay.start()

    async def close(self) -> None:
        """Stop in order, flushing what was counted."""
        await self.jobs.close()
        await self.checks.close()
        await self.actors.close()
        await self.visits.close()
        await self.places.close()
        await self.usage.close()
        if self.relay:
            await self.relay.close()
        await self.provider.close()
        await self.shared.close()
        self.outside.close()
        await self.place.leave()
        await self.database.close()

    async def count_usage(self) -> None:
        """Bring what was counted until now into the tables, rather than within two seconds."""
        await self.visits.pseudonyms.drawn()
        await self.usage.flush()
        if self.relay:
            await self.relay.drain()

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

        Sixty a minute of one person or application are recorded, so that nobody fills the record.
        """
        who = actor.real_person_id or (actor.bearer and actor.bearer.application)
        if not who or await self.shared.hit(f"refused:{who}", 60) > 60:
            return
        async with self.database.transaction(write=True) as tx:
            await audit.record(
                tx, actor, app, "refused", subject, outcome="refused", permission=permission
            )

    async def fold_sessions(self) -> None:
        """Count what became of the sessions that ended."""
        await sessions.fold(self.database, self.visits.digests, self.passwords.profile.idle)

    async def _staffed(self) -> dict[UUID, Staffed]:
        async with self.database.transaction() as tx:
            found = await organizations.staffed(tx)
        return {id: Staffed(above, people) for id, (above, people) in found.items()}

    async def _find_gaps(self) -> None:
        live = await self.shared.acknowledgements("usage")
        async with self.database.transaction(write=True) as tx:
            if live is not None:  # unknown: nobody is declared dead for that
                await gaps.find_dead(tx, live.keys())
            await gaps.find_missing(tx)

    async def _cut_record(self) -> None:
        if self.settings.audit_days is not None:
            await retention.cut(self.sealer, timedelta(days=self.settings.audit_days))

    async def _tree_changed(self, tx: Transaction, event: TreeChanged) -> None:
        await self.actors.revoke(tx, "*")  # every actor carries facts of an organization
        tx.after_commit(self._forget_names)
        tx.after_commit(self.places.changed)

    def _forget_names(self) -> None:
        self._names = {}

    async def _tidy_requests(self) -> None:
        async with self.database.transaction(write=True) as tx:
            await tx.session.execute(
                delete(RequestRecord).where(col(RequestRecord.at) < tx.now - KEEP_REQUESTS)
            )

    async def _tidy_sign_ins(self) -> None:
        async with self.database.transaction(write=True) as tx:
            await tidying.tidy(tx)

    async def tell_of_ending_tokens(self) -> None:
        """Tell people whose tokens end within a week, once of each."""
        async with self.database.transaction(write=True) as tx:
            for token in await tokens.ending(tx):
                day = (token.expires_at - timedelta(microseconds=1)).astimezone(SHANGHAI).date()
                said = Phrase("page.tokens.ending", {"name": token.name, "day": day})
                to = To(person_id=token.person_id)
                await messages.send(tx, audit.SHELL, to, said, "/me/tokens")

    async def _tidy_deliveries(self) -> None:
        async with self.database.transaction(write=True) as tx:
            await delivery.tidy(tx)

    async def _tidy_drafts(self) -> None:
        async with self.database.transaction(write=True) as tx:
            await drafts.tidy_drafts(tx)
            await elements.tidy(tx)

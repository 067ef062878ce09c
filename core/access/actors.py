"""Who acts: sessions and grants as one frozen `Actor`, cached under a lease.

A worker decides from its cache only while its lease runs. It renews the lease by reading
the revocations it has not seen (from the database, which is the truth) and then says so in
shared state; one that cannot be heard there takes no lease, since whoever revokes would not
know of it. A revocation returns when every live worker has said it, or when any lease
that was given before it has run out; no decision begun after that is allowed by it.
"""

import asyncio
import contextlib
import logging
import time
import weakref
from collections import OrderedDict, defaultdict
from datetime import datetime, timedelta
from uuid import UUID

import msgspec
from sqlalchemy import delete, insert, select, update
from sqlmodel import col

from core.access.bearers import load_token
from core.access.events import RolesChanged
from core.access.loading import Loaded, load_session
from core.access.models import Delegation, Generation, Grant, Revocation
from core.database import Database, Transaction
from core.identity.events import (
    PersonChanged,
    PostEnded,
    SessionEnded,
    SessionRenewed,
    TokenEnded,
)
from core.identity.models import SignInSession
from core.identity.password_rules import PROFILES, Profile
from core.identity.sessions import digest, note_seen
from core.identity.tokens.service import note_used
from core.shared_state import WORKER_TTL_SECONDS, SharedState, end_tasks
from plugin_sdk.ports import Actor

logger = logging.getLogger(__name__)

TOPIC = "access"
SESSION = "session:"
TOKEN = "token:"  # noqa: S105  (a kind of subject)
PERSON = "person:"
LOADERS = {SESSION: load_session, TOKEN: load_token}
MOST_CACHED = 20_000
SEEN_SECONDS = 120
KEEP_REVOCATIONS = timedelta(days=2)
VISITOR = Actor()


class _Revoked(msgspec.Struct):
    subjects: list[str]
    generation: int = 0


class _Cached(msgspec.Struct):
    """What was loaded of a session; when it was used here last, and what is written of that."""

    loaded: Loaded
    seen: datetime
    written: datetime

    def holds(self, now: datetime) -> bool:
        idle = self.loaded.idle
        return now < self.loaded.expires and (idle is None or now < self.seen + idle)


async def revoke(tx: Transaction, subject: str) -> int:
    """Write a revocation into the transaction; return its number."""
    generation = (
        await tx.session.execute(
            update(Generation)
            .where(col(Generation.id) == 1)
            .values(value=col(Generation.value) + 1)
            .returning(col(Generation.value))
        )
    ).scalar_one()
    await tx.session.execute(
        insert(Revocation).values(generation=generation, subject=subject, at=tx.now)
    )
    return int(generation)


async def revoked_since(tx: Transaction, actor: Actor) -> bool:
    """Return whether something of the actor, or of whom they act for, was revoked after it
    was loaded."""
    subjects = ["*", f"{SESSION}{actor.session_id}", *(f"{PERSON}{id}" for id in actor.hands)]
    if actor.bearer is not None:
        subjects.append(f"{TOKEN}{actor.bearer.digest}")
    found = await tx.session.execute(
        select(col(Revocation.generation))
        .where(col(Revocation.generation) > actor.revocation, col(Revocation.subject).in_(subjects))
        .limit(1)
    )
    return found.first() is not None


class Actors:
    """The actors of one worker."""

    def __init__(
        self,
        database: Database,
        shared: SharedState,
        *,
        lease_seconds: float,
        profile: Profile = PROFILES["nist"],
    ) -> None:
        if lease_seconds >= WORKER_TTL_SECONDS:
            raise ValueError("a lease must end before its worker is taken for dead")
        self._database = database
        self._shared = shared
        self._lease_seconds = lease_seconds
        self._profile = profile
        self._lease_until = 0.0
        self._generation = -1
        self._cache: OrderedDict[str, _Cached] = OrderedDict()
        self._of_person: dict[UUID, set[str]] = defaultdict(set)
        self._revoked: weakref.WeakKeyDictionary[Transaction, _Revoked] = (
            weakref.WeakKeyDictionary()
        )
        self._busy = asyncio.Lock()
        self._writing = asyncio.Lock()
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._seeing: asyncio.Task[None] | None = None
        shared.on_hint(TOPIC, self._wake.set)
        database.on(SessionEnded, self._session_ended)
        database.on(SessionRenewed, self._session_renewed)
        database.on(TokenEnded, self._token_ended)
        database.on(PersonChanged, self._person_changed)
        database.on(PostEnded, self._post_ended)
        database.on(RolesChanged, self._roles_changed)

    async def start(self) -> None:
        """Take the first lease and keep renewing it."""
        await self.renew()
        self._task = asyncio.create_task(self._keep(), name="access-lease")
        self._seeing = asyncio.create_task(self._see(), name="access-seen")

    async def close(self) -> None:
        """Give up the lease."""
        self._lease_until = 0.0
        await end_tasks(self._task, busy=self._busy)
        if self._seeing is not None:
            await end_tasks(self._seeing, busy=self._writing)
            with contextlib.suppress(Exception):  # the database may be gone before
                await self.write_seen()

    async def of_token(self, token: str) -> Actor:
        """Return who holds a session's secret; the visitor when it is not in force."""
        subject = f"{SESSION}{digest(token)}"
        return self._known(subject) or await self._load(subject)

    def known_bearer(self, token: str) -> Actor | None:
        """Return who acts by a person's token, as far as it reads, if this worker knows it."""
        return self._known(f"{TOKEN}{digest(token)}")

    async def of_bearer(self, token: str) -> Actor | None:
        """Return who acts by a person's token, as far as it reads; None when it is not in force."""
        found = await self._load(f"{TOKEN}{digest(token)}")
        return found if found.signed_in else None

    def _known(self, subject: str) -> Actor | None:
        cached = self._cache.get(subject)
        if cached is None or time.monotonic() >= self._lease_until:
            return None
        now = self._database.clock()
        if not cached.holds(now):
            self._forget(subject)
            return None
        cached.seen = now
        return cached.loaded.actor

    async def reload(self, actor: Actor) -> Actor:
        """Return the actor as the database has it now."""
        if actor.session_id is None:
            return VISITOR
        return await self._load(f"{SESSION}{actor.session_id}")

    async def _load(self, subject: str) -> Actor:
        before = self._generation
        known = self._cache.get(subject)
        async with self._database.transaction() as tx:
            kind, separator, id = subject.partition(":")
            found = await LOADERS[f"{kind}{separator}"](tx, id, self._profile)
            now = tx.now
        if found is not None and found.idle is not None:
            seen = max(found.seen, known.seen) if known else found.seen
            if seen + found.idle <= now:
                found = None
        if found is None:
            self._forget(subject)
            return VISITOR
        # a revocation that was read meanwhile may speak of what was just loaded
        if before == self._generation >= 0:
            self._forget(subject)
            self._cache[subject] = _Cached(found, now, found.seen)
            self._cache.move_to_end(subject)
            for person_id in found.actor.hands:
                self._of_person[person_id].add(subject)
            while len(self._cache) > MOST_CACHED:
                self._forget(next(iter(self._cache)))
        return found.actor

    def _forget(self, subject: str) -> None:
        cached = self._cache.pop(subject, None)
        for person_id in cached.loaded.actor.hands if cached is not None else ():
            held = self._of_person[person_id]
            held.discard(subject)
            if not held:
                del self._of_person[person_id]

    def _evict(self, subject: str) -> None:
        if subject.startswith(tuple(LOADERS)):
            self._forget(subject)
        elif subject.startswith(PERSON):
            for held in list(self._of_person.get(UUID(subject.removeprefix(PERSON)), ())):
                self._forget(held)
        else:
            self._cache.clear()
            self._of_person.clear()

    async def renew(self) -> None:
        """Read what was revoked, forget it, and take a lease from before the reading."""
        asked = time.monotonic()
        async with self._database.transaction() as tx:
            if self._generation < 0:
                value = await tx.session.execute(select(col(Generation.value)))
                self._evict("*")
                self._generation = max(self._generation, value.scalar_one())
                found: list[tuple[int, str]] = []
            else:
                rows = await tx.session.execute(
                    select(col(Revocation.generation), col(Revocation.subject))
                    .where(col(Revocation.generation) > self._generation)
                    .order_by(col(Revocation.generation))
                )
                found = [(generation, subject) for generation, subject in rows]
        for generation, subject in found:
            self._evict(subject)
            self._generation = max(self._generation, generation)
        if await self._shared.acknowledge(TOPIC, self._generation):
            self._lease_until = max(self._lease_until, asked + self._lease_seconds)

    async def _keep(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(
                    self._lease_seconds / 4
                ):  # wait_for may swallow a cancellation (3.11)
                    await self._wake.wait()
            self._wake.clear()
            try:
                async with self._busy:
                    await self.renew()
            except Exception as error:  # without a lease every request asks the database
                logger.warning("the access lease was not renewed: %s", type(error).__name__)

    async def write_seen(self) -> None:
        """Write when sessions and tokens were last used here: now and then, never on a request's
        path."""
        news = {
            subject: each.seen for subject, each in self._cache.items() if each.seen > each.written
        }
        if not news:
            return
        async with self._database.transaction(write=True) as tx:
            for kind, note in ((SESSION, note_seen), (TOKEN, note_used)):
                of_kind = {
                    subject.removeprefix(kind): at
                    for subject, at in news.items()
                    if subject.startswith(kind)
                }
                if of_kind:
                    await note(tx, of_kind)
        for subject, seen in news.items():
            if subject in self._cache:
                self._cache[subject].written = seen

    async def _see(self) -> None:
        while True:
            await asyncio.sleep(SEEN_SECONDS)
            try:
                async with self._writing:
                    await self.write_seen()
            except Exception as error:  # the next time will do
                logger.warning("last uses were not written: %s", type(error).__name__)

    async def _session_ended(self, tx: Transaction, event: SessionEnded) -> None:
        await self.revoke(tx, f"{SESSION}{event.session_id}")

    async def _session_renewed(self, tx: Transaction, event: SessionRenewed) -> None:
        await self.revoke(tx, f"{SESSION}{event.session_id}")

    async def _token_ended(self, tx: Transaction, event: TokenEnded) -> None:
        await self.revoke(tx, f"{TOKEN}{event.digest}")

    async def _person_changed(self, tx: Transaction, event: PersonChanged) -> None:
        await self.revoke(tx, f"{PERSON}{event.person_id}")

    async def _roles_changed(self, tx: Transaction, event: RolesChanged) -> None:
        await self.revoke(tx, "*")

    async def _post_ended(self, tx: Transaction, event: PostEnded) -> None:
        await tx.session.execute(
            update(Grant)
            .where(col(Grant.post_id) == event.post_id, col(Grant.revoked_at).is_(None))
            .values(revoked_at=tx.now)
        )
        await tx.session.execute(
            update(Delegation)
            .where(col(Delegation.post_id) == event.post_id, col(Delegation.revoked_at).is_(None))
            .values(revoked_at=tx.now)
        )
        await tx.session.execute(
            update(SignInSession)
            .where(col(SignInSession.post_id) == event.post_id)
            .values(post_id=None)
        )

    async def revoke(self, tx: Transaction, subject: str) -> None:
        """Revoke in the transaction; once it is committed, wait until every worker knows.

        However much one transaction revokes, it is waited for once.
        """
        generation = await revoke(tx, subject)
        begun = tx in self._revoked
        revoked = self._revoked.setdefault(tx, _Revoked([]))
        revoked.subjects.append(subject)
        revoked.generation = generation
        if begun:
            return

        async def tell() -> None:
            for each in revoked.subjects:
                self._evict(each)
            await self._until_known(revoked.generation)

        tx.after_commit(tell)

    async def _until_known(self, generation: int) -> None:
        end = time.monotonic() + self._lease_seconds
        with contextlib.suppress(Exception):  # unknown is waited for: the lease runs out
            await self.renew()
        await self._shared.hint(TOPIC)
        pause = 0.002
        while time.monotonic() < end:
            known = await self._shared.acknowledgements(TOPIC)
            if known is not None and all(seen >= generation for seen in known.values()):
                return
            await asyncio.sleep(min(pause, max(0.0, end - time.monotonic())))
            pause = min(pause * 2, 0.1)

    async def tidy(self) -> None:
        """Forget old revocations; no cached actor is as old."""
        async with self._database.transaction(write=True) as tx:
            await tx.session.execute(
                delete(Revocation).where(col(Revocation.at) < tx.now - KEEP_REVOCATIONS)
            )

"""The unit of work: one actor, one transaction, everything written together."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

import msgspec
from sqlalchemy import Select, event, select, true, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from core import audit
from core.access import wall
from core.access.decisions import Reached, decide, decide_row
from core.access.freshness import Freshness
from core.access.guard import SCOPED_TABLES, ScopeViolation
from core.access.scope import reach, within
from core.database import Transaction
from core.delivery.service import send_sms
from core.hub.counting import Counting
from core.hub.models import RequestRecord
from core.hub.todo import UnitTodo
from core.identity.models import OrganizationRow
from core.jobs import send_later, unsend
from core.messages.service import send
from core.work.drafts import drop_draft
from core.work.timers import next_number, set_timer
from plugin_sdk.data import Owned
from plugin_sdk.ports import Actor, Answer, Pages, Permit, RequestKey, ScopeKind, To
from plugin_sdk.problems import Conflict, Denied, NotFound
from plugin_sdk.views import Phrase, Words, revealed

T = TypeVar("T")

TEXTED_IN = "zh-CN"  # a telephone number has no language of its own
SYSTEM = Permit(grant="system", role="system", scope=ScopeKind.ALL)


class Replayed(Exception):
    """The request was answered before; `answer` is what was stored then."""

    def __init__(self, answer: dict[str, Any]) -> None:
        super().__init__("replayed")
        self.answer = answer


class Unit:
    """`Read` and `Work` of one app for one actor (see `plugin_sdk.ports`)."""

    def __init__(
        self,
        app: str,
        actor: Actor,
        pages: Pages,
        channel: str = "web",
        *,
        counting: Counting | None = None,
        freshness: Freshness,
    ) -> None:
        self.app = app
        self._pages = pages
        self.actor = actor
        self.channel = channel
        self.counting = counting or Counting(app)
        self._freshness = freshness
        self.todo = UnitTodo(self)
        self._checked: dict[int, Any] = {}
        self._reached: Reached = {}
        self._audits: list[tuple[str, str, dict[str, Any]]] = []
        self._notices: list[tuple[To, Phrase, str, int, str | None]] = []
        self._events: list[tuple[str, dict[str, Any]]] = []
        self._texts: list[tuple[str, Words, str | None]] = []
        self._key: RequestKey | None = None
        self._answer: dict[str, Any] | None = None
        self.reaches = wall.NOTHING
        self.tx: Transaction

    # --- what both reading and writing offer -------------------------------------------

    def enter(self, tx: Transaction) -> None:
        """Take the transaction that this unit is."""
        self.tx = tx
        event.listen(tx.session.sync_session, "before_flush", self._before_flush)
        event.listen(tx.session.sync_session, "after_flush", self._after_flush)

    async def stand(self) -> None:
        """Let the database show what the actor may reach, once the actor is known."""
        self.reaches = wall.envelope(self.actor, self.app, self.now)
        await wall.stand(self.tx, self.reaches)

    def leave(self) -> None:
        """Let go of a transaction that goes on without this unit."""
        event.remove(self.tx.session.sync_session, "before_flush", self._before_flush)
        event.remove(self.tx.session.sync_session, "after_flush", self._after_flush)

    @property
    def flushing(self) -> bool:
        """Return whether the rows being written now were checked by `_before_flush`."""
        return self.tx.session.sync_session._flushing

    @property
    def session(self) -> AsyncSession:
        """Return the session; scoped tables are refused but through `rows` and `get`."""
        return self.tx.session

    @property
    def now(self) -> datetime:
        """Return the time of the transaction, in UTC."""
        return self.tx.now

    def full(self, permission: str) -> str:
        """Return a permission of this app as it is granted: with the app before it."""
        return f"{self.app}.{permission}"

    def recipient(self, to: To) -> To:
        """Return a recipient with the full name of its permission."""
        if to.permission is None:
            return to
        return msgspec.structs.replace(to, permission=self.full(to.permission))

    def _reach(self, model: Any, permission: str | None) -> Any:
        if self.actor.system:
            return true()
        key = self.full(permission) if permission else self.actor.permission
        return reach(model, self.actor, self.actor.permits_for(key, self.now))

    def rows(self, model: type[Any], *columns: Any, permission: str | None = None) -> Select[Any]:
        """See `plugin_sdk.ports.Read`."""
        return (
            select(*(columns or (model,)))
            .select_from(model)  # or a count under a grant for all would count nothing's row
            .where(self._reach(model, permission))
            .execution_options(**{SCOPED_TABLES: frozenset({model.__tablename__})})
        )

    def units(self, permission: str | None = None) -> Select[UUID] | None:
        """See `plugin_sdk.ports.Read`."""
        if self.actor.system:
            return None
        key = self.full(permission) if permission else self.actor.permission
        reached = within(self.actor, self.actor.permits_for(key, self.now))
        unit = col(OrganizationRow.id)
        return None if reached is None else select(unit).where(reached(unit))

    def beyond_scope(self, model: type[Any], *columns: Any, reason: str) -> Select[Any]:
        """See `plugin_sdk.ports.Read`."""
        self._audits.append(("read-beyond-scope", str(model.__tablename__), {"reason": reason}))
        return (
            select(*(columns or (model,)))
            .select_from(model)
            .execution_options(
                **{SCOPED_TABLES: frozenset({model.__tablename__}), wall.BEYOND: True}
            )
        )

    async def fetch(self, statement: Select[Any], into: type[T]) -> list[T]:
        """See `plugin_sdk.ports.Read`."""
        make: Callable[..., T] = into
        return [make(*row) for row in await self.session.execute(statement)]

    async def holds(self, permission: str, row: Any = None) -> bool:
        """See `plugin_sdk.ports.Read`."""
        if self.actor.system:
            return True
        key = self.full(permission)
        if row is None:
            return decide(self.actor, key, self.now) is not None
        known = None if self.tx.writes else self._reached  # what is written may move a row
        return await decide_row(self.tx, self.actor, key, row, known=known) is not None

    # --- writing -----------------------------------------------------------------------

    async def begin(self, key: RequestKey | None) -> None:
        """Claim the request's key; raise `Replayed` when it was answered before."""
        if key is None:
            return
        dialect = sqlite if self.tx.database.sqlite else postgresql
        claimed = await self.session.execute(
            dialect.insert(RequestRecord)
            .values(key=key.key, route=key.route, digest=key.digest, at=self.now)
            .on_conflict_do_nothing()
            .returning(col(RequestRecord.key))
        )
        if claimed.first() is None:
            digest, answer = (
                await self.session.execute(
                    select(col(RequestRecord.digest), col(RequestRecord.answer)).where(
                        col(RequestRecord.key) == key.key, col(RequestRecord.route) == key.route
                    )
                )
            ).one()
            if digest != key.digest:
                raise Conflict("idempotency-key-reused")
            raise Replayed(answer or {"status": 204})
        self._key = key

    async def require(self, permission: str, row: Any = None) -> Permit:
        """See `plugin_sdk.ports.Work`."""
        if self.actor.system:
            return SYSTEM
        key = self.full(permission)
        if row is None:
            permit = decide(self.actor, key, self.now)
            reason = "not-granted"
        else:
            permit = await decide_row(self.tx, self.actor, key, row)
            held = self.actor.permits_for(key, self.now)
            reason = "out-of-scope" if held else "not-granted"
        if permit is None:
            raise Denied(key, reason=reason)
        # who acts in a demonstration signed in nowhere
        if self.actor.session_id is not None or self.actor.bearer is not None:
            self._freshness.check(self.actor, key, self.now)
        if row is not None:
            self._check(row)
        return permit

    def _check(self, row: Any) -> None:
        self._checked[id(row)] = row

    async def get(self, model: type[T], id: UUID, *, permission: str | None = None) -> T:
        """See `plugin_sdk.ports.Work`. The row is locked against other writers."""
        entity: Any = model
        statement = self.rows(model, permission=permission).where(entity.id == id)
        if not self.tx.database.sqlite:
            statement = statement.with_for_update(of=entity)
        row = (await self.session.execute(statement)).scalar_one_or_none()
        if row is None:
            raise NotFound
        self._check(row)
        found: T = row
        return found

    async def add(self, row: Any, *, placed: bool = False) -> None:
        """See `plugin_sdk.ports.Work`."""
        self._check(row)
        self.session.add(row)
        await self.session.flush()
        if isinstance(row, Owned) and not placed and not self.actor.system:
            permit = await decide_row(self.tx, self.actor, self.actor.permission, row)
            if permit is None:
                raise Denied(self.actor.permission, reason="out-of-scope")

    def _before_flush(self, session: Any, context: Any, instances: Any) -> None:
        for row in (*session.new, *session.dirty, *session.deleted):
            if isinstance(row, Owned) and id(row) not in self._checked:
                raise ScopeViolation(
                    f"{type(row).__name__} is scoped: write it through work.add() or work.get()"
                )
        self._wall(session, wall.OPEN)  # each row was checked, and may go to another unit

    def _after_flush(self, session: Any, context: Any) -> None:
        self._wall(session, wall.SHUT)

    def _wall(self, session: Any, statement: str) -> None:
        if not self.tx.database.sqlite and not self.reaches.everything:
            wall.run(session.connection(), statement)

    def audit(self, act: str, subject: str, **facts: Any) -> None:
        """See `plugin_sdk.ports.Work`."""
        self._audits.append((act, subject, facts))

    def notify(
        self,
        to: To,
        message: Phrase,
        href: str,
        *,
        delay_seconds: int = 0,
        dedupe: str | None = None,
    ) -> None:
        """See `plugin_sdk.ports.Work`."""
        self._notices.append((self.recipient(to), message, href, delay_seconds, dedupe))

    async def unsend(self, dedupe: str) -> bool:
        """See `plugin_sdk.ports.Work`."""
        return await unsend(self.tx, f"{self.app}:{dedupe}")

    def text(self, phone: str, message: Words, *, dedupe: str | None = None) -> None:
        """See `plugin_sdk.ports.Work`."""
        self._texts.append((phone, message, dedupe))

    def emit(self, event: str, **payload: Any) -> None:
        """See `plugin_sdk.ports.Work`."""
        self._events.append((event, payload))

    def effect(self, name: str, subject: str, **said: Any) -> None:
        """See `plugin_sdk.ports.Work`."""
        self.counting.effect(name, subject, **said)

    def rated(self, name: str, subject: str, *, satisfied: bool) -> None:
        """See `plugin_sdk.ports.Work`."""
        self.counting.rated(name, subject, satisfied=satisfied)

    def start(self, name: str, subject: str) -> None:
        """See `plugin_sdk.ports.Work`."""
        self.counting.start(name, subject)

    def asked(self, element: str, *, spared: bool) -> None:
        """See `core.hub.counting`."""
        self.counting.asked(element, spared=spared)

    async def number(self, series: str) -> str:
        """See `plugin_sdk.ports.Work`."""
        return await next_number(self.tx, self.app, series)

    async def timer(self, kind: str, subject: str, at: datetime | None) -> None:
        """See `plugin_sdk.ports.Work`."""
        await set_timer(self.tx, self.app, kind, subject, at)

    def answer(self, value: T) -> T:
        """See `plugin_sdk.ports.Work`."""
        if isinstance(value, Answer):
            self._answer = {
                "status": value.status,
                "location": value.location,
                "body": msgspec.to_builtins(value.view) if value.view is not None else None,
            }
        else:
            self._answer = {"status": 200, "location": None, "body": msgspec.to_builtins(value)}
        return value

    @property
    def recorded(self) -> bool:
        """Return whether something is to be written into the record."""
        return bool(self._audits)

    async def record(self, tx: Transaction) -> None:
        """Write the record of what was done: a reader's into a transaction of its own."""
        permit = None if self.actor.system else decide(self.actor, self.actor.permission, self.now)
        for act, subject, facts in self._audits:
            await audit.record(
                tx,
                self.actor,
                self.app,
                act,
                subject,
                permission=self.actor.permission or None,
                granted_by=permit.grant if permit else None,
                facts=facts,
            )

    async def finish(self) -> None:
        """Write what was collected: the record, notices, events, effects, the answer."""
        await self.session.flush()
        await self.record(self.tx)
        for to, message, href, delay, dedupe in self._notices:
            await send(
                self.tx,
                self.app,
                to,
                message,
                href,
                delay_seconds=delay,
                dedupe=f"{self.app}:{dedupe}" if dedupe else None,
            )
        for phone, words, dedupe in self._texts:
            await send_sms(
                self.tx,
                phone,
                self._pages.say(revealed(words), TEXTED_IN),
                shown=self._pages.say(words, TEXTED_IN),
                dedupe=f"{self.app}:{dedupe}" if dedupe else None,
            )
        for name, payload in self._events:
            await send_later(
                self.tx, "event", {"event": f"{self.app}.{name}", "payload": _plain(payload)}
            )
        shown = self._key is not None and self._key.shown
        await self.counting.write(self.tx, self.actor, self.channel, shown=shown)
        if self._key is not None:
            await drop_draft(self.tx, self._key.key)  # it is sent
            await self.session.execute(
                update(RequestRecord)
                .where(
                    col(RequestRecord.key) == self._key.key,
                    col(RequestRecord.route) == self._key.route,
                )
                .values(answer=self._answer)
            )

    @property
    def leaves_something(self) -> bool:
        """Return whether the outbox has something to send now."""
        return bool(self._notices or self._events or self._texts)


def _plain(payload: dict[str, Any]) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.to_builtins(payload)
    return plain

"""Asking a system elsewhere: never longer than one has patience, and never believing an answer
about something else.

A source is asked outside of any unit of work. What it says is kept; while it is away, slow or
wrong, what it said last is given instead, with the time it was said.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final, Literal, Protocol, TypeVar

import msgspec
from sqlalchemy import delete, select
from sqlmodel import col

from plugin_sdk.ports import Hub, Read, Work
from plugin_sdk.problems import Conflict
from plugin_sdk.sources.breaker import Breaker
from plugin_sdk.sources.models import SourceState

PATIENCE_SECONDS: Final = 2.0
LARGEST: Final = 256 * 1024
LARGEST_PICTURE: Final = 4 * 1024 * 1024
AT_ONCE: Final = 16
"""How many questions are under way at once; one more is not asked."""
FRESH: Final = timedelta(minutes=2)

Fault = Literal["slow", "away", "wrong", "resting"]
"""Why a source has not answered: `slow` beyond patience; `away` by an error of its own; `wrong`
with what was not asked, is no record, or is too large; `resting`: it was not asked, since it did
not answer before or is asked too much already."""

T = TypeVar("T")


class Provider(Protocol):
    """A system elsewhere, as the app's adapter reaches it. What it raises is `away`."""

    async def ask(self, kind: str, key: str) -> bytes | None:
        """Return the record of a key as JSON, None where there is none."""
        ...

    async def picture(self, key: str) -> bytes | None:
        """Return a picture that a record names."""
        ...


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """The base of what is kept of a source's records: which one it is by the source's own word,
    and whose (an index, '' where it is nobody's)."""

    key: str
    owner: str = ""


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """A kind of records: their name, what of them is kept, and how an answer is read.

    `read` takes what of an answer may be kept: identity numbers become indexes there, names are
    masked. It raises whatever it likes for what is no record of the kind.
    """

    name: str
    record: type[Record]
    read: Callable[[bytes], Record]


class Ask(msgspec.Struct, frozen=True):
    """One question: the record of a key. With `owner` the record of another is none of ours."""

    kind: Kind
    key: str
    owner: str = ""

    @property
    def ref(self) -> str:
        """Return how its state is called."""
        return f"{self.kind.name}:{self.key}"


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a record now: as the source said at `seen_at` (None: it never has), and
    what is wrong with it at the moment. Without a fault, no record means that there is none."""

    record: Any = None
    seen_at: datetime | None = None
    fault: Fault | None = None


NOTHING: Final = Known()


class SourceEngine:
    """What an app asks of one source."""

    faults: ClassVar[frozenset[str]] = frozenset({"slow", "away"})
    """The faults after which the source is left to rest."""

    def __init__(
        self,
        hub: Hub,
        provider: Provider,
        row: type[SourceState],
        *,
        patience_seconds: float = PATIENCE_SECONDS,
        fresh: timedelta = FRESH,
        breaker: Breaker | None = None,
    ) -> None:
        self.hub = hub
        self.provider = provider
        self.row = row
        self.patience_seconds = patience_seconds
        self.fresh = fresh
        self.breaker = breaker or Breaker()
        self._under_way: set[asyncio.Task[Any]] = set()

    async def ask(self, asked: Ask) -> Known:
        """Return what is known of one record now."""
        (known,) = await self.ask_all([asked])
        return known

    async def ask_all(self, asked: Sequence[Ask]) -> list[Known]:
        """Return what is known of records now, in order: within the engine's patience for all of
        them together. What was said a moment ago is not asked again. Call it before a unit of
        work, never within."""
        async with self.hub.read(self.hub.system("source")) as read:
            last = [await self.known(read, one) for one in asked]
        now = self.hub.now()

        async def renew(one: Ask, known: Known) -> Known:
            if known.seen_at is not None and timedelta(0) <= now - known.seen_at < self.fresh:
                return known
            answer = await self._answer(one)
            if answer.fault is None:
                return answer
            return msgspec.structs.replace(known, fault=answer.fault)

        pairs = list(zip(asked, last, strict=True))
        found = await asyncio.gather(*(renew(one, known) for one, known in pairs))
        news = [
            (one, known)
            for one, known, before in zip(asked, found, last, strict=True)
            if known.fault is None and known is not before
        ]
        if news:
            await self._keep(news)
        return list(found)

    async def known(self, read: Read, asked: Ask) -> Known:
        """Return what the source said last, without asking it: nothing of another's record."""
        row = self.row
        statement = select(col(row.data), col(row.owner), col(row.seen_at)).where(
            col(row.ref) == asked.ref
        )
        found = (await read.session.execute(statement)).first()
        if found is None:
            return NOTHING
        data, owner, seen_at = found
        if data is not None and asked.owner and owner != asked.owner:
            return NOTHING
        record = None if data is None else msgspec.convert(data, asked.kind.record)
        return Known(record=record, seen_at=seen_at)

    async def picture(self, key: str) -> bytes | None:
        """Return a picture of the source, None where there is none to be had in time."""
        try:
            content = await self._within(self.provider.picture(key))
        except _Unanswered:
            return None
        return content if content and len(content) <= LARGEST_PICTURE else None

    async def forget(self, work: Work, *asked: Ask) -> None:
        """Keep nothing of records that nobody of the app has to do with any more."""
        refs = [one.ref for one in asked]
        await work.session.execute(delete(self.row).where(col(self.row.ref).in_(refs)))

    async def _answer(self, asked: Ask) -> Known:
        try:
            content = await self._within(self.provider.ask(asked.kind.name, asked.key))
        except _Unanswered as reason:
            return Known(fault=reason.fault)
        if content is None:
            return Known(seen_at=self.hub.now())
        if len(content) > LARGEST:
            return Known(fault="wrong")
        try:
            record = asked.kind.read(content)
        except Exception:
            return Known(fault="wrong")
        if record.key != asked.key or (asked.owner and record.owner != asked.owner):
            return Known(fault="wrong")
        return Known(record=record, seen_at=self.hub.now())

    async def _within(self, answer: Coroutine[Any, Any, T] | Awaitable[T]) -> T:
        """Return an answer that comes in time. What comes late is dropped, and not waited for
        even to end: an adapter that does not let itself be stopped holds up nobody."""
        if len(self._under_way) >= AT_ONCE or not self.breaker.lets_through():
            if asyncio.iscoroutine(answer):
                answer.close()
            raise _Unanswered("resting")
        task = asyncio.ensure_future(answer)
        self._under_way.add(task)
        task.add_done_callback(self._over)
        done, _ = await asyncio.wait({task}, timeout=self.patience_seconds)
        if not done:
            task.cancel()
            self.breaker.failed()
            raise _Unanswered("slow")
        if task.cancelled() or task.exception() is not None:
            self.breaker.failed()
            raise _Unanswered("away")
        self.breaker.answered()
        return task.result()

    def _over(self, task: asyncio.Task[Any]) -> None:
        self._under_way.discard(task)
        if not task.cancelled():
            task.exception()  # somebody has looked at it: a late error is no news

    async def _keep(self, news: Sequence[tuple[Ask, Known]]) -> None:
        """Keep what was said. Where another worker keeps the same at this moment, that is it."""
        row = self.row
        with contextlib.suppress(Conflict):
            async with self.hub.work(self.hub.system("source")) as work:
                refs = [one.ref for one, _ in news]
                statement = select(row).where(col(row.ref).in_(refs)).with_for_update()
                found = (await work.session.execute(statement)).scalars()
                there = {state.ref: state for state in found}
                for one, known in news:
                    seen_at = known.seen_at or work.now
                    data = None if known.record is None else msgspec.to_builtins(known.record)
                    owner = "" if known.record is None else known.record.owner
                    state = there.get(one.ref)
                    if state is None and data is not None:
                        state = row(ref=one.ref, owner=owner, data=data, seen_at=seen_at)
                        there[one.ref] = state
                        await work.add(state)
                    elif state is not None and state.seen_at <= seen_at:
                        state.data, state.owner, state.seen_at = data, owner, seen_at


class _Unanswered(Exception):
    def __init__(self, fault: Fault) -> None:
        super().__init__(fault)
        self.fault: Fault = fault

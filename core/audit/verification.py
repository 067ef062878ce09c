"""Verifying the record against its seals and against the signed checkpoints.

Goes through the sealed entries in their order, a batch in memory at a time. Each fault is
named once: after one, the walk goes on from the seal that stands in the row.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import func, select
from sqlmodel import col

from core.audit import erasure
from core.audit.canonical import GENESIS, PARTS, TOMBSTONES, Entry, commitment, seal
from core.audit.checkpoints import CHECKPOINT, KEY, RESUMED, BadLine, Book, Line
from core.audit.models import AuditEntry
from core.audit.sealing import COLUMNS, has_place, head, waiting
from core.database import Transaction

BATCH: Final = 250  # some 20 ms of arithmetic, then the loop has its turn

Reader = Callable[[], AbstractAsyncContextManager[Transaction]]
Progress = Callable[[int, int], Awaitable[None]]


class Fault(msgspec.Struct, frozen=True):
    """One thing that is wrong. `what` is a key of the catalogues under `audit.fault`, of which
    `params` fill the sentence; `entry` is the row where there is one."""

    what: str
    params: dict[str, Any]
    entry: UUID | None = None


class Verdict(msgspec.Struct, kw_only=True):
    """What a verification has seen: the faults come one by one, this is what is left to say."""

    first: int = 1
    sealed: int = 0
    checked: int = 0
    signed: int = 0
    signed_at: str = ""
    unsealed: int = 0
    oldest: datetime | None = None
    resumed: list[Line] = msgspec.field(default_factory=list)
    keys: list[Line] = msgspec.field(default_factory=list)


class _Signed(msgspec.Struct):
    """What a first reading of the book says of the whole: where the record begins and ends."""

    last: Line | None = None
    first: int = 1
    before: str = GENESIS
    count: int = 0
    resumed: list[Line] = msgspec.field(default_factory=list)
    keys: list[Line] = msgspec.field(default_factory=list)


async def verify(
    read: Reader,
    book: Book,
    verdict: Verdict,
    *,
    trust: str | None = None,
    progress: Progress | None = None,
) -> AsyncIterator[Fault]:
    """Yield what is wrong with the record; `verdict` is filled as it goes.

    `read` begins a transaction for reading, a batch at a time; `trust` is the public key that
    the book must end with.
    """
    signed = _Signed()
    for fault in await asyncio.to_thread(_read_book, book, trust, signed):
        yield fault
    async with read() as tx:
        last = await head(tx)
        behind = await waiting(tx)
    verdict.first = signed.first
    verdict.sealed, verdict.unsealed, verdict.oldest = last.size, behind.count, behind.oldest
    verdict.resumed, verdict.keys = signed.resumed, signed.keys
    if signed.last is not None:
        verdict.signed, verdict.signed_at = signed.last.size, signed.last.at
    elif last.size:
        yield Fault("no-checkpoints", {"size": last.size})
    async with read() as tx:
        for place in await tx.session.scalars(_twice()):
            yield Fault("inserted", {"n": place})
    walk = _Walk(read, book, signed, verdict)
    async for fault in walk.faults(progress):
        yield fault


def _read_book(book: Book, trust: str | None, signed: _Signed) -> list[Fault]:
    faults: list[Fault] = []
    for line in book.lines(trust=trust):
        if isinstance(line, BadLine):
            faults.append(Fault(f"checkpoint-{line.why}", {"line": line.number}))
            if len(faults) >= 1000:
                break
            continue
        signed.last, signed.count = line, line.number
        signed.first, signed.before = line.first, line.before
        if line.kind == RESUMED:
            signed.resumed.append(line)
        elif line.kind == KEY:
            signed.keys.append(line)
    return faults


class _Walk:
    """One passage over the sealed entries, beside the checkpoints in force."""

    def __init__(self, read: Reader, book: Book, signed: _Signed, verdict: Verdict) -> None:
        self._read = read
        self._signed = signed
        self._verdict = verdict
        self._checkpoints = _in_force(book, signed)
        self._next: Line | None = None
        self._first = signed.first
        self._before: str | None = signed.before
        self._place = self._first - 1
        self._rewritten = False

    async def faults(self, progress: Progress | None) -> AsyncIterator[Fault]:
        """Yield the faults in the order of the entries."""
        self._next = await self._following()
        total = max(self._verdict.sealed, self._verdict.signed) - self._first + 1
        after: int | None = None
        while True:
            async with self._read() as tx:
                rows = await _batch(tx, after)
                found = [fault for row in rows async for fault in self._row(tx, *row)]
            for fault in found:
                yield fault
            if progress is not None:
                await progress(self._verdict.checked, max(total, 0))
            if len(rows) < BATCH:
                break
            after = rows[-1][0]
        for fault in self._end():
            yield fault

    async def _row(self, tx: Transaction, place: int, entry: Entry | None) -> AsyncIterator[Fault]:
        if place < self._first:
            kind = "before-first" if place >= 1 else "inserted"
            yield Fault(kind, {"n": place, "first": self._first}, entry.id if entry else None)
            return
        if place == self._place:  # a second one there, which was named before the walk
            return
        if place > self._place + 1:
            yield Fault("missing", {"from": self._place + 1, "to": place - 1})
            self._before = None  # the seal before is gone: this entry's cannot be checked
            await self._pass_checkpoints(place - 1)
        self._place = place
        self._verdict.checked += 1
        if entry is None:
            yield Fault("unreadable", {"n": place})
            self._before = None
        else:
            async for fault in self._sealed(tx, entry, place):
                yield fault
        await self._pass_checkpoints(place)

    async def _sealed(self, tx: Transaction, entry: Entry, place: int) -> AsyncIterator[Fault]:
        wrong, commitments = await _parts(tx, entry)
        for part in wrong:
            yield Fault("erased-wrongly", {"n": place, "part": part}, entry.id)
        sealed = str(entry.seal)
        if not wrong and not _fits(entry, place, self._before, commitments):
            yield Fault("edited", {"n": place}, entry.id)
        self._before = sealed
        await self._pass_checkpoints(place - 1)
        line = self._next
        if line is not None and line.size == place and line.head != sealed:
            if not self._rewritten:  # what follows hangs on it, and is not named again
                yield Fault("rewritten", {"n": place, "line": line.number}, entry.id)
            self._rewritten = True

    async def _pass_checkpoints(self, place: int) -> None:
        while self._next is not None and self._next.size <= place:
            self._next = await self._following()

    async def _following(self) -> Line | None:
        # in a thread: thousands that a cut has passed may lie between
        return await asyncio.to_thread(next, self._checkpoints, None)

    def _end(self) -> Iterator[Fault]:
        signed = self._signed.last
        if signed is not None and self._place < signed.size:
            yield Fault(
                "cut-off",
                {
                    "from": self._place + 1,
                    "to": signed.size,
                    "line": signed.number,
                    "at": signed.at[:19] + "Z",
                },
            )


def _after(after: int | None, *columns: Any) -> Any:
    place = col(AuditEntry.sequence)
    statement = select(*columns).where(has_place()).order_by(place).limit(BATCH)
    return statement if after is None else statement.where(place > after)


def _twice() -> Any:
    place = col(AuditEntry.sequence)
    return select(place).where(has_place()).group_by(place).having(func.count() > 1).limit(1000)


async def _batch(tx: Transaction, after: int | None) -> list[tuple[int, Entry | None]]:
    """Return the next entries with their places; None for one that cannot be read as a row."""
    try:
        rows = [Entry(*row) for row in await tx.session.execute(_after(after, *COLUMNS))]
    except (ValueError, TypeError):  # somewhere a time, an id or a JSON that is none
        places = list(await tx.session.scalars(_after(after, col(AuditEntry.sequence))))
        return [(place or 0, await _one(tx, place or 0)) for place in places]
    return [(row.sequence or 0, row) for row in rows]


async def _one(tx: Transaction, place: int) -> Entry | None:
    try:
        found = await tx.session.execute(_after(place - 1, *COLUMNS).limit(1))
        return Entry(*found.one())
    except (ValueError, TypeError):
        return None


def _fits(entry: Entry, place: int, before: str | None, commitments: dict[str, str]) -> bool:
    if before is None:  # the seal before is gone: this one cannot be told
        return True
    try:
        return seal(entry, place, before, commitments) == entry.seal
    except (ValueError, TypeError, AttributeError):
        return False


async def _parts(tx: Transaction, entry: Entry) -> tuple[list[str], dict[str, str]]:
    """Return which parts were erased otherwise than by an erasure, and all commitments."""
    wrong: list[str] = []
    commitments: dict[str, str] = {}
    salts = entry.salts if isinstance(entry.salts, dict) else {}
    erased = entry.erased if isinstance(entry.erased, dict) else {}
    for part in PARTS:
        if part in erased:
            note = erased[part]
            whole = all(getattr(entry, name) == value for name, value in TOMBSTONES[part].items())
            if not whole or part in salts or not await erasure.names(tx, note, entry, part):
                wrong.append(part)
            commitments[part] = str(note.get("commitment")) if isinstance(note, dict) else ""
        else:
            try:
                commitments[part] = commitment(entry, part, salts[part])
            except (KeyError, ValueError, TypeError, AttributeError):
                commitments[part] = ""  # no salt: the seal cannot fit
    return wrong, commitments


def _in_force(book: Book, signed: _Signed) -> Iterator[Line]:
    """Yield the checkpoints to compare with, by size: a later line that resumed at less has
    taken those above it out of force, a cut those before the record begins."""
    for line in book.lines():
        if isinstance(line, BadLine) or line.number > signed.count:
            continue
        if line.kind not in (CHECKPOINT, RESUMED) or line.size < signed.first:
            continue
        if all(line.number >= at.number or line.size <= at.size for at in signed.resumed):
            yield line

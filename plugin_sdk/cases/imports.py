"""Bringing in an old system's export, a row at a time.

Each row is a unit of work of its own, known by its old number: killed at any row and run
again, the end is that of one unbroken run, and a second run adds nothing. Historical times
are kept. Texts are kept as they are and never written to a log or a report.
"""

import re
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import func
from sqlmodel import col

from plugin_sdk.cases.acts import CaseActs
from plugin_sdk.cases.models import CaseEntry, CaseRow
from plugin_sdk.deadlines import local_day
from plugin_sdk.extension import ImportReport
from plugin_sdk.ports import Work
from plugin_sdk.tables import BadRow, Row, read_rows
from plugin_sdk.times import LegacyTime, TimeError, parse_legacy_time
from plugin_sdk.views import Phrase

_NUMBER: Final = re.compile(r"[0-9A-Za-z-]{1,30}")


class Refused(Exception):
    """Why a row cannot be taken: the words at `import.<code>`."""

    def __init__(self, code: str, **params: Any) -> None:
        super().__init__(code)
        self.reason = Phrase(f"import.{code}", params)


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """A step of an old case: what was done, when, and where it led."""

    verb: str
    time: LegacyTime
    target: str
    text: str | None = None


class OldCase(msgspec.Struct, frozen=True, kw_only=True):
    """A case as an old system knew it. The last step says in which state it stands.

    `resolved` is when its outcome came (None: it is still open); `fields` are the app's
    columns. `same` names those that must not differ when the number comes again.
    """

    number: str
    title: str
    steps: tuple[Step, ...]
    resolved: LegacyTime | None
    fields: Mapping[str, Any]
    same: tuple[str, ...] = ()


def old_number(text: str) -> str:
    """Return a number of an old system. Raises `Refused`."""
    if not _NUMBER.fullmatch(text):
        raise Refused("number-unreadable" if text else "number-empty")
    return text


def old_time(text: str) -> LegacyTime:
    """Return a moment that an old system wrote. Raises `Refused`; nothing is guessed."""
    try:
        return parse_legacy_time(text)
    except TimeError as error:
        raise Refused(error.code, **error.params) from None


def answered(asked: LegacyTime, text: str, time: str) -> LegacyTime | None:
    """Return when an answer came, None without one. Raises `Refused` for half of it, or for
    an answer before its question."""
    if not text and not time:
        return None
    if not time:
        raise Refused("answer-without-time")
    if not text:
        raise Refused("time-without-answer")
    at = old_time(time)
    exact = at.has_time and asked.has_time
    if local_day(at.at) < local_day(asked.at) or (exact and at.at < asked.at):
        raise Refused("answer-too-early")
    return at


def unwrapped(text: str) -> str:
    """Return a text without the indentation and empty lines that old pages left in it."""
    return "\n".join(line for raw in text.splitlines() if (line := raw.strip()))


def source_key(of: str, number: str) -> str:
    """Return by what a case is known that came from an app of the hub (`of` its id), or from a
    system that the hub never knew ('')."""
    return f"{of or 'legacy'}:{number}"


async def bring_in_file(
    engine: CaseActs[Any],
    source: Path,
    columns: Sequence[str],
    make: Callable[[Mapping[str, str]], OldCase],
    of: str = "",
) -> AsyncIterator[ImportReport]:
    """Yield what became of each row. `make` returns the case of a row or raises `Refused`; `of`
    is the app that they come from, where the hub knows it.

    Raises `plugin_sdk.tables.TableError` for a file that is no such table.
    """
    total = sum(1 for _ in read_rows(source, expect=columns))
    actor = engine.hub.system("import")
    receiver = await engine.receiver(actor)
    for line in read_rows(source, expect=columns):
        try:
            new = await _bring_in(engine, line, receiver, make, of)
        except Refused as refused:
            yield ImportReport(
                line=line.line, outcome="refused", reason=refused.reason, total=total
            )
        else:
            yield ImportReport(line=line.line, outcome="added" if new else "present", total=total)


async def _bring_in(
    engine: CaseActs[Any],
    line: Row | BadRow,
    receiver: UUID,
    make: Callable[[Mapping[str, str]], OldCase],
    of: str,
) -> bool:
    if isinstance(line, BadRow):
        raise Refused(line.code, **line.params)
    old = make(line.values)
    async with engine.hub.work(engine.hub.system("import")) as work:
        return await bring_in_case(engine, work, old, receiver, of)


async def bring_in_case(
    engine: CaseActs[Any], work: Work, old: OldCase, receiver: UUID, of: str
) -> bool:
    """Bring a case in within a unit of work of the app's own, for one that writes more with it;
    return whether it is new. Raises `Refused`."""
    row = _row(engine.row, old, receiver, of)
    entries = [_entry(engine.row.entries, old, n) for n in range(len(old.steps))]
    if await _taken(engine, work, row):
        raise Refused("number-taken", number=old.number)
    known = await engine.bring_in(work, row, entries)
    if known is not None and any(getattr(known, n) != getattr(row, n) for n in old.same):
        raise Refused("number-taken", number=old.number)
    return known is None


async def _taken(engine: CaseActs[Any], work: Work, row: CaseRow) -> bool:
    """Return whether a case from elsewhere has the number already."""
    other = work.rows(engine.row, col(engine.row.id), permission=engine.flow.read).where(
        col(engine.row.number) == row.number,
        func.coalesce(col(engine.row.source_key), "") != row.source_key,
    )
    return (await work.session.execute(other)).first() is not None


def _row(model: type[CaseRow], old: OldCase, receiver: UUID, of: str) -> CaseRow:
    opened_at = old.steps[0].time.at
    # a date alone begins before whatever happened on its day
    resolved_at = max(old.resolved.at, opened_at) if old.resolved else None
    facts: dict[str, Any] = {
        "number": f"L{old.number}",
        "source_key": source_key(of, old.number),
        "title": old.title,
        "state": old.steps[-1].target,
        "stage_entered_at": resolved_at or opened_at,
        "opened_at": opened_at,
        "held_at": opened_at,
        "resolved_at": resolved_at,
        "closed_at": resolved_at,
        "organization_id": receiver,
        "origin_organization_id": receiver,
        "version": len(old.steps),
    }
    return model(**facts, **old.fields)


def _entry(model: type[CaseEntry], old: OldCase, n: int) -> CaseEntry:
    step = old.steps[n]
    at: datetime | None = step.time.at if step.time.has_time else None
    on_date: date | None = None if step.time.has_time else local_day(step.time.at)
    facts: dict[str, Any] = {
        "verb": step.verb,
        "source": old.steps[n - 1].target if n else "",
        "target": step.target,
        "at": at,
        "on_date": on_date,
        "text": step.text,
        "version": n + 1,
        "public": True,
    }
    return model(**facts)

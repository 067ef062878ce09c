"""Reading cases: lists with a cursor, search, counts, export. Core selects into structs."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import ColumnElement, Select, and_, any_, false, func, not_, or_, select, true
from sqlmodel import col

from plugin_sdk.cases.flow import Clock, Flow
from plugin_sdk.cases.models import CaseRow
from plugin_sdk.cases.traces import CaseTraces
from plugin_sdk.cursors import Position, cut, older, read_cursor
from plugin_sdk.deadlines import OFFICE_HOURS, local_day
from plugin_sdk.ports import Actor, Read
from plugin_sdk.problems import Problem

PAGE: Final = 20
EXPORT_PAGE: Final = 500


class CaseFacts(msgspec.Struct, frozen=True):
    """A case as lists and exports know it."""

    id: UUID
    number: str
    title: str
    state: str
    organization_id: UUID
    opened_at: datetime
    due_at: datetime | None
    due_pending: bool
    paused_at: datetime | None
    resolved_at: datetime | None
    closed_at: datetime | None
    kind: str | None = None


class Filters(msgspec.Struct, frozen=True, kw_only=True):
    """What a list is narrowed to; all at once, within the actor's scope."""

    state: str = ""
    late: bool = False
    mine: bool = False
    query: str = ""

    @property
    def any(self) -> bool:
        """Return whether the list is narrowed at all."""
        return bool(self.state or self.late or self.mine or self.query)


def columns_of(row: type[CaseRow], kind: str | None) -> list[Any]:
    """Return the columns of `CaseFacts`; `kind` names the app's own column to show."""
    names = [name for name in CaseFacts.__struct_fields__ if name != "kind"]
    columns: list[Any] = [col(getattr(row, name)) for name in names]
    return columns if kind is None else [*columns, col(getattr(row, kind))]


def running(flow: Flow, row: type[CaseRow]) -> ColumnElement[bool]:
    """Return the condition for cases whose deadline runs."""
    states = [s.key for s in flow.states if s.clock is Clock.RUNS and not s.final]
    return col(row.state).in_(states)


def overdue(flow: Flow, row: type[CaseRow], now: datetime) -> ColumnElement[bool]:
    """Return the condition for cases whose deadline has passed while it runs."""
    return and_(running(flow, row), col(row.due_at) < now)


def narrow(
    statement: Select[Any], flow: Flow, row: type[CaseRow], filters: Filters, read: Read
) -> Select[Any]:
    """Return the statement narrowed to the filters. Raises `Problem` for an unknown state."""
    if filters.state:
        if filters.state not in {state.key for state in flow.states}:
            raise Problem("case.unknown-state")
        statement = statement.where(col(row.state) == filters.state)
    if filters.late:
        statement = statement.where(overdue(flow, row, read.now))
    if filters.mine:
        statement = statement.where(mine(row, read.actor))
    if filters.query:
        statement = statement.where(matches(row, filters.query))
    return statement


def mine(row: type[CaseRow], actor: Actor) -> ColumnElement[bool]:
    """Return the condition for what the actor's unit holds, or what is the person's own."""
    asked: ColumnElement[bool] = row.reach_person(actor.person_id)  # type: ignore[arg-type]  # none is nobody's
    if actor.organization_id is None:
        return asked
    return or_(asked, col(row.organization_id) == actor.organization_id)


def to_do(flow: Flow, row: type[CaseRow], actor: Actor) -> ColumnElement[bool]:
    """Return the condition for what waits for somebody in the actor's unit, and is not the
    actor's own."""
    waits = [s for s in flow.states if s.waits_for is not None and s.clock is Clock.RUNS]
    places = {"holder": row.organization_id, "origin": row.origin_organization_id}
    held = [
        and_(
            col(place) == actor.organization_id,
            col(row.state).in_([s.key for s in waits if s.at == at]),
        )
        for at, place in places.items()
    ]
    own: ColumnElement[bool] = row.reach_person(actor.person_id)  # type: ignore[arg-type]  # none is nobody's
    return and_(or_(*held), not_(func.coalesce(own, false())))


def matches(row: type[CaseRow], query: str) -> ColumnElement[bool]:
    """Return the condition for a number that begins so, or a title that holds the words."""
    found = query.strip()[:100]
    return or_(
        col(row.number).startswith(found.replace(" ", ""), autoescape=True),
        col(row.title).contains(found, autoescape=True),
    )


async def page(
    engine: CaseTraces[Any],
    read: Read,
    filters: Filters,
    *,
    kind: str | None = None,
    cursor: str = "",
    size: int = PAGE,
) -> tuple[list[CaseFacts], str | None]:
    """Return a page of cases, newest first, and the cursor of what is older (None: nothing).

    Raises `Problem` (`bad-cursor`) for a cursor that is none of ours.
    """
    row, flow = engine.row, engine.flow
    statement = narrow(
        read.rows(row, *columns_of(row, kind), permission=flow.read), flow, row, filters, read
    )
    after = read_cursor(cursor) if cursor else None
    if after is not None:
        statement = statement.where(older(after, col(row.opened_at), col(row.id)))
    if not filters.any:
        statement = newest_first(statement, row, read, flow.read, after, size + 1)
    statement = statement.order_by(col(row.opened_at).desc(), col(row.id).desc()).limit(size + 1)
    found = await read.fetch(statement, CaseFacts)
    return cut(found, size, lambda case: Position(case.opened_at, case.id))


def newest_first(
    statement: Select[Any],
    row: type[CaseRow],
    read: Read,
    permission: str,
    after: Position | None,
    size: int,
) -> Select[Any]:
    """Return the statement narrowed to the newest `size` cases of each unit that the actor
    reaches, and the actor's own.

    A page is among them. PostgreSQL finds them at the end of the parties' index, unit by unit,
    where the scope alone would have it look at every case there is (ADR 0048). SQLite walks the
    index of the cases by itself.
    """
    units = read.units(permission)
    if units is None or read.session.get_bind().dialect.name != "postgresql":
        return statement
    unit, party = units.subquery(), row.parties
    at, case = col(party.opened_at), col(party.case_id)
    walk = select(at, case).where(col(party.organization_id) == unit.c.id)
    if after is not None:
        walk = walk.where(at <= after.at, older(after, at, case))
    last = walk.order_by(at.desc(), case.desc()).limit(size).lateral()
    found = select(last.c.case_id, last.c.opened_at).distinct().select_from(unit).join(last, true())
    ids = found.order_by(last.c.opened_at.desc(), last.c.case_id.desc()).limit(size).subquery()
    newest = func.array(select(ids.c.case_id).scalar_subquery())
    own: ColumnElement[bool] = row.reach_person(read.actor.person_id)  # type: ignore[arg-type]  # none is nobody's
    return statement.where(or_(col(row.id) == any_(newest), own))


async def any_at_all(engine: CaseTraces[Any], read: Read) -> bool:
    """Return whether the actor may see any case."""
    statement = read.rows(engine.row, col(engine.row.id), permission=engine.flow.read).limit(1)
    return (await read.session.execute(statement)).first() is not None


async def export(
    engine: CaseTraces[Any], actor: Actor, filters: Filters, *, kind: str | None = None
) -> AsyncIterator[list[CaseFacts]]:
    """Yield every case of a list in pages, each in a read of its own."""
    cursor: str | None = ""
    while cursor is not None:
        async with engine.hub.read(actor) as read:
            found, cursor = await page(
                engine, read, filters, kind=kind, cursor=cursor, size=EXPORT_PAGE
            )
        yield found


class Waiting(msgspec.Struct, frozen=True):
    """How much of a flow waits for a unit (or, for a resident, is under way)."""

    late: int
    today: int
    open: int


async def waiting(
    engine: CaseTraces[Any], read: Read, *, of: ColumnElement[bool] | None = None
) -> Waiting:
    """Return how many of the actor's own cases (or of those `of` means) run, are late, and are
    due today."""
    row, flow, now = engine.row, engine.flow, read.now
    end_of_day = OFFICE_HOURS.closing(local_day(now))
    due_at = col(row.due_at)
    statement = read.rows(
        row,
        func.count().filter(due_at < now),
        func.count().filter(due_at >= now, due_at <= end_of_day),
        func.count(),
        permission=flow.read,
    ).where(running(flow, row), mine(row, read.actor) if of is None else of)
    return Waiting(*(await read.session.execute(statement)).one())


async def due_first(
    engine: CaseTraces[Any],
    read: Read,
    *,
    of: ColumnElement[bool] | None = None,
    kind: str | None = None,
    size: int = PAGE,
) -> list[CaseFacts]:
    """Return what of the actor's own cases (or of those `of` means) runs: what is due first, then
    what has no date."""
    row, due_at = engine.row, col(engine.row.due_at)
    statement = read.rows(row, *columns_of(row, kind), permission=engine.flow.read).where(
        running(engine.flow, row), mine(row, read.actor) if of is None else of
    )
    first = (due_at.is_(None), due_at, col(row.opened_at), col(row.id))
    return await read.fetch(statement.order_by(*first).limit(size), CaseFacts)


async def unfinished(engine: CaseTraces[Any], read: Read) -> int:
    """Return how many cases are in no final state, whoever holds them."""
    row, flow = engine.row, engine.flow
    over = [state.key for state in flow.states if state.final]
    statement = read.rows(row, func.count(), permission=flow.read).where(
        col(row.state).not_in(over)
    )
    return int((await read.session.execute(statement)).scalar_one())

"""The list of calls, newest first: a page of it, and all that was chosen as a file."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

from sqlalchemy import Select
from sqlmodel import col

from plugin_sdk import documents
from plugin_sdk.cursors import Position, cut, older, read_cursor
from plugin_sdk.documents import Document, Table
from plugin_sdk.exports import take_out
from plugin_sdk.figures import bounds
from plugin_sdk.ports import Actor, Hub, Read
from plugin_sdk.problems import AppConflict, Problem
from plugin_sdk.tables import Cell
from plugin_sdk.views import ActionView, FilterView, Option, Phrase
from plugins.hotline.calls.models import Call
from plugins.hotline.calls.switchboard import READ
from plugins.hotline.calls.views import CallItem, CallsView, call_item
from plugins.hotline.lines import register as lines
from plugins.hotline.models import Order

CALLS: Final = "/apps/hotline/calls"
OUTCOMES: Final = ("order", "answered", "transferred", "called_back", "abandoned", "unrecorded")
ASKED: Final = ("direction", "outcome", "line", "day")
COLUMNS: Final = (
    *("started", "direction", "phone", "line", "outcome", "seconds", "note", "order"),
)
FILES: Final = {"csv": "text/csv", "xlsx": documents.XLSX}
PAGE: Final = 50
BATCH: Final = 500


class NoDay(AppConflict):
    """What the list is asked for is no day (400)."""

    status = 400

    def __init__(self) -> None:
        super().__init__("hotline", "call-no-day")


async def calls_view(read: Read, asked: Mapping[str, str], cursor: str) -> CallsView:
    """Return a page of the calls in scope. Raises `Problem` for what is no choice."""
    names = await lines.names(read)
    filters = _filters(names, asked)
    items, following = await _page(read, _chosen(read, filters), names, cursor, PAGE)
    chosen = urlencode({one.name: one.value for one in filters if one.value})
    links = [
        ActionView(
            verb=kind,
            label=Phrase(f"hotline.call.export.{kind}"),
            href=f"{CALLS}.{kind}" + (f"?{chosen}" if chosen else ""),
        )
        for kind in (FILES if items else ())
    ]
    if await read.holds(lines.READ):
        figures = Phrase("hotline.line.figures.title")
        links.append(ActionView(verb="figures", label=figures, href="/apps/hotline/lines/figures"))
    return CallsView(
        items=items,
        filters=filters,
        next_href=f"{CALLS}?{chosen}{'&' if chosen else ''}cursor={following}"
        if following
        else None,
        links=links,
    )


async def calls_file(hub: Hub, actor: Actor, asked: Mapping[str, str], kind: str) -> bytes:
    """Return the calls in scope that are asked for as a file, as the list shows them; that they
    were taken out is recorded. Raises as `take_out` does."""
    say, language = hub.pages.say, actor.language
    async with hub.read(actor) as read:
        names = await lines.names(read)
    filters = _filters(names, asked)

    async def ids(read: Read) -> Select[Any]:
        return _chosen(read, filters, col(Call.id))

    how = {one.name: one.value for one in filters}
    await take_out(hub, actor, ids, "call.export", "calls", format=kind, **how)
    rows: list[Sequence[Cell]] = []
    cursor: str | None = ""
    while cursor is not None:
        async with hub.read(actor) as read:
            items, cursor = await _page(read, _chosen(read, filters), names, cursor, BATCH)
        rows += [
            (
                item.started_at,
                say(item.direction, language),
                say(item.phone, language),
                say(item.line, language),
                say(item.outcome, language) if item.outcome else "",
                item.seconds,
                item.note,
                item.order,
            )
            for item in items
        ]
    header = [say(Phrase(f"hotline.call.column.{name}"), language) for name in COLUMNS]
    table = Table(say(Phrase("hotline.call.list"), language), header, rows)
    return await asyncio.to_thread(_written, table, kind)


def _written(table: Table, kind: str) -> bytes:
    if kind == "csv":
        return documents.csv(table)
    return documents.workbook(Document(title=table.title, about=(), parts=[table]))


async def orders_shown(read: Read, calls: Sequence[Call]) -> dict[UUID, str]:
    """Return the numbers of the orders that calls belong to: in scope, of no secret caller."""
    ids = [call.order_id for call in calls if call.order_id is not None]
    if not ids:
        return {}
    statement = read.rows(Order, col(Order.id), col(Order.number), permission="order.read")
    statement = statement.where(col(Order.id).in_(ids), col(Order.secret).is_(False))
    return {id: number for id, number in await read.session.execute(statement)}


async def _page(
    read: Read, statement: Select[Any], names: Mapping[str, str], cursor: str, size: int
) -> tuple[list[CallItem], str | None]:
    if cursor:
        place = read_cursor(cursor)
        statement = statement.where(older(place, col(Call.started_at), col(Call.id)))
    statement = statement.order_by(col(Call.started_at).desc(), col(Call.id).desc())
    found = (await read.session.execute(statement.limit(size + 1))).scalars()
    rows, following = cut(list(found), size, lambda call: Position(call.started_at, call.id))
    numbers = await orders_shown(read, rows)
    return [call_item(call, names, numbers) for call in rows], following


def _chosen(read: Read, filters: Sequence[FilterView], *columns: Any) -> Select[Any]:
    statement = read.rows(Call, *columns, permission=READ)
    for one in filters:
        if one.value and one.name == "day":
            first, last = bounds(_day(one.value), _day(one.value))
            statement = statement.where(col(Call.started_at) >= first, col(Call.started_at) < last)
        elif one.value:
            if one.value not in {option.value for option in one.options}:
                raise Problem("case.unknown-state")
            statement = statement.where(col(getattr(Call, one.name)) == one.value)
    return statement


def _filters(names: Mapping[str, str], asked: Mapping[str, str]) -> list[FilterView]:
    choices: dict[str, list[Option]] = {
        "direction": [
            Option(one, Phrase(f"hotline.call.direction.{one}")) for one in ("in", "out")
        ],
        "outcome": [Option(one, Phrase(f"hotline.call.outcome.{one}")) for one in OUTCOMES],
        "line": [Option(code, f"{name} {code}") for code, name in sorted(names.items())],
        "day": [],
    }
    return [
        FilterView(
            name=name,
            label=Phrase(f"hotline.call.field.{name}"),
            options=choices[name],
            value=asked.get(name, ""),
        )
        for name in ASKED
        if choices[name] or name == "day"
    ]


def _day(text: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise NoDay from None
    if not 1900 < day.year < 9000:
        raise NoDay
    return day

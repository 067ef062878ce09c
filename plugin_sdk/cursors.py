"""Where a list continues: one opaque cursor, by time and id, for every list that has pages.

A time alone is no place in a list: rows of one instant that stand on both sides of a page's
edge would be skipped. With the id beside it the order is complete.
"""

import base64
import binascii
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeVar
from uuid import UUID

import msgspec
from sqlalchemy import ColumnElement, and_, or_

from plugin_sdk.problems import Problem

T = TypeVar("T")


class Position(msgspec.Struct, frozen=True):
    """The last row that was shown: its time (None: it has none) and its id."""

    at: datetime | None
    id: UUID


def write_cursor(position: Position) -> str:
    """Return a position as addresses carry it."""
    text = f"{position.at.isoformat() if position.at else ''}|{position.id}"
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_cursor(cursor: str) -> Position:
    """Return the position that a cursor names.

    Raises `Problem` (`bad-cursor`, 422) for one that is none of ours.
    """
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        moment, _, id = (
            base64.b64decode(padded, altchars=b"-_", validate=True).decode().partition("|")
        )
        position = Position(datetime.fromisoformat(moment) if moment else None, UUID(id))
        if position.at is not None:  # aware, and still a time when the database has it in UTC
            if position.at.tzinfo is None:
                raise ValueError
            position.at.astimezone(UTC)
    except (ValueError, OverflowError, binascii.Error):
        raise Problem("bad-cursor", status=422) from None
    return position


def older(position: Position, at: Any, id: Any) -> ColumnElement[bool]:
    """Return the condition for what follows in a list ordered `at DESC, id DESC`.

    Raises `Problem` (`bad-cursor`) for the position of a row without a time.
    """
    if position.at is None:
        raise Problem("bad-cursor", status=422)
    return or_(at < position.at, and_(at == position.at, id < position.id))


def later(position: Position, at: Any, id: Any) -> ColumnElement[bool]:
    """Return the condition for what follows in a list `at ASC NULLS LAST, id DESC`."""
    if position.at is None:
        return and_(at.is_(None), id < position.id)
    return or_(at > position.at, at.is_(None), and_(at == position.at, id < position.id))


def cut(found: list[T], size: int, position: Callable[[T], Position]) -> tuple[list[T], str | None]:
    """Return a page of `size` rows and the cursor of what follows (None: nothing does).

    `found` was read with one row more than the page has.
    """
    if len(found) <= size:
        return found, None
    return found[:size], write_cursor(position(found[size - 1]))

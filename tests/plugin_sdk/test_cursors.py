"""A cursor leads back to its place, and one that is none of ours is refused."""

import base64
from contextlib import suppress
from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import column

from plugin_sdk.cursors import Position, cut, older, read_cursor, write_cursor
from plugin_sdk.problems import Problem

NOW = datetime(2026, 3, 20, 4, tzinfo=UTC)
ID = UUID(int=1)


def encoded(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


@given(st.none() | st.datetimes(timezones=st.just(UTC)), st.uuids())
def test_a_cursor_leads_back_to_its_place(moment, id):
    position = Position(moment, id)
    assert read_cursor(write_cursor(position)) == position


@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        "!!!!",
        "MjAyNg",
        "é",
        write_cursor(Position(NOW, ID)) + "==",
        encoded(f"2026-03-20T04:00:00|{ID}"),  # without its zone
        encoded(f"0001-01-01T00:00:00+08:00|{ID}"),  # in UTC before all time
        encoded("|"),
        encoded("2026-03-20T04:00:00+00:00|1"),
    ],
)
def test_a_cursor_of_others_is_refused(cursor):
    with pytest.raises(Problem, match="bad-cursor") as refused:
        read_cursor(cursor)
    assert refused.value.status == 422


@given(st.text(max_size=60))
def test_whatever_is_sent_is_a_place_or_is_refused(cursor):
    with suppress(Problem):  # and nothing else
        assert isinstance(read_cursor(cursor), Position)


def test_a_list_by_time_has_no_place_without_one():
    with pytest.raises(Problem, match="bad-cursor"):
        older(Position(None, ID), column("at"), column("id"))


@given(st.lists(st.uuids(), max_size=8), st.integers(1, 8))
def test_only_a_page_that_is_followed_has_a_cursor(ids, size):
    shown, following = cut(ids[: size + 1], size, lambda row: Position(None, row))
    assert shown == ids[:size]
    assert (following is not None) == (len(ids) > size)
    if following is not None:
        assert read_cursor(following) == Position(None, shown[-1])

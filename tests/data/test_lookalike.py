"""The look-alike export is what its generator makes, and its expectations hold."""

import json
import runpy
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from plugin_sdk.identifiers import find_identity_numbers, redact
from plugin_sdk.tables import BadRow, Limits, read_rows
from plugin_sdk.times import SHANGHAI, LegacyTime, TimeError, parse_legacy_time

HERE = Path(__file__).parent
MAKER = runpy.run_path(str(HERE / "make_lookalike.py"))
HEADER = MAKER["HEADER"]
MESSAGES, EXPECTED = (HERE / name for name in MAKER["FILES"])
NOW = datetime(2027, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def expected():
    return json.loads(EXPECTED.read_text(encoding="utf-8"))


def test_the_committed_files_are_what_the_generator_makes():
    assert (MESSAGES.read_bytes(), EXPECTED.read_bytes()) == MAKER["make"]()


def before(reply: LegacyTime, message: LegacyTime) -> bool:
    if reply.has_time and message.has_time:
        return reply.at < message.at
    return reply.at.astimezone(SHANGHAI).date() < message.at.astimezone(SHANGHAI).date()


def verdict(values: dict[str, str]) -> str:
    for column, code in (
        ("留言编号", "number-empty"),
        ("留言主题", "subject-empty"),
        ("留言详情", "text-empty"),
    ):
        if not values[column].strip():
            return code
    try:
        message = parse_legacy_time(values["留言时间"])
        replied = values["答复意见"].strip() or values["答复时间"].strip()
        reply = parse_legacy_time(values["答复时间"]) if replied else None
    except TimeError as refused:
        return refused.code
    if message.at > NOW:
        return "message-in-future"
    if reply is not None and reply.at > NOW:
        return "reply-in-future"
    if reply is not None and before(reply, message):
        return "reply-before-message"
    return ""


def test_reading_it_gives_exactly_what_is_expected(expected):
    accepted, duplicates, days = [], [], []
    refused: dict[str, list[int]] = {}
    seen: dict[str, tuple[int, dict[str, str]]] = {}
    rows = list(read_rows(MESSAGES, expect=HEADER, limits=Limits(cell=8_000)))
    for row in rows:
        code = row.code if isinstance(row, BadRow) else verdict(row.values)
        if not code and not isinstance(row, BadRow):
            number = row.values["留言编号"]
            first, values = seen.setdefault(number, (row.line, row.values))
            if first != row.line and values == row.values:
                duplicates.append({"line": row.line, "of": first})
                continue
            code = "number-used-otherwise" if first != row.line else ""
        if code:
            refused.setdefault(code, []).append(row.line)
            continue
        accepted.append(row.line)
        assert not isinstance(row, BadRow)
        if row.values["答复时间"]:
            asked, replied = (
                parse_legacy_time(row.values[name]).at.astimezone(SHANGHAI).date()
                for name in ("留言时间", "答复时间")
            )
            days.append((replied - asked) // timedelta(days=1))
    assert refused == expected["refused"]
    assert duplicates == expected["duplicates"]
    assert accepted == expected["accepted_lines"]
    assert (
        len(rows)
        == expected["rows"]
        == len(accepted) + len(duplicates) + sum(map(len, refused.values()))
    )
    assert len(days) == expected["reply_calendar_days"]["n"]
    assert sorted(days)[len(days) // 2] == expected["reply_calendar_days"]["median"]


def test_its_numbers_of_a_person_are_found_and_nowhere_else(expected):
    held = [
        row.line
        for row in read_rows(MESSAGES, expect=HEADER)
        if not isinstance(row, BadRow) and any(map(find_identity_numbers, row.values.values()))
    ]
    assert held == expected["noted"]["identity_numbers"]
    text = MESSAGES.read_text(encoding="utf-8", errors="replace")
    assert MAKER["PHONE"] in text
    assert MAKER["PHONE"] not in redact(text)
    assert MAKER["IDENTITY"] not in redact(text)

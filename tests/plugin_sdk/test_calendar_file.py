from datetime import UTC, date, datetime
from typing import Any

from plugin_sdk.calendar_file import LINE, calendar_file

NOW = datetime(2026, 3, 5, 9, 30, tzinfo=UTC)


def file(**more):
    given: dict[str, Any] = {"uid": "order:1.hotline", "day": date(2026, 3, 12), "stamp": NOW}
    given |= {"summary": "办件 1 最晚今天答复", "description": "路灯不亮", **more}
    return calendar_file(**given)


def unfolded(content):
    return content.decode().replace("\r\n ", "").split("\r\n")


def test_it_is_one_event_that_takes_a_day():
    lines = unfolded(file(sequence=3))
    assert lines[0] == "BEGIN:VCALENDAR"
    assert lines[-2:] == ["END:VCALENDAR", ""]
    assert lines.count("BEGIN:VEVENT") == 1
    for line in ("VERSION:2.0", "DTSTART;VALUE=DATE:20260312", "DTSTAMP:20260305T093000Z"):
        assert line in lines
    assert "UID:order:1.hotline" in lines
    assert "SEQUENCE:3" in lines


def test_what_has_a_meaning_of_its_own_is_escaped():
    lines = unfolded(file(description="甲;乙,丙\\丁\r\n第二行\n第三行"))
    assert "DESCRIPTION:甲\\;乙\\,丙\\\\丁\\n第二行\\n第三行" in lines


def test_long_lines_are_folded_by_octets_and_no_character_is_cut():
    text = "路灯不亮已经一周" * 30 + "x" * 200
    content = file(description=text)
    for line in content.split(b"\r\n"):
        assert len(line) <= LINE
        line.decode()
    assert f"DESCRIPTION:{text}" in unfolded(content)
    assert b"\n" not in content.replace(b"\r\n", b"")

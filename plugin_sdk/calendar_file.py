"""A date that people put into their own calendar: an iCalendar file (RFC 5545)."""

from datetime import UTC, date, datetime
from typing import Final

LINE: Final = 75
"""The most octets a line may have before it is folded (RFC 5545, section 3.1)."""


def calendar_file(
    *, uid: str, day: date, summary: str, description: str, stamp: datetime, sequence: int = 0
) -> bytes:
    """Return the file of one event that takes a day and blocks no time.

    The same `uid` with a higher `sequence` moves the event in a calendar that has it.
    """
    lines = (
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Yimen//Yimen//ZH",
        "CALSCALE:GREGORIAN",
        "BEGIN:VEVENT",
        f"UID:{_text(uid)}",
        f"DTSTAMP:{stamp.astimezone(UTC):%Y%m%dT%H%M%SZ}",
        f"SEQUENCE:{sequence}",
        f"DTSTART;VALUE=DATE:{day:%Y%m%d}",
        f"SUMMARY:{_text(summary)}",
        f"DESCRIPTION:{_text(description)}",
        "TRANSP:TRANSPARENT",
        "END:VEVENT",
        "END:VCALENDAR",
    )
    return b"".join(_folded(line) for line in lines)


def _text(value: str) -> str:
    """Return a value of type TEXT (section 3.3.11)."""
    for plain, escaped in (("\\", "\\\\"), (";", "\\;"), (",", "\\,"), ("\r\n", "\n")):
        value = value.replace(plain, escaped)
    return value.replace("\n", "\\n")


def _folded(line: str) -> bytes:
    """Return a line as octets, folded without cutting a character."""
    parts, part, room = [], b"", LINE
    for character in line:
        octets = character.encode()
        if len(part) + len(octets) > room:
            parts.append(part)
            part, room = b"", LINE - 1  # the blank that begins a folded line counts
        part += octets
    return b"\r\n ".join([*parts, part]) + b"\r\n"

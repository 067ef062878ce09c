"""The county's time zone, and the times that old systems wrote.

Times are stored in UTC and shown in Asia/Shanghai. The zone is a fixed offset: China has
kept UTC+8 without summer time since 1991-09-15 (IANA tz database), so nothing depends on
whether a machine carries zone files.
"""

import re
from calendar import monthrange
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any, Final

import msgspec

SHANGHAI: Final = timezone(timedelta(hours=8), "Asia/Shanghai")

EARLIEST_YEAR: Final = 1992
"""The first whole year at UTC+8; an export that names an earlier one holds a placeholder."""
LATEST_YEAR: Final = 2099
"""Later years (9999-12-31) are placeholders too."""

# The spellings met in exports: 2019/4/25 9:32:09, 2017/12/27 16:12:59, 2019-04-08 08:37:20,
# 2018/4/24; and the same without seconds, which a spreadsheet leaves when it saves again.
_SPELLING = re.compile(
    r"(?P<year>[0-9]{4})(?P<mark>[/-])(?P<month>[0-9]{1,2})(?P=mark)(?P<day>[0-9]{1,2})"
    r"(?:[ \t]+(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2}))?)?"
)


class TimeError(ValueError):
    """A text that names no moment; `code` says why, `params` hold what was read.

    Codes: `time-empty`, `time-unreadable` (spelling), `time-impossible` (31 February, 25:00),
    `time-out-of-range` (a year before 1992 or after 2099).
    """

    def __init__(self, code: str, **params: Any) -> None:
        super().__init__(code)
        self.code = code
        self.params = params


class LegacyTime(msgspec.Struct, frozen=True):
    """A moment as an old system knew it.

    `at` is in UTC. When `has_time` is false the source gave a date alone: `at` is then the
    start of that day in Shanghai, and pages show the date without a time.
    """

    at: datetime
    has_time: bool


def last_of_month(day: date) -> date:
    """Return the last day of the month that a day is in."""
    return day.replace(day=monthrange(day.year, day.month)[1])


def parse_legacy_time(text: str) -> LegacyTime:
    """Return the moment that a legacy spelling names; a naive time is Shanghai time.

    Year, month and day are separated by `/` or by `-`, with or without leading zeros; hours and
    minutes, then seconds, may follow. Raises `TimeError` for anything else: nothing is guessed.
    """
    spelled = text.strip()
    if not spelled:
        raise TimeError("time-empty")
    shown = spelled[:40]
    found = _SPELLING.fullmatch(spelled)
    if found is None:
        raise TimeError("time-unreadable", text=shown)
    year, month, day = int(found["year"]), int(found["month"]), int(found["day"])
    hour, minute, second = (int(found[name] or 0) for name in ("hour", "minute", "second"))
    if not EARLIEST_YEAR <= year <= LATEST_YEAR:
        raise TimeError("time-out-of-range", text=shown, first=EARLIEST_YEAR, last=LATEST_YEAR)
    try:
        local = datetime(year, month, day, hour, minute, second, tzinfo=SHANGHAI)
    except ValueError:
        raise TimeError("time-impossible", text=shown) from None
    return LegacyTime(local.astimezone(UTC), found["hour"] is not None)

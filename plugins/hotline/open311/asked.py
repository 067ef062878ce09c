"""What a GET asks for, read by the letter of the protocol."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec

from plugins.hotline.open311.services import services
from plugins.hotline.open311.wire import refused

SPAN: Final = timedelta(days=90)
MOST: Final = 1000
"""At most so many requests are returned at once, and asked for by their ids."""
DEEPEST: Final = 100_000
"""So far into a list its pages go: who wants more narrows the days."""
STATUSES: Final = frozenset({"open", "closed"})
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2})")


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """Which requests are asked for. `ids` overrides everything else."""

    ids: tuple[str, ...] = ()
    categories: tuple[str | None, ...] | None = None
    start: datetime
    end: datetime
    open: bool = True
    closed: bool = True
    offset: int = 0
    size: int = MOST
    extended: bool = False


Values = Mapping[str, Sequence[str]]


def single(values: Values, name: str) -> str:
    """Return what a parameter that is no list says; nothing for one that is not given."""
    found = values.get(name) or [""]
    return found[-1].strip()


def is_extended(values: Values) -> bool:
    """Return whether more than the protocol's own fields is asked for."""
    return single(values, "extensions").lower() == "true"


def read_asked(values: Values, now: datetime) -> Asked:
    """Return what the parameters of GET requests ask for; an empty one is one not given. Ids
    override all others, what is wrong with them too.

    Raises `Refusal`: 404 for an unknown service, 400 for what cannot be read, a range of more
    than 90 days and one that ends before it starts.
    """
    ids = _many(values, "service_request_id")
    if len(ids) > MOST:
        raise refused(400, "too-many-ids", n=MOST)
    if ids:
        return Asked(ids=tuple(ids), start=now, end=now, extended=is_extended(values))
    start, end = _range(single(values, "start_date"), single(values, "end_date"), now)
    known, codes = services(), _many(values, "service_code")
    if unknown := [code for code in codes if code not in known]:
        raise refused(404, "service", code=unknown[0][:60])
    statuses = _many(values, "status") or sorted(STATUSES)
    if wrong := [status for status in statuses if status not in STATUSES]:
        raise refused(400, "status", given=wrong[0][:60])
    page, size = _number(values, "page", 1, DEEPEST), _number(values, "page_size", MOST, MOST)
    if page * size > DEEPEST and page > 1:
        raise refused(400, "too-deep", n=DEEPEST)
    return Asked(
        categories=tuple(known[code].category for code in codes) if codes else None,
        start=start,
        end=end,
        open="open" in statuses,
        closed="closed" in statuses,
        offset=(page - 1) * size,
        size=size,
        extended=is_extended(values),
    )


def _range(start: str, end: str, now: datetime) -> tuple[datetime, datetime]:
    """Return the range; one end alone names the 90 days that begin or end there."""
    first = _moment("start_date", start) if start else None
    last = _moment("end_date", end) if end else None
    try:
        if first is None:
            last = last or now
            return last - SPAN, last
        last = last or min(first + SPAN, max(now, first))
    except OverflowError:
        raise refused(400, "date", name="start_date" if start else "end_date") from None
    if last < first:
        raise refused(400, "range-order")
    if last - first > SPAN:
        raise refused(400, "range-span", n=SPAN.days)
    return first, last


def _moment(name: str, text: str) -> datetime:
    spelled = text.replace(" ", "+")  # a plus that was not encoded
    if _MOMENT.fullmatch(spelled):
        try:
            return datetime.fromisoformat(spelled).astimezone(UTC)
        except (ValueError, OverflowError):
            pass
    raise refused(400, "date", name=name)


def _many(values: Values, name: str) -> list[str]:
    """Return a list that was given by commas, by repetition, or both."""
    given = ",".join(values.get(name) or [])
    return list(dict.fromkeys(part.strip() for part in given.split(",") if part.strip()))


def _number(values: Values, name: str, default: int, most: int) -> int:
    text: Any = single(values, name)
    if not text:
        return default
    if not (text.isascii() and text.isdecimal() and len(text) <= 6 and 1 <= int(text) <= most):
        raise refused(400, "number", name=name, n=most)
    return int(text)

"""What is searched for in the record, as an address carries it."""

from datetime import date, datetime, time, timedelta
from typing import Any, Final

import msgspec

from core.database import Transaction
from core.identity import people
from plugin_sdk.problems import Problem
from plugin_sdk.times import SHANGHAI

MOST_PEOPLE: Final = 200
LONGEST: Final = 100


class Search(msgspec.Struct, frozen=True, kw_only=True):
    """The filters of the record: an app, an outcome, days from and to (both within), words."""

    app: str = ""
    outcome: str = ""
    since: str = ""
    until: str = ""
    q: str = ""

    @property
    def words(self) -> str:
        """Return the words without what is beyond a search."""
        return self.q.strip()[:LONGEST]

    def asked(self) -> dict[str, str]:
        """Return the parameters of the address."""
        values = {name: getattr(self, name) for name in ("app", "outcome", "since", "until")}
        return {name: value for name, value in {**values, "q": self.words}.items() if value}


async def searched(tx: Transaction, search: Search) -> dict[str, Any]:
    """Return the arguments of `core.audit.search`. Raises `Problem` for a day that is none."""
    called = await people.find(tx, search.words, limit=MOST_PEOPLE) if search.words else []
    return {
        "app": search.app or None,
        "outcome": search.outcome or None,
        "since": _begin(search.since),
        "until": _begin(search.until, days=1),
        "words": search.words or None,
        "people": [person.id for person in called],
    }


def _begin(day: str, *, days: int = 0) -> datetime | None:
    """Return when a day of the address begins (or, with `days`, when it is over)."""
    if not day:
        return None
    try:
        return datetime.combine(date.fromisoformat(day) + timedelta(days), time(), SHANGHAI)
    except (ValueError, OverflowError):
        raise Problem("bad-day", status=422) from None

"""How fresh something is, in words: beside whatever a page shows of a source."""

from datetime import datetime, timedelta
from typing import Final, Literal

import msgspec

from plugin_sdk.sources.engine import Known
from plugin_sdk.views import Phrase, Words

JUST_NOW: Final = timedelta(minutes=1)
HOUR: Final = timedelta(hours=1)


class FreshView(msgspec.Struct, frozen=True, kw_only=True):
    """How fresh what is shown is: `said` for people, `seen_at` for programs (None: the source
    has never answered). `tone` is `soon` while it does not answer as it should."""

    said: Words
    seen_at: datetime | None = None
    tone: Literal["state", "soon"] = "state"


def freshness(known: Known, now: datetime, source: Words) -> FreshView:
    """Return how fresh a state is; `source` is what the source is called."""
    if known.fault is not None:
        name = "never" if known.seen_at is None else "kept"
        said = Phrase(
            f"sources.{name}.{known.fault}", {"source": source, "at": known.seen_at or ""}
        )
        return FreshView(said=said, seen_at=known.seen_at, tone="soon")
    seen_at = known.seen_at or now
    age = now - seen_at
    if age < JUST_NOW:
        said = Phrase("sources.fresh.now", {"source": source})
    elif age < HOUR:
        minutes = int(age.total_seconds() // 60)
        said = Phrase("sources.fresh.minutes", {"source": source, "n": minutes})
    else:
        said = Phrase("sources.fresh.at", {"source": source, "at": seen_at})
    return FreshView(said=said, seen_at=seen_at)

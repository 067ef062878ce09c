"""What a worker has counted and not yet handed over: by minute, within a bound."""

from collections import defaultdict
from datetime import UTC, date, datetime
from typing import Any

from core.usage.batches import Batch, Cell, Counted, Exit, Outcome, Reached, Slow
from core.usage.models import KINDS
from plugin_sdk.times import SHANGHAI


class Held:
    """Cells in memory, at most `most` of each sort. A cell that is there goes on counting;
    what would need another one is `lost`, one for each thing counted."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._minute = datetime.min.replace(tzinfo=UTC)
        self._day = date.min
        self._cells: dict[Cell, list[int]] = {}
        self._slow: dict[tuple[date, str, str, int], int] = defaultdict(int)
        self._reached: dict[tuple[str, str, str, str], set[int]] = {}
        self._people = 0
        self._outcomes: dict[tuple[str, str], Outcome] = {}
        self._exits: dict[tuple[date, str, str, str, str], int] = {}
        self.lost = 0

    @property
    def empty(self) -> bool:
        """Return whether nothing at all has happened."""
        return not (self._cells or self._reached or self._outcomes or self._exits or self.lost)

    def turn(self, now: datetime) -> None:
        """Count from here on in the minute of `now`."""
        self._minute = now.replace(second=0, microsecond=0)
        self._day = now.astimezone(SHANGHAI).date()

    def count(
        self, app: str, feature: str, organization: str, channel: str, kind: int, n: int
    ) -> bool:
        """Add to a cell; return whether there was room."""
        key = (self._minute, app, feature, organization, channel)
        cell = self._cells.get(key)
        if cell is None:
            if len(self._cells) >= self._most:
                self.lost += n
                return False
            cell = self._cells[key] = [0] * len(KINDS)
        cell[kind] += n
        return True

    def slow(self, app: str, feature: str, bucket: int, n: int) -> None:
        """Add answers to a bucket of duration. There are no more than a bucket's number for each
        cell that had room."""
        self._slow[self._day, app, feature, bucket] += n

    def reach(self, app: str, period: str, kind: str, organization: str, pseudonym: int) -> None:
        """Note a person."""
        people = self._reached.setdefault((app, period, kind, organization), set())
        if pseudonym in people:
            return
        if self._people >= self._most:
            self.lost += 1
            return
        people.add(pseudonym)
        self._people += 1

    def mark(
        self,
        session: str,
        app: str,
        organization: str,
        channel: str,
        fruitful: bool,
        attending: bool,
    ) -> None:
        """Add marks to a session in an app."""
        known = self._outcomes.get((session, app))
        if known is None:
            if len(self._outcomes) >= self._most:
                self.lost += 1
                return
            known = Outcome(session, app, organization, channel, self._day, False, False)
        elif known.fruitful >= fruitful and known.attending >= attending:
            return
        self._outcomes[session, app] = Outcome(
            session,
            app,
            known.organization,
            known.channel,
            known.day,
            known.fruitful or fruitful,
            known.attending or attending,
        )

    def exit(self, app: str, feature: str, host: str, kind: str, n: int) -> None:
        """Count answers that led elsewhere."""
        key = (self._day, app, feature, host, kind)
        if key not in self._exits and len(self._exits) >= self._most:
            self.lost += n
            return
        self._exits[key] = self._exits.get(key, 0) + n

    def batch(self, **about: Any) -> Batch:
        """Return it all as one batch, in one order."""
        return Batch(
            counted=tuple(Counted(cell, tuple(self._cells[cell])) for cell in sorted(self._cells)),
            slow=tuple(Slow(*key, count) for key, count in sorted(self._slow.items())),
            reached=tuple(
                Reached(*key, tuple(people))
                for key, people in sorted(self._reached.items())
                if people
            ),
            outcomes=tuple(self._outcomes[key] for key in sorted(self._outcomes)),
            exits=tuple(Exit(*key, count) for key, count in sorted(self._exits.items())),
            lost=self.lost,
            **about,
        )

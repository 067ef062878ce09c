"""Effects by app and calendar month, from the totals of days: what portfolios show."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import MAXYEAR, MINYEAR, date

import msgspec
from sqlalchemy import extract, func, or_, select
from sqlmodel import col

from core.database import Transaction
from core.usage.models import UsageDay


class Month(msgspec.Struct, frozen=True, order=True):
    """A calendar month."""

    year: int
    month: int

    @classmethod
    def of(cls, day: date) -> "Month":
        """Return the month of a day."""
        return cls(day.year, day.month)

    @classmethod
    def named(cls, text: str) -> "Month":
        """Return the month that an address names (2026-03). Raises `ValueError`."""
        if len(text) != len("2026-03"):
            raise ValueError(text)
        return cls.of(date.fromisoformat(f"{text}-01"))

    def __str__(self) -> str:
        return f"{self.year:04}-{self.month:02}"

    def before(self, months: int) -> "Month":
        """Return the month so many months earlier. Raises `ValueError` where there is none."""
        year, month = divmod(self.year * 12 + self.month - 1 - months, 12)
        if not MINYEAR <= year <= MAXYEAR:
            raise ValueError(f"no month {months} before {self}")
        return Month(year, month + 1)

    @property
    def first(self) -> date:
        """Return its first day."""
        return date(self.year, self.month, 1)

    @property
    def last(self) -> date:
        """Return its last day."""
        following = self.before(-1)
        return date.fromordinal(following.first.toordinal() - 1)


Counts = dict[str, dict[Month, int]]


async def effects_by_month(
    tx: Transaction, months: Sequence[Month], apps: Sequence[str] | None = None
) -> Counts:
    """Return the effects of apps (None: of all) by month; a month without a row is absent."""
    row = UsageDay
    year, month = extract("year", col(row.day)), extract("month", col(row.day))
    statement = (
        select(col(row.app), year, month, func.sum(row.effects))
        .where(
            or_(*(col(row.day).between(since.first, until.last) for since, until in _runs(months)))
        )
        .group_by(col(row.app), year, month)
    )
    if apps is not None:
        statement = statement.where(col(row.app).in_(apps))
    found: Counts = defaultdict(dict)
    for app, in_year, in_month, effects in await tx.session.execute(statement):
        found[app][Month(int(in_year), int(in_month))] = int(effects)
    return found


async def first_counted(tx: Transaction, apps: Sequence[str]) -> dict[str, date]:
    """Return the first day on which anything was counted of each app; before it all is
    unknown. Of an app that is not in it nothing was ever counted."""
    if not apps:
        return {}
    row = UsageDay
    found = await tx.session.execute(
        select(col(row.app), func.min(col(row.day))).where(col(row.app).in_(apps)).group_by(row.app)
    )
    return {app: day for app, day in found}


def _runs(months: Sequence[Month]) -> list[tuple[Month, Month]]:
    """Return months as runs without a gap: a statement names few ranges of days."""
    runs: list[tuple[Month, Month]] = []
    for month in sorted(set(months)):
        if runs and runs[-1][1] == month.before(1):
            runs[-1] = (runs[-1][0], month)
        else:
            runs.append((month, month))
    return runs

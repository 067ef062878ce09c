"""Adding to the tables of usage: what is there already is added to, in one order for all.

Rows are written in the order of their keys, and `usage_day` after everything a batch touches or
before the cell that an act touches, so that nobody waits for another in a circle.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy.dialects import postgresql, sqlite

from core.database import Transaction
from core.usage.models import KINDS, UsageCell, UsageDay

DayKey = tuple[date, str, str, str, str]
"""Day in Shanghai, app, feature, organization ('' for none), channel."""

CELL = ("day", "app", "feature", "organization", "channel")
TOTAL = ("app", "day")


async def add(
    tx: Transaction,
    model: Any,
    key: Sequence[str],
    counts: Sequence[str],
    rows: Iterable[tuple[Any, ...]],
    facts: Sequence[str] = (),
) -> None:
    """Add rows to a table: each holds the columns of its key, then `facts` that follow from it,
    then the counts that are added up.

    Two rows of one key are the caller's to merge.
    """
    names = (*key, *facts, *counts)
    values = [dict(zip(names, row, strict=True)) for row in sorted(rows)]
    if not values:
        return
    dialect = sqlite if tx.database.sqlite else postgresql
    table = model.__table__
    insert = dialect.insert(table)
    upsert = insert.on_conflict_do_update(
        index_elements=list(key),
        set_={name: table.c[name] + insert.excluded[name] for name in counts},
    )
    await (await tx.session.connection()).execute(upsert, values)


async def add_totals(tx: Transaction, totals: Mapping[tuple[str, date], Sequence[int]]) -> None:
    """Add to the totals of apps and days."""
    await add(tx, UsageDay, TOTAL, KINDS, ((*key, *counts) for key, counts in totals.items()))


async def add_to_days(tx: Transaction, counted: Mapping[DayKey, Sequence[int]]) -> None:
    """Add counts, in the order of `KINDS`, to cells of days and to their totals: exact ones, in
    the transaction of the act that they count."""
    totals: dict[tuple[str, date], list[int]] = defaultdict(lambda: [0] * len(KINDS))
    for (day, app, *_), counts in counted.items():
        total = totals[app, day]
        for n, count in enumerate(counts):
            total[n] += count
    await add_totals(tx, totals)
    await add(tx, UsageCell, CELL, KINDS, ((*key, *counts) for key, counts in counted.items()))


def counts_of(**kinds: int) -> tuple[int, ...]:
    """Return counts in the order of `KINDS`."""
    unknown = kinds.keys() - set(KINDS)
    if unknown:
        raise KeyError(*unknown)
    return tuple(kinds.get(kind, 0) for kind in KINDS)

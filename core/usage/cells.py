"""Adding to the tables of usage: what is there already is added to, in one order for all.

Rows are written in the order of their keys, and `usage_day` after everything a batch touches or
before the cell that an act touches, so that nobody waits for another in a circle.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy import Table, bindparam, false, func, literal, select
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
    table = model.__table__
    names = (*key, *facts, *counts)
    columns = list(zip(*sorted(rows), strict=True))
    if not columns:
        return
    first = len(key) + len(facts)
    kept = [*range(first), *(n for n in range(first, len(names)) if any(columns[n]))]
    given = {names[n]: columns[n] for n in kept}
    none = [name for name in counts if name not in given]
    insert, parameters = _insert(tx, table, given, none)
    added = [name for name in counts if name in given]
    upsert = insert.on_conflict_do_nothing()
    if added:
        upsert = insert.on_conflict_do_update(
            index_elements=list(key),
            set_={name: table.c[name] + insert.excluded[name] for name in added},
        )
    await (await tx.session.connection()).execute(upsert, parameters)


def _insert(
    tx: Transaction, table: Table, given: Mapping[str, Sequence[Any]], none: Sequence[str]
) -> tuple[Any, Any]:
    """Return an insert of columns of values, with nothing in some others, and its parameters:
    arrays for PostgreSQL, in a third of the time of a row at a time."""
    if tx.database.sqlite:
        rows = [dict(zip(given, row, strict=True)) for row in zip(*given.values(), strict=True)]
        return sqlite.insert(table).values(dict.fromkeys(none, false())), rows  # it writes 0
    arrays = [bindparam(name, type_=postgresql.ARRAY(table.c[name].type)) for name in given]
    source = func.unnest(*arrays).table_valued(*given).render_derived()
    chosen = select(*source.c, *(literal(0) for _ in none))
    insert = postgresql.insert(table).from_select([*given, *none], chosen)
    return insert, {name: list(values) for name, values in given.items()}


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

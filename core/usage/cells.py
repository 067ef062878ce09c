"""Adding to the tables of usage: what is there already is added to, in one order for all.

Rows are written in the order of their keys, and `usage_day` after everything a batch touches or
before the cell that an act touches, so that nobody waits for another in a circle.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from functools import lru_cache
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
    names = (*key, *facts, *counts)
    columns = list(zip(*sorted(rows), strict=True))
    if not columns:
        return
    first = len(key) + len(facts)
    given = {name: columns[n] for n, name in enumerate(names) if n < first or any(columns[n])}
    added = tuple(name for name in counts if name in given)
    none = tuple(name for name in counts if name not in given)
    upsert = _upsert(tx.database.sqlite, model, tuple(key), tuple(given), added, none)
    parameters: Any = {name: list(values) for name, values in given.items()}
    if tx.database.sqlite:
        parameters = [
            dict(zip(given, row, strict=True)) for row in zip(*given.values(), strict=True)
        ]
    await (await tx.session.connection()).execute(upsert, parameters)


@lru_cache(maxsize=256)
def _upsert(
    on_sqlite: bool,
    model: Any,
    key: tuple[str, ...],
    given: tuple[str, ...],
    added: tuple[str, ...],
    none: tuple[str, ...],
) -> Any:
    """Return what inserts the columns that are `given`, and nothing of what is `none`, or adds
    what is `added`. To build it costs more than to run it, so it is built once.

    PostgreSQL takes the columns as arrays, in a third of the time of a row at a time.
    """
    table: Table = model.__table__
    insert: Any
    if on_sqlite:
        insert = sqlite.insert(table).values(dict.fromkeys(none, false()))  # which it writes as 0
    else:
        arrays = [bindparam(name, type_=postgresql.ARRAY(table.c[name].type)) for name in given]
        source = func.unnest(*arrays).table_valued(*given).render_derived()
        chosen = select(*source.c, *(literal(0) for _ in none))
        insert = postgresql.insert(table).from_select([*given, *none], chosen)
    if not added:
        return insert.on_conflict_do_nothing()
    excluded = insert.excluded
    return insert.on_conflict_do_update(
        index_elements=list(key),
        set_={name: table.c[name] + excluded[name] for name in added},
    )


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

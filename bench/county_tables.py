"""Writes a county's year into the tables of usage: day totals, reach, durations, exits, gaps; and,
for what is measured at full size, every cell of it."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, time, timedelta
from itertools import islice
from typing import Any
from uuid import UUID, uuid5

import msgspec
import numpy as np
from sqlalchemy import insert

from bench.county_year import Behaviour, CountyYear
from core.database import Database
from core.governance.models import Measured
from core.usage.measures import Observed
from core.usage.models import (
    KINDS,
    UsageDay,
    UsageElement,
    UsageExit,
    UsageGap,
    UsageLatency,
    UsageReach,
)
from plugin_sdk.times import SHANGHAI

EVERYWHERE = "*"
ROWS_AT_ONCE = 20_000
NAMES = UUID("3f0d3c54-6a35-4c3e-9a0e-0d8a3a1f6b11")
CHANNELS = ("web", "mobile")


async def write(database: Database, year: CountyYear) -> None:
    """Write all that findings and portfolios read of a county."""
    for model, rows in tables_of(year, sqlite=database.sqlite):
        names = [column.name for column in model.__table__.columns]
        await copy(database, model, names, (tuple(row[name] for name in names) for row in rows))


def tables_of(year: CountyYear, *, sqlite: bool) -> Iterator[tuple[Any, Iterable[dict[str, Any]]]]:
    """Yield each table with its rows."""
    yield UsageDay, (row for one in year.observed.values() for row in _days(one))
    yield UsageReach, (row for one in year.observed.values() for row in _reach(one))
    yield UsageLatency, (row for one in year.observed.values() for row in _latency(one))
    yield UsageElement, (row for one in year.observed.values() for row in _elements(one))
    yield UsageExit, (row for one in year.observed.values() for row in _exits(one))
    yield UsageGap, _gaps(year)
    yield Measured, (_known(year, one, sqlite=sqlite) for one in year.observed.values())


CELL = ("day", "app", "feature", "organization", "channel", *KINDS)


def cells_of(year: CountyYear, seed: int) -> Iterator[tuple[Any, ...]]:
    """Yield every active cell, as `CELL`: the totals of a day, spread over features,
    organizations and channels, few of which have most of the use."""
    rng = np.random.default_rng(seed)
    places = [str(uuid5(NAMES, str(number))) for number in range(year.parameters.organizations)]
    for app, observed in year.observed.items():
        shape = _Shape(rng, year.behaviours[app], places)
        for totals in observed.days:
            values = np.array(msgspec.to_builtins(totals)[1:], dtype=np.int64)
            yield from shape.cells(app, totals.day, values)


class _Shape:
    """Over which cells the use of one app spreads."""

    def __init__(
        self, rng: np.random.Generator, behaviour: Behaviour, places: Sequence[str]
    ) -> None:
        self._rng = rng
        reached = max(1, min(len(places), behaviour.entitled // 6))
        chosen = rng.choice(len(places), size=reached, replace=False)
        features = int(rng.integers(2, 9))
        self._cells = [
            (f"GET /f{feature}", places[place], channel)
            for place in chosen
            for feature in range(features)
            for channel in CHANNELS
        ]
        rng.shuffle(self._cells)

    def cells(
        self, app: str, day: Any, values: "np.ndarray[Any, Any]"
    ) -> Iterator[tuple[Any, ...]]:
        """Yield the cells of a day; their sum is what the day has."""
        most = int(max(values[0], values[7]))
        count = max(1, min(len(self._cells), int(most**0.93)))
        weights = 1 / np.arange(1, count + 1) ** 0.7
        spread = self._rng.multinomial(values, weights / weights.sum())
        for at in np.flatnonzero(spread.any(axis=0)).tolist():
            yield (day, app, *self._cells[at], *spread[:, at].tolist())


async def copy(
    database: Database, model: Any, names: Sequence[str], rows: Iterable[tuple[Any, ...]]
) -> int:
    """Write rows, by COPY where the engine has it; return how many there were."""
    count = 0
    async with database.migration() as connection:
        for batch in batched(rows, ROWS_AT_ONCE):
            if database.sqlite:
                named = [dict(zip(names, row, strict=True)) for row in batch]
                await connection.execute(insert(model.__table__), named)
            else:
                raw: Any = (await connection.get_raw_connection()).driver_connection
                await raw.copy_records_to_table(model.__tablename__, records=batch, columns=names)
            count += len(batch)
        await connection.commit()
    return count


def batched(rows: Iterable[tuple[Any, ...]], size: int) -> Iterator[list[tuple[Any, ...]]]:
    """Yield rows so many at a time."""
    left = iter(rows)
    while batch := list(islice(left, size)):
        yield batch


def _days(observed: Observed) -> Iterator[dict[str, Any]]:
    for totals in observed.days:
        day, *values = msgspec.structs.astuple(totals)
        yield {"app": observed.app, "day": day, **dict(zip(KINDS, values, strict=True))}


def _reach(observed: Observed) -> Iterator[dict[str, Any]]:
    for total in observed.reach:
        for kind, people in (("opened", total.opened), ("completed", total.completed)):
            if people:
                yield {
                    "app": observed.app,
                    "period": total.period,
                    "kind": kind,
                    "organization": EVERYWHERE,
                    "sketch": b"",
                    "people": people,
                }


def _latency(observed: Observed) -> Iterator[dict[str, Any]]:
    if observed.recent is not None:
        for bucket, count in observed.latency.items():
            yield {
                "day": observed.recent.until,
                "app": observed.app,
                "feature": "GET /",
                "bucket": bucket,
                "count": count,
            }


def _elements(observed: Observed) -> Iterator[dict[str, Any]]:
    if observed.recent is not None and observed.asked + observed.spared:
        yield {
            "day": observed.recent.until,
            "app": observed.app,
            "element": "person.phone",
            "spared": observed.spared,
            "asked": observed.asked,
        }


def _exits(observed: Observed) -> Iterator[dict[str, Any]]:
    if observed.recent is not None:
        for seen in observed.exits:
            yield {
                "day": observed.recent.until,
                "app": observed.app,
                "feature": seen.feature,
                "host": seen.host,
                "kind": seen.kind,
                "count": seen.count,
            }


def _gaps(year: CountyYear) -> Iterator[dict[str, Any]]:
    for day in sorted(next(iter(year.observed.values())).unknown_days):
        since = datetime.combine(day, time(), SHANGHAI)
        yield {
            "id": uuid5(NAMES, f"{day}"),
            "worker": "bench",
            "since": since,
            "until": since + timedelta(days=1),
            "lost": None,
            "cause": "down",
        }


def _known(year: CountyYear, observed: Observed, *, sqlite: bool) -> dict[str, Any]:
    return {
        "app": observed.app,
        "known_since": observed.counted_since,
        "at": datetime.combine(year.today - timedelta(days=1), time(2), SHANGHAI),
        "since": year.today - timedelta(days=91),
        "until": year.today - timedelta(days=1),
        "measures": [] if sqlite else "[]",
    }

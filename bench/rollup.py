"""What counting batches costs: so many events of so many cells, handed over as workers do."""

import asyncio
import os
import random
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import uvloop
from sqlalchemy import func, select

from bench.site import Engine, Site

WORKERS = 4
CELLS = 50_000  # active ones of a county's day
APPS, ORGANIZATIONS = 500, 2_000
SEED = 20261126


class Load(msgspec.Struct, frozen=True):
    """What arrives: events a second, from how many cells, how many seconds are counted at once."""

    name: str
    events: int
    cells: int
    seconds: int


class Cost(msgspec.Struct, frozen=True):
    """What it took: counted events a second, by the clock and by the CPU of the relay and of
    the database together; rows written for each thousand events; bytes of a batch."""

    load: Load
    by_clock: list[float]
    by_cpu: list[float]
    rows: float
    bytes: int


def run(site: Site, engine: str, loads: Sequence[Load], *, rounds: int) -> list[Cost]:
    """Measure on the event loop of a worker."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_measure(site.engine(engine), loads, rounds))


async def _measure(engine: Engine, loads: Sequence[Load], rounds: int) -> list[Cost]:
    from core.database import Database

    database = Database(engine.database_url)
    try:
        return [await _cost(database, load, rounds) for load in loads]
    finally:
        await database.close()


async def _cost(database: Any, load: Load, rounds: int) -> Cost:
    from core.usage import rollup
    from core.usage.batches import decode

    chance = random.Random(SEED)
    by_clock, by_cpu, rows, size = [], [], 0.0, 0
    for number in range(rounds + 1):
        raw = _batches(chance, load, f"{load.name}-{number}", database.clock())
        async with database.transaction(write=True) as tx:
            backend = await _backend(tx)
            wall, cpu = time.perf_counter(), time.process_time() + _cpu_of(backend)
            batches = [decode(one) for one in raw]
            await rollup.apply(tx, batches)
        wall = time.perf_counter() - wall
        cpu = time.process_time() + _cpu_of(backend) - cpu
        cells = {item.cell for batch in batches for item in batch.counted}
        rows, size = len(cells) / (load.events * load.seconds) * 1000, len(raw[0])
        if number:  # the first one fills the tables
            by_clock.append(load.events * load.seconds / wall)
            by_cpu.append(load.events * load.seconds / cpu)
    return Cost(load, by_clock, by_cpu, rows, size)


async def _backend(tx: Any) -> int | None:
    """Return the process that serves a connection to PostgreSQL; SQLite is in this one."""
    if tx.database.sqlite:
        return None
    return int((await tx.session.execute(select(func.pg_backend_pid()))).scalar_one())


def _cpu_of(process: int | None) -> float:
    """Return the seconds of CPU that a process has taken."""
    if process is None:
        return 0.0
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _batches(chance: random.Random, load: Load, name: str, now: datetime) -> list[bytes]:
    """Return what workers hand over: few cells have most of the events, as apps do."""
    from core.usage.batches import encode
    from core.usage.held import Held

    weights = [1 / (rank + 10) for rank in range(load.cells)]
    raw = []
    for second in range(load.seconds):
        drawn = chance.choices(range(load.cells), weights, k=load.events)
        until = now - timedelta(seconds=load.seconds - second)
        for worker in range(WORKERS):
            held = Held(load.cells)
            held.turn(until)
            for cell in drawn[worker::WORKERS]:
                app, feature = f"app-{cell % APPS}", f"GET /things/{cell // ORGANIZATIONS}"
                organization = f"{cell % ORGANIZATIONS:032x}"
                held.count(app, feature, organization, "web", 4, 1)
                held.slow(app, feature, 8 + cell % 20, 1)
            about: dict[str, Any] = {"worker": f"{name}-{worker}", "sequence": second + 1}
            raw.append(encode(held.batch(since=until, until=until, **about)))
    return raw

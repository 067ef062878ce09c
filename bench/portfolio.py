"""The portfolio over a county's year at full size: what it costs, and what that depends on."""

import asyncio
import os
import time
from collections.abc import Callable
from typing import Any

import msgspec
from sqlalchemy import delete, func, select, update
from sqlmodel import col

from bench.county_tables import CELL, cells_of, copy, write
from bench.county_year import TUNING, CountyYear, county_year
from bench.findings import policy
from bench.site import Engine, Site
from core.database import Database
from core.governance.evaluation import keep, look_at
from core.governance.models import RegisteredApp
from core.governance.register import RegisterEntry
from core.identity import sessions
from core.identity.models import Person
from core.usage.models import KINDS, UsageCell, UsageDay
from plugin_sdk.times import SHANGHAI

SEED = 1
READER = "governance"
ADDRESS = "/governance"
TIMES = 10

MANIFEST = """audience = ["staff"]
[identity]
id = "{app}"
package = "{package}"
names = {{ zh = "{name}", en = "{app}" }}
summary = {{ zh = "应用", en = "An app" }}
version = "1.0.0"
sdk = ">=0.1"
category = "other"
[owner]
organization = "371603"
contact = {{ name = "办公室", phone = "12345" }}
stewards = ["甲", "乙"]
[filing]
number = "BA-{app}"
legal_basis = "依据"
sign_in_of_the_day = {{ present = false }}
[porting]
level = "native"
[data]
table_prefix = "{package}_"
classification = "general"
retention_months = 12
[usage]
effects = ["thing.done"]
cadence = "{cadence}"
entitled = {entitled}
[lifecycle]
stage = "active"
since = 2024-01-01
"""


def run(site: Site, *, quick: bool) -> list[list[str]]:
    """Return a row for each state of the same county: day totals alone, every cell beside them,
    ten times the use, half the days."""
    engine = site.engine("production")
    parameters = msgspec.structs.replace(TUNING[0], today=_today())
    if quick:
        parameters = msgspec.structs.replace(parameters, apps=60, organizations=200)
    year = county_year(SEED, parameters)
    rows: list[list[str]] = []

    def measured(name: str, act: Callable[[Database], Any]) -> None:
        taken = time.perf_counter()
        cookie, cells, days, judged = asyncio.run(_prepare(engine, act, year))
        taken = time.perf_counter() - taken - judged
        reader = msgspec.structs.replace(engine, cookie=cookie)
        with site.server("hub", reader) as server:
            server.wait(ADDRESS)
            site.load.run(server, [ADDRESS], 2, 1)
            found = site.load.run(server, [ADDRESS], 5 if quick else 20, 1)
        rows.append(
            [
                name,
                f"{cells:,}",
                f"{days:,}",
                f"{taken:.0f}",
                f"{judged:.1f}",
                f"{found.cpu_each / 1e3:.0f}",
                f"{found.p50 * 1e3:.0f} / {found.p95 * 1e3:.0f}",
                f"{os.getloadavg()[0]:.1f}",
            ]
        )

    async def totals(database: Database) -> None:
        await write(database, year)
        await copy(database, RegisteredApp, NAMES, map(_registered, year.register))

    async def every_cell(database: Database) -> None:
        await copy(database, UsageCell, CELL, cells_of(year, SEED))
        async with database.migration() as connection:
            await connection.execution_options(isolation_level="AUTOCOMMIT")
            await connection.exec_driver_sql("ANALYZE")

    async def more_use(database: Database) -> None:
        async with database.transaction(write=True) as tx:
            more = {kind: getattr(UsageDay, kind) * TIMES for kind in KINDS}
            await tx.session.execute(update(UsageDay).values(**more))

    async def fewer_days(database: Database) -> None:
        middle = sorted({day for one in year.observed.values() for day in _days(one)})
        async with database.transaction(write=True) as tx:
            half = middle[len(middle) // 2]
            await tx.session.execute(delete(UsageDay).where(col(UsageDay.day) < half))

    measured("day totals alone", totals)
    measured("every cell beside them", every_cell)
    measured(f"{TIMES} times the use", more_use)
    measured("the later half of the days", fewer_days)
    return rows


NAMES = ("app", "manifest", "registered_at")


def _registered(entry: RegisterEntry) -> tuple[Any, ...]:
    from core.database import utc_now

    text = MANIFEST.format(
        app=entry.app,
        package=entry.app.replace("-", "_"),
        name=entry.names.zh,
        cadence=entry.cadence,
        entitled=entry.entitled,
    )
    return entry.app, text, utc_now()


async def _prepare(
    engine: Engine, act: Callable[[Database], Any], year: CountyYear
) -> tuple[str, int, int, float]:
    """Change the county, look at it, sign a reader in; return the secret of the session, how many
    cells and days of apps there are, and how many seconds the look took."""
    database = Database(engine.database_url)
    try:
        await act(database)
        began = time.perf_counter()
        async with database.transaction() as tx:
            seen = await look_at(tx, policy(), year.register)
        await keep(database, policy(), seen)
        judged = time.perf_counter() - began
        async with database.transaction(write=True) as tx:
            cells = await tx.session.execute(select(func.count()).select_from(UsageCell))
            days = await tx.session.execute(select(func.count()).select_from(UsageDay))
            person = await tx.session.execute(
                select(col(Person.id)).where(col(Person.username) == READER)
            )
            cookie = await sessions.begin(tx, person.scalar_one(), seconds=86_400, proofs=["pwd"])
        return cookie, cells.scalar_one(), days.scalar_one(), judged
    finally:
        await database.close()


def _today() -> Any:
    from core.database import utc_now

    return utc_now().astimezone(SHANGHAI).date()


def _days(observed: Any) -> list[Any]:
    return [totals.day for totals in observed.days]

"""The tree at the size of China: import, subtree query, move of a subtree.

`python -m bench tree` runs this module once in a process of its own for each engine and size, so
that the most memory it held is its own.
"""

import asyncio
import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from bench.site import ROOT, Site

VILLAGES = 620_573  # villages and communities in the statistical codes of China
TOWNS_A_COUNTY, VILLAGES_A_TOWN, COUNTIES_A_CITY, CITIES_A_PROVINCE = 14, 16, 9, 11


def codes(villages: int) -> Iterator[tuple[str, str, str]]:
    """Yield code, level and parent of a generated country, each parent before its children."""
    yield "86", "country", ""
    made = 0
    levels = ("province", "city", "county", "township")
    for town in range(villages // VILLAGES_A_TOWN + 1):
        county, t = divmod(town, TOWNS_A_COUNTY)
        city, c = divmod(county, COUNTIES_A_CITY)
        province, p = divmod(city, CITIES_A_PROVINCE)
        above = [
            "86",
            f"{province + 11:02}0000",
            f"{province + 11:02}{p + 1:02}00",
            f"{province + 11:02}{p + 1:02}{c + 1:02}",
        ]
        code = f"{above[3]}{t:03}"
        path = [*above, code]
        new = (t == 0, c == 0, p == 0)
        starts = (all(new), new[0] and new[1], new[0], True)
        for level, begins, own, parent in zip(levels, starts, path[1:], path, strict=False):
            if begins:
                yield own, level, parent
        for village in range(VILLAGES_A_TOWN):
            if made == villages:
                return
            made += 1
            yield f"{code}{village:03}", "village", code


async def measure(url: str, villages: int) -> dict[str, Any]:
    """Return the seconds of an import, of subtree queries and of moves, and the memory held."""
    from sqlalchemy import func, select
    from sqlmodel import col

    from core.apps.migrations import migrate
    from core.database import Database
    from core.identity import tree
    from core.identity.arrivals import DirectoryRow, import_directory
    from core.identity.models import OrganizationRow
    from core.identity.organizations import by_code, subtree

    database = Database(url)
    try:
        await migrate(database, [])
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        began, cpu = time.perf_counter(), time.process_time()
        async with database.transaction(write=True) as tx:
            rows = (
                DirectoryRow(code, "名称", level, above) for code, level, above in codes(villages)
            )
            added, _ = await import_directory(tx, rows)
        found: dict[str, Any] = {
            "added": added,
            "import": time.perf_counter() - began,
            "cpu": time.process_time() - cpu,
            "memory": (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024,
        }
        ids: dict[str, UUID] = {}
        async with database.transaction() as tx:
            for code in ("11", "110101", "110101000", "110102"):
                one = await by_code(tx, code.ljust(6, "0") if len(code) < 6 else code)
                if one is not None:
                    ids[code] = one.id
        async with database.transaction() as tx:
            for name, code in (("province", "11"), ("county", "110101"), ("town", "110101000")):
                times, size = [], 0
                for _ in range(7):
                    began = time.perf_counter()
                    within = subtree([ids[code]])
                    size = (
                        await tx.session.execute(
                            select(func.count())
                            .select_from(OrganizationRow)
                            .where(col(OrganizationRow.id).in_(within))
                        )
                    ).scalar_one()
                    times.append(time.perf_counter() - began)
                found[name] = [size, statistics.median(times)]
        for name, code, other in (
            ("move of a town", "110101000", "110102"),
            ("move of a county", "110101", "120100"),
        ):
            async with database.transaction() as tx:
                home = await by_code(tx, code)
                away = await by_code(tx, other)
            times = []
            for _ in range(4):
                if home is None or away is None:
                    break
                for parent in (away.id, home.parent_id):
                    began = time.perf_counter()
                    async with database.transaction(write=True) as tx:
                        await tree.move(tx, home.id, parent)
                    times.append(time.perf_counter() - began)
            found[name] = statistics.median(times) if times else None
        return found
    finally:
        await database.close()


def run(site: Site, engine: str, villages: int) -> dict[str, Any]:
    """Measure in a process of its own, on a new database."""
    url = site.fresh(engine)
    answer = subprocess.run(
        [sys.executable, "-m", "bench.tree", url, str(villages)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, Any] = json.loads(answer.stdout.splitlines()[-1])
    return found


if __name__ == "__main__":
    print(json.dumps(asyncio.run(measure(sys.argv[1], int(sys.argv[2])))))

"""What the simulated system of the traffic police takes: evidence of violations, and study."""

import asyncio
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from datetime import date
from typing import Any, Final

from plugins.traffic.handed import Evidence, Ruling, Study
from plugins.traffic.rules import scoring_period

SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS evidence (
  reference TEXT PRIMARY KEY, number TEXT UNIQUE);
CREATE TABLE IF NOT EXISTS evidence_picture (key TEXT PRIMARY KEY, data BLOB);
CREATE TABLE IF NOT EXISTS study (
  reference TEXT PRIMARY KEY, file_number TEXT, points INTEGER, on_day TEXT, refused TEXT);
"""
KNOWN: Final[Mapping[str, tuple[str, int, int]]] = {
    "red_light": ("驾驶机动车违反道路交通信号灯通行", 6, 20000),
    "line": ("机动车违反禁止标线指示", 1, 10000),
    "emergency_lane": ("非紧急情况下在应急车道行驶", 6, 20000),
    "wrong_way": ("机动车逆向行驶", 3, 20000),
    "no_yield": ("遇行人正在通过人行横道时未停车让行", 3, 10000),
    "parking": ("机动车违反规定停放、临时停车", 0, 10000),
    "phone": ("驾驶时拨打接听手持电话", 3, 10000),
    "throwing": ("在机动车行驶途中向道路上抛撒物品", 0, 10000),
    "covered_plate": ("故意遮挡机动车号牌", 9, 20000),
}
"""What this simulation calls a violation, its points, and its fine in fen: invented for the
demonstration. The real system decides them by its own tables."""
MOST: Final = 6
"""How many points a period takes off at most (公安部令第163号)."""


class Taking:
    """The part of the simulated system that is told things."""

    _open: Callable[[], AbstractContextManager[sqlite3.Connection]]
    _switches: Callable[[], dict[str, str]]
    _behave: Callable[[Mapping[str, str]], Any]
    _points: Callable[[sqlite3.Connection, Mapping[str, Any]], int]

    async def record(self, evidence: Evidence) -> Ruling:
        """Take evidence: a violation of a vehicle that is registered, under a number of its own."""
        await self._behave(await asyncio.to_thread(self._switches))
        return await asyncio.to_thread(self._record, evidence)

    async def credit(self, study: Study) -> Ruling:
        """Take points off a licence, as far as the rule allows."""
        await self._behave(await asyncio.to_thread(self._switches))
        return await asyncio.to_thread(self._credit, study)

    def _record(self, evidence: Evidence) -> Ruling:
        what, points, fine = KNOWN[evidence.kind]
        with self._open() as database:
            database.execute("BEGIN IMMEDIATE")
            found = database.execute(
                "SELECT number FROM evidence WHERE reference = ?", (evidence.reference,)
            ).fetchone()
            if found:
                return Ruling(number=found["number"])
            if not database.execute(
                "SELECT 1 FROM vehicle WHERE plate = ?", (evidence.plate,)
            ).fetchone():
                return Ruling(refused="unknown")
            (n,) = database.execute("SELECT count(*) FROM evidence").fetchone()
            number = f"371603{evidence.at:%Y}{n + 1:06}"
            database.execute("INSERT INTO evidence VALUES (?, ?)", (evidence.reference, number))
            database.executemany(
                "INSERT INTO evidence_picture VALUES (?, ?)",
                [(f"{number}-{n}", data) for n, data in enumerate(evidence.pictures)],
            )
            database.execute(
                "INSERT INTO violation (number, plate, at, place, what, points, fine, paid,"
                " pictures) VALUES (?, ?, ?, ?, ?, ?, ?, 0, ?)",
                (
                    *(number, evidence.plate, evidence.at.isoformat(), evidence.place),
                    *(what, points, fine, len(evidence.pictures)),
                ),
            )
        return Ruling(number=number)

    def _photo(self, database: sqlite3.Connection, key: str) -> bytes | None:
        found = database.execute(
            "SELECT data FROM evidence_picture WHERE key = ?", (key,)
        ).fetchone()
        return bytes(found["data"]) if found else None

    def _credit(self, study: Study) -> Ruling:
        with self._open() as database:
            database.execute("BEGIN IMMEDIATE")
            found = database.execute(
                "SELECT refused FROM study WHERE reference = ?", (study.reference,)
            ).fetchone()
            if found is None:
                refused = self._refuses(database, study)
                database.execute(
                    "INSERT INTO study VALUES (?, ?, ?, ?, ?)",
                    (
                        *(study.reference, study.file_number, study.points),
                        *(study.on.isoformat(), refused),
                    ),
                )
            else:
                refused = str(found["refused"])
        return Ruling(refused=refused) if refused else Ruling(number=study.reference)

    def _refuses(self, database: sqlite3.Connection, study: Study) -> str:
        licence = database.execute(
            "SELECT * FROM licence WHERE file_number = ?", (study.file_number,)
        ).fetchone()
        if licence is None:
            return "unknown"
        used = self._points(database, dict(licence))
        if used >= 12:
            return "full"
        if not used:
            return "nothing"
        done = self._taken_off(database, licence, study.on)
        return "period" if done + study.points > MOST else ""

    def _taken_off(self, database: sqlite3.Connection, licence: Any, day: date) -> int:
        """Return how many points study has taken off a licence in the period of a day."""
        period = scoring_period(date.fromisoformat(licence["first_issued"]), day)
        rows = database.execute(
            "SELECT points FROM study WHERE file_number = ? AND refused = ''"
            " AND on_day BETWEEN ? AND ?",
            (licence["file_number"], period.first.isoformat(), period.last.isoformat()),
        )
        return sum(row["points"] for row in rows)

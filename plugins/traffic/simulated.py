"""The traffic police's system, simulated for the demonstration and for tests.

It has a database of its own (an SQLite file) that knows nothing of the hub. Delay, outage and
lies are switched on in it (`switch`), and hold for every process that opens the same file.
"""

import asyncio
import io
import json
import shutil
import sqlite3
import tempfile
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from plugin_sdk.deadlines import local_day
from plugin_sdk.times import SHANGHAI
from plugins.traffic.rules import Scored, Use, next_inspection, points_used
from plugins.traffic.simulated_taking import SCHEMA as TAKING
from plugins.traffic.simulated_taking import Taking

DATA: Final = Path(__file__).parent / "data" / "simulated.json"
SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS vehicle (
  plate TEXT PRIMARY KEY, owner_number TEXT, vin TEXT, use TEXT, model TEXT,
  registered_on TEXT, inspect_by TEXT);
CREATE TABLE IF NOT EXISTS licence (
  file_number TEXT PRIMARY KEY, owner_number TEXT, name TEXT, classes TEXT,
  first_issued TEXT, valid_until TEXT);
CREATE TABLE IF NOT EXISTS violation (
  number TEXT PRIMARY KEY, plate TEXT, file_number TEXT, at TEXT, place TEXT, what TEXT,
  points INTEGER, fine INTEGER, handled_on TEXT, paid INTEGER, pictures INTEGER);
CREATE TABLE IF NOT EXISTS switch (name TEXT PRIMARY KEY, value TEXT);
"""
LIES: Final = ("", "person", "key", "garbage", "size")


class Away(ConnectionError):
    """The system cannot be reached."""


class Simulated(Taking):
    """A provider of vehicles, licences and violations (`plugin_sdk.sources.Provider`)."""

    def __init__(self, file: Path | None, *, now: Callable[[], datetime]) -> None:
        if file is None:
            folder = tempfile.mkdtemp(prefix="yimen-traffic-")
            weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
            file = Path(folder) / "source.sqlite"
        self.file = file
        self._now = now
        self._ready = False

    async def ask(self, kind: str, key: str) -> bytes | None:
        """Return a record, after the delay that is set, unless an outage is."""
        switches = await asyncio.to_thread(self._switches)
        await self._behave(switches)
        found = await asyncio.to_thread(self._find, kind, key)
        return self._say(found, switches.get("lie", ""))

    async def picture(self, key: str) -> bytes | None:
        """Return a picture of evidence, drawn from what the violation says."""
        await self._behave(await asyncio.to_thread(self._switches))
        return await asyncio.to_thread(self._draw, key)

    async def settle(self, number: str, *, on: date, paid: bool) -> None:
        """Take that a fine was paid on a day, or has been given back."""
        await self._behave(await asyncio.to_thread(self._switches))
        await asyncio.to_thread(self._settle, number, on, paid)

    def _settle(self, number: str, on: date, paid: bool) -> None:
        with self._open() as database:
            database.execute(
                "UPDATE violation SET handled_on = COALESCE(handled_on, ?), paid = ?"
                " WHERE number = ?",
                (on.isoformat(), int(paid), number),
            )

    async def vehicles(self, owned: Callable[[str], bool]) -> list[tuple[str, str]]:
        """Return the plates and the last six characters of the identification numbers of whose
        owner's number `owned` says so: papers that nobody in a demonstration holds."""

        def read() -> list[tuple[str, str]]:
            with self._open() as database:
                rows = database.execute("SELECT plate, owner_number, vin FROM vehicle")
                return [(row["plate"], row["vin"][-6:]) for row in rows if owned(row[1])]

        return await asyncio.to_thread(read)

    def switch(self, *, delay: float = 0.0, away: bool = False, lie: str = "") -> None:
        """Set how it behaves from now on: seconds of delay, an outage, and the lie it tells
        (`person`: another's record, `key`: another record, `garbage`, `size`)."""
        if lie not in LIES:
            raise ValueError(f"unknown lie {lie!r}")
        values = {"delay": str(delay), "away": "1" if away else "", "lie": lie}
        with self._open() as database:
            database.executemany("INSERT OR REPLACE INTO switch VALUES (?, ?)", values.items())

    def put(self, table: str, **values: Any) -> None:
        """Enter a row, or change the one of its key."""
        if table not in ("vehicle", "licence", "violation"):
            raise ValueError(f"unknown table {table!r}")
        names, places = ", ".join(values), ", ".join("?" * len(values))
        with self._open() as database:
            database.execute(
                f"INSERT OR REPLACE INTO {table} ({names}) VALUES ({places})",  # noqa: S608  names of code
                tuple(values.values()),
            )

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        self.file.parent.mkdir(parents=True, exist_ok=True)
        database = sqlite3.connect(self.file, timeout=10)
        database.row_factory = sqlite3.Row
        try:
            if not self._ready:
                database.executescript(SCHEMA + TAKING)
                self._fill(database)
                self._ready = True
            with database:
                yield database
        finally:
            database.close()

    def _fill(self, database: sqlite3.Connection) -> None:
        """Enter what the demonstration knows, once. Days are told from the day it is filled."""
        today = local_day(self._now())
        with database:
            database.execute("BEGIN IMMEDIATE")
            if database.execute("SELECT 1 FROM switch WHERE name = 'filled'").fetchone():
                return
            database.execute("INSERT INTO switch VALUES ('filled', '1')")
            for table, rows in json.loads(DATA.read_text(encoding="utf-8")).items():
                for row in rows:
                    told = _told(row, today)
                    names, places = ", ".join(told), ", ".join("?" * len(told))
                    database.execute(
                        f"INSERT OR IGNORE INTO {table} ({names}) VALUES ({places})",  # noqa: S608  our own file
                        tuple(told.values()),
                    )

    def _switches(self) -> dict[str, str]:
        with self._open() as database:
            return {row["name"]: row["value"] for row in database.execute("SELECT * FROM switch")}

    async def _behave(self, switches: Mapping[str, str]) -> None:
        if delay := float(switches.get("delay") or 0):
            await asyncio.sleep(delay)
        if switches.get("away"):
            raise Away

    def _find(self, kind: str, key: str) -> dict[str, Any] | None:
        with self._open() as database:
            if kind == "vehicle":
                vehicle = _one(database, "SELECT * FROM vehicle WHERE plate = ?", key)
                return vehicle and {**vehicle, "inspect_by": self._inspect_by(vehicle)}
            licence = _one(database, "SELECT * FROM licence WHERE file_number = ?", key)
            if kind == "licence":
                return licence and {**licence, "points": self._points(database, licence)}
            of = licence or _one(database, "SELECT * FROM vehicle WHERE plate = ?", key)
            if of is None:
                return None
            column = "file_number" if licence else "plate"
            rows = database.execute(
                f"SELECT * FROM violation WHERE {column} = ? ORDER BY at DESC LIMIT 200",  # noqa: S608  one of two
                (key,),
            )
            items = [_violation(dict(row)) for row in rows]
            return {"key": key, "owner_number": of["owner_number"], "items": items}

    def _inspect_by(self, vehicle: Mapping[str, Any]) -> str:
        """Return until when the mark is valid: as was entered, else by the rule."""
        if vehicle["inspect_by"]:
            return str(vehicle["inspect_by"])
        registered = date.fromisoformat(vehicle["registered_on"])
        after = local_day(self._now())
        return next_inspection(Use(vehicle["use"]), registered, after).isoformat()

    def _points(self, database: sqlite3.Connection, licence: Mapping[str, Any]) -> int:
        rows = database.execute(
            "SELECT handled_on, points, paid FROM violation"
            " WHERE file_number = ? AND handled_on IS NOT NULL",
            (licence["file_number"],),
        )
        scored = [
            Scored(date.fromisoformat(row["handled_on"]), row["points"], bool(row["paid"]))
            for row in rows
        ]
        first_issued, today = date.fromisoformat(licence["first_issued"]), local_day(self._now())
        used = points_used(first_issued, scored, today)
        return max(0, used - self._taken_off(database, licence, today))

    def _say(self, found: dict[str, Any] | None, lie: str) -> bytes | None:
        if lie == "garbage":
            return b"<html>502</html>"
        if lie == "size":
            return b"[" + b" " * 2_000_000 + b"]"
        if found is None:
            return None
        if lie == "person":
            found = {**found, "owner_number": "11010519491231002X"}  # the sample of GB 11643
        elif lie == "key":
            other = {"plate": "鲁M99999", "file_number": "371600000000", "key": "鲁M99999"}
            found = {name: other.get(name, value) for name, value in found.items()}
        return json.dumps(found).encode()

    def _draw(self, key: str) -> bytes | None:
        from PIL import Image, ImageDraw  # needed for pictures alone

        number, _, n = key.partition("-")
        with self._open() as database:
            found = _one(database, "SELECT * FROM violation WHERE number = ?", number)
            photo = self._photo(database, key)
        if photo is not None:
            return photo
        if found is None or not n.isdecimal() or int(n) >= found["pictures"]:
            return None
        picture = Image.new("RGB", (800, 600), (96, 102, 108))
        pen = ImageDraw.Draw(picture)
        pen.polygon([(250, 120), (550, 120), (790, 600), (10, 600)], fill=(58, 62, 66))
        for y in range(140, 600, 90):
            pen.rectangle((395, y, 405, y + 45), fill=(235, 235, 225))
        left, top = 300 + 60 * int(n), 260 + 50 * int(n)
        pen.rectangle((left, top, left + 180, top + 110), fill=(150, 30, 34))
        pen.rectangle((left + 55, top + 78, left + 125, top + 98), fill=(11, 87, 164))
        pen.text((left + 62, top + 82), found["plate"][1:], fill=(255, 255, 255))
        pen.rectangle((0, 0, 800, 28), fill=(0, 0, 0))
        pen.text((10, 8), f"{found['at'][:19]}  {found['plate'][1:]}  {n}", fill=(255, 255, 255))
        out = io.BytesIO()
        picture.save(out, "JPEG", quality=80)
        return out.getvalue()


def _one(database: sqlite3.Connection, statement: str, key: str) -> dict[str, Any] | None:
    row = database.execute(statement, (key,)).fetchone()
    return dict(row) if row else None


def _violation(row: dict[str, Any]) -> dict[str, Any]:
    names = ("number", "plate", "at", "place", "what", "points", "fine")
    pictures = [f"{row['number']}-{n}" for n in range(row["pictures"] or 0)]
    return {
        **{name: row[name] for name in names},
        "open": row["handled_on"] is None,
        "paid": bool(row["paid"]),
        "pictures": pictures,
    }


def _told(row: Mapping[str, Any], today: date) -> dict[str, Any]:
    """Return a row of the file: `<name>_in` is a day so many days from today, `at_ago` a moment
    so many days ago in the morning."""
    told: dict[str, Any] = {}
    for name, value in row.items():
        if name == "at_ago":
            day = today - timedelta(days=value)
            told["at"] = datetime(day.year, day.month, day.day, 9, 12, tzinfo=SHANGHAI).isoformat()
        elif name.endswith("_in"):
            told[name.removesuffix("_in")] = (today + timedelta(days=value)).isoformat()
        else:
            told[name] = value
    return told

"""An exchange that rings nobody's telephone, for demonstrations and tests.

What it holds lies in an SQLite file that the hub's own tables know nothing of, and what it says
goes through the signatures of the port.
"""

import asyncio
import logging
import secrets
import sqlite3
from collections.abc import Awaitable, Callable, Mapping
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec

from plugin_sdk.problems import Problem
from plugins.hotline.calls.telephony import Event, ExchangeAway, signed_event

logger = logging.getLogger(__name__)

T = TypeVar("T")
Receive = Callable[[Mapping[str, Any], bytes], Awaitable[None]]

MOST_ATTEMPTS: Final = 8
BATCH: Final = 50
TABLES: Final = """
CREATE TABLE IF NOT EXISTS call (
  id TEXT PRIMARY KEY, ref TEXT UNIQUE, direction TEXT NOT NULL, phone TEXT NOT NULL,
  line TEXT NOT NULL, seat TEXT NOT NULL DEFAULT '', ended INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS event (
  id INTEGER PRIMARY KEY, body BLOB NOT NULL, due REAL NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0, sent INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS switch (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""


class SimulatedExchange:
    """`plugins.hotline.calls.telephony.Telephony` on a file."""

    name = "simulated"

    def __init__(self, folder: Path, now: Callable[[], datetime], *, key: bytes) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._file = folder / "simulated-exchange.db"
        self._now = now
        self.key = key

    async def ring(self, phone: str, line: str) -> str:
        """Let somebody call a number; return the exchange's name of the call."""
        id = f"S{secrets.token_hex(8)}"

        def do(db: sqlite3.Connection) -> None:
            db.execute(
                "INSERT INTO call (id, direction, phone, line) VALUES (?, 'in', ?, ?)",
                (id, phone, line),
            )
            self._say(db, id, "ringing")

        await self._run(do)
        return id

    async def connect(self, call: str, seat: str) -> None:
        """See `Telephony`."""

        def do(db: sqlite3.Connection) -> None:
            taken = db.execute(
                "UPDATE call SET seat = ? WHERE id = ? AND seat = '' AND NOT ended", (seat, call)
            )
            if taken.rowcount:
                self._say(db, call, "answered")

        await self._asked(do)

    async def dial(self, ref: str, phone: str, seat: str) -> None:
        """See `Telephony`; whoever is called answers at once."""
        id = f"S{secrets.token_hex(8)}"

        def do(db: sqlite3.Connection) -> None:
            made = db.execute(
                "INSERT OR IGNORE INTO call (id, ref, direction, phone, line, seat) "
                "VALUES (?, ?, 'out', ?, '', ?)",
                (id, ref, phone, seat),
            )
            for kind in ("ringing", "answered") if made.rowcount else ():
                self._say(db, id, kind)

        await self._asked(do)

    async def hang_up(self, call: str) -> None:
        """See `Telephony`. Callers hang up so too."""

        def do(db: sqlite3.Connection) -> None:
            done = db.execute("UPDATE call SET ended = 1 WHERE id = ? AND NOT ended", (call,))
            if done.rowcount:
                self._say(db, call, "ended")

        await self._asked(do)

    async def switch(self, *, away: bool) -> None:
        """Let it be away, or back."""
        await self._run(
            lambda db: db.execute("INSERT OR REPLACE INTO switch VALUES ('away', ?)", (str(away),))
        )

    async def deliver(self, receive: Receive) -> None:
        """Send the events that are due, each until it is taken, more seldom each time."""
        now = self._now()
        for id, body, attempts in await self._run(lambda db: _due(db, now.timestamp())):
            event = msgspec.json.decode(body, type=Event)
            headers, sent = signed_event(self.key, event, now, secrets.token_hex(16))
            try:
                await receive(headers, sent)
            except Problem as refusal:
                logger.info("a simulated event is refused: %s", refusal.code)
                if attempts < MOST_ATTEMPTS:
                    continue
            await self._run(_taken(id))

    def _say(self, db: sqlite3.Connection, call: str, kind: Any) -> None:
        asked = "SELECT ref, direction, phone, line, seat FROM call WHERE id = ?"
        ref, direction, phone, line, seat = db.execute(asked, (call,)).fetchone()
        now = self._now()
        event = Event(
            kind=kind,
            call=call,
            at=now,
            direction=direction,
            phone=phone,
            line=line,
            seat=seat,
            ref=ref or "",
        )
        body = msgspec.json.encode(event)
        db.execute("INSERT INTO event (body, due) VALUES (?, ?)", (body, now.timestamp()))

    async def _asked(self, do: Callable[[sqlite3.Connection], None]) -> None:
        def run(db: sqlite3.Connection) -> None:
            away = db.execute("SELECT value FROM switch WHERE name = 'away'").fetchone()
            if away == ("True",):
                raise ExchangeAway
            do(db)

        await self._run(run)

    async def _run(self, do: Callable[[sqlite3.Connection], T]) -> T:
        def run() -> T:
            with closing(sqlite3.connect(self._file, timeout=5.0)) as db, db:
                db.executescript(TABLES)
                return do(db)

        return await asyncio.to_thread(run)


def _due(db: sqlite3.Connection, now: float) -> list[tuple[int, bytes, int]]:
    """Claim the events that are due, in their order; each is due again later, unless taken."""
    found = db.execute(
        "UPDATE event SET attempts = attempts + 1, due = ? + 5.0 * (1 << attempts) WHERE id IN "
        "(SELECT id FROM event WHERE NOT sent AND due <= ? ORDER BY id LIMIT ?) "
        "RETURNING id, body, attempts",
        (now, now, BATCH),
    ).fetchall()
    return sorted(found)


def _taken(id: int) -> Callable[[sqlite3.Connection], Any]:
    return lambda db: db.execute("UPDATE event SET sent = 1 WHERE id = ?", (id,))

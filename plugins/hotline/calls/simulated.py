"""An exchange that rings nobody's telephone, for demonstrations and tests."""

import secrets
import sqlite3
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from plugin_sdk.simulated import SimulatedSystem
from plugins.hotline.calls.telephony import EVENT, Event, ExchangeAway

TABLES: Final = """
CREATE TABLE IF NOT EXISTS call (
  id TEXT PRIMARY KEY, ref TEXT UNIQUE, direction TEXT NOT NULL, phone TEXT NOT NULL,
  line TEXT NOT NULL, seat TEXT NOT NULL DEFAULT '', ended INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS switch (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""


class SimulatedExchange(SimulatedSystem):
    """`plugins.hotline.calls.telephony.Telephony` on a file."""

    name = "simulated"

    def __init__(self, folder: Path, now: Callable[[], datetime], *, key: bytes) -> None:
        file = folder / "simulated-exchange.db"
        super().__init__(file, now, EVENT, key=key, tables=TABLES, wait=5.0)

    async def ring(self, phone: str, line: str) -> str:
        """Let somebody call a number; return the exchange's name of the call."""
        id = f"S{secrets.token_hex(8)}"

        def do(db: sqlite3.Connection) -> None:
            db.execute(
                "INSERT INTO call (id, direction, phone, line) VALUES (?, 'in', ?, ?)",
                (id, phone, line),
            )
            self._tell(db, id, "ringing")

        await self._run(do)
        return id

    async def connect(self, call: str, seat: str) -> None:
        """See `Telephony`."""

        def do(db: sqlite3.Connection) -> None:
            taken = db.execute(
                "UPDATE call SET seat = ? WHERE id = ? AND seat = '' AND NOT ended", (seat, call)
            )
            if taken.rowcount:
                self._tell(db, call, "answered")

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
                self._tell(db, id, kind)

        await self._asked(do)

    async def hang_up(self, call: str) -> None:
        """See `Telephony`. Callers hang up so too."""

        def do(db: sqlite3.Connection) -> None:
            done = db.execute("UPDATE call SET ended = 1 WHERE id = ? AND NOT ended", (call,))
            if done.rowcount:
                self._tell(db, call, "ended")

        await self._asked(do)

    async def switch(self, *, away: bool) -> None:
        """Let it be away, or back."""
        await self._run(
            lambda db: db.execute("INSERT OR REPLACE INTO switch VALUES ('away', ?)", (str(away),))
        )

    def _tell(self, db: sqlite3.Connection, call: str, kind: Any) -> None:
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
        self._say(db, event, now)

    async def _asked(self, do: Callable[[sqlite3.Connection], None]) -> None:
        def run(db: sqlite3.Connection) -> None:
            away = db.execute("SELECT value FROM switch WHERE name = 'away'").fetchone()
            if away == ("True",):
                raise ExchangeAway
            do(db)

        await self._run(run)

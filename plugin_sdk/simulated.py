"""Another system, for demonstrations and tests: it stands in another process only on paper.

What it holds lies in an SQLite file that the hub's own tables know nothing of. What it says is
signed as a real one signs it, and sent until it is taken.
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
from plugin_sdk.webhooks import Webhook

logger = logging.getLogger(__name__)

T = TypeVar("T")
Receive = Callable[[Mapping[str, Any], bytes], Awaitable[None]]

MOST_ATTEMPTS: Final = 8
BATCH: Final = 50
TABLES: Final = """
CREATE TABLE IF NOT EXISTS said (
  id INTEGER PRIMARY KEY, body BLOB NOT NULL, due REAL NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0, taken INTEGER NOT NULL DEFAULT 0);
"""


class SimulatedSystem:
    """A system on a file. `tables` are what it holds beside what it says; what is not taken is
    sent again after `wait` seconds, then after twice as many each time."""

    def __init__(
        self,
        file: Path,
        now: Callable[[], datetime],
        webhook: Webhook,
        *,
        key: bytes,
        tables: str,
        wait: float,
    ) -> None:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.key = key
        self._file = file
        self._now = now
        self._webhook = webhook
        self._tables = TABLES + tables
        self._wait = wait

    async def deliver(self, receive: Receive) -> None:
        """Send what is due, in its order, each until it is taken or was refused too often."""
        now = self._now()
        for id, body, attempts in await self._run(self._due):
            headers = self._webhook.sign(self.key, body, now, secrets.token_hex(16))
            try:
                await receive(headers, body)
            except Problem as refusal:
                logger.info("what a simulated system says is refused: %s", refusal.code)
                if attempts < MOST_ATTEMPTS:
                    continue
            await self._run(_taken(id))

    def _say(self, db: sqlite3.Connection, said: msgspec.Struct, due: datetime) -> None:
        """Let something be sent when it is due."""
        body = msgspec.json.encode(said, order="deterministic")
        db.execute("INSERT INTO said (body, due) VALUES (?, ?)", (body, due.timestamp()))

    async def _run(self, do: Callable[[sqlite3.Connection], T]) -> T:
        """Return what is done with the file, in one transaction of it."""

        def run() -> T:
            with closing(sqlite3.connect(self._file, timeout=5.0)) as db, db:
                db.executescript(self._tables)
                return do(db)

        return await asyncio.to_thread(run)

    def _due(self, db: sqlite3.Connection) -> list[tuple[int, bytes, int]]:
        """Claim what is due: it is due again later, unless it is taken."""
        now = self._now().timestamp()
        found = db.execute(
            "UPDATE said SET attempts = attempts + 1, due = ? + ? * (1 << attempts) WHERE id IN "
            "(SELECT id FROM said WHERE NOT taken AND due <= ? ORDER BY due, id LIMIT ?) "
            "RETURNING id, body, attempts",
            (now, self._wait, now, BATCH),
        )
        return sorted(found.fetchall())


def _taken(id: int) -> Callable[[sqlite3.Connection], Any]:
    return lambda db: db.execute("UPDATE said SET taken = 1 WHERE id = ?", (id,))

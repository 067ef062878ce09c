"""A record with entries in it, a sealer, and a verification inside any transaction."""

from contextlib import asynccontextmanager

import pytest
from sqlalchemy import insert, text

from core import audit
from core.audit.models import AuditEntry
from core.audit.verification import Verdict, verify
from plugin_sdk.data import new_id
from plugin_sdk.ports import Actor


class Record:
    """The record of one shell, as its tests handle it."""

    def __init__(self, shell):
        self.shell = shell
        self.sealer = shell.services.sealer
        self.book = self.sealer.book
        self.people = [new_id() for _ in range(3)]
        self.added = 0

    async def add(self, count=1, **more):
        """Record acts as they come: with and without a person, with facts of every kind."""
        ids = []
        async with self.shell.write() as tx:
            for n in range(self.added, self.added + count):
                person = self.people[n % 3] if n % 4 else None
                actor = Actor(person_id=person, name="夜间任务", system=person is None)
                facts = {"n": n, "名": ["一", {"x": 1.5, "b": True}], "none": None}
                if n % 5 == 2:  # for somebody else, under a delegation
                    ids.append(await self._behalf(tx, n, person, facts))
                    continue
                ids.append(
                    await audit.record(tx, actor, "probe", "made", f"row:{n}", facts=facts, **more)
                )
        self.added += count
        return ids

    async def _behalf(self, tx, n, person, facts):
        values = {"id": new_id(), "at": tx.now, "app": "probe", "act": "made", "outcome": "done"}
        values |= {"subject": f"row:{n}", "facts": facts, "person_id": person}
        values |= {"behalf_of_id": self.people[0], "delegation_id": new_id()}
        await tx.session.execute(insert(AuditEntry).values(**values))
        return values["id"]

    async def seal(self):
        await self.sealer.run()

    async def faults(self, tx=None, **more):
        """Verify, and return what was found: (what, n) of each."""
        verdict = Verdict()

        @asynccontextmanager
        async def same():
            yield tx

        read = same if tx is not None else self.shell.read
        found = [fault async for fault in verify(read, self.book, verdict, **more)]
        self.verdict = verdict
        return [(fault.what, fault.params.get("n", fault.params.get("from"))) for fault in found]


@pytest.fixture
async def record(shell):
    return Record(shell)


@asynccontextmanager
async def unguarded(record):
    """Begin what somebody does who owns the tables: the triggers are no wall to them."""
    database = record.shell.database
    on = "" if database.sqlite else " ON audit_entry"
    async with database.migration() as connection:
        for name in ("fixed", "sealed", "parts", "deleted"):
            await connection.execute(text(f"DROP TRIGGER IF EXISTS audit_entry_{name}{on}"))
        await connection.commit()
    async with record.shell.write() as tx:
        yield tx

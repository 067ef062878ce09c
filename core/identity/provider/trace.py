"""What happened at each step of a sign-in by a client, for who connects it.

Written in a transaction of its own, since what was refused left none, and never more than sixty
a minute of one client. Never a secret, a code, a token or what a person typed.
"""

from datetime import datetime, timedelta
from typing import Any, Final, Literal

import msgspec
from sqlalchemy import delete, func, select
from sqlmodel import col

from core.database import Database, Transaction
from core.identity.provider.models import SignInTrace
from core.shared_state import SharedState

UNKNOWN: Final = "?"
"""Under this name stands what a client that is not registered tried: names cost nothing."""
KEEP: Final = timedelta(days=30)
MOST_OF_ONE: Final = 500
MOST_A_MINUTE: Final = 60
LONGEST: Final = 200

Step = Literal["authorize", "token", "userinfo", "introspect", "revoke", "logout", "backchannel"]


class Traced(msgspec.Struct, frozen=True):
    """One step as it is listed. `reason` names the words that say what to change: `oidc.why.…`."""

    at: datetime
    step: str
    outcome: str
    error: str
    reason: str
    facts: dict[str, str]


class Trace:
    """Writes down the steps that one worker answers."""

    def __init__(self, database: Database, shared: SharedState) -> None:
        self._database = database
        self._shared = shared

    async def done(self, client: str, step: Step, **facts: str) -> None:
        """Write down a step that went as it should."""
        await self._write(client, step, "done", "", "", facts)

    async def refused(
        self, client: str | None, step: Step, error: str, reason: str, facts: dict[str, str]
    ) -> None:
        """Write down a step that was refused: the code others were told, and why."""
        await self._write(client or UNKNOWN, step, "refused", error, reason, facts)

    async def _write(
        self, client: str, step: Step, outcome: str, error: str, reason: str, facts: dict[str, str]
    ) -> None:
        if await self._shared.hit(f"oidc-trace:{client}", 60) > MOST_A_MINUTE:
            return
        async with self._database.transaction(write=True) as tx:
            tx.session.add(
                SignInTrace(
                    client=client,
                    at=tx.now,
                    step=step,
                    outcome=outcome,
                    error=error,
                    reason=reason,
                    facts={name: _shown(value) for name, value in facts.items()},
                )
            )


async def of_client(tx: Transaction, client: str, *, limit: int = 100) -> list[Traced]:
    """Return the last steps of a client, newest first; those of unknown ones are `UNKNOWN`'s."""
    row = SignInTrace
    columns: tuple[Any, ...] = (
        *(col(row.at), col(row.step), col(row.outcome)),
        *(col(row.error), col(row.reason), col(row.facts)),
    )
    found = await tx.session.execute(
        select(*columns)
        .where(col(row.client) == client)
        .order_by(col(row.at).desc(), col(row.id).desc())
        .limit(limit)
    )
    return [Traced(*values) for values in found]


async def tidy(tx: Transaction) -> None:
    """Forget what is older than a month, and of each client all but the newest."""
    row = SignInTrace
    await tx.session.execute(delete(row).where(col(row.at) < tx.now - KEEP))
    many = await tx.session.execute(
        select(col(row.client)).group_by(col(row.client)).having(func.count() > MOST_OF_ONE)
    )
    for client in many.scalars().all():
        oldest = (
            select(col(row.id))
            .where(col(row.client) == client)
            .order_by(col(row.at).desc(), col(row.id).desc())
            .offset(MOST_OF_ONE)
        )
        ids = list((await tx.session.execute(oldest.limit(10_000))).scalars())
        await tx.session.execute(
            delete(row).where(col(row.id).in_(ids)).execution_options(synchronize_session=False)
        )


def _shown(value: str) -> str:
    """Return what is written of a fact: printable, bounded, and of an address no query, in which
    anything may stand."""
    plain = "".join(character if character.isprintable() else "?" for character in value)
    if "://" in plain and "?" in plain:
        plain = plain.partition("?")[0] + "?…"
    return plain[:LONGEST]

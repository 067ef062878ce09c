"""The desired state of apps: rows that every worker follows and acknowledges."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, cast
from uuid import UUID

import msgspec
from sqlalchemy import case, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col

from core.apps.farewell import pairs
from core.apps.models import AppEvent, AppGeneration, AppRuntime
from core.apps.slots import Gate, Mode, State
from core.database import Transaction
from plugin_sdk.data import new_id

TOPIC = "apps"
DRAINED = "apps-drained"


class UnknownApp(ValueError):
    """No app of that name has ever been here."""


class EventFacts(msgspec.Struct, frozen=True):
    """Something that happened to an app at run time."""

    at: datetime
    app: str
    what: str
    facts: dict[str, Any]


async def generation(tx: Transaction) -> int:
    """Return the number of the last change of any app."""
    return int((await tx.session.execute(select(col(AppGeneration.value)))).scalar_one())


async def gates(tx: Transaction) -> dict[str, Gate]:
    """Return how every app's door should stand. One whose tables are in an archive does not run,
    whatever is wanted."""
    row = AppRuntime
    found = await tx.session.execute(
        select(
            col(row.app),
            case((col(row.stored), "disabled"), else_=col(row.state)),
            col(row.mode),
            col(row.generation),
            col(row.reason),
            col(row.successor),
            col(row.until),
            col(row.deprecated_at),
            col(row.sunset_at),
            col(row.links),
        )
    )
    return {
        app: Gate(
            state=cast("State", state),
            mode=cast("Mode", mode),
            generation=number,
            reason=reason,
            successor=successor,
            until=until,
            deprecated_at=deprecated_at,
            sunset_at=sunset_at,
            links=pairs(links),
        )
        for app, state, mode, number, reason, successor, until, deprecated_at, sunset_at, links in (
            found
        )
    }


async def introduce(tx: Transaction, apps: Iterable[tuple[str, bool]]) -> None:
    """Give every app that is new its row: enabled or not, as the platform granted."""
    known = set((await tx.session.execute(select(col(AppRuntime.app)))).scalars())
    fresh = [
        {
            "app": app,
            "state": "enabled" if enabled else "disabled",
            "mode": "open",
            "generation": 0,
            "reason": "",
            "changed_at": tx.now,
        }
        for app, enabled in apps
        if app not in known
    ]
    if fresh:  # workers that start together find one another's rows there
        dialect = sqlite if tx.database.sqlite else postgresql
        added = dialect.insert(AppRuntime).on_conflict_do_nothing()
        await tx.session.execute(added, fresh)
        await _next_generation(tx)


async def change(
    tx: Transaction,
    app: str,
    *,
    state: State | None = None,
    mode: Mode | None = None,
    reason: str = "",
    successor: str | None = None,
    until: datetime | None = None,
    deprecated_at: datetime | None = None,
    sunset_at: datetime | None = None,
    links: Sequence[Sequence[str]] = (),
    by: UUID | None = None,
) -> int:
    """Set how an app's door should stand; return the generation that says so. What belongs to a
    mode (successor, sunset, links) is set with it: an app that is disabled for a while keeps it.

    Raises `UnknownApp`, `ValueError` for a door that leads nowhere or back to itself.
    """
    if mode == "moved" and (not successor or successor == app):
        raise ValueError(f"{app} moves to another app: name it")
    number = await _next_generation(tx)
    values: dict[str, Any] = {
        "generation": number,
        "reason": reason[:500],
        "until": until,
        "changed_by": by,
        "changed_at": tx.now,
    }
    if state is not None:
        values["state"] = state
    if mode is not None:
        values |= {
            "mode": mode,
            "successor": successor,
            "deprecated_at": deprecated_at,
            "sunset_at": sunset_at,
            "links": [list(pair) for pair in links],
        }
    changed = await tx.session.execute(
        update(AppRuntime)
        .where(col(AppRuntime.app) == app)
        .values(**values)
        .returning(col(AppRuntime.app))
    )
    if changed.first() is None:
        raise UnknownApp(app)
    await note(tx, app, state or mode or "changed", reason=reason, by=str(by) if by else None)
    return number


async def note(tx: Transaction, app: str, what: str, **facts: Any) -> None:
    """Keep what happened to an app."""
    await tx.session.execute(
        insert(AppEvent).values(
            id=new_id(),
            app=app,
            at=tx.now,
            what=what,
            facts={key: value for key, value in facts.items() if value},
        )
    )


async def recent(tx: Transaction, app: str | None = None, *, limit: int = 20) -> list[EventFacts]:
    """Return what happened to an app (or to any), newest first."""
    statement = select(
        col(AppEvent.at), col(AppEvent.app), col(AppEvent.what), col(AppEvent.facts)
    ).order_by(col(AppEvent.at).desc())
    if app is not None:
        statement = statement.where(col(AppEvent.app) == app)
    return [EventFacts(*row) for row in await tx.session.execute(statement.limit(limit))]


async def _next_generation(tx: Transaction) -> int:
    moved = await tx.session.execute(
        update(AppGeneration)
        .where(col(AppGeneration.id) == 1)
        .values(value=col(AppGeneration.value) + 1)
        .returning(col(AppGeneration.value))
    )
    return int(moved.scalar_one())

"""Noting at the start of a hub what each app's tables are, while its package is here."""

import logging
from collections.abc import Iterable

import msgspec
from sqlalchemy import select, update
from sqlmodel import col

from core.apps.migrations import head_of
from core.apps.models import AppRuntime
from core.apps.registry import LoadedApp, declared
from core.database import Transaction
from core.governance.archive.schema import Described, Undescribable, describe
from core.governance.lifecycle.models import Standing

logger = logging.getLogger(__name__)


def described(app: LoadedApp) -> Described | None:
    """Return what an app's tables are, None for one that was refused, or has a column that cannot
    be described: it cannot be archived, and its log says which."""
    if app.asked is None or app.refusal is not None:
        return None
    if app.plugin is None or app.folder is None:  # a linked app keeps nothing here
        return Described(prefix=app.asked.data.table_prefix)
    try:
        tables = describe(declared(app.plugin.__name__))
    except Undescribable as error:
        logger.warning("%s cannot be archived: %s", app.id, error)
        return None
    history = app.folder / "migrations"
    return Described(tables, head_of(history), app.asked.data.table_prefix)


async def note_tables(tx: Transaction, apps: Iterable[LoadedApp]) -> None:
    """Keep what the tables of each app are, where it changed. Those of an app that lies in the
    archive are in its bundle."""
    found = await tx.session.execute(
        select(col(Standing.app), col(Standing.tables), col(AppRuntime.stored)).outerjoin(
            AppRuntime, col(AppRuntime.app) == col(Standing.app)
        )
    )
    known = {app: tables for app, tables, stored in found if not stored}
    for app in apps:
        now = described(app) if app.id in known else None
        if now is None or (kept := msgspec.to_builtins(now)) == known[app.id]:
            continue
        await tx.session.execute(
            update(Standing).where(col(Standing.app) == app.id).values(tables=kept)
        )

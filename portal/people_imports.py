"""Importing people from the command line, with a progress bar and a report of what needs a look."""

import asyncio
import hashlib
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

from core.identity import people_reports
from core.identity.people_files import COLUMNS, read_people
from core.identity.people_plans import Plan
from plugin_sdk.ports import Actor
from plugin_sdk.tables import csv_chunks
from plugin_sdk.views import Phrase

if TYPE_CHECKING:
    from rich.console import Console

SHOWN = 50
CONSOLE = Actor(system=True)


def why(code: str, params: dict[str, Any]) -> Phrase:
    """Return the words of a reason; a column is named as the template names it."""
    column = params.get("column")
    if column in COLUMNS:
        params = {**params, "column": Phrase(f"people_import.column.{column}")}
    return Phrase(f"people_import.reason.{code}", params)


async def run_import(
    hub: Any, file: Path, report: Path | None, console: "Console", *, dry_run: bool
) -> Counter[str]:
    """Import a file of people, or only try it; return how many rows have each outcome.

    A file whose import was interrupted is gone on with. Raises `FileRefused`.
    """
    imports, database = hub.services.people_imports, hub.services.database
    content = await asyncio.to_thread(file.read_bytes)
    digest = hashlib.sha256(content).hexdigest()
    async with database.transaction() as tx:
        begun = await people_reports.unfinished(tx, digest)
    if begun is not None and not dry_run:
        console.print(f"going on with the import begun {begun.created_at:%Y-%m-%d %H:%M}")
        id = begun.id
    else:
        with console.status(file.name):
            rows = read_people(file.name, content)
            plans: list[Plan] = await imports.tried(rows, by=CONSOLE)
        if dry_run:
            listed = [(p.row.line, p.row.username, p.outcome, p.reasons) for p in plans]
            return _report(hub, listed, report, console)
        id = await imports.keep(file.name, digest, plans, by=CONSOLE)
        async with database.transaction(write=True) as tx:
            await imports.start(tx, id, by=CONSOLE, queue=False)
    await _work_off(hub, id, file.name, console)
    async with database.transaction() as tx:
        found = [row async for row in people_reports.all_rows(tx, id)]
    console.print(f"import {id}")
    kept = [
        (row.line, row.username, row.outcome, [(r["code"], r["params"]) for r in row.reasons])
        for row in found
    ]
    return _report(hub, kept, report, console)


async def run_roll_back(hub: Any, id: UUID, console: "Console") -> Counter[str]:
    """Take an import back; return how many rows have each outcome. Raises `ImportRefused`."""
    database = hub.services.database
    async with database.transaction(write=True) as tx:
        await hub.services.people_imports.roll_back(tx, id, queue=False)
    await _work_off(hub, id, str(id), console)
    async with database.transaction() as tx:
        found = [row async for row in people_reports.all_rows(tx, id)]
    kept = [
        (row.line, row.username, row.outcome, [(r["code"], r["params"]) for r in row.reasons])
        for row in found
        if row.outcome == "kept"
    ]
    _report(hub, kept, None, console)
    return Counter(row.outcome for row in found)


async def _work_off(hub: Any, id: UUID, name: str, console: "Console") -> None:
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
    )

    database = hub.services.database
    with Progress(
        TextColumn(name),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
    ) as progress:
        task = progress.add_task("", total=None)
        more = True
        while more:
            async with database.transaction(write=True) as tx:
                more = await hub.services.people_imports.advance(tx, id)
            async with database.transaction() as tx:
                job = await people_reports.standing(tx, id)
            if job is not None:
                progress.update(task, completed=job.done, total=job.total)


def _report(
    hub: Any, rows: list[tuple[int, str, str, Any]], path: Path | None, console: "Console"
) -> Counter[str]:
    def say(reasons: Any) -> str:
        pairs = [r if isinstance(r, tuple) else (r.code, r.params) for r in reasons]
        return " ".join(hub.catalogue.shown("zh-CN", why(*pair)) for pair in pairs)

    listed = [(line, name, outcome, say(reasons)) for line, name, outcome, reasons in rows]
    if path is not None:
        with path.open("wb") as file:
            file.writelines(csv_chunks(("line", "username", "outcome", "reasons"), listed))
    else:
        remarked = [row for row in listed if row[3]]
        for line, name, outcome, reasons in remarked[:SHOWN]:
            console.print(f"  line {line} {name} {outcome}: {reasons}", markup=False)
        if len(remarked) > SHOWN:
            console.print(f"  and {len(remarked) - SHOWN} more (--report FILE keeps all)")
    return Counter(row[2] for row in listed)

"""`yimen audit`: sealing and verifying the record from a terminal."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from portal.commands.base import settings_of

console = Console(stderr=True)
T = TypeVar("T")


@click.group()
def audit() -> None:
    """The record of who did what."""


@audit.command("verify")
@click.option("--public-key", help="The key the checkpoints must end with, as it was noted.")
@click.option(
    "--checkpoints",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A copy of the checkpoints that is kept elsewhere.",
)
def verify_command(public_key: str | None, checkpoints: Path | None) -> None:
    """Verify the record; each fault is a line, and any fault is exit status 1."""
    from core.audit.verification import Verdict, verify
    from plugin_sdk.views import Phrase
    from portal.assembly import catalogue_of

    catalogue = catalogue_of({})
    verdict = Verdict()

    def say(key: str, /, **params: Any) -> str:
        return catalogue.shown("en", Phrase(key, params))

    async def act(sealer: Any) -> int:
        book = sealer.book
        if checkpoints is not None:
            book = type(book)(checkpoints, book.key_path)
        faults = 0
        with Progress(
            TextColumn("verifying"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=console,
            transient=True,
        ) as progress:
            task = progress.add_task("", total=None)

            async def moved(done: int, total: int) -> None:
                progress.update(task, completed=done, total=total)

            reader = sealer.database.transaction
            async for fault in verify(reader, book, verdict, trust=public_key, progress=moved):
                faults += 1
                name = f" [{fault.entry}]" if fault.entry else ""
                click.echo(say(f"audit.fault.{fault.what}", **fault.params) + name)
        for note in _notes(verdict, sealer.database.clock()):
            click.echo(say(note.key, **note.params))
        if key := book.public_key():
            click.echo(say("audit.note.signed_by", key=key))
        return faults

    faults = _with_sealer(act)
    click.echo("the record is whole" if not faults else f"{faults} faults", err=bool(faults))
    if faults:
        sys.exit(1)


def _notes(verdict: Any, now: Any) -> list[Any]:
    from core.audit.sealing import Waiting
    from plugin_sdk.views import Phrase

    notes = [
        Phrase(
            "audit.note.resumed",
            {"line": at.number, "at": at.at[:19], "size": at.size, "reason": at.reason},
        )
        for at in verdict.resumed
    ]
    notes += [
        Phrase("audit.note.key", {"line": at.number, "at": at.at[:19], "key": at.next_key})
        for at in verdict.keys
    ]
    if verdict.sealed:
        params = {"first": verdict.first, "last": verdict.sealed, "signed": verdict.signed}
        notes.append(Phrase("audit.note.range", {"n": verdict.checked, **params}))
    else:
        notes.append(Phrase("audit.note.none"))
    if verdict.oldest is not None:
        minutes = int((now - verdict.oldest).total_seconds() // 60)
        notes.append(Phrase("audit.note.unsealed", {"n": verdict.unsealed, "minutes": minutes}))
        if Waiting(verdict.unsealed, verdict.oldest).lags(now):
            notes.append(Phrase("audit.note.lags"))
    return notes


@audit.command("seal")
def seal_command() -> None:
    """Seal what waits now, and sign it (before a backup, say)."""

    async def act(sealer: Any) -> int:
        await sealer.run()
        last = await asyncio.to_thread(sealer.book.last)
        return last.size if last else 0

    console.print(f"sealed and signed up to entry {_with_sealer(act)}")


@audit.command("resume")
@click.argument("reason")
def resume_command(reason: str) -> None:
    """Go on after a backup was restored: sign that the record continues from here, and why."""

    async def act(sealer: Any) -> Any:
        return await sealer.resume(reason[:500])

    line = _with_sealer(act)
    console.print(f"the record goes on from entry {line.size}")


@audit.command("rotate-key")
def rotate_command() -> None:
    """Let a new key sign the checkpoints; note its public half somewhere else."""

    async def act(sealer: Any) -> Any:
        return await asyncio.to_thread(sealer.book.rotate, sealer.database.clock())

    console.print(f"checkpoints are signed with {_with_sealer(act)} from now on")


@audit.command("cut")
def cut_command() -> None:
    """Delete now what is older than YIMEN_AUDIT_DAYS (the hub does it once a day)."""
    from core.audit import retention

    days = settings_of().audit_days
    if days is None:
        raise click.ClickException("YIMEN_AUDIT_DAYS is not set: everything is kept")

    async def act(sealer: Any) -> int:
        return await retention.cut(sealer, timedelta(days=days))

    console.print(f"{_with_sealer(act)} entries were over")


def _with_sealer(act: Callable[[Any], Awaitable[T]]) -> T:
    """Run an act with the record alone: it must be verifiable when the hub does not start."""
    from core.audit.checkpoints import Book, CheckpointError
    from core.audit.sealing import Sealer, SealRefused
    from core.database import Database

    settings = settings_of()

    async def run() -> T:
        database = Database(settings.database_url)
        try:
            return await act(Sealer(database, Book(settings.checkpoints, settings.checkpoint_key)))
        finally:
            await database.close()

    try:
        return asyncio.run(run())
    except (CheckpointError, SealRefused) as error:
        raise click.ClickException(str(error)) from error

"""`yimen app archive|restore|purge`: carrying out the end of an app from a terminal.

`yimen restore FOLDER` is another thing: it brings a whole hub back from a backup.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import click
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from portal.commands.base import CONSOLE, console, with_hub
from portal.commands.life import person_of

Asked = Callable[[Any, Any, str], Awaitable[Any]]

BY = click.option("--by", required=True, help="User name of the person who asks for it.")
REASON = click.option("--reason", required=True, help="Why; it is kept on record.")


@click.command("archive")
@click.argument("name")
@BY
@REASON
def app_archive(name: str, by: str, reason: str) -> None:
    """Archive a closed app: bundle, trial, and only then its tables go. Run again it goes on."""
    from core.governance.archive.service import ARCHIVING, ask

    async def asked(hub: Any, tx: Any, app: str) -> Any:
        return await ask(tx, app, await _somebody(hub, tx, app, by), reason)

    facts = _carry_out(name, asked, ARCHIVING)
    console.print(
        f"{name}: archived in {facts.folder}, {facts.rows} rows and {facts.files} files, "
        f"kept until {facts.keep_until}"
    )
    console.print(f"sha256 {facts.sha256}", soft_wrap=True)


@click.command("restore")
@click.argument("name")
@BY
@REASON
def app_restore(name: str, by: str, reason: str) -> None:
    """Bring an archived app back, closed as it was (a whole hub: yimen restore)."""
    from core.governance.archive.service import RETURNING, ask_restore

    async def asked(hub: Any, tx: Any, app: str) -> Any:
        return await ask_restore(tx, app, await _somebody(hub, tx, app, by), reason)

    facts = _carry_out(name, asked, RETURNING)
    console.print(f"{name}: restored, {facts.rows} rows and {facts.files} files; it is closed")


@click.command("purge")
@click.argument("name")
def app_purge(name: str) -> None:
    """Destroy the bundle of an app, once two people have approved it, each in their own name.

    They do so on the app's page, signed in, and enter its checksum; whoever holds this terminal
    could sign for both.
    """
    from core.governance.archive.service import again, latest
    from plugin_sdk.problems import Conflict

    async def asked(hub: Any, tx: Any, app: str) -> Any:
        last = await latest(tx, app)
        if last is None or last.phase != "condemned":
            raise Conflict("purge-not-approved", app=app)
        return await again(tx, app, CONSOLE)  # two people approved it; only a fault stopped it

    facts = _carry_out(name, asked, ("condemned",))
    names = ", ".join(one.name for one in facts.approvals)
    console.print(f"{name}: destroyed, as {names} approved; its checksum stays")
    console.print(f"sha256 {facts.sha256}", soft_wrap=True)


async def _somebody(hub: Any, tx: Any, app: str, by: str) -> Any:
    """Return who asks, if they may: as on the page, with other hands than the owner's."""
    from core.access.granting import everywhere
    from core.governance.archive.service import ARCHIVE
    from core.governance.lifecycle.hands import need_other_hands
    from plugin_sdk.problems import Denied, NotFound

    actor = await person_of(tx, by, ARCHIVE)
    if not everywhere(actor, ARCHIVE, tx.now):
        raise Denied(ARCHIVE)
    entry = (await hub.governance.register(tx)).get(app)
    if entry is None:
        raise NotFound
    await need_other_hands(tx, actor, entry.owner.code, entry.owner.name)
    return actor


def _carry_out(name: str, asked: Asked, phases: tuple[str, ...]) -> Any:
    """Go on with what is under way in one of the phases, or ask for it first; return how it
    ends. What a running hub has begun meanwhile is followed until it ends."""
    from core.governance.archive.bundle import ArchiveFault
    from core.governance.archive.desk import Progress as Told
    from core.governance.archive.service import latest
    from plugin_sdk.problems import Conflict, Problem
    from plugin_sdk.views import Phrase

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())

    async def act(hub: Any) -> Any:
        def say(key: str, **params: Any) -> str:
            return str(hub.catalogue.shown("en", Phrase(key, params)))

        try:
            async with hub.services.database.transaction(write=True) as tx:
                last = await latest(tx, name)
                if last is None or last.phase not in phases or last.fault is not None:
                    await asked(hub, tx, name)
            with Progress(*columns, TimeElapsedColumn(), console=console) as shown:
                tasks: dict[str, Any] = {}

                def told(phase: str, done: int, total: int) -> None:
                    if phase not in tasks:
                        tasks[phase] = shown.add_task(say(f"archive.phase.{phase}"), total=total)
                    shown.update(tasks[phase], completed=done, total=total)

                try:
                    return await hub.archives.run(name, Told(told))
                except Conflict as busy:
                    if busy.code != "archive-busy":
                        raise
                    return await _follow(hub, name, told)
        except ArchiveFault as fault:
            words = say(f"archive.fault.{fault.code}", detail=fault.detail)
            raise click.ClickException(words) from fault
        except Problem as problem:
            words = say(f"{problem.words}.detail", **problem.params)
            raise click.ClickException(words) from problem

    return with_hub(act)


async def _follow(hub: Any, name: str, told: Callable[[str, int, int], None]) -> Any:
    from core.governance.archive.bundle import ArchiveFault
    from core.governance.archive.service import latest

    while True:
        async with hub.services.database.transaction() as tx:
            facts = await latest(tx, name)
        if facts is None or not facts.under_way:
            return facts
        if facts.fault is not None:
            code = facts.fault.key.removeprefix("archive.fault.")
            raise ArchiveFault(code, facts.fault.params["detail"])
        told(facts.phase, facts.done, facts.total)
        await asyncio.sleep(1)

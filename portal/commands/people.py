"""`yimen org` and `yimen people`: who and what is in the directory."""

from pathlib import Path
from typing import Any

import click

from portal.commands.base import CONSOLE, console, with_hub


@click.group()
def org() -> None:
    """Organizations."""


@org.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def org_import(file: Path) -> None:
    """Add the organizations of a CSV file (code, name, level, parent_code)."""
    from core import audit
    from core.identity.arrivals import OrganizationError, import_directory, read_directory

    async def act(hub: Any) -> tuple[int, int]:
        async with hub.services.database.transaction(write=True) as tx:
            added, present = await import_directory(tx, read_directory(file))
            facts = {"file": file.name, "added": added}
            await audit.record(
                tx, CONSOLE, audit.SHELL, "directory-imported", "directory:all", facts=facts
            )
            return added, present

    try:
        with console.status(file.name):
            added, present = with_hub(act)
    except OrganizationError as error:
        raise click.ClickException(str(error)) from error
    console.print(f"added {added}, already there {present}")


@click.group()
def people() -> None:
    """People."""


@people.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Say what each row would do, and change nothing.")
@click.option("--report", type=click.Path(dir_okay=False, path_type=Path), help="CSV of all rows.")
def people_import(file: Path, dry_run: bool, report: Path | None) -> None:
    """Add and update the people of a CSV or XLSX file; can be run again, and goes on."""
    from core.identity.people_files import FileRefused
    from portal.people_imports import run_import

    async def act(hub: Any) -> tuple[Any, str]:
        try:
            return await run_import(hub, file, report, console, dry_run=dry_run), ""
        except FileRefused as refused:
            return None, hub.catalogue.text(
                "zh-CN", f"problem.field.{refused.code}", **refused.params
            )

    counts, refusal = with_hub(act)
    if refusal:
        raise click.ClickException(f"{file.name}: {refusal}")
    console.print(", ".join(f"{outcome} {n}" for outcome, n in sorted(counts.items())))


@people.command("roll-back")
@click.argument("id", type=click.UUID)
def people_roll_back(id: Any) -> None:
    """Take back what an import added; what something hangs on stays and is named."""
    from core.identity.people_imports import ImportRefused
    from portal.people_imports import run_roll_back

    try:
        counts = with_hub(lambda hub: run_roll_back(hub, id, console))
    except ImportRefused as refused:
        raise click.ClickException(
            "there is no finished import of this id that was not taken back yet"
        ) from refused
    console.print(", ".join(f"{outcome} {n}" for outcome, n in sorted(counts.items())))


@people.command("password")
@click.argument("username")
def people_password(username: str) -> None:
    """Give somebody a password for once, in place of one that was forgotten: they must change
    it before anything else. It is printed here and nowhere else; their sessions end."""
    from core import audit
    from core.identity.password_changes import give_password
    from core.identity.people import by_username
    from portal.people_imports import CONSOLE

    async def act(hub: Any) -> str | None:
        password, kept = await hub.services.passwords.invent()
        async with hub.services.database.transaction(write=True) as tx:
            who = await by_username(tx, username.lower())
            if who is None or who.disabled:
                return None
            await give_password(tx, who.id, kept, anew=True)
            await audit.record(tx, CONSOLE, "yimen", "password-given", f"person:{who.id}")
        return str(password)

    password = with_hub(act)
    if password is None:
        raise click.ClickException(f"nobody who may sign in is called {username}")
    click.echo(password)


@people.command("legacy")
@click.argument("system")
@click.argument("legacy_id")
def people_legacy(system: str, legacy_id: str) -> None:
    """Say who a legacy system knew under an id."""
    from core.identity.register import legacy_person

    async def act(hub: Any) -> Any:
        async with hub.services.database.transaction() as tx:
            return await legacy_person(tx, system, legacy_id)

    found = with_hub(act)
    if found is None:
        raise click.ClickException(f"{system} knew nobody under {legacy_id} who is on record here")
    console.print(found[1])

"""The `yimen` command."""

import asyncio
import sys
from pathlib import Path
from typing import Any

import click
from rich.table import Table

from core.settings import Settings
from portal.commands.access import access
from portal.commands.archive import app_archive, app_purge, app_restore
from portal.commands.base import (
    CONSOLE,
    console,
    installed_apps,
    say_faults,
    settings_of,
    with_hub,
)
from portal.commands.governance import governance
from portal.commands.life import STEPS, life
from portal.commands.oidc import oidc
from portal.commands.people import org, people
from portal.commands.record import audit
from portal.commands.recount import app_recount
from portal.commands.upstream import upstream
from portal.commands.usage import usage


@click.group()
@click.version_option(package_name="yimen")
def main() -> None:
    """Yimen 一门: one door in place of dozens of apps."""


@main.command()
@click.option("--port", type=int, help="Port to listen on (else YIMEN_PORT, else 8000).")
def demo(port: int | None) -> None:
    """Start the embedded demonstration: migrate, load a county, serve."""
    import os

    from core.apps.migrations import MigrationError
    from portal.assembly import StartRefused
    from portal.demo import prepare

    if port:
        os.environ["YIMEN_PORT"] = str(port)
    settings = settings_of("demonstration")
    if not settings.embedded or settings.redis_url:
        raise click.ClickException(
            "the demonstration is embedded: unset YIMEN_DATABASE_URL and YIMEN_REDIS_URL"
        )
    try:
        accounts = asyncio.run(prepare(settings, console))
    except (MigrationError, StartRefused) as error:
        raise click.ClickException(str(error)) from error
    table = Table(title=f"{settings.county} · {settings.public_url}")
    for column in ("role", "username", "password"):
        table.add_column(column)
    for account in accounts:
        table.add_row(account["role"], account["username"], account["password"])
    console.print(table)
    run_server(settings, "portal.server:demonstration")


@main.command()
def serve() -> None:
    """Serve in production (several workers need Redis; run `yimen migrate` first)."""
    run_server(settings_of(), "portal.server:application")


def run_server(settings: Settings, target: str) -> None:
    """Serve until a signal ends it; a worker that ends is replaced."""
    import logging

    from portal.server import AddressTaken
    from portal.server import serve as run

    logging.getLogger("alembic").setLevel(logging.WARNING)  # it says nothing that helps here
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(process)d %(levelname)s %(name)s: %(message)s"
    )
    try:
        status = run(settings, target)
    except AddressTaken as error:
        raise click.ClickException(str(error)) from error
    sys.exit(status)


@main.command()
def migrate() -> None:
    """Bring the tables of the shell and of every app up to date."""
    from core.apps.migrations import MigrationError
    from core.apps.migrations import migrate as run
    from core.database import Database

    settings = settings_of()

    async def act() -> list[str]:
        database = Database(settings.database_url)
        try:
            return await run(database, installed_apps(settings))
        finally:
            await database.close()

    try:
        moved = asyncio.run(act())
    except MigrationError as error:
        raise click.ClickException(str(error)) from error
    console.print(f"migrated: {', '.join(moved)}" if moved else "everything is up to date")


@main.command()
@click.option("--deploy", is_flag=True, help="Also what is weak about serving in production.")
def check(deploy: bool) -> None:
    """Say what is wrong before it goes wrong, each with its remedy; leave with 1 if anything is."""
    from core.database import utc_now
    from portal.deployment import refusals, weaknesses

    settings = settings_of()
    apps = installed_apps(settings)
    if deploy:
        click.echo(f"passwords follow {settings.passwords} (YIMEN_PASSWORDS: nist or mlps)")
    found = asyncio.run(weaknesses(settings, apps, utc_now())) if deploy else refusals(apps)
    for weakness in found:
        click.echo(f"{weakness.what}: {weakness.remedy}")
    if found:
        raise click.ClickException(f"{len(found)} to mend")
    click.echo("nothing to mend")


@main.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--with-keys", is_flag=True, help="Keep the secrets of the hub too: guard it well.")
def backup(folder: Path, with_keys: bool) -> None:
    """Keep the whole hub, as it is at one moment, in a new FOLDER; it goes on meanwhile."""
    from portal.backup import BackupRefused, back_up

    settings = settings_of()
    try:
        made = asyncio.run(
            back_up(settings, installed_apps(settings), folder, console, keys=with_keys)
        )
    except BackupRefused as error:
        raise click.ClickException(str(error)) from error
    rows = sum(table.rows for table in made.tables)
    console.print(f"kept {rows} rows of {len(made.tables)} tables and {made.files} files")
    if not made.keys:
        console.print("without the keys of the hub: keep those apart (see docs/operating.md)")


@main.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
def restore(folder: Path) -> None:
    """Bring a backup back into an empty database, and compare it before it counts."""
    from portal.backup import BackupRefused
    from portal.backup import restore as run

    settings = settings_of()
    try:
        made, faults = asyncio.run(run(settings, installed_apps(settings), folder, console))
    except BackupRefused as error:
        raise click.ClickException(str(error)) from error
    rows = sum(table.rows for table in made.tables)
    console.print(f"restored {rows} rows as they were at {made.made_at:%Y-%m-%d %H:%M} UTC")
    if faults:
        raise click.ClickException(
            f"the record of who did what has {faults} faults: yimen audit verify names them"
        )
    console.print("the record of who did what is whole")


@main.group()
def app() -> None:
    """Apps."""


@app.command("check")
@click.argument("manifest", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--grant", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def app_check(manifest: Path, grant: Path | None) -> None:
    """Check a manifest (and what the platform granted) and report every fault."""
    from plugin_sdk.manifest import ManifestError, check, check_grant, load

    content = manifest.read_bytes()
    faults = check(content, str(manifest))
    if grant is not None:
        try:
            asked = load(content)
        except ManifestError:
            asked = None
        faults += check_grant(grant.read_bytes(), str(grant), asked)
    say_faults(faults)
    click.echo(f"{manifest}: ok")


@app.command("list")
def app_list() -> None:
    """List the apps with their state."""
    from core.apps import runtime

    async def act(hub: Any) -> list[tuple[str, ...]]:
        async with hub.services.database.transaction() as tx:
            gates = await runtime.gates(tx)
        rows: list[tuple[str, ...]] = []
        for name, instance in hub.apps.instances.items():
            gate = gates.get(name)
            refusal = instance.app.refusal
            state = "refused" if refusal else gate.state if gate else "unknown"
            reason = str(refusal) if refusal else gate.reason if gate else ""
            rows.append((name, state, gate.mode if gate else "", reason))
        return rows

    table = Table("app", "state", "door", "reason")
    for row in with_hub(act):
        table.add_row(*row)
    console.print(table)


def _set_state(name: str, verb: str, state: str, reason: str) -> None:
    from core import audit
    from core.apps.runtime import UnknownApp

    async def act(hub: Any) -> Any:
        async with hub.services.database.transaction(write=True) as tx:
            number = await hub.apps.change_within(tx, name, state=state, reason=reason)
            await audit.record(
                tx, CONSOLE, audit.SHELL, f"app-{verb}", f"app:{name}", facts={"reason": reason}
            )
        known = await hub.apps.acknowledged(number)
        return await hub.apps.until_acknowledged(number, 60) if known.live else None

    try:
        known = with_hub(act)
    except UnknownApp as error:
        raise click.ClickException(f"no app is called {name}") from error
    if known is None:
        console.print(f"{name}: {state}; a running hub follows within a second or two")
    else:
        console.print(f"{name}: {state}; {known.ready} of {known.live} workers")


@app.command("enable")
@click.argument("name")
def app_enable(name: str) -> None:
    """Open an app's door."""
    _set_state(name, "enable", "enabled", "")


@app.command("drain")
@click.argument("name")
@click.option("--reason", default="")
def app_drain(name: str, reason: str) -> None:
    """Refuse new requests, let begun ones end."""
    _set_state(name, "drain", "draining", reason)


@app.command("disable")
@click.argument("name")
@click.option("--reason", default="")
def app_disable(name: str, reason: str) -> None:
    """Close an app's door: begun requests end within its drain limit."""
    _set_state(name, "disable", "disabled", reason)


@app.command("import")
@click.argument("name")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--report", type=click.Path(dir_okay=False, path_type=Path), help="CSV of refusals.")
@click.option("--from", "of", default="", help="Id of the app it comes from, if on the register.")
@click.option("--dry-run", is_flag=True, help="Say what each row would do, and change nothing.")
def app_import(name: str, file: Path, report: Path | None, of: str, *, dry_run: bool) -> None:
    """Bring in the export of the app that this one replaces; can be run again."""
    from portal.imports import run_import

    try:
        counts = with_hub(
            lambda hub: run_import(hub, name, file, report, console, of=of, dry_run=dry_run)
        )
    except LookupError as error:
        raise click.ClickException(str(error)) from error
    console.print(f"added {counts.added}, already there {counts.present}, refused {counts.refused}")


@app.command("new")
@click.argument("name")
@click.option("--zh", help="Its name in Chinese (else its id).")
@click.option("--en", help="Its name in English (else its id).")
@click.option("--folder", type=click.Path(path_type=Path), help="Where it stands (else ./NAME).")
@click.option("--owner", default="371603", help="Code of the organization that answers for it.")
@click.option("--inside", is_flag=True, help="Put it into plugins/ of the hub's repository.")
@click.option(
    "--manifests",
    "grants",
    envvar="YIMEN_MANIFESTS",
    default="manifests",
    type=click.Path(path_type=Path),
)
def app_new(
    name: str,
    zh: str | None,
    en: str | None,
    folder: Path | None,
    owner: str,
    inside: bool,
    grants: Path,
) -> None:
    """Begin an app that keeps the contract at once (for developers; see docs/apps.md)."""
    from portal.scaffold import ScaffoldError, make

    if inside and folder:
        raise click.ClickException("--inside says where it stands: leave --folder out")
    spoken = name.replace("-", " ").capitalize()
    where = Path.cwd() if inside else (folder or Path(name))
    try:
        made = make(
            name,
            where,
            zh=zh or spoken,
            en=en or spoken,
            grants=grants,
            owner=owner,
            inside=inside,
        )
    except ScaffoldError as error:
        raise click.ClickException(str(error)) from error
    for path in made:
        click.echo(path)
    package = name.replace("-", "_")
    if inside:
        click.echo(f'Now add to [project.entry-points."yimen.apps"]: {name} = "plugins.{package}"')
    click.echo("What comes next stands in docs/apps.md.")


@app.command("draft")
@click.argument("name")
@click.argument("message")
def app_draft(name: str, message: str) -> None:
    """Draft a migration from an app's models (for developers); 'core' is the shell."""
    from portal.drafts import draft_for

    path = draft_for(name, message)
    console.print(str(path) if path else "the models say nothing new")


for command in (life, *STEPS, app_archive, app_restore, app_purge, app_recount):
    app.add_command(command)
for group in (org, people, access, audit, upstream, usage, governance, oidc):
    main.add_command(group)

if __name__ == "__main__":
    main()

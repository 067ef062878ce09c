"""`yimen access`: who may do what, and why."""

import sys
from pathlib import Path
from typing import Any

import click

from portal.commands.base import CONSOLE, console, with_hub


@click.group()
def access() -> None:
    """Who may do what, and why."""


@access.command("explain")
@click.argument("username")
@click.argument("permission")
def access_explain(username: str, permission: str) -> None:
    """Say whether someone may do something, by which grant, or what is missing."""
    from core.access.decisions import explain_person

    async def act(hub: Any) -> Any:
        async with hub.services.database.transaction() as tx:
            return await explain_person(tx, username, permission)

    found = with_hub(act)
    if not found:
        raise click.ClickException(f"nobody who can sign in is called {username}")
    for where, decision in found:
        if decision.allowed:
            permit = decision.permit
            console.print(f"{where}: allowed by {permit.role} ({permit.scope}, {permit.grant})")
        else:
            roles = ", ".join(decision.roles) or "no role"
            console.print(f"{where}: {decision.missing}; carried by {roles}")
            for granter in decision.granters:
                console.print(f"    can grant: {granter}")


@access.command("devolve")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def access_devolve(file: Path) -> None:
    """Add the lines of a CSV file (item, name, organization, from, until, basis) to the register
    of which centre may accept which item; all of them or, if one cannot be, none."""
    from core import audit
    from core.access.devolution import DevolutionError, devolve, read_register

    async def act(hub: Any) -> tuple[int, int]:
        async with hub.services.database.transaction(write=True) as tx:
            added, present = await devolve(tx, entries, by=None)
            facts = {"file": file.name, "added": added}
            await audit.record(
                tx, CONSOLE, audit.SHELL, "devolution-imported", "devolution:all", facts=facts
            )
            return added, present

    def why(error: DevolutionError) -> str:
        from portal.templating import LOCALE
        from portal.texts import Catalogue

        words = Catalogue.merge({"": LOCALE}).text("en", f"problem.field.{error.code}")
        return f"{file.name}:{error.line}: {words}" if error.line else f"{file.name}: {words}"

    try:
        entries = read_register(file)
        added, present = with_hub(act)
    except DevolutionError as error:
        raise click.ClickException(why(error)) from error
    console.print(f"added {added}, already there {present}")


@access.command("test")
def access_test() -> None:
    """Run the policy tests that administrators keep; leave with 1 when one does not hold."""
    from core.access.policy import run

    async def act(hub: Any) -> Any:
        async with hub.services.database.transaction() as tx:
            return await run(tx)

    found = with_hub(act)
    for item in found:
        wanted = "may" if item.wanted else "may not"
        where = f" in {item.organization}" if item.organization else ""
        so = "ok" if item.held else f"FAILED ({f'by {item.by}' if item.by else 'by no grant'})"
        click.echo(f"{item.name}: {item.person} {wanted} {item.permission}{where}: {so}")
    failed = sum(not item.held for item in found)
    click.echo(f"{len(found)} tests, {failed} failed")
    if failed:
        sys.exit(1)

"""`yimen governance merge`: what stands between an app and its merge, and what an export holds."""

import sys
from pathlib import Path
from typing import Any

import click

from portal.commands.base import with_hub

LANGUAGE = click.option("--lang", type=click.Choice(["zh", "en"]), default="en")


@click.group("merge")
def merge_group() -> None:
    """Merging an app into its successor."""


@merge_group.command("check")
@click.argument("app")
@LANGUAGE
def check_command(app: str, lang: str) -> None:
    """Show what is still to be proven of a merge; status 1 while there is something. Pages are
    called by a person, on the page of the merge."""
    from core.database import Transaction
    from core.governance.lifecycle.moving import evidence_days
    from core.governance.lifecycle.obstacles import Obstacle
    from core.governance.lifecycle.service import standing
    from core.governance.merging import gate, parity
    from plugin_sdk.problems import NotFound

    async def look(hub: Any, tx: Transaction) -> tuple[str | None, list[Obstacle]]:
        try:
            stands = await standing(tx, app)
        except NotFound:
            raise click.ClickException(f"{app} is not on the register") from None
        into = stands.successor or await parity.successor_of(tx, app)
        if into is None:
            return None, []
        days = evidence_days(hub.governance)
        found = await gate.obstacles(tx, app, into, evidence_days=days)
        return into, [one for one in found if one.key != gate.DATE]  # the sunset names the day

    async def act(hub: Any) -> tuple[str | None, list[Obstacle], Any]:
        async with hub.services.database.transaction() as tx:
            return *await look(hub, tx), hub.catalogue

    into, obstacles, catalogue = with_hub(act)
    if into is None:
        raise click.ClickException(
            f"{app} is merged into nothing yet: choose its successor at "
            f"/governance/apps/{app}/merge"
        )
    click.echo(f"{app} → {into}: {len(obstacles)} to be removed")
    for one in obstacles:
        click.echo(f"    {one.key}: {catalogue.shown(lang, one.said)}")
    sys.exit(1 if obstacles else 0)


@merge_group.command("tally")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--kind", default="cases", help="What is in it.")
def tally_command(file: Path, kind: str) -> None:
    """Count and digest an export of an app that is elsewhere: a CSV with number and opened_at."""
    from plugin_sdk.tables import TableError
    from plugin_sdk.tallies import tally_of_file

    try:
        found = tally_of_file(kind, file)
    except TableError as error:
        where = f" (line {error.params['line']})" if "line" in error.params else ""
        raise click.ClickException(
            f"{error.code}{where}: it must have number and opened_at in every row, and each "
            "number once"
        ) from error
    click.echo(f"{found.kind}: {found.rows} {found.digest}")

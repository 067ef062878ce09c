"""`yimen app recount`: an app's figures from the beginning."""

from typing import Any

import click

from portal.commands.base import with_hub


@click.command("recount")
@click.argument("name")
def app_recount(name: str) -> None:
    """Count the cases of an app anew for its figures, after a change of the calendar or of what
    they are told apart by. The figures stand meanwhile; killed, it can be run again."""
    from plugin_sdk.cases.counting import AT_ONCE, CaseCounting

    async def act(hub: Any) -> int:
        slot = hub.apps.instances.get(name)
        engines = [engine for engine in (slot.engines if slot else ()) if engine.row.counted]
        if not engines:
            raise click.ClickException(f"{name} is no app here that counts its cases")
        many = 0
        for engine in engines:
            counting = CaseCounting(engine.hub, engine.row, engine.flow)
            actor = engine.hub.system("recount")
            await counting.mark_all(actor)
            folded = AT_ONCE
            while folded == AT_ONCE:
                async with engine.hub.work(actor) as work:
                    folded = await counting.fold(work)
                many += folded
                click.echo(f"{engine.flow.name}: {many:,} counted", err=True)
        return many

    click.echo(f"{with_hub(act):,} cases counted")

"""`yimen upstream`: the providers above, and whether each answers as it should."""

import sys
from typing import Any

import click

from portal.commands.base import with_hub


@click.group()
def upstream() -> None:
    """Identity providers above this hub, through which people may sign in."""


@upstream.command("list")
def upstream_list() -> None:
    """List the providers above."""
    from core.identity.upstream import service

    async def act(hub: Any) -> Any:
        async with hub.services.database.transaction() as tx:
            return await service.every(tx), await service.linked_counts(tx)

    every, linked = with_hub(act)
    if not every:
        click.echo("there is no provider above; one is added under /admin/upstreams")
        return
    for one in every:
        does = [
            "shut" if one.disabled else "open",
            f"{linked.get(one.id, 0)} linked",
            *(["makes accounts"] if one.provides else []),
            *(["gives posts"] if one.gives_posts else []),
        ]
        click.echo(f"{one.key}: {one.name.zh}, {one.issuer}: {', '.join(does)}")


@upstream.command("test")
@click.argument("key", required=False)
def upstream_test(key: str | None) -> None:
    """Ask each provider (or the one named) what it says of itself, and for its keys; exit with 1
    when one is not usable."""
    from core.identity.upstream import service
    from core.identity.upstream.discovery import ProviderError
    from core.outside import OutsideError

    async def act(hub: Any) -> bool:
        async with hub.services.database.transaction() as tx:
            every = [one for one in await service.every(tx) if key in (None, one.key)]
        if not every:
            raise click.ClickException(
                f"no provider above is called {key}; yimen upstream list names them"
                if key
                else "there is no provider above; one is added under /admin/upstreams"
            )
        providers = hub.services.upstreams.flow.providers
        usable = True
        for one in every:
            try:
                found = await providers.provider(one.issuer, anew=True)
                keys = await providers.keys(found, anew=True)
            except (OutsideError, ProviderError) as error:
                usable = False
                said = hub.catalogue.text("en", f"upstream.error.{error.code}")
                click.echo(f"{one.key}: not usable ({error.code}): {said}")
                continue
            click.echo(f"{one.key}: usable, {len(keys.keys)} keys, {found.authorization_endpoint}")
        return usable

    if not with_hub(act):
        sys.exit(1)

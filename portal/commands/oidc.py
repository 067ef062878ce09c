"""`yimen oidc`: the keys of the OpenID Provider."""

from typing import Any

import click

from portal.commands.base import CONSOLE, console, with_hub


@click.group()
def oidc() -> None:
    """Signing in to other apps by this hub."""


@oidc.command("rotate")
@click.option("--at-once", is_flag=True, help="Withdraw the old keys now: others may know them.")
def rotate(at_once: bool) -> None:
    """Make new signing keys; by itself this happens every ninety days."""
    from core import audit

    async def act(hub: Any) -> list[str]:
        made: list[str] = await hub.services.provider.keys.rotate(at_once=at_once)
        async with hub.services.database.transaction(write=True) as tx:
            facts = {"keys": made, "at_once": at_once}
            await audit.record(tx, CONSOLE, audit.SHELL, "keys-rotated", "oidc:keys", facts=facts)
        return made

    for kid in with_hub(act):
        console.print(f"{kid}: {'signs now' if at_once else 'signs in an hour'}")

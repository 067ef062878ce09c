"""`yimen governance`: findings, the policy, and the register beyond the door."""

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from portal.commands.base import CONSOLE, console, say_faults, with_hub
from portal.commands.merging import merge_group

if TYPE_CHECKING:
    from core.governance.findings import Finding

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
LANGUAGE = click.option("--lang", type=click.Choice(["zh", "en"]), default="en")


@click.group()
def governance() -> None:
    """Findings about apps: the system nominates, a person decides."""


governance.add_command(merge_group)


@governance.command("evaluate")
def evaluate_command() -> None:
    """Look at the register now, as the hub does each night."""

    async def act(hub: Any) -> Any:
        return await hub.governance.evaluate()

    found = _with_policy(act)
    console.print(
        f"{found.policy}: {found.apps} apps, {found.findings} findings "
        f"({found.opened} new, {found.cleared} cleared)"
    )


@governance.command("findings")
@click.option("--app", help="Of this app alone.")
@LANGUAGE
def findings_command(app: str | None, lang: str) -> None:
    """Show what was found, with its evidence and what would change it."""
    from core.governance.evaluation import findings, last

    async def act(hub: Any) -> tuple[Any, Any, Any]:
        async with hub.services.database.transaction() as tx:
            return await findings(tx, *([app] if app else ())), await last(tx), hub.catalogue

    found, looked, catalogue = with_hub(act)
    if looked is None:
        raise click.ClickException(
            "the register was never looked at: yimen governance evaluate does it now"
        )
    click.echo(f"{looked.at:%Y-%m-%d %H:%M} UTC · {looked.policy} · {looked.apps} apps")
    _say((held.finding for held in found), catalogue, lang)
    if not found:
        click.echo("nothing was found")


@governance.command("what-if")
@click.argument("file", type=FILE)
@LANGUAGE
def what_if_command(file: Path, lang: str) -> None:
    """Show whom another policy would nominate, and whom no longer; changes nothing."""
    from core.governance.policy import examine

    other, faults = examine(file.read_bytes(), str(file))
    say_faults(faults)

    async def act(hub: Any) -> tuple[Any, Any]:
        return await hub.governance.what_if(other), hub.catalogue

    found, catalogue = _with_policy(act)
    click.echo(f"would be nominated: {len(found.added)}")
    _say(found.added, catalogue, lang)
    click.echo(f"would no longer be: {len(found.gone)}")
    _say(found.gone, catalogue, lang)
    click.echo(f"stay as they are: {found.same}")


@governance.group("policy")
def policy_group() -> None:
    """The policy."""


@policy_group.command("check")
@click.argument("file", type=FILE)
def policy_check(file: Path) -> None:
    """Check a policy and report every fault."""
    from core.governance.policy import check

    say_faults(check(file.read_bytes(), str(file)))
    click.echo(f"{file}: ok")


@governance.command("register")
@click.argument("files", type=FILE, nargs=-1, required=True)
def register_command(files: Sequence[Path]) -> None:
    """Put apps beyond the door on the register, as files declare them: all of them or none."""
    from core import audit
    from core.governance.declared import Declared, examine
    from core.governance.register import register

    apps: dict[str, Declared] = {}
    every = []
    for file in files:
        declared, faults = examine(file.read_bytes(), str(file))
        every += faults
        for one in declared.apps if declared else ():
            if one.app in apps:
                raise click.ClickException(f"{file}: {one.app} is in another of these files too")
            apps[one.app] = one
    say_faults(every)

    async def act(hub: Any) -> dict[str, bool]:
        behind = sorted(apps.keys() & hub.apps.instances.keys())
        if behind:
            raise click.ClickException(
                f"{', '.join(behind)}: stands behind the door, and is on the register by itself"
            )
        changed = {}
        async with hub.services.database.transaction(write=True) as tx:
            for id, declared in apps.items():
                changed[id] = await register(tx, declared)
                if changed[id]:
                    await audit.record(tx, CONSOLE, audit.SHELL, "app-registered", f"app:{id}")
        return changed

    for id, changed in with_hub(act).items():
        click.echo(f"{id}: {'registered' if changed else 'as it was'}")


@governance.command("reviews")
@click.option("--open", "opened", is_flag=True, help="Those alone that wait to be decided.")
@LANGUAGE
def reviews_command(opened: bool, lang: str) -> None:
    """List the reviews of apps, newest first: number, app, state, deadline, decision."""
    from core.governance.oversight.reading import reviews

    async def act(hub: Any) -> tuple[Any, Any]:
        app = hub.apps.hubs.get("oversight")
        if app is None:
            raise click.ClickException("the app oversight does not run: yimen app list says why")
        return await reviews(app, opened=opened), hub.catalogue

    found, catalogue = with_hub(act)
    for one in found:
        state = catalogue.shown(lang, one.state_label)
        due = f" · {one.due_at:%Y-%m-%d}" if one.due_at else ""
        into = f" → {one.successor}" if one.successor else ""
        click.echo(f"{one.number}  {one.app}: {state}{into}{due}")
    if not found:
        click.echo("there is no review")


def _with_policy(act: Any) -> Any:
    from core.governance.policy import PolicyError
    from core.governance.service import NoPolicy

    try:
        return with_hub(act)
    except NoPolicy as none:
        raise click.ClickException(str(none)) from none
    except PolicyError as error:
        say_faults(error.faults)
        sys.exit(1)


def _say(found: "Iterable[Finding]", catalogue: Any, lang: str) -> None:
    from plugin_sdk.views import Phrase

    for finding in found:
        name = catalogue.shown(lang, Phrase(f"finding.{finding.kind}.name"))
        about = f" · {finding.about}" if finding.about else ""
        click.echo(f"{finding.app}{about}: {name} [{finding.rule}] {finding.basis}")
        for evidence in finding.evidence:
            click.echo(f"    {catalogue.shown(lang, evidence.said)}")
        click.echo(f"    → {catalogue.shown(lang, finding.change)}")

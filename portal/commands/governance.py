"""`yimen governance`: findings, the policy, and the register beyond the door."""

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from portal.commands.base import CONSOLE, console, say_faults, with_hub
from portal.commands.merging import merge_group

if TYPE_CHECKING:
    from core.governance.declared import Declared
    from core.governance.findings import Finding

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
LANGUAGE = click.option("--lang", type=click.Choice(["zh", "en"]), default="en")


REGISTERED = {"new": "registered", "changed": "changed", "same": "as it was"}


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
@click.option("--dry-run", is_flag=True, help="Say what would change; change nothing.")
@LANGUAGE
def register_command(files: Sequence[Path], lang: str, *, dry_run: bool) -> None:
    """Put apps beyond the door on the register, as TOML files declare them or rows of CSV files
    say: all of the files or none."""
    from core import audit
    from core.governance.filing import file_fields, tried, weigh
    from core.governance.register import register
    from plugin_sdk.problems import Invalid
    from plugin_sdk.registers.files import FileForm, file_rows, text_of

    toml = [file for file in files if file.suffix.lower() != ".csv"]
    apps = _declared(toml)
    refused: list[str] = []

    async def act(hub: Any) -> dict[str, str]:
        behind, fields = hub.apps.instances, file_fields()
        said: dict[str, str] = {}

        def say(words: Any, language: str = lang) -> str:
            return str(hub.catalogue.shown(language, words))

        def refuse(where: str, errors: Iterable[Any]) -> None:
            refused.extend(f"{where}: {say(error.message)}" for error in errors)

        async with hub.services.database.transaction(write=True) as tx:
            for app, declared in apps.items():
                try:
                    said[app] = (await weigh(tx, declared, behind)).outcome
                except Invalid as wrong:
                    refuse(app, wrong.errors)
            for file in files:
                if file in toml:
                    continue
                try:
                    text = text_of(FileForm(), [("file", file.name, file.read_bytes())])
                    rows = await tried(tx, file_rows(text, fields, say), fields, behind)
                except Invalid as wrong:
                    refuse(str(file), wrong.errors)
                    continue
                for one in rows:
                    if one.declared is None or one.declared.app in apps:
                        why = [say(remark) for remark in one.row.remarks]
                        why = why or ["it is in another of these files too"]
                        refused.append(f"{file}:{one.row.line}: {'; '.join(why)}")
                        continue
                    apps[one.declared.app] = one.declared
                    said[one.declared.app] = one.row.outcome
            if refused or dry_run:
                return said
            for app, declared in apps.items():
                if await register(tx, declared):
                    await audit.record(tx, CONSOLE, audit.SHELL, "app-registered", f"app:{app}")
        return said

    found = with_hub(act)
    if refused:
        raise click.ClickException("\n".join(refused))
    for app, outcome in found.items():
        click.echo(f"{app}: {REGISTERED[outcome]}")


def _declared(files: Sequence[Path]) -> "dict[str, Declared]":
    """Return what TOML files declare, by app."""
    from core.governance.declared import Declared, examine

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
    return apps


@governance.command("report")
@click.option("--since", default="", help="First day (2026-01-31); the first of this year.")
@click.option("--until", default="", help="Last day; today.")
@LANGUAGE
def report_command(since: str, until: str, lang: str) -> None:
    """Show the figures of the registers, each with the address of the rows that it counts."""
    from plugin_sdk.problems import Problem
    from portal.pages.governance.reports import figures_of, label_of, lines_of

    async def act(hub: Any) -> tuple[Any, Any, Any]:
        async with hub.services.database.transaction() as tx:
            period, lines = await lines_of(hub.governance, tx, since, until)
        return period, await figures_of(hub.apps.hubs, CONSOLE, lines, period), hub.catalogue

    try:
        period, found, catalogue = with_hub(act)
    except Problem:
        raise click.ClickException(
            "write days as 2026-01-31, the first not after the last"
        ) from None
    click.echo(f"{period.since} – {period.until}")
    for figure in found:
        click.echo(f"{figure.n:6}  {catalogue.shown(lang, label_of(figure))}  {figure.href}")


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

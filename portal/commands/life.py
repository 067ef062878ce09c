"""`yimen app life`, and the steps of an app's life: as their pages take them, for a named person.

Whoever may run commands holds the hub's own keys, and could write anything; that a person decides
is kept up all the same. Each step names who takes it, their right is asked as on the page, and
the record says that it came from a terminal.
"""

from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import click

from portal.commands.base import with_hub

if TYPE_CHECKING:
    pass

LANGUAGE = click.option("--lang", type=click.Choice(["zh", "en"]), default="en")
SECONDS = 60.0


@click.command("life")
@click.argument("name")
@LANGUAGE
def life(name: str, lang: str) -> None:
    """Show where an app stands, how it came there, and what comes next."""
    from core.governance.archive import service as archive
    from core.governance.lifecycle import service
    from core.governance.lifecycle.in_the_way import in_the_way, unfinished
    from core.governance.lifecycle.moving import evidence_days
    from core.governance.lifecycle.steps import possible
    from plugin_sdk.views import Phrase

    async def act(hub: Any) -> list[str]:
        def say(key: str, **params: Any) -> str:
            words: str = hub.catalogue.text(lang, key, **params)
            return words

        told = await unfinished(hub.apps, name)
        async with hub.services.database.transaction() as tx:
            register = await hub.governance.register(tx)
            here = await service.standing(tx, name)
            taken = await service.taken(tx, name)
            last = await archive.latest(tx, name)
            lines = [f"{name}: {say(f'stage.{here.stage}')} · {here.since}"]
            for label, value in (("successor", here.successor), ("closes_on", here.closes_on)):
                if value:
                    lines.append(f"{say(f'life.fact.{label}')}: {value}")
            if last is not None:
                lines.append(f"{say('life.archive_head')}: {say(f'archive.phase.{last.phase}')}")
                if last.sha256:
                    lines.append(f"    {say('life.checksum')}: {last.sha256}")
            for one in possible(here.stage):
                if one.by_review:
                    continue
                lines.append(f"→ {one.verb.replace('_', '-')}: {say(f'life.step.{one.verb}')}")
                found = (
                    await archive.obstacles(tx, name)
                    if one.verb == "archive"
                    else await in_the_way(
                        tx,
                        hub.apps,
                        register,
                        here,
                        one.verb,
                        told=told,
                        evidence_days=evidence_days(hub.governance),
                    )
                )
                for way in found:
                    head = "life.to_note" if way.waivable else "life.in_the_way"
                    lines.append(f"    {say(head)}: {hub.catalogue.shown(lang, way.said)}")
            for step in taken:
                entry = {
                    "step": Phrase(f"life.step.{step.verb}"),
                    "stage": Phrase(f"stage.{step.target}"),
                }
                who = " ".join(filter(None, (step.unit, step.name)))
                lines.append(f"{step.at:%Y-%m-%d %H:%M} UTC · {say('life.entry', **entry)} · {who}")
                if step.reason:
                    lines.append(f"    {step.reason}")
        return lines

    for line in _with_words(act, lang):
        click.echo(line)


def _step(verb: str, doc: str) -> click.Command:
    """Return the command of a step."""

    def run(name: str, by: str, reason: str, seen: bool, lang: str, **more: Any) -> None:
        closes_on: datetime | None = more.get("closes_on")
        _take(
            name,
            by,
            verb,
            lang,
            seen=seen,
            reason=reason,
            closes_on=closes_on.date() if closes_on else None,
        )

    parameters: list[click.Parameter] = [
        click.Argument(["name"]),
        click.Option(["--by"], required=True, help="User name of the person who takes the step."),
        click.Option(["--reason"], required=True, help="Why; it is kept on record."),
        click.Option(["--seen"], is_flag=True, help="Go on with what is to be taken note of."),
        click.Option(["--lang"], type=click.Choice(["zh", "en"]), default="en"),
    ]
    if verb == "sunset":
        parameters += [
            click.Option(["--closes-on"], type=click.DateTime(["%Y-%m-%d"]), required=True),
        ]
    return click.Command(verb.replace("_", "-"), callback=run, params=parameters, help=doc)


STEPS = [
    _step("file", "Note that an app is filed."),
    _step("try", "Begin the trial of an app."),
    _step("begin", "Put an app into use."),
    _step("watch", "Put an app on the watch list."),
    _step("leave", "Take an app off the watch list."),
    _step("settle", "Return an app to normal use after its review."),
    _step("sunset", "Announce when an app closes: it is read-only from now on."),
    _step("call_off", "Call a sunset off."),
    _step("close", "Close an app whose day has come."),
    _step("reopen", "Let a closed app be read again."),
]


def _take(
    name: str,
    by: str,
    verb: str,
    lang: str,
    *,
    seen: bool,
    reason: str,
    closes_on: date | None,
) -> None:
    from core.governance.lifecycle.in_the_way import in_the_way, unfinished
    from core.governance.lifecycle.moving import Asked, evidence_days, move
    from core.governance.lifecycle.service import standing
    from core.governance.lifecycle.steps import step

    async def act(hub: Any) -> str:
        told = await unfinished(hub.apps, name) if verb == "close" else []
        async with hub.services.database.transaction(write=True) as tx:
            here = await standing(tx, name)
            register = await hub.governance.register(tx)
            found = await in_the_way(
                tx,
                hub.apps,
                register,
                here,
                verb,
                told=told,
                evidence_days=evidence_days(hub.governance),
            )
            asked: Asked = Asked(
                verb=verb,
                reason=reason,
                closes_on=closes_on,
                seen=frozenset(way.key for way in found if way.waivable) if seen else frozenset(),
                via="terminal",
            )
            actor = await person_of(tx, by, step(verb).permission)
            moved = await move(tx, hub.governance, hub.apps, name, asked, actor, told=told)
        hub.services.jobs.wake()
        words: str = hub.catalogue.text(lang, f"stage.{moved.standing.stage}")
        if moved.generation is None:
            return f"{name}: {words}"
        known = await hub.apps.acknowledged(moved.generation)
        if known.live:
            known = await hub.apps.until_acknowledged(moved.generation, SECONDS)
        return f"{name}: {words} ({known.ready} / {known.live})"

    click.echo(_with_words(act, lang))


async def person_of(tx: Any, username: str, permission: str) -> Any:
    """Return a person in the post that may take a step (else in any). Raises `ClickException`."""
    from sqlalchemy import select
    from sqlmodel import col

    from core.access.decisions import actors_of
    from core.access.granting import everywhere
    from core.identity.models import Person

    found = await tx.session.execute(
        select(col(Person.id), col(Person.name)).where(
            col(Person.username) == username, col(Person.disabled_at).is_(None)
        )
    )
    person = found.first()
    if person is None:
        raise click.ClickException(f"nobody who can sign in is called {username}")
    actors = await actors_of(tx, *person)
    able = [actor for actor in actors if everywhere(actor, permission, tx.now)]
    return (able or actors)[0]


def _with_words(act: Any, lang: str) -> Any:
    """Run an act; a refusal is said in words."""
    from plugin_sdk.problems import Problem

    async def said(hub: Any) -> Any:
        try:
            return await act(hub)
        except Problem as problem:
            raise click.ClickException(_words(hub, problem, lang)) from problem

    return with_hub(said)


def _words(hub: Any, problem: Any, lang: str) -> str:
    if problem.errors:
        return "\n".join(
            f"{error.field}: {hub.catalogue.shown(lang, error.message)}" for error in problem.errors
        )
    detail: str = hub.catalogue.text(lang, f"{problem.words}.detail", **problem.params)
    return detail

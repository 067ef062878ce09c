"""The embedded demonstration: a county that is loaded once and kept."""

import json
import os
import secrets
from datetime import timedelta
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn

from core.apps.migrations import migrate
from core.governance.declared import load as load_declared
from core.governance.evaluation import last
from core.governance.register import register
from core.identity.passwords import unchecked
from core.identity.register import number_of, set_number
from core.settings import Settings
from core.usage.reach import settle
from plugin_sdk.times import SHANGHAI
from portal.demo import county, history, merging
from portal.demo.cast import ANNOUNCED, CAST

LOADED = "demonstration-loaded"
BESIDE = "@register"
"""The apps beside the door, among those whose demonstration was loaded."""
LOOKED = timedelta(days=30)
"""How long ago the register was first looked at: reviews of a month rest on it."""
REGISTER = Path(__file__).parent / "register.toml"


async def prepare(settings: Settings, console: Console) -> list[dict[str, str]]:
    """Migrate and load what is missing; return who can sign in.

    It can be interrupted anywhere and run again: what was loaded stays, what was not comes.
    """
    from portal.assembly import Yimen

    settings.home.mkdir(parents=True, exist_ok=True)
    accounts = _accounts(settings)
    hub = Yimen(settings)
    try:
        moved = await migrate(hub.services.database, hub.loaded())
        if moved:
            console.print(f"migrated: {', '.join(moved)}")
        told = hub.apps.hooks.implemented("load_demonstration")
        loaded = _loaded(settings)
        new = [app for app in told if app not in loaded]
        if new or BESIDE not in loaded:
            await hub.start(background=False)
            passwords = {item["username"]: item["password"] for item in accounts}
            await _load(hub, new, passwords, console)
            _replace(settings.home / LOADED, [*told, BESIDE])
    finally:
        await hub.close()
    announced = [item for item in accounts if item["role"] in ANNOUNCED]
    _write(settings, announced)
    return announced


def _loaded(settings: Settings) -> list[str]:
    """Return the apps whose demonstration was loaded, so that one that is new comes to life."""
    path = settings.home / LOADED
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    loaded: list[str] = json.loads(text) if text else []
    return loaded


def _accounts(settings: Settings) -> list[dict[str, str]]:
    """Return the accounts with passwords made for this installation, kept beside the data."""
    path = settings.home / "demo-accounts.json"
    if path.exists():
        kept: list[dict[str, str]] = json.loads(path.read_text(encoding="utf-8"))
        return kept
    accounts = [
        {
            "role": member.role,
            "username": member.username,
            "password": f"{member.username}-{secrets.token_hex(6)}",
        }
        for member in CAST
    ]
    _replace(path, accounts)
    return accounts


def _write(settings: Settings, accounts: list[dict[str, str]]) -> None:
    _replace(settings.home / "demo.json", {"base_url": settings.public_url, "accounts": accounts})


def _replace(path: Any, content: Any) -> None:
    part = path.with_suffix(".part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(content, file, ensure_ascii=False, indent=2)
    os.replace(part, path)


async def _load(hub: Any, apps: list[str], passwords: dict[str, str], console: Console) -> None:
    rows = county.directory()
    with Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), console=console
    ) as progress:
        divisions = progress.add_task("行政区划 organizations", total=len(rows))
        async with hub.services.database.transaction(write=True) as tx:
            await county.build(tx, rows)
        progress.update(divisions, completed=len(rows))
        people = progress.add_task("人员 people", total=len(CAST))
        numbers = hub.services.numbers
        for member in CAST:
            async with hub.services.database.transaction(write=True) as tx:
                known = await county.cast_actors(tx)
                if member.role not in known:
                    password = await unchecked(passwords[member.username])
                    await county.enlist(tx, member, password)
                if member.number is not None:
                    person = (await county.cast_actors(tx))[member.role].person_id
                    if person is not None and await number_of(tx, numbers, person) is None:
                        await set_number(tx, numbers, person, member.number, seen=True)
            progress.advance(people)
        async with hub.services.database.transaction(write=True) as tx:
            for app in apps:
                await county.staff(tx, hub.apps.manifest(app))
            cast = await county.cast_actors(tx)
        task = progress.add_task("应用台账 register", total=None)
        registered = await load_register(hub)
        progress.update(task, total=registered, completed=registered)
        for app in apps:
            await _load_app(hub, app, cast, progress)
        await hub.governance.evaluate()


async def _load_app(hub: Any, app: str, cast: Any, progress: Progress) -> None:
    task: TaskID = progress.add_task(app, total=None)
    rows = hub.apps.hooks.call(app, "load_demonstration", hub=hub.apps.hubs[app], cast=cast)
    done = before = line = 0
    async for row in rows:
        if row.line <= line:  # a part of the app begins: its total is of its own rows
            before = done
        done, line = done + 1, row.line
        total = None if row.total is None else max(before + row.total, done)
        progress.update(task, completed=done, total=total)


async def load_register(hub: Any) -> int:
    """Put the apps that the county runs beside the door on the register, with two years of their
    use, look at it as of a month ago, on which reviews then rest, so that there is something to
    see before the first night, and begin to merge one of them; return how many apps there are."""
    database = hub.services.database
    declared = load_declared(REGISTER.read_bytes(), REGISTER.name)
    async with database.transaction(write=True) as tx:
        for app in declared:
            await register(tx, app)
        towns = await county.towns(tx)
        cadences = {app.app: app.cadence for app in declared}
        await history.write(tx, tx.now.astimezone(SHANGHAI).date(), cadences, towns)
        looked = await last(tx) is not None
    await settle(database)
    now = database.clock()
    await hub.governance.evaluate(now=now if looked else now - LOOKED)
    await merging.begin(hub)
    return len(declared)

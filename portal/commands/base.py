"""What commands stand on: settings, a hub that is started for one command, the screen."""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import click
from rich.console import Console

from core.settings import Settings, SettingsError
from plugin_sdk.manifest_source import Fault
from plugin_sdk.ports import Actor

if TYPE_CHECKING:
    from core.apps.registry import LoadedApp

T = TypeVar("T")
console = Console()
CONSOLE = Actor(system=True, name="console")
"""Who acts in the record when a command does: whoever holds the hub's own keys."""


def settings_of(mode: Literal["demonstration", "production"] = "production") -> Settings:
    """Return the settings, or leave with the sentence that says what to set."""
    try:
        return Settings.from_environment(mode=mode)
    except SettingsError as error:
        raise click.ClickException(str(error)) from error


def with_hub(act: Callable[[Any], Awaitable[T]]) -> T:
    """Run an act with a hub that is started for commands, and close it again."""
    from portal.assembly import StartRefused, Yimen

    settings = settings_of("demonstration" if _is_demonstration() else "production")

    async def run() -> T:
        hub = Yimen(settings, serves=False)
        try:
            await hub.start(background=False)
            return await act(hub)
        finally:
            await hub.close()

    try:
        return asyncio.run(run())
    except StartRefused as error:
        raise click.ClickException(str(error)) from error


def _is_demonstration() -> bool:
    settings = settings_of()
    return settings.embedded and (settings.home / "demo.json").exists()


def installed_apps(settings: Settings) -> "list[LoadedApp]":
    """Return the apps that are installed, for commands that need no running hub."""
    from core.apps.registry import installed, load_apps

    settings.home.mkdir(parents=True, exist_ok=True)
    return load_apps(installed(), settings.grants)


def say_faults(faults: Sequence[Fault]) -> None:
    """Print every fault of a text in both languages, and leave with exit status 1 if there is
    one."""
    for fault in faults:
        click.echo(
            f"{fault.file}:{fault.line}: {fault.field}: {fault.message.zh} {fault.remedy.zh}"
        )
        click.echo(f"    {fault.message.en} {fault.remedy.en}")
    if faults:
        sys.exit(1)

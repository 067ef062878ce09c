"""Calling hooks: one implementation at a time, with a timeout and a catch."""

import asyncio
import inspect
import logging
from types import ModuleType
from typing import Any

import pluggy

from plugin_sdk import PROJECT, hookspecs

logger = logging.getLogger(__name__)

HOOK_SECONDS = 5.0


class HookFailure(Exception):
    """An app's hook raised, took too long, or left the process; says which and how."""


class Hooks:
    """The hooks of one hub's apps. The manager belongs to the hub, never to a module."""

    def __init__(self) -> None:
        self._manager = pluggy.PluginManager(PROJECT)
        self._manager.add_hookspecs(hookspecs)

    def register(self, app: str, plugin: ModuleType) -> None:
        """Add an app. Raises `HookFailure` for a hook that does not fit its specification."""
        try:
            self._manager.register(plugin, name=app)
            self._manager.check_pending()
        except pluggy.PluginValidationError as error:
            if self._manager.has_plugin(app):
                self._manager.unregister(name=app)
            raise HookFailure(str(error)) from error

    def unregister(self, app: str) -> None:
        """Take an app out."""
        if self._manager.has_plugin(app):
            self._manager.unregister(name=app)

    def implemented(self, hook: str) -> list[str]:
        """Return the apps that implement a hook, in the order they were registered."""
        caller = getattr(self._manager.hook, hook)
        return [impl.plugin_name for impl in caller.get_hookimpls()]

    def call(self, app: str, hook: str, default: Any = None, **arguments: Any) -> Any:
        """Return what an app's implementation returns, `default` if it has none.

        Raises `HookFailure` when it raises or tries to exit.
        """
        for impl in getattr(self._manager.hook, hook).get_hookimpls():
            if impl.plugin_name == app:
                try:
                    return impl.function(*(arguments[name] for name in impl.argnames))
                except (Exception, SystemExit) as error:
                    raise HookFailure(f"{hook}: {type(error).__name__}: {error}") from error
        return default

    async def call_async(
        self,
        app: str,
        hook: str,
        default: Any = None,
        *,
        seconds: float = HOOK_SECONDS,
        **arguments: Any,
    ) -> Any:
        """Return what an app's asynchronous implementation returns within `seconds`.

        Raises `HookFailure` when it raises, exits or takes longer.
        """
        outcome = self.call(app, hook, default, **arguments)
        if not inspect.isawaitable(outcome):
            return outcome
        try:
            async with asyncio.timeout(seconds):
                return await outcome
        except TimeoutError as error:
            raise HookFailure(f"{hook}: took longer than {seconds:g} s") from error
        except (Exception, SystemExit) as error:
            raise HookFailure(f"{hook}: {type(error).__name__}: {error}") from error

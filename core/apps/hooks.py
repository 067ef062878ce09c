"""Calling hooks: one implementation at a time, with a timeout and a catch."""

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Sequence
from types import ModuleType
from typing import Any, TypeVar

import pluggy

from plugin_sdk import PROJECT, hookspecs
from plugin_sdk.extension import Card, Health, Hit
from plugin_sdk.tallies import Tally
from plugin_sdk.views import Phrase

logger = logging.getLogger(__name__)

T = TypeVar("T")
HOOK_SECONDS = 5.0
LISTS = {"portal_cards": Card, "search": Hit, "can_retire": Phrase, "tallies": Tally}


class HookFailure(Exception):
    """An app's hook raised, took too long, or left the process; says which and how."""


async def contained(what: str, seconds: float, work: Awaitable[T]) -> T:
    """Return what an app's work returns within `seconds`.

    Raises `HookFailure` when it raises, exits, cancels itself or takes longer; when the
    caller is cancelled, that passes.
    """
    limit = asyncio.timeout(seconds)
    try:
        async with limit:
            return await work
    except KeyboardInterrupt:
        raise
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        raise HookFailure(f"{what}: cancelled by itself") from error
    except BaseException as error:
        if limit.expired() and isinstance(error, TimeoutError):
            raise HookFailure(f"{what}: took longer than {seconds:g} s") from error
        raise HookFailure(f"{what}: {type(error).__name__}: {error}") from error


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
        except Exception as error:  # the module's own attributes are looked at: anything
            self.unregister(app)
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
                except KeyboardInterrupt:
                    raise
                except BaseException as error:
                    raise HookFailure(f"{hook}: {type(error).__name__}: {error}") from error
        return default

    async def call_async(
        self,
        app: str,
        hook: str,
        default: Any = None,
        *,
        seconds: float | None = None,
        **arguments: Any,
    ) -> Any:
        """Return what an app's asynchronous implementation returns within `seconds` (None:
        `HOOK_SECONDS`).

        Raises `HookFailure` when it raises, exits, takes longer or returns something else
        than its specification says.
        """
        outcome = self.call(app, hook, default, **arguments)
        if inspect.isawaitable(outcome):
            outcome = await contained(hook, seconds or HOOK_SECONDS, outcome)
        if outcome is not default:
            _check(hook, outcome)
        return outcome


def _check(hook: str, outcome: object) -> None:
    kind = LISTS.get(hook)
    if kind is not None and not (
        isinstance(outcome, Sequence) and all(isinstance(item, kind) for item in outcome)
    ):
        raise HookFailure(f"{hook}: must return a list of {kind.__name__}")
    if hook == "health" and not isinstance(outcome, Health):
        raise HookFailure(f"{hook}: must return a Health")

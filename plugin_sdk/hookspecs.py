"""Every hook there is. The hub calls one implementation at a time, with a timeout and a
catch, so that one app's error is that app's error. An implementation may take fewer
arguments than its specification names.

`since` in each docstring is the SDK version that brought the hook; a test fails when a
hook lacks it, lacks a description, or is not called by a test.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

from litestar.handlers import HTTPRouteHandler

from plugin_sdk import hookspec
from plugin_sdk.cases import CaseEngine
from plugin_sdk.extension import Card, EventHandler, Health, Hit, ImportReport, Job
from plugin_sdk.ports import Actor, Hub
from plugin_sdk.tallies import Tally
from plugin_sdk.views import Phrase


@hookspec
def register_routes(hub: Hub) -> Sequence[HTTPRouteHandler]:  # type: ignore[empty-body]
    """Return the app's route handlers, each marked with `plugin_sdk.routes.needs`.

    Paths are the app's own (`/orders`); behind the door they stand under `/apps/<id>/`.

    since: 0.1.0
    """


@hookspec
def register_flows(hub: Hub) -> Sequence[CaseEngine[Any]]:  # type: ignore[empty-body]
    """Return the engines of the app's procedures: the hub fires their timers, dates what
    waits for a calendar, and asks the one that owns a number's series for `/track`.

    since: 0.1.0
    """


@hookspec
def register_jobs(hub: Hub) -> Sequence[Job]:  # type: ignore[empty-body]
    """Return what the app does periodically; each run happens on one worker alone.

    since: 0.1.0
    """


@hookspec
def subscribe_events(hub: Hub) -> Mapping[str, EventHandler]:  # type: ignore[empty-body]
    """Return handlers by event name (`hotline.order.closed`). An event arrives at least
    once, in a unit of work of its own, from the outbox.

    since: 0.1.0
    """


@hookspec
def plugin_lifespan(hub: Hub) -> AbstractAsyncContextManager[None]:  # type: ignore[empty-body]
    """Return what to enter before the app serves and to leave when it stops.

    since: 0.1.0
    """


@hookspec
async def portal_cards(hub: Hub, actor: Actor) -> Sequence[Card]:  # type: ignore[empty-body]
    """Return the app's cards on the actor's home page (two at most are shown).

    since: 0.1.0
    """


@hookspec
async def search(hub: Hub, actor: Actor, query: str, limit: int) -> Sequence[Hit]:  # type: ignore[empty-body]
    """Return what the actor may see that matches, best first, `limit` at most.

    since: 0.1.0
    """


@hookspec
async def health(hub: Hub) -> Health:  # type: ignore[empty-body]
    """Return whether the app can do its work, and in words why not.

    since: 0.1.0
    """


@hookspec
async def can_retire(hub: Hub) -> Sequence[Phrase]:  # type: ignore[empty-body]
    """Return what stands in the way of closing the app for good, each in words, such as cases
    that are not finished; nothing where nothing does. Who closes it is shown every one.

    since: 0.2.0
    """


@hookspec
def import_legacy(hub: Hub, source: Path, of: str) -> AsyncIterator[ImportReport]:  # type: ignore[empty-body]
    """Bring in the export of the app that this one replaces, yielding a report each row. `of` is
    the id of that app, '' for a system that the hub never knew.

    It may be killed at any row and run again: the end equals one unbroken run.

    since: 0.1.0
    """


@hookspec
def load_demonstration(hub: Hub, cast: Mapping[str, Actor]) -> AsyncIterator[ImportReport]:  # type: ignore[empty-body]
    """Load the app's demonstration, acted out by the accounts of the demonstration county.

    since: 0.1.0
    """


@hookspec
async def tallies(hub: Hub, of: str) -> Sequence[Tally]:  # type: ignore[empty-body]
    """Return what the app holds of the data that came from the app `of`, counted and digested by
    kind; with its own id, all its data. What `of` holds itself is compared with it before `of`
    is closed.

    since: 0.2.0
    """

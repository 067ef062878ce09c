"""A small app that is well made: a list in scope, one act with a business effect, a card, a
job, an event, a lifespan. Tests use it to show that it has no errors beside apps that do."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from pydantic import Field
from sqlalchemy import func
from sqlmodel import col

from plugin_sdk import hookimpl
from plugin_sdk.extension import Card, EventHandler, Health, Hit, Job
from plugin_sdk.forms import Form, read_form
from plugin_sdk.ports import Actor, Hub, Work
from plugin_sdk.routes import SIGNED_IN, actor_of, needs
from plugin_sdk.views import Phrase
from portal.testing.apps.good.models import Item, Notice, Tally

Ask = Request[Any, Any, Any]
LIFE: dict[str, list[Any]] = {name: [] for name in ("entered", "left", "jobs", "digests", "events")}
"""What happened in this process, for tests: tasks of the lifespan, runs, events."""


class ItemForm(Form):
    """What a person records."""

    title: str = Field(max_length=200)


class Shown(msgspec.Struct, frozen=True):
    """An item in the list."""

    id: UUID
    title: str


@hookimpl
def register_routes(hub: Hub) -> Sequence[HTTPRouteHandler]:
    """Return the list, one item, recording, sealing."""

    @get("/items", opt=needs("item.read"))
    async def items(request: Ask) -> list[Shown]:
        """List the items in scope."""
        async with hub.read(actor_of(request)) as read:
            statement = read.rows(Item, col(Item.id), col(Item.title)).order_by(col(Item.id))
            return await read.fetch(statement, Shown)

    @post("/items", opt=needs("item.make", body=ItemForm, start=True), status_code=201)
    async def make(request: Ask) -> Response[Any]:
        """Record an item: a business effect, an event, an audit row, in one transaction."""
        actor = actor_of(request)
        sent = await read_form(request, ItemForm, actor)
        async with hub.work(actor, sent.key) as work:
            item = Item(
                title=sent.form.title,
                organization_id=actor.organization_id or UUID(int=0),
                person_id=actor.person_id,
            )
            await work.add(item)
            work.audit("made", f"item:{item.id}")
            work.effect("item.made", str(item.id))
            work.emit("item.made", id=str(item.id), title=item.title)
            shown = work.answer(Shown(item.id, item.title))
        return Response(shown, status_code=201)

    @post("/items/{id:uuid}/seal", opt=needs("item.seal"))
    async def seal(request: Ask, id: FromPath[UUID]) -> Shown:
        """Seal an item."""
        actor = actor_of(request)
        sent = await read_form(request, Form, actor)
        async with hub.work(actor, sent.key) as work:
            item = await work.get(Item, id)
            item.sealed = True
            return work.answer(Shown(item.id, item.title))

    @get("/wait/{milliseconds:int}", opt=needs(SIGNED_IN))
    async def wait(milliseconds: FromPath[int]) -> dict[str, int]:
        """Answer after a while, within the limits."""
        await asyncio.sleep(milliseconds / 1000)
        return {"waited": milliseconds}

    return [items, make, seal, wait]


@hookimpl
def register_jobs(hub: Hub) -> Sequence[Job]:
    """Return a job that counts its runs in the database, and a daily one that notes them."""

    async def count(actor: Actor) -> None:
        LIFE["jobs"].append(hub.now())
        async with hub.work(actor) as work:
            work.session.add(Tally(at=work.now))

    async def digest(actor: Actor) -> None:
        LIFE["digests"].append(hub.now())

    return [Job(key="count", run=count), Job(key="digest", run=digest)]


@hookimpl
def subscribe_events(hub: Hub) -> Mapping[str, EventHandler]:
    """Return the handler of the app's own event: it notes it once in the database."""

    async def made(work: Work, event: Mapping[str, Any]) -> None:
        LIFE["events"].append(event["id"])
        work.session.add(Notice(item_id=UUID(event["id"])))

    return {"good.item.made": made}


@hookimpl
@asynccontextmanager
async def plugin_lifespan(hub: Hub) -> AsyncIterator[None]:
    """Note which task entered and which left."""
    LIFE["entered"].append(asyncio.current_task())
    try:
        yield
    finally:
        LIFE["left"].append(asyncio.current_task())


@hookimpl
async def portal_cards(hub: Hub, actor: Actor) -> Sequence[Card]:
    """Return how many items the actor sees."""
    async with hub.read(actor) as read:
        statement = read.rows(Item, func.count(col(Item.id)), permission="item.read")
        count = (await read.session.execute(statement)).scalar_one()
    return [Card(title=Phrase("good.card"), text=str(count), href="/apps/good/items", count=count)]


@hookimpl
async def search(hub: Hub, actor: Actor, query: str, limit: int) -> Sequence[Hit]:
    """Return the items in scope whose title has the words."""
    async with hub.read(actor) as read:
        statement = (
            read.rows(Item, col(Item.id), col(Item.title), permission="item.read")
            .where(col(Item.title).contains(query, autoescape=True))
            .limit(limit)
        )
        found = await read.fetch(statement, Shown)
    return [
        Hit(kind="work", title=item.title, text=item.title, href="/apps/good/items")
        for item in found
    ]


@hookimpl
async def health(hub: Hub) -> Health:
    """Return that it is well."""
    return Health(ok=True)

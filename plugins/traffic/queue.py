"""One page of what waits for an officer, procedure by procedure, what is due first."""

from collections.abc import Sequence
from typing import Any, ClassVar, Final

import msgspec
from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler

from plugin_sdk.cases import queries
from plugin_sdk.cases.desk import CaseDesk
from plugin_sdk.ports import Answer, Read
from plugin_sdk.routes import actor_of, needs, respond
from plugin_sdk.views import ActionView, CaseItem, Phrase, View, Words

MOST: Final = 10
"""Cases of one procedure; the rest stand on its own list."""


class Queue(msgspec.Struct, frozen=True, kw_only=True):
    """What waits of one procedure: how much, and what is due first."""

    title: Words
    said: Phrase
    late: int
    items: list[CaseItem]
    href: str


class QueueView(View, kw_only=True):
    """What waits for an officer."""

    template: ClassVar[str] = "traffic_queue.html"
    title: Words
    queues: list[Queue]
    links: list[ActionView]


def queue_routes(desks: Sequence[CaseDesk[Any]]) -> list[HTTPRouteHandler]:
    """Return the page of what waits."""
    hub = desks[0].hub

    @get("/queue", opt=needs("queue.read"), operation_id="queue")
    async def show_queue(request: Request[Any, Any, Any]) -> Response[Any]:
        """Show what waits for an officer, procedure by procedure."""
        async with hub.read(actor_of(request)) as read:
            view = QueueView(
                title=Phrase("traffic.queue.title"),
                queues=[await _queue(read, desk) for desk in desks if await _reads(read, desk)],
                links=await _links(read, desks[0]),
            )
        return await respond(hub, request, Answer(view=view))

    return [show_queue]


async def _reads(read: Read, desk: CaseDesk[Any]) -> bool:
    return await read.holds(desk.flow.read)


async def _queue(read: Read, desk: CaseDesk[Any]) -> Queue:
    to_do = queries.to_do(desk.flow, desk.engine.row, read.actor)
    found = await queries.waiting(desk.engine, read, of=to_do)
    rows = await queries.due_first(desk.engine, read, of=to_do, kind=desk.kind, size=MOST)
    name = "late" if found.late else "open" if found.open else "none"
    return Queue(
        title=desk.engine.words("list"),
        said=Phrase(f"traffic.queue.{name}", {"n": found.open, "late": found.late}),
        late=found.late,
        items=await desk.items(read, rows),
        href=f"{desk.here}?mine=1",
    )


async def _links(read: Read, desk: CaseDesk[Any]) -> list[ActionView]:
    """Return what else an officer minds: the blocks, payments, figures."""
    pages = (
        ("/templates", Phrase("traffic.template.list"), "template.read"),
        ("/payments", Phrase("traffic.act.payments"), "payment.reconcile"),
        ("/figures", Phrase("traffic.queue.figures"), "figures.read"),
    )
    return [link for page in pages for link in await desk.link(read, *page)]

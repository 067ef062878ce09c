"""One page for what is no telephone call: for residents the way to a reception and to the window
with their own, for staff what waits there, with the enterprise desk beside it."""

from typing import Any, ClassVar, Final

import msgspec
from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler
from sqlalchemy import func
from sqlmodel import col

from plugin_sdk.cases import queries
from plugin_sdk.cases.desk import CaseDesk
from plugin_sdk.cases.queries import Filters
from plugin_sdk.ports import Answer, Audience, Read, ScopeKind
from plugin_sdk.routes import actor_of, needs, respond
from plugin_sdk.views import ActionView, CaseItem, Phrase, View, Words
from plugins.hotline.desk import OrderDesk
from plugins.hotline.models import Order
from plugins.hotline.reception.days import said_of
from plugins.hotline.reception.visits import VisitDesk, visit_desk
from plugins.hotline.reception.windows import MatterDesk, matter_desk

MOST: Final = 5
"""Cases and days of one door; the rest stand on its own list."""
WORDS: Final = "hotline.doors"


class Door(msgspec.Struct, frozen=True, kw_only=True):
    """One way in: what it is for, what is announced, what is one's own or waits, where it leads."""

    title: Words
    text: Words
    said: list[Words]
    items: list[CaseItem]
    actions: list[ActionView]


class DoorsView(View, kw_only=True):
    """The ways in beside the telephone."""

    template: ClassVar[str] = "hotline_doors.html"
    title: Words
    doors: list[Door]


def door_routes(orders: OrderDesk) -> list[HTTPRouteHandler]:
    """Return the one page."""
    hub = orders.hub
    visits, matters = visit_desk(hub), matter_desk(hub)

    @get("/doors", opt=needs("doors.read"), operation_id="doors")
    async def show_doors(request: Request[Any, Any, Any]) -> Response[Any]:
        """Show receptions, the window and the enterprise desk, as far as the actor may see them."""
        async with hub.read(actor_of(request)) as read:
            staff = read.actor.audience is Audience.STAFF
            doors = [
                await _enterprises(read, orders),
                await _reception(read, visits),
                await _window(read, matters),
            ]
            view = DoorsView(
                title=Phrase(f"{WORDS}.{'title' if staff else 'own'}"),
                doors=[door for door in doors if door is not None],
            )
        return await respond(hub, request, Answer(view=view))

    return [show_doors]


async def _reception(read: Read, desk: VisitDesk) -> Door | None:
    if not at_work(read, desk.hub.app, "reception.read"):
        return None
    ahead = await desk.days.ahead(read)
    said: list[Words] = [said_of(day, left) for day, left in ahead[:MOST]]
    return Door(
        title=Phrase(f"{WORDS}.reception.title"),
        text=Phrase(f"{WORDS}.reception.text"),
        said=said or [Phrase("hotline.reception.no_days")],
        items=await _own(read, desk),
        actions=_links(
            read,
            desk,
            ("new", "/reception/new", "reception.file" if ahead else ""),
            ("intake", "/reception-intake", "reception.intake" if ahead else ""),
            ("days", "/reception-days", "reception.announce"),
            ("list", "/reception", "reception.read"),
        ),
    )


async def _window(read: Read, desk: MatterDesk) -> Door | None:
    if not at_work(read, desk.hub.app, "window.read"):
        return None
    return Door(
        title=Phrase(f"{WORDS}.window.title"),
        text=Phrase(f"{WORDS}.window.text"),
        said=[],
        items=await _own(read, desk),
        actions=_links(
            read,
            desk,
            ("new", "/window/new", "window.file"),
            ("intake", "/window-intake", "window.intake"),
            ("list", "/window", "window.read"),
            ("figures", "/window/figures", "figures.read"),
        ),
    )


async def _enterprises(read: Read, orders: OrderDesk) -> Door | None:
    if not at_work(read, orders.hub.app, "enterprise.read"):
        return None
    running = read.rows(Order, func.count(), permission="order.read").where(
        col(Order.enterprise_id).is_not(None), queries.running(orders.flow, Order)
    )
    n = int((await read.session.execute(running)).scalar_one())
    return Door(
        title=Phrase(f"{WORDS}.enterprise.title"),
        text=Phrase(f"{WORDS}.enterprise.text"),
        said=[Phrase(f"{WORDS}.enterprise.open", {"n": n})],
        items=[],
        actions=_links(
            read,
            orders,
            ("enterprises", "/enterprises?mine=1", "enterprise.read"),
            ("plans", "/call-plans", "enterprise.read"),
            ("specialists", "/specialists", "enterprise.read"),
        ),
    )


def at_work(read: Read, app: str, permission: str) -> bool:
    """Return whether a door is the actor's: staff see those that they work at, for everybody is a
    resident too."""
    permits = read.actor.permits_for(f"{app}.{permission}", read.now)
    if read.actor.audience is not Audience.STAFF:
        return bool(permits)
    return any(permit.scope is not ScopeKind.OWN for permit in permits)


async def _own(read: Read, desk: CaseDesk[Any]) -> list[CaseItem]:
    """Return for staff what waits in their unit, for others what they asked for, newest first."""
    if read.actor.audience is Audience.STAFF:
        return await desk.items(
            read, await queries.due_first(desk.engine, read, kind=desk.kind, size=MOST)
        )
    found, _ = await queries.page(desk.engine, read, Filters(mine=True), kind=desk.kind, size=MOST)
    return await desk.items(read, found)


def _links(read: Read, desk: CaseDesk[Any], *ways: tuple[str, str, str]) -> list[ActionView]:
    return [
        ActionView(
            verb=verb,
            label=Phrase(f"{WORDS}.go.{verb}"),
            href=f"/apps/{desk.hub.app}{path}",
            primary=False,
        )
        for verb, path, permission in ways
        if permission and at_work(read, desk.hub.app, permission)
    ]

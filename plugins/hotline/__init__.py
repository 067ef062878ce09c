"""The 12345 hotline (12345 政务服务便民热线): requests filed, dispatched, answered, rated."""

from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from litestar.handlers import HTTPRouteHandler

from plugin_sdk import hookimpl
from plugin_sdk.cases.desk import CaseDesk
from plugin_sdk.extension import EventHandler, ImportReport, Job
from plugin_sdk.hooks import Shown, case_hooks, case_tallies
from plugin_sdk.ports import Actor, Hub, Work
from plugins.hotline import counts, imports, routes
from plugins.hotline.calls.switchboard import forget
from plugins.hotline.checking.following import Following
from plugins.hotline.checking.supervising import supervision_desk
from plugins.hotline.demonstration import run as act_out
from plugins.hotline.desk import OrderDesk, desk_of
from plugins.hotline.dispatching.categorizing import Categorizer
from plugins.hotline.dispatching.decided import Decided
from plugins.hotline.knowledge.keeping import Keeping
from plugins.hotline.lines.register import line_engine
from plugins.hotline.reception.visits import visit_desk
from plugins.hotline.reception.windows import matter_desk

__all__ = ["OrderDesk"]


@hookimpl
def register_routes(hub: Hub) -> Sequence[HTTPRouteHandler]:
    """Return the routes of orders and what the kit does not do."""
    return routes.of(desk_of(hub))


def desks(hub: Hub) -> Sequence[CaseDesk[Any]]:
    """Return the desks of orders, of visits to receptions, of what could not be done, of
    coordinations and of supervisions."""
    orders = desk_of(hub)
    return [orders, *_beside(orders), supervision_desk(hub)]


def _beside(orders: OrderDesk) -> Sequence[CaseDesk[Any]]:
    return [visit_desk(orders.hub), matter_desk(orders.hub), orders.coordinations]


def _shown(hub: Hub) -> Sequence[Shown]:
    orders = desk_of(hub)
    return [orders, Following(orders), *_beside(orders)]


register_flows, portal_cards, search, health, can_retire = case_hooks(
    desks, needs="order.dispatch", shown=_shown
)
tallies = case_tallies(desks)


@hookimpl
def register_jobs(hub: Hub) -> Sequence[Job]:
    """Return what is done by itself: numbers that are to be closed and answers that end soon are
    minded each day, categories learnt anew, orders counted for the figures, counts gathered."""
    daily = [line_engine(hub).job("lines"), Keeping(hub).job(), Categorizer(hub).job()]
    return [*daily, desk_of(hub).counting.job(), counts.job(hub)]


@hookimpl
def subscribe_events(hub: Hub) -> Mapping[str, EventHandler]:
    """Return what follows from what happens to orders: whom to call, whom to supervise, what a
    leader has to sign off, what calls and coordinations forget, what a decision leaves as a
    rule."""
    orders = desk_of(hub)
    following, visits = Following(orders), visit_desk(hub).engine

    async def replied(work: Work, event: Mapping[str, Any]) -> None:
        await following.heard(work, event)
        await visits.heard(work, event)

    async def reopened(work: Work, event: Mapping[str, Any]) -> None:
        await following.heard(work, event)
        await visits.order_reopened(work, event)
        await visits.heard(work, event)

    async def concealed(work: Work, event: Mapping[str, Any]) -> None:
        await forget(work, event)
        await following.concealed(work, event)
        await orders.coordinations.engine.kept_secret(work, event)

    return {
        "hotline.order.concealed": concealed,
        "hotline.order.replied": replied,
        "hotline.order.reopened": reopened,
        "hotline.order.rated": following.heard,
        "hotline.order.returned": following.returned,
        "hotline.coordination.finished": Decided(orders).heard,
    }


@hookimpl
def import_legacy(hub: Hub, source: Path, of: str) -> AsyncIterator[ImportReport]:
    """Bring in the old system's export of messages and replies."""
    return imports.run(desk_of(hub), source, of)


@hookimpl
def load_demonstration(hub: Hub, cast: Mapping[str, Actor]) -> AsyncIterator[ImportReport]:
    """Act out two months at the hotline."""
    return act_out(desk_of(hub), cast)

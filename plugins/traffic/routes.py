"""The routes of traffic, part by part."""

from collections.abc import Callable
from typing import Final

from litestar.handlers import HTTPRouteHandler

from plugin_sdk.cases.routes import case_routes
from plugin_sdk.ports import Hub
from plugin_sdk.registers import register_routes
from plugins.traffic import appointments, moving_routes
from plugins.traffic.accidents.routes import accident_routes
from plugins.traffic.desk import desk_of
from plugins.traffic.drafting import TemplateDesk, drafting_routes
from plugins.traffic.fine_routes import fine_routes
from plugins.traffic.licence_routes import licence_routes
from plugins.traffic.own_routes import own_routes
from plugins.traffic.queue import queue_routes
from plugins.traffic.reports.routes import report_routes
from plugins.traffic.roads import routes as road_routes
from plugins.traffic.study import routes as study_routes

Part = Callable[[Hub], list[HTTPRouteHandler]]


def _own(hub: Hub) -> list[HTTPRouteHandler]:
    desk = desk_of(hub)
    return [*own_routes(desk), *licence_routes(desk), *case_routes(desk.objections)]


def _accidents(hub: Hub) -> list[HTTPRouteHandler]:
    return accident_routes(desk_of(hub).accidents)


def _reports(hub: Hub) -> list[HTTPRouteHandler]:
    return report_routes(desk_of(hub).reports)


def _deciding(hub: Hub) -> list[HTTPRouteHandler]:
    desk = desk_of(hub)
    return [
        *queue_routes(desk.cases),
        *register_routes(TemplateDesk(desk.objections.drafting.engine)),
        *(route for cases in desk.cases for route in drafting_routes(cases)),
    ]


PARTS: Final[tuple[Part, ...]] = (
    *(_own, fine_routes, appointments.of, moving_routes.of),
    *(_accidents, _reports, road_routes.of, study_routes.of),
    _deciding,
)
"""What each part of the app serves."""


def of(hub: Hub) -> list[HTTPRouteHandler]:
    """Return every route of the app."""
    return [route for part in PARTS for route in part(hub)]

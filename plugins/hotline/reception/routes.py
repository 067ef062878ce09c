"""The routes of receptions and of the window for what could not be done."""

from litestar.handlers import HTTPRouteHandler

from plugin_sdk.cases.filing import filing_routes
from plugin_sdk.cases.routes import case_routes, reveal_routes
from plugin_sdk.ports import Hub
from plugin_sdk.registers import register_routes
from plugins.hotline.reception.days import DayDesk
from plugins.hotline.reception.forms import CallerMatterForm, CallerVisitForm
from plugins.hotline.reception.visits import visit_desk
from plugins.hotline.reception.windows import matter_desk


def reception_routes(hub: Hub) -> list[HTTPRouteHandler]:
    """Return the routes of reception days, visits and matters."""
    visits, matters = visit_desk(hub), matter_desk(hub)
    return [
        *register_routes(DayDesk(visits.days)),
        *case_routes(visits),
        *filing_routes(
            visits,
            CallerVisitForm,
            "reception.intake",
            at="/reception-intake",
            name="intake",
            file=visits.file_for,
        ),
        *reveal_routes(visits, "reception.reveal"),
        *case_routes(matters, figures="/window/figures"),
        *filing_routes(
            matters,
            CallerMatterForm,
            "window.intake",
            at="/window-intake",
            name="intake",
            file=matters.file_for,
        ),
        *reveal_routes(matters, "window.reveal"),
    ]

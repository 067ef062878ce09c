"""The routes of receptions and of the window for what could not be done."""

from litestar.handlers import HTTPRouteHandler

from plugin_sdk.cases.filing import filing_routes
from plugin_sdk.cases.routes import case_routes, reveal_routes
from plugin_sdk.registers import register_routes
from plugins.hotline.desk import OrderDesk
from plugins.hotline.reception.days import DayDesk
from plugins.hotline.reception.forms import CallerMatterForm, CallerVisitForm
from plugins.hotline.reception.visits import VisitDesk
from plugins.hotline.reception.windows import MatterDesk


def reception_routes(orders: OrderDesk) -> list[HTTPRouteHandler]:
    """Return the routes of reception days, visits and matters."""
    visits, matters = VisitDesk(orders), MatterDesk(orders)
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

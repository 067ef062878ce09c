"""The routes of reports."""

from litestar.handlers import HTTPRouteHandler

from plugin_sdk.cases.filing import filing_routes
from plugin_sdk.cases.routes import case_routes, reveal_routes
from plugins.traffic.reports.desk import REVEAL, ReportDesk
from plugins.traffic.reports.forms import ReportForm


def report_routes(desk: ReportDesk) -> list[HTTPRouteHandler]:
    """Return the routes of reports: on one page, the photos first."""
    return [
        *case_routes(desk, figures="/reports/figures"),
        *filing_routes(desk, ReportForm, "report.file"),
        *reveal_routes(desk, REVEAL),
    ]

"""The routes of supervision: the kits', and shared results."""

from litestar.handlers import HTTPRouteHandler

from plugin_sdk.cases.filing import filing_routes
from plugin_sdk.cases.routes import case_routes
from plugin_sdk.ports import Hub
from plugin_sdk.registers import RegisterDesk, register_routes
from plugins.supervision.desk import desks
from plugins.supervision.forms import FindingForm
from plugins.supervision.registers import StationDesk, stations, topics
from plugins.supervision.results import result_routes


def of(hub: Hub) -> list[HTTPRouteHandler]:
    """Return every route of the app."""
    findings, tasks, projects = desks(hub)
    return [
        *case_routes(findings),
        *filing_routes(
            findings,
            FindingForm,
            "finding.file",
            at="/field",
            name="on_site",
            file=findings.file,
            offline=True,
        ),
        *case_routes(tasks, figures="/tasks-figures"),
        *case_routes(projects),
        *result_routes(findings),
        *register_routes(RegisterDesk(topics(hub))),
        *register_routes(StationDesk(stations(hub))),
    ]

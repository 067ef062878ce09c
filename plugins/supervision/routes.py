"""The routes of supervision: the kit's, and shared results."""

from litestar.handlers import HTTPRouteHandler

from plugin_sdk.cases.filing import filing_routes
from plugin_sdk.cases.routes import case_routes
from plugin_sdk.ports import Hub
from plugins.supervision.desk import desks
from plugins.supervision.forms import FindingForm
from plugins.supervision.results import result_routes


def of(hub: Hub) -> list[HTTPRouteHandler]:
    """Return every route of the app."""
    findings, tasks = desks(hub)
    return [
        *case_routes(findings),
        *filing_routes(
            findings, FindingForm, "finding.file", at="/field", name="field", file=findings.file
        ),
        *case_routes(tasks, figures="/tasks-figures"),
        *result_routes(findings),
    ]

"""The administrator's pages of the record and of messages sent."""

from typing import Any, Final
from urllib.parse import urlencode

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromQuery

from core import audit
from core.delivery.service import sent
from core.identity import people
from plugin_sdk.cursors import Position, cut
from plugin_sdk.identifiers import mask_name
from plugin_sdk.routes import needs
from plugin_sdk.views import FilterView, Option, Phrase
from portal.pages.context import SHELL, AnyRequest, Portal

PAGE: Final = 50


def routes(portal: Portal) -> list[HTTPRouteHandler]:
    """Return the routes."""

    @get("/admin/audit", opt=needs("audit.read"))
    async def record(
        request: AnyRequest,
        app: FromQuery[str] = "",
        q: FromQuery[str] = "",
        cursor: FromQuery[str] = "",
    ) -> Response[Any]:
        """Search the record of who did what, newest first."""
        async with portal.read() as tx:
            entries = await audit.search(
                tx, app=app or None, subject=q.strip() or None, cursor=cursor, limit=PAGE + 1
            )
            shown, following = cut(entries, PAGE, lambda entry: Position(entry.at, entry.id))
            who = await people.names(tx, [e.person_id for e in shown if e.person_id])
        apps = [Option(SHELL, Phrase("name")), *(Option(n, n) for n in portal.apps.instances)]
        view = {
            "seal": {"ok": None, "sentence": Phrase("page.admin.seal_later")},
            "verify": None,
            "filters": [
                FilterView(name="app", label=Phrase("page.figures.app"), options=apps, value=app)
            ],
            "query": q,
            "entries": [
                {
                    "at": entry.at,
                    "who": mask_name(who[entry.person_id])
                    if entry.person_id in who
                    else (entry.system or "-"),
                    "app": entry.app,
                    "act": entry.act,
                    "subject": entry.subject,
                    "outcome": entry.outcome,
                    "permission": entry.permission or "",
                    "granted_by": entry.granted_by or "",
                }
                for entry in shown
            ],
            "next_href": f"/admin/audit?{urlencode({'app': app, 'q': q, 'cursor': following})}"
            if following
            else None,
            "export_href": None,
        }
        return await portal.show(request, "admin_audit.html", "page.admin.audit", view)

    @get("/admin/outbox", opt=needs("delivery.read"))
    async def outbox(request: AnyRequest) -> Response[Any]:
        """Show the short messages that the simulated provider has sent."""
        async with portal.read() as tx:
            found = await sent(tx)
        view = {"messages": found, "simulated": True, "next_href": None}
        return await portal.show(request, "admin_outbox.html", "page.admin.outbox", view)

    return [record, outbox]

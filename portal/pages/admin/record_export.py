"""Exports of the record: masked as on the page, streamed, and recorded themselves."""

from typing import Any
from uuid import UUID

from litestar import get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromQuery
from litestar.response import Stream

from core import audit
from core.audit import export
from core.database import Transaction
from core.identity import organizations, people
from plugin_sdk.deadlines import local_day
from plugin_sdk.identifiers import mask_name
from plugin_sdk.routes import needs
from plugin_sdk.views import Phrase
from portal.pages.admin.reach import seen
from portal.pages.admin.record import person_in
from portal.pages.admin.record_search import Search, searched
from portal.pages.context import AnyRequest, Portal


def routes(portal: Portal) -> list[HTTPRouteHandler]:
    """Return the routes, one a format."""
    return [_route(portal, kind) for kind in export.FORMATS]


def _route(portal: Portal, kind: str) -> HTTPRouteHandler:
    @get(f"/admin/audit.{kind}", opt=needs("audit.read"), operation_id=f"export-record-{kind}")
    async def export_record(
        request: AnyRequest,
        app: FromQuery[str] = "",
        outcome: FromQuery[str] = "",
        since: FromQuery[str] = "",
        until: FromQuery[str] = "",
        q: FromQuery[str] = "",
    ) -> Stream:
        """Export what is searched for."""
        search = Search(app=app, outcome=outcome, since=since, until=until, q=q)
        database = portal.services.database
        async with portal.change(
            request, "record-exported", "record:search", format=kind, **search.asked()
        ) as tx:
            sought = await searched(tx, search) | {"within": seen(request, tx.now)}
            # refused before the first byte, not after it
            # what is recorded from here on is of after the export, and it would never end
            sought["until"] = min(sought["until"] or tx.now, tx.now)
        header = [
            portal.renderer.text(request.scope, Phrase(f"page.admin.record.column.{name}"))
            for name in export.COLUMNS
        ]
        batches = export.rows(database, _masked, sought)
        name = f"audit-{local_day(database.clock()):%Y%m%d}.{kind}"
        return Stream(
            export.WRITERS[kind](batches, header),
            media_type=export.FORMATS[kind],
            headers={
                "content-disposition": f'attachment; filename="{name}"',
                "cache-control": "no-store",
            },
        )

    return export_record


async def _masked(tx: Transaction, found: list[audit.AuditFacts]) -> list[dict[str, Any]]:
    ids = {id for entry in found for id in (entry.person_id, entry.behalf_of_id, person_in(entry))}
    who = await people.names(tx, [id for id in ids if id])
    where = await organizations.names(tx, [e.organization_id for e in found if e.organization_id])

    def name(id: UUID | None) -> str:
        return mask_name(who[id]) if id in who else ""

    return [
        {
            "sequence": entry.sequence,
            "at": entry.at,
            "app": entry.app,
            "act": entry.act,
            "subject": name(person_in(entry)) or entry.subject,
            "outcome": entry.outcome,
            "person": name(entry.person_id),
            "organization": where.get(entry.organization_id, "") if entry.organization_id else "",
            "behalf_of": name(entry.behalf_of_id),
            "system": entry.system or "",
            "permission": entry.permission or "",
            "granted_by": entry.granted_by or "",
            "request_id": entry.request_id or "",
            "facts": entry.facts,
        }
        for entry in found
    ]

"""What is recorded about me: every table that holds one's id, and a copy of what is one's own."""

from typing import Any

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.response import Stream
from sqlalchemy import Table

from core.apps.registry import declared
from core.audit import SHELL
from core.database import core_metadata
from core.hub import personal
from plugin_sdk.routes import SIGNED_IN, actor_of, needs
from plugin_sdk.views import Phrase, Words
from portal.pages.context import AnyRequest, Portal
from portal.pages.rows import app_name, person_of


def tables_of(portal: Portal) -> dict[Table, str]:
    """Return every table of the hub with its app."""
    tables = dict.fromkeys(core_metadata.tables.values(), SHELL)
    for name, instance in portal.apps.instances.items():
        if instance.app.plugin is not None and instance.app.refusal is None:
            tables |= dict.fromkeys(declared(instance.app.plugin.__name__), name)
    return tables


def routes(portal: Portal) -> list[HTTPRouteHandler]:
    """Return the routes."""

    @get("/me/record", opt=needs(SIGNED_IN))
    async def about_me(request: AnyRequest) -> Response[Any]:
        """List what holds one's id, with counts."""
        async with portal.read() as tx:
            found = await personal.holdings(tx, tables_of(portal), person_of(actor_of(request)))
        view = {
            "holdings": [holding_row(portal, holding) for holding in found],
            "export_href": "/me/record.json",
        }
        return await portal.show(request, "own_record.html", "page.own_record.title", view)

    @get("/me/record.json", opt=needs(SIGNED_IN))
    async def copy(request: AnyRequest) -> Stream:
        """Return a copy of what is one's own; that it was taken is recorded."""
        person_id = person_of(actor_of(request))
        async with portal.change(request, "own-data-exported", f"person:{person_id}") as tx:
            now = tx.now
        rows = personal.as_json(portal.services.database, tables_of(portal), person_id, now)
        return Stream(
            rows,
            media_type="application/json",
            headers={
                "content-disposition": 'attachment; filename="my-data.json"',
                "cache-control": "no-store",
            },
        )

    return [about_me, copy]


def holding_row(portal: Portal, holding: personal.Holding) -> dict[str, Any]:
    """Return a table that holds an id as it is listed."""
    key = title_key(holding.app, holding.table)
    title: Words = Phrase(key) if key in portal.renderer.catalogue else holding.table
    return {
        "table": holding.table,
        "title": title,
        "app": Phrase("name") if holding.app == SHELL else app_name(portal, holding.app),
        "rows": holding.rows,
        "own": holding.own,
    }


def title_key(app: str, table: str) -> str:
    """Return the key of the words for a table: in the shell's catalogue or in the app's own."""
    return f"page.own_record.table.{table}" if app == SHELL else f"{app}.table.{table}"

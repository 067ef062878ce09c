"""The administrator's pages of the record and of messages sent."""

from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromQuery

from core import audit
from core.delivery.service import sent
from core.identity import people
from plugin_sdk.cursors import Position, cut
from plugin_sdk.identifiers import mask_name
from plugin_sdk.routes import needs
from plugin_sdk.views import FilterView, Option, Phrase, Words
from portal.pages.context import SHELL, AnyRequest, Portal
from portal.pages.rows import app_name

PAGE: Final = 50
MOST_PEOPLE: Final = 200


def routes(portal: Portal) -> list[HTTPRouteHandler]:
    """Return the routes."""

    @get("/admin/audit", opt=needs("audit.read"))
    async def record(
        request: AnyRequest,
        app: FromQuery[str] = "",
        outcome: FromQuery[str] = "",
        q: FromQuery[str] = "",
        cursor: FromQuery[str] = "",
    ) -> Response[Any]:
        """Search the record of who did what, newest first."""
        words = q.strip()[:100]
        async with portal.read() as tx:
            extent = await audit.extent(tx)
            called = await people.find(tx, words, limit=MOST_PEOPLE) if words else []
            entries = await audit.search(
                tx,
                app=app or None,
                outcome=outcome or None,
                words=words or None,
                people=[person.id for person in called],
                cursor=cursor,
                limit=PAGE + 1,
            )
            shown, following = cut(entries, PAGE, lambda entry: Position(entry.at, entry.id))
            named = {*(e.person_id for e in shown if e.person_id), *map(_person_in, shown)}
            who = await people.names(tx, [id for id in named if id])
        asked = {"app": app, "outcome": outcome, "q": words}
        apps = [Option(SHELL, Phrase("name"))]
        apps += [Option(name, app_name(portal, name)) for name in portal.apps.instances]
        view = {
            "state": _state(extent),
            "filters": [
                FilterView(name="app", label=Phrase("page.figures.app"), options=apps, value=app),
                FilterView(
                    name="outcome",
                    label=Phrase("page.admin.outcome"),
                    options=[
                        Option(name, Phrase(f"page.admin.record.{name}"))
                        for name in ("done", "refused")
                    ],
                    value=outcome,
                ),
            ],
            "query": words,
            "entries": [_row(portal, entry, who) for entry in shown],
            "next_href": f"/admin/audit?{urlencode({**asked, 'cursor': following})}"
            if following
            else None,
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


def _state(extent: audit.Extent) -> Phrase:
    if not extent.entries:
        return Phrase("page.admin.record.empty")
    params = {"n": extent.entries, "first": extent.first, "last": extent.last}
    return Phrase("page.admin.record.state", params)


def _person_in(entry: audit.AuditFacts) -> UUID | None:
    """Return the person that an entry is about."""
    kind, _, id = entry.subject.partition(":")
    try:
        return UUID(id) if kind == "person" else None
    except ValueError:
        return None


def _row(portal: Portal, entry: audit.AuditFacts, who: dict[UUID, str]) -> dict[str, Any]:
    """Return an entry as people read it: names, words and numbers in place of ids."""
    by: Words = Phrase("page.admin.record.visitor")
    if entry.person_id in who:
        by = mask_name(who[entry.person_id])
    elif entry.system:
        by = Phrase("page.admin.record.system")
    return {
        "at": entry.at,
        "who": by,
        "app": Phrase("name") if entry.app == SHELL else app_name(portal, entry.app),
        "act": _act(portal, entry),
        "subject": _subject(portal, entry, who),
        "outcome": entry.outcome,
        "permission": entry.permission or "",
        "granted_by": entry.granted_by or "",
    }


def _act(portal: Portal, entry: audit.AuditFacts) -> Words:
    """Return the words of an act: the shell's, the flow's own, the kit's; else as it stands."""
    flow, _, verb = entry.act.rpartition(".")
    keys = (
        f"page.admin.record.act.{entry.act}",
        f"{entry.app}.{flow}.said.{verb}",
        f"case.said.{verb}",
    )
    return next((Phrase(key) for key in keys if key in portal.renderer.catalogue), entry.act)


def _subject(portal: Portal, entry: audit.AuditFacts, who: dict[UUID, str]) -> Words:
    kind, _, id = entry.subject.partition(":")
    person = _person_in(entry)
    if person in who:
        return mask_name(who[person])
    if number := entry.facts.get("number"):
        return str(number)
    if kind == "app":
        return app_name(portal, id)
    return id if kind in ("username", "code", "year") else entry.subject

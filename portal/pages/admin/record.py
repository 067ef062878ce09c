"""The administrator's pages of the record and of messages sent."""

from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery

from core import audit
from core.audit import SHELL
from core.delivery.service import sent
from core.identity import organizations, people
from plugin_sdk.cases.forms import RevealForm
from plugin_sdk.cursors import Position, cut
from plugin_sdk.forms import field_views, read_form
from plugin_sdk.identifiers import mask_name
from plugin_sdk.problems import NotFound
from plugin_sdk.routes import actor_of, needs
from plugin_sdk.views import FactView, FilterView, FormView, Option, Phrase, Words
from portal.pages.acts import act_words
from portal.pages.admin.reach import need_everything, seen
from portal.pages.admin.record_seal import seal_state
from portal.pages.admin.record_search import Search, searched
from portal.pages.context import AnyRequest, Portal
from portal.pages.rows import app_name
from portal.pages.session import Nothing

PAGE: Final = 50


def routes(portal: Portal) -> list[HTTPRouteHandler]:
    """Return the routes."""

    @get("/admin/audit", opt=needs("audit.read"))
    async def record(
        request: AnyRequest,
        app: FromQuery[str] = "",
        outcome: FromQuery[str] = "",
        since: FromQuery[str] = "",
        until: FromQuery[str] = "",
        q: FromQuery[str] = "",
        cursor: FromQuery[str] = "",
    ) -> Response[Any]:
        """Search the record of who did what, newest first, and say how far it is verified."""
        search = Search(app=app, outcome=outcome, since=since, until=until, q=q)
        async with portal.read() as tx:
            seal = await seal_state(portal, tx)
            entries = await audit.search(
                tx,
                **await searched(tx, search),
                within=seen(request, tx.now),
                cursor=cursor,
                limit=PAGE + 1,
            )
            shown, following = cut(entries, PAGE, lambda entry: Position(entry.at, entry.id))
            named = {id for e in shown for id in (e.person_id, e.behalf_of_id, person_in(e))}
            who = await people.names(tx, [id for id in named if id])
        may_see = portal.may(actor_of(request), "audit.reveal")
        asked = search.asked()
        view = {
            **seal,
            "filters": _filters(portal, search),
            "query": search.words,
            "entries": [
                _row(portal, entry, who)
                | {"href": f"/admin/audit/{entry.id}/reveal" if may_see else None}
                for entry in shown
            ],
            "next_href": f"/admin/audit?{urlencode({**asked, 'cursor': following})}"
            if following
            else None,
            "exports": [
                {"format": kind, "href": f"/admin/audit.{kind}?{urlencode(asked)}"}
                for kind in ("xlsx", "csv", "jsonl")
            ],
        }
        return await portal.show(request, "admin_audit.html", "page.admin.audit", view)

    @post("/admin/audit/verify", opt=needs("audit.read", body=Nothing))
    async def verify(request: AnyRequest) -> Response[Any]:
        """Begin to verify the record, or lead to the verification that runs."""
        actor = actor_of(request)
        await read_form(request, Nothing, actor)
        async with portal.change(request, "record-verify", "record:all") as tx:
            await portal.services.checks.begin(tx, actor.person_id)
        return portal.done(request, "/admin/audit", "page.admin.seal.begun", status=202)

    @get("/admin/audit/{id:uuid}/reveal", opt=needs("audit.reveal"))
    async def ask_why(request: AnyRequest, id: FromPath[UUID]) -> Response[Any]:
        """Ask why an entry must be seen in full."""
        async with portal.read() as tx:
            entry = await audit.entry(tx, id, within=seen(request, tx.now))
            if entry is None:
                raise NotFound
            named = [i for i in (entry.person_id, entry.behalf_of_id, person_in(entry)) if i]
            about = _row(portal, entry, await people.names(tx, named))
        view = FormView(
            title=Phrase("case.reveal.title"),
            action=f"/admin/audit/{id}/reveal",
            verb=Phrase("case.reveal.act"),
            fields=field_views(RevealForm, "case.reveal"),
            cancel="/admin/audit",
            intro=Phrase(
                "page.admin.record.full.ask",
                {"at": entry.at, "who": about["who"], "act": about["act"]},
            ),
        )
        return await portal.show(request, "form.html", "case.reveal.title", view)

    @post("/admin/audit/{id:uuid}/reveal", opt=needs("audit.reveal", body=RevealForm))
    async def reveal(request: AnyRequest, id: FromPath[UUID]) -> Response[Any]:
        """Show an entry in full, and record who looked and why."""
        sent_form = await read_form(request, RevealForm, actor_of(request))
        async with portal.change(
            request, "record-revealed", f"entry:{id}", reason=sent_form.form.reason
        ) as tx:
            entry = await audit.entry(tx, id, within=seen(request, tx.now))
            if entry is None:
                raise NotFound
            ids = [i for i in (entry.person_id, entry.behalf_of_id, person_in(entry)) if i]
            who = await people.names(tx, ids)
            units = [entry.organization_id] if entry.organization_id else []
            where = await organizations.names(tx, units)
        view = {"facts": _facts(portal, entry, who, where), "back": "/admin/audit"}
        return await portal.show(request, "admin_audit_entry.html", "case.reveal.title", view)

    @get("/admin/outbox", opt=needs("delivery.read"))
    async def outbox(request: AnyRequest) -> Response[Any]:
        """Show the short messages that the simulated provider has sent."""
        async with portal.read() as tx:
            need_everything(tx, request)
            found = await sent(tx)
        view = {"messages": found, "simulated": True, "next_href": None}
        return await portal.show(request, "admin_outbox.html", "page.admin.outbox", view)

    return [record, verify, ask_why, reveal, outbox]


def _filters(portal: Portal, search: Search) -> list[FilterView]:
    apps = [Option(SHELL, Phrase("name"))]
    apps += [Option(name, app_name(portal, name)) for name in portal.apps.instances]
    outcomes = [Option(name, Phrase(f"page.admin.record.{name}")) for name in ("done", "refused")]
    return [
        FilterView(name="app", label=Phrase("page.figures.app"), options=apps, value=search.app),
        FilterView(
            name="outcome",
            label=Phrase("page.admin.outcome"),
            options=outcomes,
            value=search.outcome,
        ),
        FilterView(
            name="since", label=Phrase("page.admin.record.since"), options=[], value=search.since
        ),
        FilterView(
            name="until", label=Phrase("page.admin.record.until"), options=[], value=search.until
        ),
    ]


def _facts(
    portal: Portal, entry: audit.AuditFacts, who: dict[UUID, str], where: dict[UUID, str]
) -> list[FactView]:
    """Return an entry in full: names unmasked, ids and facts as they were recorded."""
    gone = "who" in (entry.erased or ())
    nobody = Phrase(f"page.admin.record.{'erased' if gone else 'visitor'}")
    known: list[tuple[str, Any]] = [
        ("at", entry.at),
        ("who", who.get(entry.person_id, str(entry.person_id)) if entry.person_id else None),
        ("organization", where.get(entry.organization_id) if entry.organization_id else None),
        (
            "behalf",
            who.get(entry.behalf_of_id, str(entry.behalf_of_id)) if entry.behalf_of_id else None,
        ),
        ("delegation", str(entry.delegation_id) if entry.delegation_id else None),
        ("system", entry.system),
        ("act_done", act_words(portal, entry.app, entry.act)),
        ("subject", entry.subject),
        ("person", who.get(about) if (about := person_in(entry)) else None),
        ("outcome", _outcome(portal, entry)),
        ("permission", entry.permission),
        ("granted_by", entry.granted_by),
        ("request", entry.request_id),
        ("sequence", str(entry.sequence) if entry.sequence else Phrase("page.admin.seal.not_yet")),
    ]
    facts = [
        FactView(Phrase(f"page.admin.record.full.{key}"), value) for key, value in known if value
    ]
    if not entry.person_id and not entry.system:
        facts.insert(1, FactView(Phrase("page.admin.record.full.who"), nobody))
    return facts + [FactView(name, str(value)) for name, value in sorted(entry.facts.items())]


def person_in(entry: audit.AuditFacts) -> UUID | None:
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
    elif entry.erased and "who" in entry.erased:
        by = Phrase("page.admin.record.erased")
    elif entry.system:
        by = Phrase("page.admin.record.system")
    if entry.behalf_of_id is not None:
        resident = who.get(entry.behalf_of_id, "")
        by = Phrase("page.admin.record.for", {"who": by, "name": mask_name(resident)})
    elif entry.delegation_id is not None:
        by = Phrase("page.admin.record.delegated", {"who": by})
    return {
        "at": entry.at,
        "who": by,
        "app": Phrase("name") if entry.app == SHELL else app_name(portal, entry.app),
        "act": act_words(portal, entry.app, entry.act),
        "subject": _subject(portal, entry, who),
        "outcome": entry.outcome,
        "permission": entry.permission or "",
        "granted_by": entry.granted_by or "",
    }


def _outcome(portal: Portal, entry: audit.AuditFacts) -> Words:
    key = f"page.admin.record.{entry.outcome}"
    return Phrase(key) if key in portal.renderer.catalogue else entry.outcome


def _subject(portal: Portal, entry: audit.AuditFacts, who: dict[UUID, str]) -> Words:
    if entry.erased and "about" in entry.erased:
        return Phrase("page.admin.record.erased")
    kind, _, id = entry.subject.partition(":")
    person = person_in(entry)
    if person in who:
        return mask_name(who[person])
    if number := entry.facts.get("number"):
        return str(number)
    if kind == "app":
        return app_name(portal, id)
    if kind in ("record", "entry"):
        return Phrase("page.admin.audit")
    return id if kind in ("username", "code", "year") else entry.subject

"""The page of each app, in each state of its life: what it is, who answers for it, and, once it is
on its way out, when it closes, where each function went and what became of its data."""

from datetime import datetime
from typing import Any

import msgspec
from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from sqlalchemy import select
from sqlmodel import col

from core.apps.slots import Gate
from core.audit import SHELL
from core.database import Transaction
from core.governance.archive.service import latest
from core.governance.lifecycle.service import StandingFacts, kept_manifests, standings
from core.governance.lifecycle.steps import OVER
from core.governance.merging.models import Parity
from core.governance.register import RegisterEntry
from plugin_sdk.manifest import Manifest
from plugin_sdk.problems import NotFound
from plugin_sdk.routes import PUBLIC, needs
from plugin_sdk.text import Text
from plugin_sdk.views import Phrase, Words
from portal.frames import DESKS
from portal.pages.context import AnyRequest, Portal

LEAVING = ("sunset", *OVER)
DECIDED = ("merge", "retire")
"""Stages that a review has decided and that nothing was done about yet."""


class FunctionView(msgspec.Struct, frozen=True, kw_only=True):
    """A function as it was called, what serves it now, and where; why nothing does."""

    old: Words | Text
    new: Words | Text
    href: str | None = None


class NextApp(msgspec.Struct, frozen=True, kw_only=True):
    """The app that takes the place of another."""

    name: Text
    href: str


class AboutView(msgspec.Struct, kw_only=True):
    """An app as anybody may read of it. `state` and `mode` are those of its door ('' and 'open'
    beyond it), `said` how it stands in its life, `kept` what becomes of its data; `collected` is
    None of an app whose manifest nobody has."""

    name: Text
    summary: Text | None
    version: str
    owner: str
    contact: str
    filing: str
    legal_basis: str
    state: str
    mode: str
    until: datetime | None
    reason: str
    stage: str
    said: Phrase | None
    kept: Phrase | None
    successor: NextApp | None
    functions: list[FunctionView]
    collected: list[Words] | None
    open_href: str | None
    feedback_href: str


def routes(portal: Portal) -> list[HTTPRouteHandler]:
    """Return the route; a closed app leaves the same page (410)."""

    async def show(request: AnyRequest, app: str, status: int = 200) -> Response[Any]:
        view = await _about(portal, app)
        title = portal.renderer.text(request.scope, Phrase("text", {"text": view.name}))
        return await portal.show(request, "about.html", title, view, status=status)

    async def closed(request: AnyRequest, app: str) -> Response[Any]:
        return await show(request, app, 410)

    portal.renderer.closed = closed

    @get("/about/{app:str}", opt=needs(PUBLIC))
    async def about(request: AnyRequest, app: FromPath[str]) -> Response[Any]:
        """Say what an app does, who answers for it, how it stands, what it replaced."""
        if app == SHELL or app in DESKS:
            return portal.renderer.redirect("/transparency")
        return await show(request, app)

    return [about]


async def _about(portal: Portal, app: str) -> AboutView:
    async with portal.read() as tx:
        register = await portal.governance.register(tx)
        entry = register.get(app)
        if entry is None:
            raise NotFound
        stands = (await standings(tx)).get(app)
        stage = stands.stage if stands else entry.stage
        manifest = portal.apps.manifest(app)
        if manifest is None:
            manifest = (await kept_manifests(tx, list(portal.apps.instances))).get(app)
        kept = await _kept(tx, entry, stage) if stage in LEAVING else None
        next = register.get((stands.successor if stands else None) or "")
        went = await _went(tx, portal, entry, next) if stage in LEAVING else []
    slot = portal.apps.door.slots.get(app)
    gate = slot.gate if slot else portal.apps.door.gone.get(app)
    here, contact = slot is not None, manifest.owner.contact if manifest else None
    return AboutView(
        name=entry.names,
        summary=manifest.identity.summary if manifest else None,
        version=manifest.identity.version if manifest else "",
        owner=entry.owner.name,
        contact=" ".join(filter(None, (contact.name, contact.phone, contact.email)))
        if contact
        else entry.complaints or "",
        filing=entry.filing_number or "",
        legal_basis=manifest.filing.legal_basis if manifest else "",
        state=gate.state if gate and stage not in OVER else "",
        mode=gate.mode if gate else "open",
        until=gate.until if gate else None,
        reason=_why(gate, stage) if slot and gate and slot.app.refusal is None else "",
        stage=stage,
        said=_said(stands, stage),
        kept=kept,
        successor=NextApp(name=next.names, href=f"/about/{next.app}") if next else None,
        functions=went or (_replaced(manifest, app) if manifest and stage not in LEAVING else []),
        collected=[
            Phrase(
                "page.about.reason",
                {"kind": Phrase(f"page.personal.{item.kind}"), "reason": item.reason},
            )
            for item in manifest.data.personal
        ]
        if manifest
        else None,
        open_href=f"/apps/{app}/" if here and gate and gate.serves else None,
        feedback_href=f"/feedback?app={app}" if here else "/feedback",
    )


def _why(gate: Gate, stage: str) -> str:
    """Return the door's reason where it is for everybody: why an app is paused, not why it was
    decided that it goes."""
    return gate.reason if stage not in LEAVING or gate.state == "disabled" else ""


def _said(stands: StandingFacts | None, stage: str) -> Phrase | None:
    if stands is not None and stage in DECIDED:
        return Phrase(f"page.about.decided.{stage}", {"day": stands.since})
    if stands is None or stage not in LEAVING:
        return None
    day = stands.closes_on if stage == "sunset" else stands.since
    return Phrase(f"page.about.stage.{stage}", {"day": day or stands.since})


async def _kept(tx: Transaction, entry: RegisterEntry, stage: str) -> Phrase:
    """Return what becomes of the data of an app on its way out."""
    last = await latest(tx, entry.app) if stage in ("archived", "purged") else None
    if last is None or last.keep_until is None:
        plain = stage if stage in ("sunset", "closed") else f"{stage}_plain"
        return Phrase(f"page.about.kept.{plain}", {"owner": entry.owner.name})
    return Phrase(
        f"page.about.kept.{stage}",
        {"owner": entry.owner.name, "day": last.keep_until, "sum": (last.sha256 or "")[:16]},
    )


async def _went(
    tx: Transaction, portal: Portal, entry: RegisterEntry, next: RegisterEntry | None
) -> list[FunctionView]:
    """Return where each function of an app on its way out went: the proven route of its
    successor, or why there is none."""
    row = Parity
    found = await tx.session.execute(
        select(col(row.function), col(row.route), col(row.waiver)).where(
            col(row.app) == entry.app, col(row.successor) == (next.app if next else "")
        )
    )
    proven = {function: (route, waiver) for function, route, waiver in found}
    manifest = portal.apps.manifest(next.app) if next else None
    known = {f.route: f.name for f in manifest.porting.functions if f.route} if manifest else {}
    names = {f.name.zh: f.name for f in entry.functions if f.waiver is None}
    views = []
    for old in dict.fromkeys([*names, *proven]):
        route, waiver = proven.get(old, ("", ""))
        new: Words | Text = Phrase("page.about.ended")
        if waiver:
            new = waiver
        elif next is not None:
            ask = Phrase("page.about.ask", {"name": next.names})
            new = (known.get(route) or next.names) if route else ask
        href = f"/about/{next.app}" if next and not waiver else None
        if href and next and manifest and _plain(route):
            href = f"/apps/{next.app}{route.removeprefix('GET ')}"
        views.append(FunctionView(old=names.get(old, old), new=new, href=href))
    return views


def _replaced(manifest: Manifest, app: str) -> list[FunctionView]:
    """Return where each function of the app that this one replaced is now."""
    return [
        FunctionView(
            old=item.old,
            new=item.name if item.route else (item.waiver.reason if item.waiver else item.name),
            href=f"/apps/{app}{item.route.removeprefix('GET ')}"
            if item.route and _plain(item.route)
            else None,
        )
        for item in manifest.porting.functions
    ]


def _plain(route: str) -> bool:
    """Return whether a route is a page that a link can lead to as it stands."""
    return route.startswith("GET ") and "{" not in route

"""Home, apps, work, messages, me, search: what a person sees first."""

import asyncio
import contextlib
from datetime import date, datetime, time
from itertools import groupby
from typing import Any
from urllib.parse import quote
from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery

from core.apps.hooks import HookFailure
from core.identity.people import person, posts
from core.identity.sessions import open_sessions
from core.messages import service as messages
from core.work import items
from plugin_sdk.deadlines import CalendarUnknown, remaining
from plugin_sdk.extension import Card, Hit
from plugin_sdk.forms import read_form
from plugin_sdk.identifiers import mask_name, mask_phone
from plugin_sdk.ports import Actor
from plugin_sdk.problems import Denied, NotFound
from plugin_sdk.routes import PUBLIC, SIGNED_IN, actor_of, needs
from plugin_sdk.times import SHANGHAI
from plugin_sdk.views import CaseItem, DeadlineView, FactView, Phrase, Words
from portal.pages.context import AnyRequest, Portal
from portal.pages.session import Nothing

MOST_CARDS = 2
HITS = 3


class Tile(msgspec.Struct, frozen=True, kw_only=True):
    """An app as a tile: where it leads, how it stands, how much of mine waits in it."""

    id: str
    name: str
    summary: str
    category: str
    href: str
    state: str  # normal | paused | read_only
    until: date | None = None
    mine: int = 0


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A work item in a list."""

    id: str
    title: Words
    state_label: Words
    href: str
    deadline: DeadlineView
    unit: str
    opened_at: datetime
    number: str = ""
    kind: Words | None = None
    unread: bool = False
    note: Words | None = None
    acts: list[Any] = []

    @classmethod
    def of_case(cls, case: CaseItem) -> "Row":
        """Return a case of the reader's own as a row."""
        return cls(
            id=case.id,
            title=case.title,
            state_label=case.state_label,
            href=case.href,
            deadline=case.deadline,
            unit=case.unit,
            opened_at=case.opened_at,
            number=case.number,
            kind=case.kind,
        )


class NoticeRow(msgspec.Struct, frozen=True, kw_only=True):
    """A notice in a list; it opens the thing itself."""

    id: str
    title: Words
    text: Words
    app: str
    href: str
    at: datetime
    read: bool


def tiles(portal: Portal, request: AnyRequest, waiting: dict[str, int]) -> list[Tile]:
    """Return the apps that the reader can use, as tiles in order of category and name."""
    actor = actor_of(request)
    now = portal.services.database.clock()
    english = portal.renderer.language(request.scope) == "en"
    found = []
    for name, slot in portal.apps.door.slots.items():
        manifest = portal.apps.manifest(name)
        if manifest is None or slot.gate.mode == "closed":
            continue
        usable = any(
            item.permission == "public" or actor.permits_for(f"{name}.{item.permission}", now)
            for item in manifest.navigation
        ) or any(
            actor.permits_for(f"{name}.{permission.key}", now)
            for permission in manifest.permissions
        )
        if not usable and (actor.signed_in or "resident" not in manifest.audience):
            continue
        state = "normal"
        if slot.gate.state != "enabled":
            state = "paused"
        elif slot.gate.mode == "read_only":
            state = "read_only"
        names, summary = manifest.identity.names, manifest.identity.summary
        found.append(
            Tile(
                id=name,
                name=names.en if english else names.zh,
                summary=summary.en if english else summary.zh,
                category=manifest.identity.category,
                href=f"/apps/{name}/",
                state=state,
                until=slot.gate.until.date() if slot.gate.until else None,
                mine=waiting.get(name, 0),
            )
        )
    return sorted(found, key=lambda tile: (tile.category, tile.name))


def app_name(portal: Portal, app: str) -> Words:
    """Return an app's name in both languages."""
    manifest = portal.apps.manifest(app)
    return Phrase("text", {"text": manifest.identity.names}) if manifest else Phrase("name")


def row_of(portal: Portal, request: AnyRequest, item: items.WorkItemFacts, now: datetime) -> Row:
    """Return a work item as it is listed, with its deadline in words."""
    return Row(
        id=str(item.id),
        title=Phrase(item.title_key, dict(item.params)) if item.title_key else item.title,
        state_label=Phrase(item.label_key, dict(item.params)),
        unit=portal.renderer.text(request.scope, app_name(portal, item.app)),
        href=item.href,
        deadline=deadline_of(portal, item.due_at, now),
        opened_at=item.opened_at,
    )


def deadline_of(portal: Portal, due_at: datetime | None, now: datetime) -> DeadlineView:
    """Return a deadline as people read it."""
    if due_at is None:
        return DeadlineView(kind="none")
    try:
        left = remaining(now, due_at, portal.services.calendar)
    except CalendarUnknown:
        return DeadlineView(kind="unknown", due_at=due_at)
    kind: Any = left.kind
    return DeadlineView(kind=kind, n=left.n, due_at=due_at)


def end_of_day(now: datetime) -> datetime:
    """Return the end of the day in Shanghai."""
    day = now.astimezone(SHANGHAI).date()
    return datetime.combine(day, time.max, SHANGHAI)


async def cards_of(portal: Portal, actor: Actor) -> tuple[list[Card], list[Words]]:
    """Return the apps' cards, and the names of the apps that did not answer."""
    cards: list[Card] = []
    unavailable: list[Words] = []
    for app in portal.apps.hooks.implemented("portal_cards"):
        slot = portal.apps.door.slots.get(app)
        if slot is None or slot.gate.state != "enabled":
            continue
        try:
            found = await portal.apps.hooks.call_async(
                app, "portal_cards", (), hub=portal.apps.hubs[app], actor=actor, seconds=2.0
            )
            cards += found[:MOST_CARDS]
        except HookFailure:
            unavailable.append(app_name(portal, app))
    return cards, unavailable


def request_href(portal: Portal, actor: Actor) -> str | None:
    """Return where a request is filed: the first app that lets this reader begin one."""
    for instance in portal.apps.running:
        for handler in instance.handlers:
            if handler.opt.get("start") and "GET" in handler.http_methods:
                path = min(handler.paths)
                return f"/apps/{instance.app.id}{path}"
    return None


def routes(portal: Portal) -> list[HTTPRouteHandler]:
    """Return the routes."""

    @get("/", opt=needs(PUBLIC))
    async def home(request: AnyRequest) -> Response[Any]:
        """Show what comes next: work before apps before anything else."""
        actor = actor_of(request)
        start = request_href(portal, actor)
        if actor.person_id is None:
            guest: dict[str, Any] = {
                "request_href": start,
                "village_href": None,
                "apps": tiles(portal, request, {}),
                "notices": [],
            }
            return await portal.show(request, "home_guest.html", "frame.slot.home", guest)
        now = portal.services.database.clock()
        async with portal.read() as tx:
            waiting = await items.open_by_app(tx, actor)
            counts = await items.counts(tx, actor, end_of_day(now))
            rows = [row_of(portal, request, r, now) for r in await items.inbox(tx, actor, limit=5)]
            notices = await messages.inbox(tx, actor.person_id, limit=3)
        cards, unavailable = await cards_of(portal, actor)
        view: dict[str, Any] = {
            "tiles": tiles(portal, request, waiting),
            "cards": cards,
            "unavailable": _said(portal, request, unavailable),
            "notices": [_notice(portal, request, notice) for notice in notices],
        }
        if actor.post_id is None:
            own = [Row.of_case(case) for card in cards for case in card.rows]
            view |= {
                "request_href": start,
                "help_href": None,
                "drafts": [],
                "cases": [*rows, *(row for row in own if row.href not in {r.href for r in rows})],
            }
            return await portal.show(request, "home_resident.html", "frame.slot.home", view)
        view |= {
            "rows": rows,
            "counts": {
                "late": {"n": counts.late, "href": "/work?which=late"},
                "today": {"n": counts.today, "href": "/work?which=today"},
                "unsigned": {"n": counts.open, "href": "/work"},
            },
            "next_href": rows[0].href if rows else None,
            "next_due": None,
            "delegations": [],
        }
        return await portal.show(request, "home_staff.html", "frame.slot.home", view)

    @get("/apps", opt=needs(PUBLIC))
    async def apps(request: AnyRequest) -> Response[Any]:
        """Show the apps that the reader can use, by category."""
        actor = actor_of(request)
        waiting: dict[str, int] = {}
        if actor.signed_in:
            async with portal.read() as tx:
                waiting = await items.open_by_app(tx, actor)
        found = tiles(portal, request, waiting)
        groups = [
            {"title": Phrase(f"page.apps.category.{category}"), "tiles": list(group)}
            for category, group in groupby(found, key=lambda tile: tile.category)
        ]
        view = {"pinned": [], "groups": groups, "why_href": "/why"}
        return await portal.show(request, "apps.html", "page.apps.title", view)

    @get("/work", opt=needs(SIGNED_IN))
    async def work(request: AnyRequest, which: FromQuery[str] = "open") -> Response[Any]:
        """Show what waits for the person or their unit: late first."""
        actor = actor_of(request)
        now = portal.services.database.clock()
        chosen: Any = which if which in ("open", "late", "today", "done") else "open"
        async with portal.read() as tx:
            rows = await items.inbox(tx, actor, which=chosen, day_end=end_of_day(now), limit=100)
            counts = await items.counts(tx, actor, end_of_day(now))
        numbers = {"open": counts.open, "late": counts.late, "today": counts.today, "done": None}
        view = {
            "tabs": [
                {
                    "label": Phrase(f"page.work.tab.{name}"),
                    "href": f"/work?which={name}",
                    "current": name == chosen,
                    "n": n,
                }
                for name, n in numbers.items()
            ],
            "rows": [row_of(portal, request, row, now) for row in rows],
            "bulk": [],
            "next_href": None,
            "next_due": None,
            "unavailable": [],
        }
        title = "frame.slot.work_staff" if actor.post_id else "frame.slot.work"
        return await portal.show(request, "work.html", title, view)

    @get("/messages", opt=needs(SIGNED_IN))
    async def message_centre(request: AnyRequest, before: FromQuery[str] = "") -> Response[Any]:
        """Show the person's notices by day, newest first."""
        actor = actor_of(request)
        older = None
        with contextlib.suppress(ValueError):
            older = datetime.fromisoformat(before) if before else None
        if older is not None and older.tzinfo is None:
            older = older.replace(tzinfo=SHANGHAI)
        async with portal.read() as tx:
            found = await messages.inbox(tx, person_of(actor), before=older, limit=31)
        shown = [_notice(portal, request, notice) for notice in found[:30]]
        view = {
            "days": [
                {"day": day, "notices": list(group)}
                for day, group in groupby(shown, key=lambda n: n.at.astimezone(SHANGHAI).date())
            ],
            "read_all": "/messages/read" if any(not notice.read for notice in shown) else None,
            "next_href": f"/messages?before={quote(found[29].at.isoformat())}"
            if len(found) > 30
            else None,
            "now": portal.services.database.clock(),
        }
        return await portal.show(request, "messages.html", "frame.slot.messages", view)

    @get("/messages/{id:uuid}", opt=needs(SIGNED_IN))
    async def open_message(request: AnyRequest, id: FromPath[UUID]) -> Response[Any]:
        """Mark a notice as read and open the thing it speaks of."""
        actor = actor_of(request)
        async with portal.services.database.transaction(write=True) as tx:
            href = await messages.opened(tx, person_of(actor), id)
        if href is None:
            raise NotFound
        return portal.renderer.redirect(href)

    @post("/messages/read", opt=needs(SIGNED_IN))
    async def read_all(request: AnyRequest) -> Response[Any]:
        """Mark every notice of the person as read."""
        actor = actor_of(request)
        await read_form(request, Nothing, actor)
        async with portal.services.database.transaction(write=True) as tx:
            await messages.mark_read(tx, person_of(actor))
        return portal.done(request, "/messages", "page.messages.all_read")

    @get("/me", opt=needs(SIGNED_IN))
    async def me(request: AnyRequest) -> Response[Any]:
        """Show who one is here: posts, sign-ins, display."""
        actor = actor_of(request)
        person_id = person_of(actor)
        async with portal.read() as tx:
            who = await person(tx, person_id)
            held = await posts(tx, [person_id])
            signed_in = await open_sessions(tx, person_id)
        now = portal.services.database.clock()
        facts = [FactView(Phrase("page.me.name"), mask_name(actor.name))]
        if who is not None and who.phone:
            facts.append(FactView(Phrase("page.me.phone"), mask_phone(who.phone)))
        if actor.post_id:
            facts.append(FactView(Phrase("page.me.unit"), actor.organization_name))
            facts.append(FactView(Phrase("page.me.post"), actor.post_title))
        desks = (
            ("admin", "/admin", ("people.read", "apps.operate", "grants.read")),
            ("governance", "/governance", ("usage.read",)),
            ("owner", "/owner/feedback", ("feedback.read",)),
        )
        view = {
            "facts": facts,
            "posts": [
                {
                    "label": f"{item.organization} · {item.title}",
                    "since": item.starts_at.astimezone(SHANGHAI).date(),
                    "current": item.id == actor.post_id,
                }
                for item in held
            ],
            "delegations": [],
            "consents": [],
            "devices": [
                {
                    "text": item.device or "—",
                    "at": item.created_at,
                    "current": item.id == actor.session_id,
                }
                for item in signed_in
            ],
            "sections": [
                {"label": Phrase(f"page.me.desk.{name}"), "href": href}
                for name, href, keys in desks
                if any(actor.permits_for(f"yimen.{key}", now) for key in keys)
            ],
            "recorded_href": "/transparency",
        }
        return await portal.show(request, "me.html", "frame.slot.me", view)

    @get("/search", opt=needs(PUBLIC))
    async def search(request: AnyRequest, q: FromQuery[str] = "") -> Response[Any]:
        """Search apps and what the reader may see in them, by kind, three of each."""
        actor = actor_of(request)
        query = q.strip()[:100]
        hits: list[Hit] = []
        failed: list[str] = []
        if query:
            for tile in tiles(portal, request, {}):
                if query.lower() in f"{tile.name} {tile.summary} {tile.id}".lower():
                    hits.append(
                        Hit(kind="help", title=tile.name, text=tile.summary, href=tile.href)
                    )
            outcomes = await asyncio.gather(
                *(_search(portal, app, actor, query) for app in _searchable(portal))
            )
            for app, result in zip(_searchable(portal), outcomes, strict=True):
                if result is None:
                    failed.append(app)
                else:
                    hits += result
        kinds = [
            {"kind": kind, "hits": found[:HITS], "more_href": None}
            for kind, found in (
                ("apps", [hit for hit in hits if hit.kind == "help"]),
                ("work", [hit for hit in hits if hit.kind == "work"]),
                ("public", [hit for hit in hits if hit.kind == "public"]),
            )
            if found
        ]
        view = {
            "query": query,
            "kinds": kinds,
            "unavailable": _said(portal, request, [app_name(portal, app) for app in failed]),
        }
        return await portal.show(request, "search.html", "frame.search", view)

    return [home, apps, work, message_centre, open_message, read_all, me, search]


def person_of(actor: Actor) -> UUID:
    """Return the person behind an actor of a signed-in route. Raises `Denied`."""
    if actor.person_id is None:
        raise Denied(SIGNED_IN, reason="sign-in")
    return actor.person_id


def _notice(portal: Portal, request: AnyRequest, notice: messages.NoticeFacts) -> NoticeRow:
    words = Phrase(notice.key, dict(notice.params))
    return NoticeRow(
        id=str(notice.id),
        title=words,
        text=words,
        app=portal.renderer.text(request.scope, app_name(portal, notice.app)),
        href=f"/messages/{notice.id}",
        at=notice.at,
        read=notice.read,
    )


def _said(portal: Portal, request: AnyRequest, words: list[Words]) -> list[str]:
    return [portal.renderer.text(request.scope, item) for item in words]


def _searchable(portal: Portal) -> list[str]:
    return [
        app
        for app in portal.apps.hooks.implemented("search")
        if (slot := portal.apps.door.slots.get(app)) and slot.gate.state == "enabled"
    ]


async def _search(portal: Portal, app: str, actor: Actor, query: str) -> list[Hit] | None:
    try:
        found: list[Hit] = await portal.apps.hooks.call_async(
            app,
            "search",
            (),
            hub=portal.apps.hubs[app],
            actor=actor,
            query=query,
            limit=HITS + 1,
            seconds=2.0,
        )
    except HookFailure:
        return None
    return list(found)

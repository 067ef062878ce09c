"""Home, apps, work, messages, me: what a person sees first."""

from itertools import groupby
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery
from pydantic import Field

from core.access.behalf import of_person
from core.access.delegation import DelegationFacts, taken
from core.apps.native import FOR_PROGRAMS
from core.identity.people import person, posts
from core.identity.sessions import open_sessions
from core.messages import service as messages
from core.work import drafts, items
from plugin_sdk.cursors import Position, cut
from plugin_sdk.deadlines import local_day
from plugin_sdk.extension import Card
from plugin_sdk.forms import Form, read_form
from plugin_sdk.identifiers import mask_name, mask_phone
from plugin_sdk.problems import NotFound
from plugin_sdk.routes import PUBLIC, SIGNED_IN, actor_of, needs
from plugin_sdk.times import SHANGHAI
from plugin_sdk.views import FactView, Phrase
from portal.frames import desks_of, last_day
from portal.pages.context import AnyRequest, Portal
from portal.pages.rows import (
    Row,
    cards_of,
    draft_row,
    end_of_day,
    in_words,
    notice_row,
    open_sections,
    person_of,
    request_href,
    row_of,
    tiles,
)
from portal.pages.session import Nothing

WORK_PAGE: Final = 100
MESSAGES_PAGE: Final = 30
BEHALF: Final = "yimen.behalf.act"


class DraftChoice(Form):
    """One of the person's drafts."""

    draft: str = Field(min_length=1, max_length=100)


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
                "open_sections": open_sections(portal, request),
                "apps": tiles(portal, request, {}),
                "notices": [],
            }
            return await portal.show(request, "home_guest.html", "frame.slot.home", guest)
        now = portal.services.database.clock()
        async with portal.read() as tx:
            waiting = await items.open_by_app(tx, actor)
            counts = await items.counts(tx, actor, end_of_day(now))
            rows = [row_of(portal, request, r, now) for r in await items.inbox(tx, actor, limit=5)]
            notices = [] if actor.agent else await messages.inbox(tx, actor.person_id, limit=3)
            begun = [] if actor.agent else await drafts.drafts_of(tx, actor)
            handed = await taken(tx, actor.person_id) if actor.post_id else []
        cards, unavailable = await cards_of(portal, actor)
        own, cases_href = own_cases(cards)
        view: dict[str, Any] = {
            "tiles": tiles(portal, request, waiting),
            "cards": cards,
            "drafts": [draft_row(portal, request, draft) for draft in begun],
            "unavailable": in_words(portal, request, unavailable),
            "notices": [notice_row(portal, request, notice) for notice in notices],
        }
        if actor.post_id is None:
            view |= {
                "request_href": start,
                "help_href": None if actor.agent else "/me/consents",
                "cases_href": cases_href,
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
            "delegations": handed_rows(handed),
        }
        return await portal.show(request, "home_staff.html", "frame.slot.home", view)

    @post("/drafts/discard", opt=needs(SIGNED_IN, body=DraftChoice))
    async def discard(request: AnyRequest) -> Response[Any]:
        """Delete one of the person's drafts."""
        actor = actor_of(request)
        form = (await read_form(request, DraftChoice, actor)).form
        async with portal.write(request) as tx:
            await drafts.drop_draft(tx, drafts.own_key(person_of(actor), form.draft))
        return portal.done(request, "/", "page.home.discarded")

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
        view = {"groups": groups, "why_href": "/why"}
        return await portal.show(request, "apps.html", "page.apps.title", view)

    @get("/work", opt=needs(SIGNED_IN) | FOR_PROGRAMS)
    async def work(
        request: AnyRequest, which: FromQuery[str] = "open", cursor: FromQuery[str] = ""
    ) -> Response[Any]:
        """Show what waits for the person or their unit: late first."""
        actor = actor_of(request)
        now = portal.services.database.clock()
        by_themselves = actor.post_id is None and which != "done"
        chosen: Any = which if which in ("open", "late", "today", "done") else "open"
        async with portal.read() as tx:
            found = await items.inbox(
                tx,
                actor,
                which=chosen,
                day_end=end_of_day(now),
                cursor=cursor,
                limit=WORK_PAGE + 1,
            )
            counts = await items.counts(tx, actor, end_of_day(now))
            nearest = None
            if not found and chosen in ("late", "today"):
                nearest = next((i.due_at for i in await items.inbox(tx, actor, limit=1)), None)
        rows, following = cut(found, WORK_PAGE, items.place)
        cards, unavailable = await cards_of(portal, actor) if by_themselves else ([], [])
        cases, cases_href = own_cases(cards)
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
            "next_href": f"/work?{urlencode({'which': chosen, 'cursor': following})}"
            if following
            else None,
            "next_due": local_day(nearest) if nearest else None,
            "cases": cases,
            "cases_href": cases_href,
            "unavailable": in_words(portal, request, unavailable),
        }
        title = "frame.slot.work_staff" if actor.post_id else "frame.slot.work"
        return await portal.show(request, "work.html", title, view)

    @get("/messages", opt=needs(SIGNED_IN) | FOR_PROGRAMS)
    async def message_centre(request: AnyRequest, cursor: FromQuery[str] = "") -> Response[Any]:
        """Show the person's notices by day, newest first."""
        actor = actor_of(request)
        async with portal.read() as tx:
            found = await messages.inbox(
                tx, person_of(actor), cursor=cursor, limit=MESSAGES_PAGE + 1
            )
        page, following = cut(found, MESSAGES_PAGE, lambda item: Position(item.at, item.id))
        shown = [notice_row(portal, request, notice) for notice in page]
        view = {
            "days": [
                {"day": day, "notices": list(group)}
                for day, group in groupby(shown, key=lambda n: n.at.astimezone(SHANGHAI).date())
            ],
            "read_all": "/messages/read" if any(not notice.read for notice in shown) else None,
            "next_href": f"/messages?{urlencode({'cursor': following})}" if following else None,
            "now": portal.services.database.clock(),
        }
        return await portal.show(request, "messages.html", "frame.slot.messages", view)

    @get("/messages/{id:uuid}", opt=needs(SIGNED_IN))
    async def open_message(request: AnyRequest, id: FromPath[UUID]) -> Response[Any]:
        """Mark a notice as read and open the thing it speaks of."""
        actor = actor_of(request)
        async with portal.write(request) as tx:
            href = await messages.opened(tx, person_of(actor), id)
        if href is None:
            raise NotFound
        return portal.renderer.redirect(href)

    @post("/messages/read", opt=needs(SIGNED_IN))
    async def read_all(request: AnyRequest) -> Response[Any]:
        """Mark every notice of the person as read."""
        actor = actor_of(request)
        await read_form(request, Nothing, actor)
        async with portal.write(request) as tx:
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
            signed_in = await open_sessions(tx, person_id, portal.services.passwords.profile.idle)
            handed = await taken(tx, person_id) if held else []
            consents = [item for item in await of_person(tx, person_id) if item.in_force(tx.now)]
        now = portal.services.database.clock()
        facts = [FactView(Phrase("page.me.name"), mask_name(actor.name))]
        if who is not None and who.phone:
            facts.append(FactView(Phrase("page.me.phone"), mask_phone(who.phone)))
        if actor.post_id:
            facts.append(FactView(Phrase("page.me.unit"), actor.organization_name))
            facts.append(FactView(Phrase("page.me.post"), actor.post_title))
        desks = desks_of(actor, now) | ({"behalf"} if actor.permits_for(BEHALF, now) else set())
        view = {
            "facts": facts,
            "posts": [
                {
                    "label": f"{item.organization} · {item.title}",
                    "since": item.starts_at.astimezone(SHANGHAI).date(),
                    "current": item.id == actor.post_id and actor.delegation is None,
                }
                for item in held
            ],
            "delegations": [
                *handed_rows(handed),
                *([link("page.me.manage_delegations", "/me/delegations")] if held else []),
            ],
            "consents": [
                *(
                    {"text": item.agent or item.organization or "", "href": "/me/consents"}
                    for item in consents
                ),
                link("page.me.manage_consents", "/me/consents"),
            ],
            "security": [
                link("password.title", "/me/password"),
                link("security.me", "/me/security"),
                link("identities.me", "/me/identities"),
                {"text": Phrase("session.count", {"n": len(signed_in)}), "href": "/me/sessions"},
                link("oidc.mine.title", "/me/clients"),
                link("page.tokens.title", "/me/tokens"),
            ],
            "sections": [
                {"label": Phrase(f"page.me.desk.{name}"), "href": f"/{name}"}
                for name in ("admin", "governance", "owner", "behalf")
                if name in desks
            ],
            "recorded_href": "/me/record",
        }
        return await portal.show(request, "me.html", "frame.slot.me", view)

    return [home, discard, apps, work, message_centre, open_message, read_all, me]


def own_cases(cards: list[Card]) -> tuple[list[Row], str]:
    """Return the reader's own cases that the cards name, and where all of them are."""
    rows = [Row.of_case(case) for card in cards for case in card.rows]
    return rows, next((card.href for card in cards if card.rows), "/work")


def handed_rows(handed: list[DelegationFacts]) -> list[dict[str, Any]]:
    """Return the posts that are delegated to one, as links to where that is shown."""
    return [
        {
            "text": Phrase(
                "frame.acting_in",
                {
                    "name": item.giver,
                    "unit": item.organization,
                    "post": item.post,
                    "until": last_day(item.ends_at),
                },
            ),
            "href": "/me/delegations",
        }
        for item in handed
    ]


def link(words: str, href: str) -> dict[str, Any]:
    """Return a link of a list."""
    return {"text": Phrase(words), "href": href}

"""The frame of a page: who reads, where they are, in which language and mode."""

import contextlib
import hashlib
import json
import secrets
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from core.access.delegation import taken
from core.access.granting import everywhere
from core.apps.slots import Gate
from core.database import DatabaseAway, Transaction
from core.hub import Services
from core.identity.people import posts
from core.messages.service import unread
from core.work.pins import Pin, pins_of
from plugin_sdk.deadlines import local_day
from plugin_sdk.identifiers import mask_name
from plugin_sdk.manifest import Manifest
from plugin_sdk.ports import Actor, Audience
from plugin_sdk.times import SHANGHAI
from plugin_sdk.views import Phrase, Words
from portal.front import Exchange
from portal.origins import believed_network
from portal.templating import (
    Banner,
    Flash,
    Link,
    Page,
    PageApp,
    PagePerson,
    PostChoice,
)
from portal.texts import Catalogue

SAID = "said"
LONGEST_PATH = 6000  # of an address within the hub: one may hold what a client asks for
MODES = {"standard", "elder"}
SIZES = {"standard", "large", "huge"}
MAY = {
    "admin": ("yimen.people.read", "yimen.apps.operate", "yimen.grants.read"),
    "governance": ("yimen.usage.read",),
    "owner": ("yimen.usage.read", "yimen.feedback.read"),
}
WHOLE = frozenset({"governance"})
"""Desks that show the whole hub: a grant for a part of it does not lead there."""
DESKS = {  # the shell's own desks, with their sections as apps have theirs
    "admin": (
        ("people", "/people", "people.read"),
        ("organizations", "/organizations", "organizations.read"),
        ("grants", "/grants", "grants.read"),
        ("access", "/access", "grants.read"),
        ("tokens", "/tokens", "people.read"),
        ("apps", "/apps", "apps.read"),
        ("audit", "/audit", "audit.read"),
        ("clients", "/clients", "clients.manage"),
        ("upstreams", "/upstreams", "upstreams.manage"),
        ("outbox", "/outbox", "delivery.read"),
    ),
    "governance": (
        ("portfolio", "", "usage.read"),
        ("register", "/register", "usage.read"),
        ("reports", "/reports", "usage.read"),
        ("policy", "/policy", "usage.read"),
    ),
    "owner": (
        ("apps", "", "usage.read"),
        ("feedback", "/feedback", "feedback.read"),
    ),
}
BESIDE = {  # what an app behind the door adds to a desk: the permission is the app's
    "governance": (("reviews", "/apps/oversight/reviews", "oversight.review.read"),),
}
SLOTS = {"": "home", "work": "work", "apps": "apps", "messages": "messages", "me": "me"}


def keeper_of(actor: Actor) -> str:
    """Return under whose name this device may keep what is not sent yet: '' for nobody's, which
    is a visitor's, that of who acts for another, and anybody's on a public computer."""
    if actor.person_id is None or actor.agent is not None or actor.public_computer:
        return ""
    return hashlib.sha256(f"keeps:{actor.person_id}".encode()).hexdigest()[:20]


class Frames:
    """Makes the frames of pages for their readers."""

    def __init__(
        self,
        services: Services,
        catalogue: Catalogue,
        manifest: Callable[[str], Manifest | None],
        gate: Callable[[str], Gate | None],
    ) -> None:
        self._services = services
        self.catalogue = catalogue
        self._manifest = manifest
        self._gate = gate

    # --- what the reader chose ---------------------------------------------------------

    @staticmethod
    def wants_page(scope: Any) -> bool:
        """Return whether a page is wanted rather than JSON."""
        exchange: Exchange = scope["yimen"]
        return exchange.script or b"text/html" in exchange.accept

    def language(self, scope: Any) -> str:
        """Return the reader's language: chosen on the device, kept with the person, zh-CN."""
        chosen = cookie(scope, "lang")
        if chosen in ("zh-CN", "en"):
            return chosen
        language: str = scope["yimen_actor"].language
        return language

    def text(self, scope: Any, words: Words) -> str:
        """Return words in the reader's language."""
        return self.catalogue.shown(self.language(scope), words)

    def say(self, words: Words, language: str) -> str:
        """See `plugin_sdk.ports.Pages`."""
        return self.catalogue.shown(language, words)

    def network(self, request: Any) -> str:
        """See `plugin_sdk.ports.Pages`."""
        peer = request.client.host if request.client else ""
        forwarded = ",".join(request.headers.getall("x-forwarded-for", []))
        return believed_network(peer, forwarded, self._services.settings.trusted_proxies)

    async def page(
        self,
        scope: Any,
        title: Words,
        *,
        app: str | None = None,
        breadcrumb: tuple[Link, ...] = (),
        banners: tuple[Banner, ...] = (),
    ) -> Page:
        """Return the frame of a page: who is here, where, in which language and mode."""
        actor: Actor = scope["yimen_actor"]
        now = self._services.database.clock()
        language = self.language(scope)
        path = own_path(scope)
        mode = cookie(scope, "mode")
        size = cookie(scope, "size")
        elder = mode == "elder" if mode in MODES else actor.elder
        address = own_path(scope, with_query=True)
        person, waiting = None, 0
        pins: list[Pin] = []
        choices: tuple[PostChoice, ...] = ()
        if actor.person_id is not None:
            with contextlib.suppress(DatabaseAway):  # the page that says so is shown all the same
                async with self._services.database.transaction() as tx:
                    if actor.agent is None:  # what is the resident's own is not shown to who acts
                        choices = await self._choices(tx, actor, language)
                        waiting = await unread(tx, actor.person_id)
                        pins = await pins_of(tx, actor.person_id)
            person = PagePerson(
                name_masked=mask_name(actor.name),
                unit=actor.organization_name,
                post=actor.post_title,
                post_id=actor.seat,
                posts=choices,
            )
        first = path.strip("/").partition("/")[0]
        frame = self._app_frame(app, actor, language, path, now) if app else None
        if first in DESKS:
            frame = self._desk_frame(first, actor, language, path, now)
        slot: Any = SLOTS.get(first)
        return Page(
            title=self.catalogue.shown(language, title),
            lang="en" if language == "en" else "zh-CN",
            mode="elder" if elder else "standard",
            text_size=size if size in SIZES else ("large" if elder else "standard"),  # type: ignore[arg-type]
            compact=cookie(scope, "density") == "compact",
            county=self._services.settings.county,
            person=person,
            current=slot,
            app=frame,
            breadcrumb=breadcrumb,
            banners=(*self._acting(actor, language), *self._leaving(app, language), *banners),
            csrf=actor.csrf,
            keeps=keeper_of(actor),
            form_key=lambda: secrets.token_urlsafe(16),
            path=path,
            site=self._services.settings.public_url,
            address=address,
            may=desks_of(actor, now),
            unread=waiting,
            pins=tuple(
                Link(pin.name, pin.href, _state(pin.href) == _state(address)) for pin in pins
            ),
            flash=self._flash(scope, language),
            printed_at=now,
            fragment=scope["yimen"].script,
        )

    async def _choices(
        self, tx: Transaction, actor: Actor, language: str
    ) -> tuple[PostChoice, ...]:
        """Return the posts one can act in: one's own, then those delegated to one."""
        person_id = actor.person_id
        own = await posts(tx, [person_id]) if person_id else []
        handed = await taken(tx, person_id) if person_id and own else []
        delegation = actor.delegation.id if actor.delegation else None
        return (
            *(
                PostChoice(
                    str(post.id),
                    f"{post.organization} · {post.title}",
                    post.id == actor.post_id and delegation is None,
                )
                for post in own
            ),
            *(
                PostChoice(
                    str(item.id),
                    self.catalogue.text(
                        language,
                        "frame.acting_in",
                        name=item.giver,
                        unit=item.organization,
                        post=item.post,
                        until=last_day(item.ends_at),
                    ),
                    item.id == delegation,
                )
                for item in handed
            ),
        )

    def _acting(self, actor: Actor, language: str) -> tuple[Banner, ...]:
        """Return the band that says for whom one acts, and ends it."""
        if actor.agent is None:
            return ()
        words = self.catalogue.text(
            language,
            "frame.behalf",
            name=mask_name(actor.name),
            until=last_day(actor.agent.until),
        )
        end = self.catalogue.text(language, "frame.behalf_end")
        return (Banner(kind="on_behalf", title=words, href="/behalf/end", link=end),)

    def _leaving(self, app: str | None, language: str) -> tuple[Banner, ...]:
        """Return the band that says when the app one is in closes, and where to go instead."""
        gate = self._gate(app) if app else None
        if gate is None or gate.sunset_at is None:
            return ()
        said = [Phrase("door.sunset", {"day": local_day(gate.sunset_at)})]
        if gate.successor:
            manifest = self._manifest(gate.successor)
            name = manifest.identity.names if manifest else gate.successor
            said.append(Phrase("door.next", {"name": name}))
        gap = " " if language == "en" else ""
        return (
            Banner(
                kind="sunset",
                title=gap.join(self.catalogue.shown(language, words) for words in said),
                text=self.catalogue.text(language, "door.kept"),
                href=f"/about/{app}#functions",
                link=self.catalogue.text(language, "door.where"),
            ),
        )

    def _app_frame(
        self, app: str, actor: Actor, language: str, path: str, now: datetime
    ) -> PageApp | None:
        manifest = self._manifest(app)
        if manifest is None:
            return None
        names = manifest.identity.names
        staff = actor.audience is Audience.STAFF
        sections = tuple(
            Link(
                self.catalogue.shown(language, item.title if staff else item.own or item.title),
                f"/apps/{app}{item.path}",
                path == f"/apps/{app}{item.path}",
            )
            for item in manifest.navigation
            if item.permission == "public"
            or (item.permission == "signed_in" and actor.signed_in)
            or actor.permits_for(f"{app}.{item.permission}", now)
        )[:6]
        return PageApp(app, names.en if language == "en" else names.zh, sections)

    def _desk_frame(
        self, desk: str, actor: Actor, language: str, path: str, now: datetime
    ) -> PageApp:
        within = [f"/{desk}{at}" for _, at, _ in DESKS[desk] if path.startswith(f"/{desk}{at}")]
        here = max(within, key=len, default="")
        sections = tuple(
            Link(
                self.catalogue.text(language, f"page.{desk}.{name}"),
                f"/{desk}{at}",
                f"/{desk}{at}" == here,
            )
            for name, at, permission in DESKS[desk]
            if actor.permits_for(f"yimen.{permission}", now)
        )
        sections += tuple(
            Link(self.catalogue.text(language, f"page.{desk}.{name}"), href, False)
            for name, href, permission in BESIDE.get(desk, ())
            if actor.permits_for(permission, now)
        )
        return PageApp(desk, self.catalogue.text(language, f"frame.{desk}"), sections)

    def _flash(self, scope: Any, language: str) -> Flash | None:
        try:
            said = json.loads(unquote(cookie(scope, SAID) or "{}"))
            if not said:
                return None
            params = {str(k): str(v)[:200] for k, v in said.get("params", {}).items()}
            undo = said.get("undo")
            return Flash(
                self.catalogue.text(language, str(said["key"]), **params),
                undo if isinstance(undo, str) and safe_path(undo) == undo else None,
            )
        except (ValueError, KeyError, AttributeError):
            return None


def desks_of(actor: Actor, now: datetime) -> frozenset[str]:
    """Return the desks of the shell that an actor may go to."""
    return frozenset(
        desk
        for desk, keys in MAY.items()
        for key in keys
        if actor.permits_for(key, now) and (desk not in WHOLE or everywhere(actor, key, now))
    )


def last_day(moment: datetime) -> date:
    """Return the last day on which what ends at a moment is in force."""
    return (moment - timedelta(microseconds=1)).astimezone(SHANGHAI).date()


def cookie(scope: Any, name: str) -> str | None:
    """Return a cookie of the request."""
    start = f"{name}=".encode()
    cookies: bytes = scope["yimen"].cookies
    for part in cookies.split(b"; "):
        if part.startswith(start):
            return part[len(start) :].decode("latin-1")
    return None


def own_path(scope: Any, *, with_query: bool = False) -> str:
    """Return the path of a request as it was asked for, an app's prefix included."""
    # an app's Litestar takes its own prefix off the path
    path: str = scope["path"]
    root = scope.get("root_path", "")
    if root and not path.startswith(root):
        path = root + path
    query = scope.get("query_string", b"").decode("latin-1")
    return f"{path}?{query}" if with_query and query else path


def safe_path(text: str | None) -> str:
    """Return an address within this hub, `/` for anything else (`//evil` and its like)."""
    if not text or len(text) > LONGEST_PATH or not text.startswith("/"):
        return "/"
    plain = unquote(text)
    if any(ord(character) < 33 or character == "\\" for character in plain):
        return "/"
    parts = urlsplit(text)
    if text.startswith("//") or plain.startswith("//") or parts.scheme or parts.netloc:
        return "/"
    return text


def _state(address: str) -> tuple[str, list[tuple[str, str]]]:
    """Return what two addresses of one list have in common, whatever was left empty."""
    parts = urlsplit(address)
    return parts.path, sorted(parse_qsl(parts.query))

"""One's sign-ins: where, since when, by what; ending one, or all others."""

from typing import Any, Final

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from pydantic import Field

from core import audit
from core.audit import SHELL
from core.identity import sessions
from plugin_sdk.forms import Form, read_form
from plugin_sdk.problems import NotFound
from plugin_sdk.routes import SIGNED_IN, actor_of, needs
from plugin_sdk.views import FactView, Phrase
from portal.pages.context import AnyRequest, Portal
from portal.pages.rows import person_of

HANDLE: Final = 16  # characters that name a session on its owner's page: no secret, and not its id
SYSTEMS: Final = (  # as user agents say it, the more particular first
    ("OpenHarmony", "harmony"),
    ("HarmonyOS", "harmony"),
    ("Android", "android"),
    ("iPhone", "iphone"),
    ("iPad", "ipad"),
    ("Windows", "windows"),
    ("Mac OS X", "mac"),
    ("Linux", "linux"),
)
BROWSERS: Final = (
    ("MicroMessenger", "wechat"),
    ("Edg", "edge"),
    ("Firefox", "firefox"),
    ("Chrome", "chrome"),
    ("Safari", "safari"),
)
PROVED: Final = frozenset(
    ("pwd", "sms", "pop", "pwd_otp", "pwd_pop", "sms_otp", "sms_pop", "fed", "fed_fedmfa")
)


class SessionForm(Form):
    """One of one's sign-ins."""

    session: str = Field(min_length=HANDLE, max_length=HANDLE)


def device_in_words(agent: str) -> Phrase:
    """Return what a user agent is, as people call it; programs say something else."""
    if not agent.startswith("Mozilla/"):
        return Phrase("session.device.program" if agent else "session.device.unknown")
    system = next((word for mark, word in SYSTEMS if mark in agent), "other")
    browser = next((word for mark, word in BROWSERS if mark in agent), "other")
    return Phrase(
        "session.device.browser",
        {"browser": Phrase(f"session.browser.{browser}"), "system": Phrase(f"session.on.{system}")},
    )


def proved_in_words(proofs: list[str]) -> Phrase:
    """Return what a sign-in proved (`core.identity.signing_in.Proof`)."""
    key = "_".join(proof for proof in proofs if proof != "mfa")
    return Phrase(f"session.proved.{key if key in PROVED else 'other'}")


def routes(portal: Portal) -> list[HTTPRouteHandler]:
    """Return the routes."""
    services = portal.services
    idle = services.passwords.profile.idle

    @get("/me/sessions", opt=needs(SIGNED_IN))
    async def page(request: AnyRequest) -> Response[Any]:
        """Show where one is signed in."""
        actor = actor_of(request)
        async with portal.read() as tx:
            found = await sessions.open_sessions(tx, person_of(actor), idle)
        view = {
            "sessions": [
                {
                    "handle": one.id[:HANDLE],
                    "title": device_in_words(one.device),
                    "current": one.id == actor.session_id,
                    "public": one.public_computer,
                    "facts": [
                        FactView(Phrase("session.since"), one.created_at),
                        FactView(Phrase("session.seen"), one.seen_at),
                        FactView(Phrase("session.by"), proved_in_words(one.proofs)),
                    ],
                }
                for one in sorted(found, key=lambda one: one.id != actor.session_id)
            ]
        }
        return await portal.show(request, "own_sessions.html", "session.title", view)

    @post("/me/sessions/end", opt=needs(SIGNED_IN, body=SessionForm))
    async def end(request: AnyRequest) -> Response[Any]:
        """End one of one's sign-ins, everywhere at once."""
        form = (await read_form(request, SessionForm, actor_of(request))).form
        async with portal.write(request) as tx:
            actor = actor_of(request)
            found = await sessions.open_sessions(tx, person_of(actor), idle)
            named = [one.id for one in found if one.id.startswith(form.session)]
            if not named:
                raise NotFound
            await sessions.end(tx, named[0])
            await audit.record(tx, actor, SHELL, "session-ended", f"person:{actor.person_id}")
        return portal.done(request, "/me/sessions", "session.ended")

    return [page, end]

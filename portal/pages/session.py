"""Signing in and out; post, language and mode of display."""

from typing import Any, ClassVar, Literal
from uuid import UUID

from litestar import Response, get, post
from litestar.datastructures import Cookie
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromQuery
from pydantic import Field

from core import audit
from core.access.delegation import act_in
from core.apps.native import BEFORE_FACTORS
from core.audit import SHELL
from core.identity import devices, people, sessions, signing_in
from core.identity.passwords import verify_password
from core.identity.signing_in import Proof
from core.identity.throttle import WINDOW_SECONDS, SignInThrottle
from core.identity.upstream import linking
from plugin_sdk.forms import Form, read_form, typed
from plugin_sdk.ports import Actor
from plugin_sdk.problems import Invalid, Problem
from plugin_sdk.routes import PUBLIC, SIGNED_IN, actor_of, needs
from portal.frames import LONGEST_PATH, safe_path
from portal.origins import led_here, page_of
from portal.pages.context import AnyRequest, Portal
from portal.pages.signing_in import YEAR, Entrance
from portal.pages.ways import show_sign_in

LANGUAGES = ("zh-CN", "en")


class SignIn(Form):
    """Name and password."""

    username: str = Field(max_length=100)
    password: str = Field(max_length=1024)
    public_computer: bool = False
    next: str = Field(default="/", max_length=LONGEST_PATH)

    kinds: ClassVar[Any] = {"password": "text"}


class ModeChoice(Form):
    """Standard display or 长辈版."""

    mode: Literal["standard", "elder"]
    back: str = Field(default="/", max_length=1000)


class LanguageChoice(Form):
    """The language of pages."""

    to: Literal["zh-CN", "en"]
    back: str = Field(default="/", max_length=1000)


class SizeChoice(Form):
    """The size of text."""

    size: Literal["standard", "large", "huge"]
    back: str = Field(default="/", max_length=1000)


class DensityChoice(Form):
    """The height of rows in lists, on a desktop."""

    density: Literal["normal", "compact"]
    back: str = Field(default="/", max_length=1000)


class PostChoice(Form):
    """The post to act in: one's own, or a delegation of another's."""

    post: UUID
    back: str = Field(default="/", max_length=1000)


class Nothing(Form):
    """A form that only says that it is this session's own."""

    back: str = Field(default="/", max_length=1000)


def routes(portal: Portal) -> list[HTTPRouteHandler]:
    """Return the routes."""
    services = portal.services
    throttle = SignInThrottle(services.shared)
    entrance = Entrance(portal)

    def display_cookie(name: str, value: str) -> Cookie:
        return Cookie(
            key=name,
            value=value,
            max_age=YEAR,
            path="/",
            secure=services.settings.https,
            samesite="lax",
        )

    @get("/sign-in", opt=needs(PUBLIC) | BEFORE_FACTORS)
    async def page(request: AnyRequest, next: FromQuery[str] = "/") -> Response[Any]:
        """Show the sign-in form."""
        if actor_of(request).signed_in:
            return portal.renderer.redirect(safe_path(next))
        return await show_sign_in(portal, request, safe_path(next))

    async def again(request: AnyRequest, problem: str, username: Any, next: Any) -> Response[Any]:
        where, name = safe_path(str(next or "/")[:LONGEST_PATH]), str(username or "")[:100]
        return await show_sign_in(portal, request, where, username=name, problem=problem)

    @post("/sign-in", opt=needs(PUBLIC, body=SignIn) | BEFORE_FACTORS)
    async def sign_in(request: AnyRequest) -> Response[Any]:
        """Sign in with a name and a password; the same words whichever was wrong."""
        try:
            form = (await read_form(request, SignIn, Actor())).form
        except Invalid:
            if not portal.renderer.wants_page(request.scope):
                raise
            given = await typed(request)
            return await again(
                request, "sign-in-incomplete", given.get("username"), given.get("next")
            )
        target = safe_path(form.next)
        name = form.username.lower()
        device = entrance.device(request)
        known_device = None
        if device:
            async with portal.read() as tx:
                known_device = await devices.known(tx, device, name)
        tried = await throttle.admit(name, portal.network(request), known_device)
        if tried is None:
            wait = {"Retry-After": str(WINDOW_SECONDS)}
            raise Problem("sign-in-too-many", status=429, headers=wait)
        async with portal.read() as tx:
            known = await sessions.credentials(tx, name)
        right = await verify_password(known.password_hash if known else None, form.password)
        if known is None or not right or not known.usable:
            await _note_refusal(portal, known.person_id if known and known.usable else None)
            if not portal.renderer.wants_page(request.scope):
                raise Problem("sign-in-refused", status=401)
            return await again(request, "sign-in-refused", form.username, target)
        browser = entrance.browser(request, public_computer=form.public_computer)
        async with services.database.transaction(write=True) as tx:
            arrived = await signing_in.arrive(
                tx, known.person_id, [Proof.PASSWORD], browser, seconds=entrance.seconds
            )
        await throttle.succeeded(tried)
        return await entrance.answer(request, arrived, target)

    @post("/sign-out", opt=needs(PUBLIC) | BEFORE_FACTORS)
    async def sign_out(request: AnyRequest) -> Response[Any]:
        """End this session everywhere."""
        actor = actor_of(request)
        target = "/"
        if actor.session_id:
            await _own_form(request, actor)
            if Proof.UPSTREAM in actor.proofs and actor.real_person_id:
                async with portal.read() as tx:
                    links = await linking.links_of(tx, actor.real_person_id)
                if links and links[0].open:  # the one used last
                    target = f"/sign-in/with/{links[0].key}/left"
            await entrance.end(actor)
        response = portal.done(request, target, "sign_in.signed_out")
        entrance.drop_session(response)
        return response

    @post("/sign-out-everywhere", opt=needs(SIGNED_IN))
    async def sign_out_everywhere(request: AnyRequest) -> Response[Any]:
        """End every other session of the person, and know no other device any more."""
        actor = actor_of(request)
        await _own_form(request, actor)
        assert actor.person_id is not None  # noqa: S101  (the route is signed_in)
        async with portal.write(request) as tx:
            ended = await sessions.end_all(tx, actor.person_id, but=actor.session_id)
            await signing_in.forget_pending(tx, actor.person_id)
            await devices.forget_others(tx, actor.person_id, entrance.device(request))
            await audit.record(
                tx,
                actor,
                SHELL,
                "signed-out-everywhere",
                f"person:{actor.person_id}",
                facts={"ended": ended},
            )
        return portal.done(request, "/me", "me.signed_out_everywhere", n=ended)

    @post("/post", opt=needs(SIGNED_IN, body=PostChoice))
    async def switch_post(request: AnyRequest) -> Response[Any]:
        """Act in another of one's posts, or in one that is delegated to one."""
        actor = actor_of(request)
        form = (await read_form(request, PostChoice, actor)).form
        assert actor.session_id and actor.person_id  # noqa: S101, PT018  (signed_in)
        async with portal.write(request) as tx:
            own = await sessions.switch_post(tx, actor.session_id, actor.person_id, form.post)
            if not own and not await act_in(tx, actor.session_id, actor.person_id, form.post):
                raise Problem("post-unknown", status=409)
        return portal.done(request, _back(portal, request, form.back), "me.post_switched")

    @get("/language", opt=needs(PUBLIC) | BEFORE_FACTORS)
    async def language(
        request: AnyRequest, to: FromQuery[str] = "zh-CN", back: FromQuery[str] = "/"
    ) -> Response[Any]:
        """Choose the language on this device, by a link on a page of ours; where none led here,
        ask by a form, since any page may hold a link or a picture with this address."""
        if to not in LANGUAGES:
            raise Problem("unknown-choice", status=422)
        if led_here(request.headers, portal.origins):
            return _keep(request, "lang", to, back)
        view = {"back": safe_path(back)}
        return await portal.show(request, "language.html", "ui.language.label", view)

    @post("/language", opt=needs(PUBLIC, body=LanguageChoice) | BEFORE_FACTORS)
    async def choose_language(request: AnyRequest) -> Response[Any]:
        """Choose the language on this device, and for the person who is signed in."""
        form = (await read_form(request, LanguageChoice, actor_of(request))).form
        await _prefer(request, language=form.to)
        return _keep(request, "lang", form.to, form.back)

    @post("/mode", opt=needs(PUBLIC, body=ModeChoice) | BEFORE_FACTORS)
    async def mode(request: AnyRequest) -> Response[Any]:
        """Choose the standard display or 长辈版."""
        form = (await read_form(request, ModeChoice, actor_of(request))).form
        await _prefer(request, elder=form.mode == "elder")
        return _keep(request, "mode", form.mode, form.back)

    @post("/text-size", opt=needs(PUBLIC, body=SizeChoice) | BEFORE_FACTORS)
    async def text_size(request: AnyRequest) -> Response[Any]:
        """Choose the size of text on this device."""
        form = (await read_form(request, SizeChoice, actor_of(request))).form
        return _keep(request, "size", form.size, form.back)

    @post("/density", opt=needs(PUBLIC, body=DensityChoice))
    async def density(request: AnyRequest) -> Response[Any]:
        """Choose the height of rows on this device."""
        form = (await read_form(request, DensityChoice, actor_of(request))).form
        return _keep(request, "density", form.density, form.back)

    async def _prefer(
        request: AnyRequest, *, language: str | None = None, elder: bool | None = None
    ) -> None:
        person_id = actor_of(request).real_person_id
        if person_id is not None:
            async with portal.write(request) as tx:
                await people.set_preferences(tx, person_id, language=language, elder=elder)

    def _keep(request: AnyRequest, name: str, value: str, back: str) -> Response[Any]:
        response = portal.renderer.redirect(_back(portal, request, back))
        response.set_cookie(display_cookie(name, value))
        return response

    return [
        page,
        sign_in,
        sign_out,
        sign_out_everywhere,
        switch_post,
        language,
        choose_language,
        mode,
        text_size,
        density,
    ]


def _back(portal: Portal, request: AnyRequest, named: str) -> str:
    """Return the page a switch stands on: as the browser names it, since a part that was
    swapped in has changed the address under the frame; else as the frame says."""
    return safe_path(page_of(request.headers.get("referer", ""), portal.origins) or named)


async def _own_form(request: AnyRequest, actor: Actor) -> None:
    """Check that a form without fields is this session's own."""
    await read_form(request, Nothing, actor)


async def _note_refusal(portal: Portal, person_id: UUID | None) -> None:
    """Record that somebody, nobody knows who, did not get in: as whom is said where that is an
    account in use. What else was typed as a name may be a number or a password."""
    async with portal.services.database.transaction(write=True) as tx:
        await audit.record(
            tx,
            Actor(),
            SHELL,
            "sign-in-refused",
            f"person:{person_id}" if person_id else "person:?",
            outcome="refused",
        )

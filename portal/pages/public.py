"""What anybody may ask: progress by number, complaints, an app's page, why."""

from typing import Any, ClassVar

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromQuery
from pydantic import Field

from core.access.decisions import explain, role_titles
from core.access.grants import granter_of
from core.audit import SHELL
from core.governance.feedback import file_feedback
from plugin_sdk.forms import Form, field_views, read_form, typed
from plugin_sdk.ports import Actor
from plugin_sdk.problems import Invalid, Problem, field_error
from plugin_sdk.routes import PUBLIC, actor_of, needs
from plugin_sdk.text import Text
from plugin_sdk.views import Option, Phrase, TrackView, Words
from portal.frames import last_day
from portal.pages.admin.permissions import permission_title
from portal.pages.context import AnyRequest, Portal
from portal.pages.rows import app_name

TRIES = 20
TRY_SECONDS = 600


class TrackForm(Form):
    """Number and code of a case."""

    number: str = Field(default="", max_length=80)
    code: str = Field(default="", max_length=40)


class FeedbackForm(Form):
    """A complaint or suggestion about an app."""

    app: str = Field(max_length=64)
    text: str = Field(min_length=2, max_length=2000)
    place: str | None = Field(default=None, max_length=200)
    anonymous: bool = False

    kinds: ClassVar[Any] = {"text": "textarea", "app": "select"}


def routes(portal: Portal) -> list[HTTPRouteHandler]:
    """Return the routes."""
    services = portal.services

    @get("/track", opt=needs(PUBLIC))
    async def track_page(request: AnyRequest, number: FromQuery[str] = "") -> Response[Any]:
        """Ask for number and code; a link may bring the number, never the code: what stands in
        an address is kept by browsers and logs."""
        view = TrackView(number="".join(number.split())[:40], code="", found=False, asked=False)
        return await portal.show(request, "track.html", "page.track.title", view)

    @post("/track", opt=needs(PUBLIC, body=TrackForm))
    async def track(request: AnyRequest) -> Response[Any]:
        """Show a case's public progress by number and code; one answer for either wrong."""
        try:
            form = (await read_form(request, TrackForm, Actor())).form
        except Invalid:  # longer than any number or code: the same answer as for a wrong one
            if not portal.renderer.wants_page(request.scope):
                raise
            given = str((await typed(request)).get("number", ""))[:40]
            view = TrackView(number=given, code="", found=False)
            return await portal.show(request, "track.html", "page.track.title", view, status=422)
        number, code = "".join(form.number.split()), form.code
        view = TrackView(number=number, code="", found=False, asked=bool(number or code))
        if view.asked:
            address = portal.network(request)
            if (
                await services.shared.hit(f"track:{address}", TRY_SECONDS) > TRIES * 5
                or await services.shared.hit(f"track:number:{number}", TRY_SECONDS) > TRIES
            ):
                raise Problem("too-many", status=429, headers={"Retry-After": str(TRY_SECONDS)})
            for instance in portal.apps.running:
                hub = portal.apps.hubs[instance.app.id]
                for engine in instance.engines:
                    async with hub.read(hub.system("track")) as read:
                        found = await engine.track(read, number, code)
                    if found.found:
                        view = found
            if not view.found:
                view.shut = _shut(portal)
        return await portal.show(request, "track.html", "page.track.title", view)

    def feedback_fields(app: str, language: str, **more: Any) -> list[Any]:
        options = [Option(SHELL, Phrase("name"))]
        for name in portal.apps.instances:
            manifest = portal.apps.manifest(name)
            if manifest is not None:
                names = manifest.identity.names
                options.append(Option(name, names.en if language == "en" else names.zh))
        values = {"app": app, **more.pop("values", {})}
        return field_views(
            FeedbackForm, "page.feedback", values=values, options={"app": options}, **more
        )

    def feedback_view(app: str, fields: list[Any], language: str) -> dict[str, Any]:
        manifest = portal.apps.manifest(app)
        return {
            "app": app if manifest else "",
            "app_name": _say(manifest.identity.names, language == "en") if manifest else "",
            "fields": fields,
            "hidden": {},
            "action": "/feedback",
            "number": None,
        }

    @get("/feedback", opt=needs(PUBLIC))
    async def feedback_page(request: AnyRequest, app: FromQuery[str] = "") -> Response[Any]:
        """Show the form for a complaint or suggestion about an app."""
        language = portal.renderer.language(request.scope)
        view = feedback_view(app, feedback_fields(app[:64] or SHELL, language), language)
        return await portal.show(request, "feedback.html", "frame.feedback", view)

    @post("/feedback", opt=needs(PUBLIC, body=FeedbackForm))
    async def file(request: AnyRequest) -> Response[Any]:
        """Send a complaint or suggestion to the app's owner."""
        actor = actor_of(request)
        language = portal.renderer.language(request.scope)
        address = portal.network(request)
        if await services.shared.hit(f"feedback:{address}", 3600) > 30:
            raise Problem("too-many", status=429, headers={"Retry-After": "3600"})
        try:
            form = (await read_form(request, FeedbackForm, actor)).form
            if form.app != SHELL and form.app not in portal.apps.instances:
                raise Invalid(field_error("app", "choice"))
        except Invalid as wrong:
            if not portal.renderer.wants_page(request.scope):
                raise
            given = await typed(request)
            fields = feedback_fields("", language, values=given, errors=wrong.errors)
            view = feedback_view(str(given.get("app", "")), fields, language)
            return await portal.show(request, "feedback.html", "frame.feedback", view, status=422)
        async with portal.write(request) as tx:
            number = await file_feedback(
                tx,
                form.app,
                form.text,
                place=form.place or "",
                person_id=actor.real_person_id,
                anonymous=form.anonymous or not actor.signed_in,
            )
        services.jobs.wake()
        if not portal.renderer.wants_page(request.scope):
            return Response({"number": number}, status_code=201)
        view = feedback_view(form.app, [], language) | {"number": number}
        return await portal.show(request, "feedback.html", "frame.feedback", view, status=201)

    @get("/why", opt=needs(PUBLIC))
    async def why(request: AnyRequest, permission: FromQuery[str] = "") -> Response[Any]:
        """Say by which grant one may do something, or what is missing and who can give it.

        It speaks of the permission, never of an object.
        """
        actor = actor_of(request)
        title = permission_title(portal, permission)
        view: dict[str, Any] = {
            "permission": permission if title else "",
            "title": title or "",
            "allowed": False,
            "missing": "not-granted",
            "role": "",
            "scope": "",
            "grantor": "",
            "starts": None,
            "ends": None,
            "roles": [],
            "granters": [],
            "request_href": None,
        }
        if title is not None:
            async with portal.read() as tx:
                decision = await explain(tx, actor, permission)
                titles = await role_titles(tx)
                grantor = await granter_of(tx, decision.permit.grant) if decision.permit else ""
            english = portal.renderer.language(request.scope) == "en"

            def named(role: str) -> str:
                return titles[role][1 if english else 0] if role in titles else role

            view |= {
                "allowed": decision.allowed,
                "missing": decision.missing,
                "roles": [named(role) for role in decision.roles],
                "granters": list(decision.granters),
                "request_href": f"/why/request?permission={permission}"
                if not decision.allowed and actor.post_id and actor.delegation is None
                else None,
            }
            if decision.permit is not None:
                permit = decision.permit
                scope = portal.renderer.text(request.scope, Phrase(f"page.scope.{permit.scope}"))
                view |= {
                    "role": named(permit.role),
                    "scope": scope,
                    "grantor": grantor,
                    "starts": permit.starts,
                    "ends": last_day(permit.ends) if permit.ends else None,
                }
        return await portal.show(request, "why.html", "page.why.title", view)

    return [
        track_page,
        track,
        feedback_page,
        file,
        why,
    ]


def _say(text: Text, english: bool) -> str:
    return text.en if english else text.zh


def _shut(portal: Portal) -> list[Words]:
    """Return the apps with cases that are shut for now, and why, in words."""
    return [
        Phrase(
            # what broke in a quarantined app is for administrators
            "page.track.shut"
            if slot.gate.reason and slot.gate.state == "disabled"
            else "page.track.shut_unexplained",
            {"app": app_name(portal, name), "reason": slot.gate.reason},
        )
        for name, slot in portal.apps.door.slots.items()
        if slot.instance not in portal.apps.running and slot.instance.engines
    ]

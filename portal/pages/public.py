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
from plugin_sdk.cases.forms import CodeRating
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

    @get(["/track", "/track/rate"], opt=needs(PUBLIC))  # whoever rated may change the language
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
        view = TrackView(number=number, code=code, found=False, asked=bool(number or code))
        if view.asked:
            await count(request, number)
            _, view = await follow(number, code)
        return await portal.show(request, "track.html", "page.track.title", view)

    @post("/track/rate", opt=needs(PUBLIC, body=CodeRating))
    async def rate(request: AnyRequest) -> Response[Any]:
        """Rate, once, how a case was handled, by number and code: for who has no account."""
        page = portal.renderer.wants_page(request.scope)
        try:
            form = (await read_form(request, CodeRating, Actor())).form
            form = form.model_copy(update={"number": "".join(form.number.split())})
        except Invalid as wrong:
            given = await typed(request)
            number, code = (str(given.get(name, ""))[:80] for name in ("number", "code"))
            number = "".join(number.split())
            await count(request, number)
            found, view = await follow(number, code)
            if not page or found is None or not view.rating:
                raise
            errors = {error.field: error.message for error in wrong.errors}
            for one in view.rating:
                one.error, one.value = errors.get(one.name), given.get(one.name)
            return await portal.show(request, "track.html", "page.track.title", view, status=422)
        await count(request, form.number)
        found, view = await follow(form.number, form.code)
        if found is None:
            return await portal.show(request, "track.html", "page.track.title", view, status=404)
        hub, engine = found
        portal.apps.door.refuse_writing(hub.app)
        async with hub.work(hub.system("track")) as work:
            await engine.rate_by_code(work, form)
        services.jobs.wake()
        _, view = await follow(form.number, form.code)
        view.said = Phrase("page.track.rated")
        return await portal.show(request, "track.html", "page.track.title", view)

    async def count(request: AnyRequest, number: str) -> None:
        """Count a try. Raises `Problem` for too many from an address, or for a number."""
        address = portal.network(request)
        if (
            await services.shared.hit(f"track:{address}", TRY_SECONDS) > TRIES * 5
            or await services.shared.hit(f"track:number:{number}", TRY_SECONDS) > TRIES
        ):
            raise Problem("too-many", status=429, headers={"Retry-After": str(TRY_SECONDS)})

    async def follow(number: str, code: str) -> tuple[tuple[Any, Any] | None, TrackView]:
        """Return the app and the procedure of a case, None where number or code is wrong, and what
        is to be seen."""
        for instance in portal.apps.running:
            hub = portal.apps.hubs[instance.app.id]
            for engine in instance.engines:
                async with hub.read(hub.system("track")) as read:
                    view = await engine.track(read, number, code)
                if view.found:
                    if not portal.apps.door.takes(hub.app):
                        view.rating = []
                    return (hub, engine), view
        shut = _shut(portal)
        return None, TrackView(number=number, code="", found=False, shut=shut)

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
        rate,
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

"""The administrator's pages: people, organizations, grants, apps at run time, the record."""

from datetime import date, datetime
from typing import Any, ClassVar, Literal
from uuid import UUID

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery
from pydantic import Field

from core import audit
from core.access import decisions, grants
from core.apps import runtime
from core.apps.hooks import HookFailure
from core.delivery.service import sent
from core.identity import organizations, people
from core.work.calendar import enter_notice
from core.work.holidays import NoticeError
from plugin_sdk.extension import Health
from plugin_sdk.forms import Form, field_views, read_form
from plugin_sdk.identifiers import mask_name
from plugin_sdk.ports import ScopeKind
from plugin_sdk.problems import Invalid, NotFound, Problem, field_error
from plugin_sdk.routes import actor_of, needs
from plugin_sdk.text import Text
from plugin_sdk.views import FilterView, Option, Phrase, Words
from portal.pages.context import SHELL, AnyRequest, Portal
from portal.pages.session import Nothing

ACKNOWLEDGE_SECONDS = 35.0
MOST_HOLDERS = 200


class PersonForm(Form):
    """A new person with a first post."""

    username: str = Field(max_length=63)
    name: str = Field(max_length=100)
    password: str = Field(min_length=8, max_length=128)
    organization: str | None = Field(default=None, max_length=32)
    title: str | None = Field(default=None, max_length=100)


class UnitForm(Form):
    """A new unit of the county."""

    code: str = Field(max_length=32, pattern="^[0-9A-Za-z]+$")
    name: str = Field(max_length=200)
    parent: str = Field(max_length=32)


class GrantForm(Form):
    """A role for a post."""

    username: str = Field(max_length=63)
    role: str = Field(max_length=100)
    scope: Literal["own", "organization", "subtree", "all"]

    kinds: ClassVar[Any] = {"role": "select", "scope": "select"}


class StateForm(Form):
    """Why an app's state is changed."""

    reason: str | None = Field(default=None, max_length=300)


class HolidayForm(Form):
    """The holiday notice of a year: dates, separated by spaces."""

    year: int = Field(ge=2000, le=2100)
    holidays: str = Field(max_length=2000)
    workdays: str | None = Field(default=None, max_length=1000)

    kinds: ClassVar[Any] = {"holidays": "textarea", "workdays": "textarea"}


def routes(portal: Portal) -> list[HTTPRouteHandler]:
    """Return the routes."""
    return [
        *_people(portal),
        *_organizations(portal),
        *_grants(portal),
        *_apps(portal),
        *_record(portal),
    ]


def _side_form(title: str, action: str, fields: list[Any]) -> dict[str, Any]:
    return {
        "title": Phrase(title),
        "action": action,
        "verb": Phrase(title),
        "fields": fields,
        "hidden": {},
    }


def _people(portal: Portal) -> list[HTTPRouteHandler]:
    @get("/admin", opt=needs("people.read"))
    async def admin() -> Response[Any]:
        """Lead to the first of the administrator's pages."""
        return portal.renderer.redirect("/admin/people")

    async def people_page(
        request: AnyRequest, query: str, *, status: int = 200, form: Any = None
    ) -> Response[Any]:
        async with portal.read() as tx:
            found = await people.find(tx, query)
            held = await people.posts(tx, [item.id for item in found])
        may = portal.may(actor_of(request), "people.manage")
        view = {
            "query": query,
            "people": [
                {
                    "id": str(item.id),
                    "name": item.name,
                    "username": item.username,
                    "posts": [
                        f"{post.organization} {post.title}"
                        for post in held
                        if post.person_id == item.id
                    ],
                    "active": not item.disabled,
                    "href": f"/admin/people/{item.id}" if may else None,
                }
                for item in found
            ],
            "forms": [
                _side_form(
                    "page.admin.person.add",
                    "/admin/people",
                    form or field_views(PersonForm, "page.admin.person"),
                )
            ]
            if may
            else [],
            "next_href": None,
            "import_href": None,
        }
        return await portal.show(
            request, "admin_people.html", "page.admin.people", view, status=status
        )

    @get("/admin/people", opt=needs("people.read"))
    async def listing(request: AnyRequest, q: FromQuery[str] = "") -> Response[Any]:
        """Find people by name or user name."""
        return await people_page(request, q.strip()[:100])

    @post("/admin/people", opt=needs("people.manage", body=PersonForm))
    async def add(request: AnyRequest) -> Response[Any]:
        """Add a person, with a first post where one is named."""
        actor = actor_of(request)
        try:
            form = (await read_form(request, PersonForm, actor)).form
            async with portal.change(request, "person-added", f"username:{form.username}") as tx:
                try:
                    person_id = await people.add_person(tx, form.username, form.name, form.password)
                except people.PersonError as error:
                    raise Invalid(field_error("username", error.code)) from None
                if form.organization:
                    unit = await organizations.by_code(tx, form.organization)
                    if unit is None:
                        raise Invalid(field_error("organization", "choice"))
                    await people.add_post(tx, person_id, unit.id, form.title or "-")
        except Invalid as wrong:
            if not portal.renderer.wants_page(request.scope):
                raise
            typed = {k: v for k, v in (await request.form()).items() if k != "password"}
            fields = field_views(PersonForm, "page.admin.person", values=typed, errors=wrong.errors)
            return await people_page(request, "", status=422, form=fields)
        return portal.done(request, "/admin/people", "page.admin.person.added", status=201)

    @get("/admin/people/{id:uuid}", opt=needs("people.manage"))
    async def one(request: AnyRequest, id: FromPath[UUID]) -> Response[Any]:
        """Show a person with posts, grants and what may be done."""
        async with portal.read() as tx:
            who = await people.person(tx, id)
            if who is None:
                raise NotFound
            held = await people.posts(tx, [id], ended=True)
            given = await grants.grants(tx, person_id=id)
        view = {"person": who, "posts": held, "grants": given}
        return await portal.show(request, "admin_person.html", "page.admin.people", view)

    def act(path: str, name: str, said: str, do: Any) -> HTTPRouteHandler:
        @post(path, opt=needs("people.manage", body=Nothing), name=f"admin-{name}")
        async def handler(request: AnyRequest, id: FromPath[UUID]) -> Response[Any]:
            actor = actor_of(request)
            await read_form(request, Nothing, actor)
            async with portal.change(request, name, f"{said}:{id}") as tx:
                try:
                    await do(tx, id)
                except people.PersonError as error:
                    raise Problem(error.code, status=409) from None
            return portal.done(request, "/admin/people", f"page.admin.person.{name}")

        return handler

    async def disable(tx: Any, id: UUID) -> None:
        await people.disable(tx, id)

    acts = [
        act("/admin/people/{id:uuid}/disable", "disabled", "person", disable),
        act("/admin/people/{id:uuid}/enable", "enabled", "person", people.enable),
        act("/admin/posts/{id:uuid}/end", "post-ended", "post", people.end_post),
    ]
    return [admin, listing, add, one, *acts]


def _organizations(portal: Portal) -> list[HTTPRouteHandler]:
    async def page(
        request: AnyRequest, form: Any = None, notice: Any = None, status: int = 200
    ) -> Response[Any]:
        async with portal.read() as tx:
            tree = await organizations.tree(tx)
        actor = actor_of(request)
        forms = []
        if portal.may(actor, "people.manage"):
            forms.append(
                _side_form(
                    "page.admin.unit.add",
                    "/admin/organizations",
                    form or field_views(UnitForm, "page.admin.unit"),
                )
            )
        if portal.may(actor, "calendar.manage"):
            forms.append(
                _side_form(
                    "page.admin.holiday.enter",
                    "/admin/calendar",
                    notice
                    or field_views(
                        HolidayForm, "page.admin.holiday", hints=frozenset({"holidays"})
                    ),
                )
            )
        year = portal.services.database.clock().year + 1
        view = {
            "organizations": tree,
            "forms": forms,
            "calendar_unknown": None if year in portal.services.calendar.known_years else year,
        }
        return await portal.show(
            request, "admin_organizations.html", "page.admin.organizations", view, status=status
        )

    @get("/admin/organizations", opt=needs("organizations.read"))
    async def listing(request: AnyRequest) -> Response[Any]:
        """Show the organizations down to towns and units, and the calendar."""
        return await page(request)

    @post("/admin/organizations", opt=needs("people.manage", body=UnitForm))
    async def add(request: AnyRequest) -> Response[Any]:
        """Add a unit below an organization."""
        try:
            form = (await read_form(request, UnitForm, actor_of(request))).form
            async with portal.change(request, "organization-added", f"code:{form.code}") as tx:
                if await organizations.by_code(tx, form.parent) is None:
                    raise Invalid(field_error("parent", "choice"))
                if await organizations.by_code(tx, form.code) is not None:
                    raise Invalid(field_error("code", "taken"))
                await organizations.add_unit(tx, form.code, form.name, "unit", form.parent)
        except Invalid as wrong:
            if not portal.renderer.wants_page(request.scope):
                raise
            typed = dict((await request.form()).items())
            fields = field_views(UnitForm, "page.admin.unit", values=typed, errors=wrong.errors)
            return await page(request, form=fields, status=422)
        return portal.done(request, "/admin/organizations", "page.admin.unit.added", status=201)

    @post("/admin/calendar", opt=needs("calendar.manage", body=HolidayForm))
    async def holidays(request: AnyRequest) -> Response[Any]:
        """Enter the holiday notice of a year; what waited for it is dated soon."""
        try:
            form = (await read_form(request, HolidayForm, actor_of(request))).form
            days = _dates("holidays", form.holidays)
            worked = _dates("workdays", form.workdays or "")
            async with portal.change(request, "holidays-entered", f"year:{form.year}") as tx:
                try:
                    await enter_notice(tx, form.year, days, worked)
                except NoticeError:
                    raise Invalid(field_error("holidays", "date")) from None
        except Invalid as wrong:
            if not portal.renderer.wants_page(request.scope):
                raise
            typed = dict((await request.form()).items())
            fields = field_views(
                HolidayForm, "page.admin.holiday", values=typed, errors=wrong.errors
            )
            return await page(request, notice=fields, status=422)
        await portal.services.refresh_calendar()
        return portal.done(request, "/admin/organizations", "page.admin.holiday.entered")

    return [listing, add, holidays]


def _dates(field: str, text: str) -> list[date]:
    try:
        return [date.fromisoformat(word) for word in text.replace(",", " ").split()]
    except ValueError:
        raise Invalid(field_error(field, "date")) from None


def _grants(portal: Portal) -> list[HTTPRouteHandler]:
    def permissions() -> list[Option]:
        found = []
        for role in grants.shell_roles():
            for key in role.permissions:
                short = key.removeprefix(f"{SHELL}.")
                found.append(Option(key, Phrase(f"page.permission.{short}"), group="Yimen"))
        unique = {option.value: option for option in found}
        for name in portal.apps.instances:
            manifest = portal.apps.manifest(name)
            for item in manifest.permissions if manifest else ():
                label = Phrase("text", {"text": item.title})
                unique[f"{name}.{item.key}"] = Option(f"{name}.{item.key}", label, group=name)
        return list(unique.values())

    async def page(
        request: AnyRequest,
        permission: str,
        *,
        status: int = 200,
        errors: Any = (),
        typed: Any = None,
    ) -> Response[Any]:
        actor = actor_of(request)
        english = portal.renderer.language(request.scope) == "en"
        async with portal.read() as tx:
            holders = await decisions.who_may(tx, permission) if permission else []
            given = await grants.grants(tx)
            titles = await decisions.role_titles(tx)

        def role(key: str) -> str:
            return titles[key][1 if english else 0] if key in titles else key

        def scope(kind: str) -> str:
            return portal.renderer.text(request.scope, Phrase(f"page.scope.{kind}"))

        may = portal.may(actor, "grants.manage")
        roles = [
            Option(key, Phrase("text", {"text": Text(zh, en)}), group=key.partition(".")[0])
            for key, (zh, en) in titles.items()
        ]
        scopes = [
            Option(kind, Phrase(f"page.scope.{kind}")) for kind in ScopeKind if kind != "named"
        ]
        fields = field_views(
            GrantForm,
            "page.admin.grant",
            values=typed,
            errors=errors,
            options={"role": roles, "scope": scopes},
        )
        view = {
            "permission": permission,
            "permissions": permissions(),
            "asked": bool(permission),
            "holders": [
                {
                    "name": mask_name(item.name),
                    "organization": item.organization,
                    "post": item.post,
                    "role": role(item.role),
                    "scope": scope(item.scope),
                    "ends_at": item.ends_at,
                }
                for item in holders
            ],
            "grants": [
                {
                    "id": str(item.id),
                    "person": mask_name(item.person),
                    "organization": item.organization,
                    "post": item.post,
                    "role": role(item.role),
                    "scope": scope(item.scope),
                    "starts_at": item.starts_at,
                    "ends_at": item.ends_at,
                    "withdraw": f"/admin/grants/{item.id}/withdraw" if may else None,
                }
                for item in given
            ],
            "forms": [_side_form("page.admin.grant.add", "/admin/grants", fields)] if may else [],
        }
        return await portal.show(
            request, "admin_grants.html", "page.admin.grants", view, status=status
        )

    @get("/admin/grants", opt=needs("grants.read"))
    async def listing(request: AnyRequest, permission: FromQuery[str] = "") -> Response[Any]:
        """Say who may do a thing, and list the grants in force."""
        return await page(request, permission.strip()[:100])

    @post("/admin/grants", opt=needs("grants.manage", body=GrantForm))
    async def give(request: AnyRequest) -> Response[Any]:
        """Give a role to a person's first post."""
        actor = actor_of(request)
        try:
            form = (await read_form(request, GrantForm, actor)).form
            async with portal.change(
                request, "granted", f"username:{form.username}", role=form.role, scope=form.scope
            ) as tx:
                found = [
                    item
                    for item in await people.find(tx, form.username)
                    if item.username == form.username
                ]
                held = await people.posts(tx, [found[0].id]) if found else []
                if not held:
                    raise Invalid(field_error("username", "post-unknown"))
                try:
                    await grants.grant(
                        tx,
                        held[0].id,
                        form.role,
                        ScopeKind(form.scope),
                        granted_by=actor.person_id,
                    )
                except grants.GrantError as error:
                    field = "username" if "oneself" in error.code else "role"
                    raise Invalid(field_error(field, error.code)) from None
        except Invalid as wrong:
            if not portal.renderer.wants_page(request.scope):
                raise
            typed = dict((await request.form()).items())
            return await page(request, "", status=422, errors=wrong.errors, typed=typed)
        return portal.done(request, "/admin/grants", "page.admin.grant.added", status=201)

    @post("/admin/grants/{id:uuid}/withdraw", opt=needs("grants.manage", body=Nothing))
    async def take(request: AnyRequest, id: FromPath[UUID]) -> Response[Any]:
        """Take a grant back: refused everywhere once this has answered."""
        await read_form(request, Nothing, actor_of(request))
        async with portal.change(request, "grant-withdrawn", f"grant:{id}") as tx:
            try:
                await grants.withdraw(tx, id)
            except grants.GrantError:
                raise NotFound from None
        return portal.done(request, "/admin/grants", "page.admin.grant.withdrawn")

    return [listing, give, take]


def _apps(portal: Portal) -> list[HTTPRouteHandler]:
    @get("/admin/apps", opt=needs("apps.read"))
    async def listing(request: AnyRequest) -> Response[Any]:
        """Show every app's state, and how many workers run it."""
        async with portal.read() as tx:
            gates = await runtime.gates(tx)
            events = await runtime.recent(tx)
        may = portal.may(actor_of(request), "apps.operate")
        english = portal.renderer.language(request.scope) == "en"
        view = {
            "apps": [
                await _app(portal, name, gates.get(name), may=may, english=english)
                for name in portal.apps.instances
            ],
            "history": [
                {
                    "at": event.at,
                    "app": event.app,
                    "what": Phrase(f"page.app.event.{event.what}"),
                    "who": str(event.facts.get("reason", "")),
                }
                for event in events
            ],
        }
        return await portal.show(request, "admin_apps.html", "page.admin.apps", view)

    @post("/admin/apps/{app:str}/{act:str}", opt=needs("apps.operate", body=StateForm))
    async def change(request: AnyRequest, app: FromPath[str], act: FromPath[str]) -> Response[Any]:
        """Enable, drain or disable an app; answer once every worker follows (or is late)."""
        states = {"enable": "enabled", "drain": "draining", "disable": "disabled"}
        if act not in states or app not in portal.apps.instances:
            raise NotFound
        actor = actor_of(request)
        form = (await read_form(request, StateForm, actor)).form
        async with portal.change(request, f"app-{act}", f"app:{app}", reason=form.reason or ""):
            pass
        number = await portal.apps.change(
            app, state=states[act], reason=form.reason or "", by=actor.person_id
        )
        known = await portal.apps.until_acknowledged(number, ACKNOWLEDGE_SECONDS)
        return portal.done(
            request,
            "/admin/apps",
            f"page.admin.app_did.{act}",
            applied=known.ready,
            workers=known.live,
        )

    return [listing, change]


async def _app(portal: Portal, name: str, gate: Any, *, may: bool, english: bool) -> dict[str, Any]:
    slot = portal.apps.door.slots[name]
    manifest = portal.apps.manifest(name)
    known = await portal.apps.acknowledged(gate.generation if gate else 0)
    refusal = slot.app.refusal
    state = slot.gate.state
    error: Words | None = None
    if refusal is not None:
        error = Phrase("page.app.refused", {"code": refusal.code, "detail": refusal.detail})
    elif state == "enabled":
        error = await _unwell(portal, name)
    acts = {"enabled": ("drain", "disable"), "draining": ("enable", "disable")}.get(
        state, ("enable",)
    )
    names = manifest.identity.names if manifest else None
    return {
        "id": name,
        "name": (names.en if english else names.zh) if names else name,
        "version": manifest.identity.version if manifest else "",
        "level": manifest.porting.level if manifest else "",
        "state": state,
        "mode": slot.gate.mode,
        "reason": slot.gate.reason if refusal is None else "",
        "error": error,
        "applied": known.ready,
        "workers": known.live,
        "breaker": None if slot.instance.breaker.closed else Phrase("page.app.breaker_open"),
        "href": f"/about/{name}",
        "acts": [{"verb": verb, "action": f"/admin/apps/{name}/{verb}"} for verb in acts]
        if may and refusal is None
        else [],
    }


async def _unwell(portal: Portal, name: str) -> Words | None:
    """Return in words why an app cannot do its work, None when it says it can."""
    try:
        state: Health = await portal.apps.hooks.call_async(
            name, "health", Health(ok=True), hub=portal.apps.hubs[name], seconds=2.0
        )
    except HookFailure as failure:
        return Phrase("page.app.unwell", {"detail": str(failure)})
    return None if state.ok else Phrase("page.app.unwell", {"detail": state.detail})


def _record(portal: Portal) -> list[HTTPRouteHandler]:
    @get("/admin/audit", opt=needs("audit.read"))
    async def record(
        request: AnyRequest,
        app: FromQuery[str] = "",
        q: FromQuery[str] = "",
        before: FromQuery[str] = "",
    ) -> Response[Any]:
        """Search the record of who did what, newest first."""
        older = None
        if before:
            try:
                older = datetime.fromisoformat(before)
            except ValueError:
                raise Problem("bad-cursor") from None
        async with portal.read() as tx:
            entries = await audit.search(
                tx, app=app or None, subject=q.strip() or None, before=older, limit=51
            )
            who = await people.names(tx, [e.person_id for e in entries if e.person_id])
        shown = entries[:50]
        apps = [Option(SHELL, Phrase("name")), *(Option(n, n) for n in portal.apps.instances)]
        view = {
            "seal": {"ok": None, "sentence": Phrase("page.admin.seal_later")},
            "verify": None,
            "filters": [
                FilterView(name="app", label=Phrase("page.figures.app"), options=apps, value=app)
            ],
            "query": q,
            "entries": [
                {
                    "at": entry.at,
                    "who": mask_name(who[entry.person_id])
                    if entry.person_id in who
                    else (entry.system or "-"),
                    "app": entry.app,
                    "act": entry.act,
                    "subject": entry.subject,
                    "outcome": entry.outcome,
                    "permission": entry.permission or "",
                    "granted_by": entry.granted_by or "",
                }
                for entry in shown
            ],
            "next_href": f"/admin/audit?app={app}&q={q}&before={shown[-1].at.isoformat()}".replace(
                "+", "%2B"
            )
            if len(entries) > 50
            else None,
            "export_href": None,
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

"""Acting for a resident (代办): consents, beginning and ending, and what was done."""

from datetime import date
from typing import Any, ClassVar, Literal
from uuid import UUID

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from pydantic import Field

from core import audit
from core.access import behalf
from core.access.grants import GrantError
from core.access.loading import BEHALF
from core.audit import SHELL
from core.database import Transaction
from core.delivery.service import send_sms
from core.identity import people
from core.messages.service import send
from plugin_sdk.forms import Form, field_views, read_form, typed
from plugin_sdk.identifiers import mask_name
from plugin_sdk.ports import Actor, To
from plugin_sdk.problems import Conflict, FieldError, Invalid, NotFound, field_error
from plugin_sdk.routes import PUBLIC, SIGNED_IN, actor_of, needs
from plugin_sdk.views import Option, Phrase, Words
from portal.frames import last_day
from portal.pages.acts import act_words
from portal.pages.admin.side import side_form
from portal.pages.context import AnyRequest, Portal
from portal.pages.delegations import end_of, person_named
from portal.pages.groups import TEMPLATE, Act, Group, Line, groups_view
from portal.pages.rows import person_of
from portal.pages.session import Nothing

FIELDS = {
    "consent-over": "ends_on",
    "consent-long": "ends_on",
    "consent-given": "evidence",
    "consent-scope": "scope",
}


class ConsentForm(Form):
    """What a worker writes down when a resident lets them act."""

    username: str = Field(max_length=63)
    scope: str = Field(max_length=200)
    given: Literal["in-person", "phone", "written"]
    evidence: str = Field(max_length=500)
    whole_unit: bool = False
    ends_on: date

    kinds: ClassVar[Any] = {"scope": "select", "given": "select", "evidence": "textarea"}


class OwnConsentForm(Form):
    """A resident lets a worker act."""

    username: str = Field(max_length=63)
    scope: str = Field(max_length=200)
    ends_on: date

    kinds: ClassVar[Any] = {"scope": "select"}


def routes(portal: Portal) -> list[HTTPRouteHandler]:
    """Return the routes."""

    def scopes() -> dict[str, Words]:
        """Return what residents can let others do: whole apps, and single permissions."""
        found: dict[str, Words] = {}
        for name in portal.apps.instances:
            manifest = portal.apps.manifest(name)
            open_to = [
                item
                for item in (manifest.permissions if manifest else ())
                if "resident" in item.audience
            ]
            if manifest is None or not open_to:
                continue
            found[name] = Phrase("page.behalf.whole_app", {"app": manifest.identity.names})
            for item in open_to:
                found[f"{name}.{item.key}"] = Phrase("text", {"text": item.title})
        return found

    def options() -> list[Option]:
        return [Option(key, words, group=key.partition(".")[0]) for key, words in scopes().items()]

    def line(item: behalf.ConsentFacts, title: str, acts: list[Act], *, over: bool = False) -> Line:
        known = scopes()
        return Line(
            id=str(item.id),
            title=title,
            facts=[
                *(known.get(key, key) for key in item.scope),
                Phrase("page.why.until", {"date": last_day(item.ends_at)}),
                Phrase(f"page.behalf.given.{item.given}"),
                # of what was given here it is the number of a request, for the record
                *([item.evidence] if item.given != "online" else []),
            ],
            badge=Phrase("page.behalf.over") if over else None,
            acts=acts,
            over=over,
        )

    async def keep(
        tx: Transaction, form: ConsentForm | OwnConsentForm, username_is: str, **more: Any
    ) -> UUID:
        if form.scope not in scopes():
            raise Invalid(field_error("scope", "choice"))
        try:
            return await behalf.record_consent(
                tx, scope=(form.scope,), ends_at=end_of(form.ends_on), **more
            )
        except GrantError as error:
            code = username_is if error.code in ("consent-agent", "consent-person") else error.code
            raise Invalid(field_error(FIELDS.get(error.code, "username"), code)) from None

    # --- the worker ----------------------------------------------------------------------

    async def desk(
        request: AnyRequest, *, status: int = 200, given: Any = None, errors: Any = ()
    ) -> Response[Any]:
        actor = actor_of(request)
        async with portal.read() as tx:
            found = await behalf.usable(tx, actor)
        fields = field_views(
            ConsentForm,
            "page.behalf",
            values=given,
            errors=errors,
            options={
                "scope": options(),
                "given": [
                    Option(kind, Phrase(f"page.behalf.given.{kind}")) for kind in behalf.GIVEN[:3]
                ],
            },
            hints=frozenset({"username", "evidence"}),
        )
        lines = [
            line(
                item,
                mask_name(item.person),
                [
                    Act(f"/behalf/{item.id}/begin", Phrase("page.behalf.begin")),
                    Act(f"/behalf/{item.id}/withdraw", Phrase("page.behalf.withdraw"), danger=True),
                ],
            )
            for item in found
        ]
        group = Group(Phrase("page.behalf.residents"), Phrase("page.behalf.nobody"), lines)
        view = groups_view(
            Phrase("page.behalf.title"),
            Phrase("page.behalf.intro"),
            [group],
            [side_form("page.behalf.record", "/behalf", fields)],
        )
        return await portal.show(request, TEMPLATE, "page.behalf.title", view, status=status)

    @get("/behalf", opt=needs("behalf.act"))
    async def listing(request: AnyRequest) -> Response[Any]:
        """Show the residents for whom one may act."""
        return await desk(request)

    @post("/behalf", opt=needs("behalf.act", body=ConsentForm))
    async def record(request: AnyRequest) -> Response[Any]:
        """Record a consent that was given to oneself or one's unit; the resident is told."""
        actor = actor_of(request)
        await portal.count_hit(f"consent:{actor.person_id}")
        try:
            form = (await read_form(request, ConsentForm, actor)).form
            async with portal.change(
                request, "consent-recorded", f"username:{form.username}", scope=form.scope
            ) as tx:
                resident = await person_named(tx, form.username)
                if resident is None:
                    raise Invalid(field_error("username", "consent-person"))
                await keep(
                    tx,
                    form,
                    "consent-person",
                    person_id=resident,
                    agent_id=None if form.whole_unit else actor.person_id,
                    organization_id=actor.organization_id if form.whole_unit else None,
                    given=form.given,
                    evidence=form.evidence,
                    by=person_of(actor),
                )
                await _tell(portal, tx, resident, actor, form.ends_on)
        except Invalid as wrong:
            if not portal.renderer.wants_page(request.scope):
                raise
            return await desk(request, status=422, errors=wrong.errors, given=await typed(request))
        portal.services.jobs.wake()
        return portal.done(request, "/behalf", "page.behalf.recorded", status=201)

    @post("/behalf/{id:uuid}/begin", opt=needs("behalf.act", body=Nothing))
    async def begin(request: AnyRequest, id: FromPath[UUID]) -> Response[Any]:
        """Act for a resident from now on, in what they consented to."""
        actor = actor_of(request)
        await read_form(request, Nothing, actor)
        async with portal.write(request) as tx:
            resident = await behalf.begin(tx, actor_of(request), id)
            if resident is None:
                if actor.delegation is not None:
                    raise Conflict("behalf-delegated")
                raise NotFound
            # it is the first of what the resident sees was done for them
            await audit.record(
                tx, resident, SHELL, "behalf-begun", f"consent:{id}", permission=BEHALF
            )
        return portal.done(request, "/", "behalf.begun", name=mask_name(resident.name))

    @post("/behalf/end", opt=needs(PUBLIC, body=Nothing))
    async def end(request: AnyRequest) -> Response[Any]:
        """Act for oneself again."""
        actor = actor_of(request)
        await read_form(request, Nothing, actor)
        if actor.agent is not None:
            async with portal.change(
                request, "behalf-ended", f"consent:{actor.agent.consent_id}"
            ) as tx:
                await behalf.finish(tx, actor)
        return portal.done(request, "/behalf" if actor.signed_in else "/", "behalf.ended")

    # --- the resident --------------------------------------------------------------------

    async def own(
        request: AnyRequest,
        *,
        status: int = 200,
        given: Any = None,
        errors: tuple[FieldError, ...] = (),
    ) -> Response[Any]:
        person_id = person_of(actor_of(request))
        async with portal.read() as tx:
            found = await behalf.of_person(tx, person_id)
            done = await audit.search(tx, behalf_of_id=person_id, limit=50)
            who = await people.names(tx, [e.person_id for e in done if e.person_id])
            now = tx.now
        lines = []
        for item in found:
            over = not item.in_force(now)
            act = Act(f"/me/consents/{item.id}/end", Phrase("page.behalf.stop"), danger=True)
            title = item.agent or item.organization or ""
            lines.append(line(item, title, [] if over else [act], over=over))
        acts = [
            Line(
                id=str(entry.id),
                title=act_words(portal, entry.app, entry.act),
                facts=[
                    Phrase("page.behalf.at", {"at": entry.at}),
                    *([who[entry.person_id]] if entry.person_id in who else []),
                ],
            )
            for entry in done
        ]
        fields = field_views(
            OwnConsentForm,
            "page.behalf.own",
            values=given,
            errors=errors,
            options={"scope": options()},
            hints=frozenset({"username"}),
        )
        view = groups_view(
            Phrase("page.behalf.own.title"),
            Phrase("page.behalf.own.intro"),
            [
                Group(Phrase("page.behalf.own.who"), Phrase("page.behalf.own.nobody"), lines),
                Group(Phrase("page.behalf.own.done"), Phrase("page.behalf.own.nothing"), acts),
            ],
            [side_form("page.behalf.own.add", "/me/consents", fields)],
        )
        return await portal.show(request, TEMPLATE, "page.behalf.own.title", view, status=status)

    @get("/me/consents", opt=needs(SIGNED_IN))
    async def consents(request: AnyRequest) -> Response[Any]:
        """Show who may act for one, and what was done."""
        return await own(request)

    @post("/me/consents", opt=needs(SIGNED_IN, body=OwnConsentForm, fresh=True))
    async def consent(request: AnyRequest) -> Response[Any]:
        """Let a worker act for oneself, in one app or for one thing, until a day."""
        actor = actor_of(request)
        await portal.count_hit(f"consent:{actor.real_person_id}")
        try:
            form = (await read_form(request, OwnConsentForm, actor)).form
            async with portal.change(
                request, "consent-given", f"username:{form.username}", scope=form.scope
            ) as tx:
                worker = await person_named(tx, form.username)
                if worker is None:
                    raise Invalid(field_error("username", "consent-agent"))
                await keep(
                    tx,
                    form,
                    "consent-agent",
                    person_id=person_of(actor),
                    agent_id=worker,
                    given="online",
                    evidence=f"request {request.scope['yimen'].id}",  # type: ignore[typeddict-item]
                    by=person_of(actor),
                )
                words = Phrase("behalf.given", {"name": mask_name(actor.name)})
                await send(tx, SHELL, To(person_id=worker), words, "/behalf")
        except Invalid as wrong:
            if not portal.renderer.wants_page(request.scope):
                raise
            return await own(request, status=422, errors=wrong.errors, given=await typed(request))
        portal.services.jobs.wake()
        return portal.done(request, "/me/consents", "page.behalf.own.added", status=201)

    def ending(path: str, permission: str, after: str, name: str) -> HTTPRouteHandler:
        @post(path, opt=needs(permission, body=Nothing), name=name)
        async def handler(request: AnyRequest, id: FromPath[UUID]) -> Response[Any]:
            """End a consent: refused everywhere once this has answered."""
            actor = actor_of(request)
            await read_form(request, Nothing, actor)
            async with portal.change(request, "consent-ended", f"consent:{id}") as tx:
                try:
                    await behalf.revoke_consent(tx, id, by=actor)
                except GrantError:
                    raise NotFound from None
            return portal.done(request, after, "behalf.stopped")

        return handler

    stop = ending("/me/consents/{id:uuid}/end", SIGNED_IN, "/me/consents", "consent-end")
    withdraw = ending("/behalf/{id:uuid}/withdraw", "behalf.act", "/behalf", "behalf-withdraw")
    return [listing, record, begin, end, consents, consent, stop, withdraw]


async def _tell(
    portal: Portal, tx: Transaction, resident: UUID, worker: Actor, until: date
) -> None:
    """Tell a resident that somebody wrote down their consent: they alone know whether it is so."""
    words = Phrase(
        "behalf.recorded",
        {"name": worker.name, "unit": worker.organization_name, "until": until},
    )
    await send(tx, SHELL, To(person_id=resident), words, "/me/consents")
    facts = await people.person(tx, resident)
    if facts is not None and facts.phone:
        said = portal.renderer.say(words, "zh-CN")
        await send_sms(tx, facts.phone, said, shown=said)

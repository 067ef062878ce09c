"""The pages of whoever minds the applications: their keys, and what they filed."""

from typing import Any, Final
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from pydantic import Field

from plugin_sdk.forms import Form, Submission, read_form
from plugin_sdk.identifiers import mask_name, mask_phone
from plugin_sdk.ports import Answer, Read, Work
from plugin_sdk.routes import actor_of, needs, respond
from plugin_sdk.taking import BLANK, Of, Typed, form_routes, keeping, take
from plugin_sdk.views import FactView, FormView, Phrase
from plugins.hotline.desk import OrderDesk
from plugins.hotline.open311 import filing, keys
from plugins.hotline.open311.filing import MODERATE_FILINGS
from plugins.hotline.open311.keys import KEYS, KeyForm
from plugins.hotline.open311.models import Open311Filing
from plugins.hotline.open311.views import FilingItem, FilingsView, KeyItem, KeysView

Ask = Request[Any, Any, Any]
SHOWN: Final = ("text", "place", "kind", "category")


class RefuseForm(Form):
    """Why a filing does not become an order."""

    kinds = {"reason": "textarea"}  # noqa: RUF012  a class variable of Form

    reason: str = Field(min_length=1, max_length=500)


def of(desk: OrderDesk) -> list[HTTPRouteHandler]:
    """Return the routes of keys and filings."""
    return [*_keys(desk), *_filings(desk)]


def _keys(desk: OrderDesk) -> list[HTTPRouteHandler]:
    hub = desk.hub
    here = f"/apps/{hub.app}/open311/keys"

    async def page(read: Read, typed: Typed = BLANK, secret: str | None = None) -> KeysView:
        return KeysView(
            title=Phrase("hotline.open311.keys.title"),
            intro=Phrase("hotline.open311.keys.intro"),
            action=here,
            verb=Phrase("hotline.open311.keys.make"),
            fields=typed.fields(KeyForm, "hotline.open311.keys", hints=KeyForm.hints),
            conflict=typed.conflict,
            secret=secret,
            items=[
                KeyItem(
                    name=row.name,
                    contact=row.contact,
                    hint=row.hint,
                    made_at=row.made_at,
                    used_at=row.used_at,
                    revoked_at=row.revoked_at,
                    revoke_href=None if row.revoked_at else f"{here}/{row.id}/revoke",
                )
                for row in await keys.known(read)
            ],
        )

    @get("/open311/keys", opt=needs(KEYS), operation_id="open311-keys")
    async def show_keys(request: Ask) -> Response[Any]:
        """List the keys of applications."""
        async with hub.read(actor_of(request)) as read:
            view = await page(read)
        return await respond(hub, request, Answer(view=view))

    @post("/open311/keys", opt=needs(KEYS, body=KeyForm), operation_id="open311-key-make")
    async def make_key(request: Ask) -> Response[Any]:
        """Make a key; it is shown in this answer alone."""
        actor = actor_of(request)
        async with keeping(hub, request, actor, page):
            sent = await read_form(request, KeyForm, actor)
            async with hub.work(actor) as work:  # without a key: the secret is kept for no replay
                _, secret = await keys.make(work, sent.form)
                view = await page(work, secret=secret)
        return await respond(hub, request, Answer(view=view, status=201))

    @post(
        "/open311/keys/{id:uuid}/revoke",
        opt=needs(KEYS, body=Form),
        operation_id="open311-key-revoke",
    )
    async def revoke_key(request: Ask, id: FromPath[UUID]) -> Response[Any]:
        """End a key."""

        async def do(work: Work, sent: Submission[Form]) -> Answer:
            await keys.revoke(work, id)
            await work.session.flush()
            said = Phrase("hotline.open311.keys.revoked")
            return Answer(view=await page(work), location=here, said=said)

        return await take(hub, request, Form, page, do)

    return [show_keys, make_key, revoke_key]


def _filings(desk: OrderDesk) -> list[HTTPRouteHandler]:
    hub = desk.hub
    here = f"/apps/{hub.app}/open311/filings"

    def facts(row: Open311Filing) -> list[FactView]:
        found = [
            FactView(Phrase(f"hotline.order.field.{name}"), _shown(name, row.sent[name]))
            for name in SHOWN
            if row.sent.get(name)
        ]
        who = " ".join(
            part
            for part in (
                mask_name(row.caller_name),
                mask_phone(row.sent["phone"]) if row.sent.get("phone") else "",
            )
            if part
        )
        return [*found, FactView(Phrase("hotline.order.field.caller_name"), who)] if who else found

    async def page(read: Read, typed: Typed = BLANK) -> FilingsView:
        names = {row.id: row.name for row in await keys.known(read)}
        return FilingsView(
            title=Phrase("hotline.open311.filings.title"),
            conflict=typed.conflict,
            items=[
                FilingItem(
                    id=str(row.id),
                    by=names.get(row.key_id, ""),
                    filed_at=row.filed_at,
                    facts=facts(row),
                    accept_href=f"{here}/{row.id}/accept",
                    refuse_href=f"{here}/{row.id}/refuse",
                )
                for row in await filing.unseen(read)
            ],
        )

    async def decided(work: Work, id: UUID, *, accepted: bool, reason: str | None) -> Answer:
        await filing.screen(desk, work, id, accepted=accepted, reason=reason)
        await work.session.flush()
        said = Phrase(f"hotline.open311.filings.{'accepted' if accepted else 'refused'}")
        return Answer(view=await page(work), location=here, said=said)

    @get("/open311/filings", opt=needs(MODERATE_FILINGS), operation_id="open311-filings")
    async def show_filings(request: Ask) -> Response[Any]:
        """List what applications filed that is no order yet."""
        async with hub.read(actor_of(request)) as read:
            view = await page(read)
        return await respond(hub, request, Answer(view=view))

    @post(
        "/open311/filings/{id:uuid}/accept",
        opt=needs(MODERATE_FILINGS, body=Form),
        operation_id="open311-filing-accept",
    )
    async def accept(request: Ask, id: FromPath[UUID]) -> Response[Any]:
        """Let a filing become an order."""

        async def do(work: Work, sent: Submission[Form]) -> Answer:
            return await decided(work, id, accepted=True, reason=None)

        await desk.prepare()
        return await take(hub, request, Form, page, do)

    async def form(read: Read, of: Of, typed: Typed) -> FormView:
        row = await filing.waiting(read, of["id"])
        return FormView(
            title=Phrase("hotline.open311.filings.refuse"),
            action=f"{here}/{row.id}/refuse",
            verb=Phrase("hotline.open311.filings.refuse"),
            fields=typed.fields(RefuseForm, "hotline.open311.filings"),
            conflict=typed.conflict,
            cancel=here,
            about=facts(row),
        )

    async def refuse(work: Work, of: Of, sent: RefuseForm) -> Answer:
        return await decided(work, of["id"], accepted=False, reason=sent.reason)

    refusing = form_routes(
        hub,
        RefuseForm,
        MODERATE_FILINGS,
        name="open311-filing-refuse",
        does="Refuse a filing; what was sent is dropped.",
        at="/open311/filings/{id:uuid}/refuse",
        show=form,
        do=refuse,
    )
    return [show_filings, accept, *refusing]


def _shown(name: str, value: str) -> Phrase | str:
    return Phrase(f"hotline.order.kind.{value}") if name == "kind" else value

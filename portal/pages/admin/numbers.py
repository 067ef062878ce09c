"""The administrator's acts on identity numbers: enter, accept, unmask."""

from typing import Any
from uuid import UUID

from litestar import Response, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from pydantic import Field

from core.identity import people, register
from core.identity.register import Acceptance, RegisterError
from plugin_sdk.forms import Form, read_form, typed
from plugin_sdk.problems import Conflict, Invalid, NotFound, field_error
from plugin_sdk.routes import actor_of, needs
from portal.pages.admin.people import Wrong, person_page
from portal.pages.admin.reach import need_person
from portal.pages.context import AnyRequest, Portal


class NumberForm(Form):
    """An identity number; accepted with a reason though its checksum is wrong."""

    number: str = Field(max_length=30)
    accept: bool = False
    reason: str | None = Field(default=None, max_length=300)


class ReasonForm(Form):
    """Why a number is unmasked."""

    reason: str = Field(max_length=300)


def routes(portal: Portal) -> list[HTTPRouteHandler]:
    """Return the routes."""
    numbers = portal.services.numbers

    async def again(request: AnyRequest, id: UUID, form: str, wrong: Invalid) -> Response[Any]:
        """Return the page with the form that was sent and what is wrong with it."""
        if not portal.renderer.wants_page(request.scope):
            raise wrong
        said = Wrong(form, {e.field: e.message for e in wrong.errors}, await typed(request))
        response = await person_page(portal, request, id, wrong=said)
        response.headers["Cache-Control"] = "no-store"
        return response

    @post("/admin/people/{id:uuid}/number", opt=needs("people.manage", body=NumberForm))
    async def enter(request: AnyRequest, id: FromPath[UUID]) -> Response[Any]:
        """Enter the identity number of a person, or accept a genuine one that fails its check."""
        actor = actor_of(request)
        try:
            form = (await read_form(request, NumberForm, actor)).form
            accepted = None
            if form.accept:
                if not form.reason:
                    raise Invalid(field_error("reason", "missing"))
                if actor.person_id is None or id in actor.hands:
                    raise Conflict("not-oneself")
                accepted = Acceptance(actor.person_id, form.reason)
            act = "identity-number-accepted" if accepted else "identity-number-entered"
            async with portal.change(request, act, f"person:{id}", reason=form.reason or "") as tx:
                if await people.person(tx, id) is None:
                    raise NotFound
                await need_person(tx, request, id)
                try:
                    await register.set_number(
                        tx, numbers, id, form.number, accepted=accepted, seen=True
                    )
                except RegisterError as error:
                    raise Invalid(field_error("number", error.code)) from None
        except Invalid as wrong:
            return await again(request, id, "enter", wrong)
        return portal.done(request, f"/admin/people/{id}", "numbers.entered")

    @post("/admin/people/{id:uuid}/number/unmask", opt=needs("people.unmask", body=ReasonForm))
    async def unmask(request: AnyRequest, id: FromPath[UUID]) -> Response[Any]:
        """Show the identity number of a person to one who says why; each time is recorded."""
        try:
            form = (await read_form(request, ReasonForm, actor_of(request))).form
        except Invalid as wrong:
            return await again(request, id, "unmask", wrong)
        async with portal.change(
            request, "identity-number-unmasked", f"person:{id}", reason=form.reason
        ) as tx:
            await need_person(tx, request, id)
            number = await register.number_of(tx, numbers, id)
            if number is None:
                raise NotFound
        response = await person_page(portal, request, id, number=number)
        response.headers["Cache-Control"] = "no-store"
        return response

    return [enter, unmask]

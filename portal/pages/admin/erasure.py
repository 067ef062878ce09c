"""The administrator's page for erasing a person who has left."""

from typing import Any, ClassVar
from uuid import UUID

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from pydantic import Field

from core.audit.checkpoints import CheckpointError
from core.audit.erasure import EraseRefused
from core.audit.sealing import SealRefused
from core.hub import personal
from core.identity import people
from plugin_sdk.forms import Form, read_form, typed
from plugin_sdk.problems import Conflict, Invalid, NotFound, field_error
from plugin_sdk.routes import actor_of, needs
from portal.pages.admin.person_form import show_person_form
from portal.pages.admin.reach import need_person
from portal.pages.context import AnyRequest, Portal


class EraseForm(Form):
    """On what ground, and the user name once more: it cannot be undone."""

    reason: str = Field(min_length=1, max_length=500)
    confirm: str = Field(min_length=1, max_length=63)

    kinds: ClassVar[Any] = {"reason": "textarea"}


def routes(portal: Portal) -> list[HTTPRouteHandler]:
    """Return the routes."""

    @get("/admin/people/{id:uuid}/erase", opt=needs("people.erase"))
    async def ask(request: AnyRequest, id: FromPath[UUID]) -> Response[Any]:
        """Say what an erasure does, and ask for its ground."""
        return await show_person_form(portal, request, id, "erase", EraseForm)

    @post("/admin/people/{id:uuid}/erase", opt=needs("people.erase", body=EraseForm))
    async def erase(request: AnyRequest, id: FromPath[UUID]) -> Response[Any]:
        """Erase a person who has left."""
        actor = actor_of(request)
        services = portal.services
        try:
            form = (await read_form(request, EraseForm, actor)).form
            try:
                await services.sealer.run()  # what is not sealed cannot be erased
            except (SealRefused, CheckpointError):
                raise Conflict("erase-not-sealed") from None
            async with portal.write(request) as tx:
                who = await people.person(tx, id)
                if who is None:
                    raise NotFound
                await need_person(tx, request, id)
                if form.confirm.strip().lower() != who.username:
                    raise Invalid(field_error("confirm", "erase-confirm"))
                done = await personal.erase(
                    tx,
                    actor_of(request),
                    id,
                    reason=form.reason,
                    request=request.scope["yimen"].id,  # type: ignore[typeddict-item]
                )
        except people.PersonError as error:
            raise Conflict(error.code) from None
        except EraseRefused as refused:
            raise Conflict(f"erase-{refused.code}", until=refused.until) from None
        except Invalid as wrong:
            if not portal.renderer.wants_page(request.scope):
                raise
            given = await typed(request)
            return await show_person_form(
                portal,
                request,
                id,
                "erase",
                EraseForm,
                status=422,
                errors=wrong.errors,
                given=given,
            )
        return portal.done(request, "/admin/people", "page.admin.erase.done", n=done.entries)

    return [ask, erase]

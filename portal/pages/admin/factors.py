"""The administrator's page for removing the second factors of somebody who lost them.

Never one's own: whoever sits at an administrator's desk would be rid of what protects it. A
password is not touched, so that nobody signs in as another by this.
"""

from typing import Any, ClassVar
from uuid import UUID

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from pydantic import Field

from core.audit import SHELL
from core.identity import factors, people
from core.messages import service as messages
from plugin_sdk.forms import Form, read_form, typed
from plugin_sdk.ports import To
from plugin_sdk.problems import Conflict, Invalid, NotFound
from plugin_sdk.routes import actor_of, needs
from plugin_sdk.views import Phrase
from portal.pages.admin.person_form import show_person_form
from portal.pages.admin.reach import need_person
from portal.pages.context import AnyRequest, Portal

PERMISSION = "people.factors"


class RemoveForm(Form):
    """Why, and how one knows that it is them."""

    reason: str = Field(min_length=1, max_length=300)

    kinds: ClassVar[Any] = {"reason": "textarea"}


def routes(portal: Portal) -> list[HTTPRouteHandler]:
    """Return the routes."""

    @get("/admin/people/{id:uuid}/factors", opt=needs(PERMISSION))
    async def ask(request: AnyRequest, id: FromPath[UUID]) -> Response[Any]:
        """Say what is removed, and ask for the reason."""
        return await show_person_form(portal, request, id, "factors", RemoveForm)

    @post("/admin/people/{id:uuid}/factors", opt=needs(PERMISSION, body=RemoveForm))
    async def remove(request: AnyRequest, id: FromPath[UUID]) -> Response[Any]:
        """Remove the factors of a person, whose sign-ins end and who is told."""
        actor = actor_of(request)
        try:
            form = (await read_form(request, RemoveForm, actor)).form
            facts = {"reason": form.reason}
            async with portal.change(request, "factors-removed", f"person:{id}", **facts) as tx:
                if id in actor_of(request).hands:
                    raise Conflict("not-oneself")
                if await people.person(tx, id) is None:
                    raise NotFound
                await need_person(tx, request, id)
                removed = await factors.remove_all(tx, id)
                if not removed:
                    raise Conflict("factors-none")
                said = Phrase("security.told.removed_by_administrator", {"reason": form.reason})
                await messages.send(tx, SHELL, To(person_id=id), said, "/me/security")
        except Invalid as wrong:
            if not portal.renderer.wants_page(request.scope):
                raise
            given = await typed(request)
            return await show_person_form(
                portal,
                request,
                id,
                "factors",
                RemoveForm,
                status=422,
                errors=wrong.errors,
                given=given,
            )
        portal.services.jobs.wake()
        here = f"/admin/people/{id}"
        return portal.done(request, here, "page.admin.factors.done", n=removed)

    return [ask, remove]

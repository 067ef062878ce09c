"""The page on which an administrator says why they do something to a person."""

from typing import Any
from uuid import UUID

from litestar import Response

from core.identity import people
from plugin_sdk.forms import Form, field_views
from plugin_sdk.problems import NotFound
from plugin_sdk.views import FormView, Phrase
from portal.pages.admin.reach import need_sight
from portal.pages.context import AnyRequest, Portal


async def show_person_form(
    portal: Portal,
    request: AnyRequest,
    id: UUID,
    act: str,
    form: type[Form],
    *,
    status: int = 200,
    errors: Any = (),
    given: Any = None,
) -> Response[Any]:
    """Return the form of an act at `/admin/people/{id}/<act>`; its words are those of
    `page.admin.<act>`. Raises `NotFound` for a person who is out of sight."""
    async with portal.read() as tx:
        who = await people.person(tx, id)
        if who is None:
            raise NotFound
        await need_sight(tx, request, id)
    words = f"page.admin.{act}"
    view = FormView(
        title=Phrase(f"{words}.title"),
        action=f"/admin/people/{id}/{act}",
        verb=Phrase(f"{words}.act"),
        fields=field_views(form, words, values=given, errors=errors),
        intro=Phrase(f"{words}.intro", {"name": who.name, "username": who.username}),
        cancel=f"/admin/people/{id}",
    )
    return await portal.show(request, "form.html", f"{words}.title", view, status=status)

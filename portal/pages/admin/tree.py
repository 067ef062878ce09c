"""The administrator's forms that move, merge and close organizations (撤并)."""

from typing import Any
from uuid import UUID

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from pydantic import Field

from core.identity import organizations, tree
from core.identity.tree import TreeError
from plugin_sdk.forms import Form, field_views, read_form, typed
from plugin_sdk.ports import Organization
from plugin_sdk.problems import Invalid, field_error
from plugin_sdk.routes import actor_of, needs
from plugin_sdk.views import FactView, FormView, Phrase
from portal.pages.admin.change import ChangeView
from portal.pages.admin.reach import need_units
from portal.pages.context import AnyRequest, Portal

HERE = "/admin/organizations"
FIELDS = {"tree-circle": "parent", "tree-same": "parent"}


class MoveForm(Form):
    """An organization, and where it is to stand."""

    code: str = Field(max_length=32)
    parent: str = Field(max_length=32)


class CloseForm(Form):
    """An organization that is no more, and who carries on; sent again to confirm."""

    code: str = Field(max_length=32)
    successor: str | None = Field(default=None, max_length=32)
    reason: str = Field(max_length=300)
    confirmed: bool = False


class CloseFields(Form):
    """What of it people fill in."""

    code: str = Field(max_length=32)
    successor: str | None = Field(default=None, max_length=32)
    reason: str = Field(max_length=300)


def move_view(**more: Any) -> FormView:
    """Return the form that moves an organization."""
    return FormView(
        title=Phrase("tree.move"),
        intro=Phrase("tree.move_intro"),
        action=f"{HERE}/move",
        verb=Phrase("tree.move"),
        fields=field_views(MoveForm, "tree", **more),
        cancel=HERE,
    )


def close_view(**more: Any) -> FormView:
    """Return the form that closes an organization; nothing is done before it is confirmed."""
    return FormView(
        title=Phrase("tree.close"),
        intro=Phrase("tree.close_intro"),
        action=f"{HERE}/close",
        verb=Phrase("tree.next"),
        fields=field_views(CloseFields, "tree", hints=frozenset({"successor"}), **more),
        cancel=HERE,
    )


def routes(portal: Portal) -> list[HTTPRouteHandler]:
    """Return the routes."""

    async def of_code(tx: Any, field: str, code: str) -> Organization:
        found = await organizations.by_code(tx, code)
        if found is None:
            raise Invalid(field_error(field, "organization-unknown"))
        return found

    @get(f"{HERE}/move", opt=needs("organizations.manage"))
    async def move_page(request: AnyRequest) -> Response[Any]:
        """Ask which organization moves where."""
        return await portal.show(request, "form.html", "tree.move", move_view())

    @get(f"{HERE}/close", opt=needs("organizations.manage"))
    async def close_page(request: AnyRequest) -> Response[Any]:
        """Ask which organization closes, and who carries on."""
        return await portal.show(request, "form.html", "tree.close", close_view())

    @post(f"{HERE}/move", opt=needs("organizations.manage", body=MoveForm))
    async def move(request: AnyRequest) -> Response[Any]:
        """Put an organization, with all below it, under another."""
        try:
            form = (await read_form(request, MoveForm, actor_of(request))).form
            async with portal.change(
                request, "organization-moved", f"code:{form.code}", parent=form.parent
            ) as tx:
                moved = await of_code(tx, "code", form.code)
                parent = await of_code(tx, "parent", form.parent)
                await need_units(tx, request, moved.id, parent.id, deep=True)
                try:
                    await tree.move(tx, moved.id, parent.id)
                except TreeError as error:
                    raise Invalid(field_error(FIELDS.get(error.code, "code"), error.code)) from None
        except Invalid as wrong:
            view = move_view(values=await typed(request), errors=wrong.errors)
            raise Invalid(*wrong.errors, view=view) from None
        return portal.done(request, HERE, "tree.moved", name=moved.name, parent=parent.name)

    async def consequences(tx: Any, closed: Organization, heir: Organization | None) -> Any:
        below = len(await organizations.children(tx, closed.id))
        people = await organizations.posts_in(tx, closed.id)
        return [
            FactView(Phrase("tree.closing"), f"{closed.name} {closed.code}"),
            FactView(Phrase("tree.field.successor"), f"{heir.name} {heir.code}" if heir else None),
            FactView(Phrase("tree.below"), Phrase("posts.n", {"n": below})),
            FactView(Phrase("tree.people"), Phrase("posts.n", {"n": people})),
        ]

    @post(f"{HERE}/close", opt=needs("organizations.manage", body=CloseForm))
    async def close(request: AnyRequest) -> Response[Any]:
        """Close an organization or merge it into another; a page is asked to confirm."""
        try:
            form = (await read_form(request, CloseForm, actor_of(request))).form
            if not form.confirmed:
                async with portal.read() as tx:
                    closed = await of_code(tx, "code", form.code)
                    heir = None
                    if form.successor:
                        heir = await of_code(tx, "successor", form.successor)
                    about = await consequences(tx, closed, heir)
                return await portal.show(
                    request, "admin_change.html", "tree.close", _ask(form, about)
                )
            async with portal.change(
                request,
                "organization-closed",
                f"code:{form.code}",
                successor=form.successor,
                reason=form.reason,
            ) as tx:
                closed = await of_code(tx, "code", form.code)
                successor: UUID | None = None
                if form.successor:
                    successor = (await of_code(tx, "successor", form.successor)).id
                ends = [closed.id, *([successor] if successor else [])]
                await need_units(tx, request, *ends, deep=True)
                try:
                    await tree.close(tx, closed.id, successor, reason=form.reason)
                except TreeError as error:
                    field = "successor" if error.code != "tree-closed" else "code"
                    raise Invalid(field_error(field, error.code)) from None
        except Invalid as wrong:
            given = {k: v for k, v in (await typed(request)).items() if k != "confirmed"}
            view = close_view(values=given, errors=wrong.errors)
            raise Invalid(*wrong.errors, view=view) from None
        return portal.done(request, HERE, "tree.closed", name=closed.name)

    return [move_page, close_page, move, close]


def _ask(form: CloseForm, about: list[FactView]) -> ChangeView:
    hidden = {"code": form.code, "reason": form.reason, "confirmed": "true"}
    if form.successor:
        hidden["successor"] = form.successor
    return ChangeView(
        title=Phrase("tree.confirm"),
        intro=Phrase("tree.confirm_intro"),
        action=f"{HERE}/close",
        verb=Phrase("tree.close"),
        fields=[],
        hidden=hidden,
        cancel=HERE,
        about=about,
    )

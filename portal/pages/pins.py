"""Lists that a person pins: any list state is an address; name it, pin it, send it."""

from typing import Any

from litestar import Response, post
from litestar.handlers import HTTPRouteHandler
from pydantic import Field

from core.work import pins
from plugin_sdk.forms import Form, read_form
from plugin_sdk.problems import Invalid, field_error
from plugin_sdk.routes import SIGNED_IN, actor_of, needs
from portal.frames import safe_path
from portal.pages.context import AnyRequest, Portal
from portal.pages.rows import person_of


class PinForm(Form):
    """A list, and what it is to be called."""

    name: str = Field(min_length=1, max_length=40)
    href: str = Field(min_length=1, max_length=500)


class PinChoice(Form):
    """One of the person's pinned lists."""

    href: str = Field(min_length=1, max_length=500)


def routes(portal: Portal) -> list[HTTPRouteHandler]:
    """Return the routes."""

    @post("/pins", opt=needs(SIGNED_IN, body=PinForm))
    async def keep(request: AnyRequest) -> Response[Any]:
        """Pin a list of this hub under a name."""
        actor = actor_of(request)
        form = (await read_form(request, PinForm, actor)).form
        if safe_path(form.href) != form.href:
            raise Invalid(field_error("href", "wrong"))
        async with portal.write(request) as tx:
            await pins.pin(tx, person_of(actor), form.name, form.href)
        return portal.done(request, form.href, "ui.pins.kept", name=form.name)

    @post("/pins/remove", opt=needs(SIGNED_IN, body=PinChoice))
    async def remove(request: AnyRequest) -> Response[Any]:
        """Let go of a pinned list."""
        actor = actor_of(request)
        form = (await read_form(request, PinChoice, actor)).form
        async with portal.write(request) as tx:
            await pins.unpin(tx, person_of(actor), form.href)
        return portal.done(request, "/me", "ui.pins.removed")

    return [keep, remove]

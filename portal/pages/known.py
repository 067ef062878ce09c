"""What forms are filled in with: what the hub knows of me, what I typed, where it is put right."""

from typing import Any
from uuid import UUID

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from pydantic import Field

from core.hub import elements
from plugin_sdk.elements import ELEMENTS, Held
from plugin_sdk.forms import Form, read_form
from plugin_sdk.identifiers import mask_name, mask_phone
from plugin_sdk.problems import NotFound
from plugin_sdk.routes import SIGNED_IN, actor_of, needs
from plugin_sdk.views import FactView, Phrase
from portal.pages.context import AnyRequest, Portal
from portal.pages.rows import app_name, person_of

MASKS = {"person.name": mask_name, "person.phone": mask_phone}


class ElementForm(Form):
    """Something that one typed."""

    element: str = Field(min_length=1, max_length=60)


def routes(portal: Portal) -> list[HTTPRouteHandler]:
    """Return the routes."""

    @get(elements.PAGE, opt=needs(SIGNED_IN))
    async def known(request: AnyRequest) -> Response[Any]:
        """List what one typed, which can be forgotten, and what the hub knows by itself."""
        actor = actor_of(request)
        async with portal.read() as tx:
            typed = await elements.typed_by(tx, person_of(actor))
            known = await elements.on_file(tx, actor, portal.services.numbers, ELEMENTS)
        view = {
            "typed": [await _typed(portal, one) for one in typed if one.element in ELEMENTS],
            "known": [_known(element, held) for element, held in known.items()],
        }
        return await portal.show(request, "known.html", "known.title", view)

    @post(f"{elements.PAGE}/forget", opt=needs(SIGNED_IN, body=ElementForm))
    async def forget(request: AnyRequest) -> Response[Any]:
        """Forget what one typed: the next form asks for it again."""
        form = (await read_form(request, ElementForm, actor_of(request))).form
        async with portal.write(request) as tx:
            if not await elements.forget(tx, person_of(actor_of(request)), form.element):
                raise NotFound
        return portal.done(request, elements.PAGE, "known.forgotten")

    return [known, forget]


async def _typed(portal: Portal, one: elements.Typed) -> dict[str, Any]:
    value = one.value
    if one.element == "place.region":
        value = await _division(portal, value)
    facts = [
        FactView(Phrase("known.value"), _masked(one.element, value)),
        FactView(Phrase("known.app"), app_name(portal, one.app)),
        FactView(Phrase("known.at"), one.at),
    ]
    return {"element": one.element, "title": ELEMENTS[one.element].title, "facts": facts}


def _known(element: str, held: Held) -> dict[str, Any]:
    facts = [
        FactView(Phrase("known.value"), held.shown or _masked(element, held.value)),
        FactView(Phrase("known.source"), held.source),
    ]
    return {"element": element, "title": ELEMENTS[element].title, "facts": facts}


async def _division(portal: Portal, value: str) -> str:
    """Return the name of a division by its id; what is none as it was typed."""
    try:
        id = UUID(value)
    except ValueError:
        return value
    return (await portal.services.names([id])).get(id, value)


def _masked(element: str, value: str) -> str:
    mask = MASKS.get(element)
    return mask(value) if mask else value

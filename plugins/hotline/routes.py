"""The routes of the hotline: the kit's, and what the kit does not do."""

from typing import Any, ClassVar

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler

from plugin_sdk.cases.desk import Way
from plugin_sdk.cases.filing import filing_routes
from plugin_sdk.cases.routes import case_routes, reveal_routes
from plugin_sdk.forms import read_typed
from plugin_sdk.ports import Answer, Read
from plugin_sdk.routes import actor_of, needs, respond
from plugin_sdk.taking import Typed, keeping
from plugin_sdk.views import View, Words
from plugins.hotline import categories
from plugins.hotline.calls import routes as calls
from plugins.hotline.calls.connecting import switchboard_of
from plugins.hotline.checking import routes as checking
from plugins.hotline.coordination import routes as coordination_routes
from plugins.hotline.desk import INTAKE, OrderDesk
from plugins.hotline.dispatching import routes as dispatching
from plugins.hotline.doors import door_routes
from plugins.hotline.enterprises.routes import enterprise_routes
from plugins.hotline.forms import IntakeForm, SnapForm
from plugins.hotline.knowledge import routes as knowledge
from plugins.hotline.lines import routes as lines
from plugins.hotline.open311 import applications, moderation
from plugins.hotline.open311 import routes as open311
from plugins.hotline.reception.routes import reception_routes

Ask = Request[Any, Any, Any]


class CategoriesView(View, kw_only=True):
    """The tree of categories: first level → second level → leaves."""

    template: ClassVar[str] = "hotline_categories.html"
    title: Words
    tree: dict[str, dict[str, list[str]]]


def of(desk: OrderDesk) -> list[HTTPRouteHandler]:
    """Return every route of the app."""
    return [
        *case_routes(desk),
        *filing_routes(
            desk, SnapForm, "order.file", at="/snap", name="snap", file=desk.snap, drafts=True
        ),
        *filing_routes(
            desk, IntakeForm, "order.intake", at="/intake", name=INTAKE, file=desk.intake
        ),
        *reveal_routes(desk, "order.reveal_caller"),
        *enterprise_routes(desk),
        *reception_routes(desk.hub),
        *door_routes(desk),
        *checking.of(desk),
        *coordination_routes.of(desk.coordinations),
        *open311.of(desk),
        *moderation.of(desk),
        *applications.of(desk),
        *dispatching.of(desk, lambda number: desk.engine.href(number, "coordinate")),
        *_more(desk),
        *lines.of(desk),
        *_of_calls(desk),
        *knowledge.of(desk),
        *desk.breakdown.routes(),
    ]


def _of_calls(desk: OrderDesk) -> list[HTTPRouteHandler]:
    board = switchboard_of(desk)
    return calls.of(board) if board else calls.without()


def _more(desk: OrderDesk) -> list[HTTPRouteHandler]:
    hub = desk.hub

    @get("/categories", opt=needs("category.read"), operation_id="categories")
    async def show_categories(request: Ask) -> Response[Any]:
        """Show the tree of categories."""
        tree: dict[str, dict[str, list[str]]] = {}
        for leaf in categories.tree().values():
            tree.setdefault(leaf.level1, {}).setdefault(leaf.level2, []).append(leaf.level3)
        view = CategoriesView(title=desk.engine.words("categories"), tree=tree)
        return await respond(hub, request, Answer(view=view))

    here = f"/apps/{hub.app}/intake"
    way = Way(form=IntakeForm, name=INTAKE, here=here, action=here)

    @post("/intake/look", opt=needs("order.intake"), operation_id="intake-look")
    async def look(request: Ask) -> Response[Any]:
        """Show the intake form with what was typed so far, and what that may repeat."""
        actor = actor_of(request)

        async def show(read: Read, typed: Typed) -> View:
            return await desk.new_view(read, way, typed)

        await desk.prepare()
        async with keeping(hub, request, actor, show):
            values, key = await read_typed(request, actor)
        async with hub.read(actor) as read:
            view = await desk.new_view(read, way, Typed(values=values))
        view.key = key
        return await respond(hub, request, Answer(view=view))

    return [show_categories, look]

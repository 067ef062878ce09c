"""The routes of the hotline: the kit's, and what the kit does not do."""

from typing import Any, ClassVar

from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler

from plugin_sdk.cases.filing import filing_routes
from plugin_sdk.cases.routes import case_routes, reveal_routes
from plugin_sdk.ports import Answer
from plugin_sdk.routes import needs, respond
from plugin_sdk.views import View, Words
from plugins.hotline import categories
from plugins.hotline.desk import OrderDesk
from plugins.hotline.dispatching import routes as dispatching
from plugins.hotline.forms import IntakeForm, SnapForm

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
            desk, IntakeForm, "order.intake", at="/intake", name="intake", file=desk.intake
        ),
        *reveal_routes(desk, "order.reveal_caller"),
        *dispatching.of(desk),
        *_more(desk),
    ]


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

    return [show_categories]

"""The routes of oversight: the kits', part by part."""

from typing import Any

from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from core.governance.oversight.accounts import accounts_of
from core.governance.oversight.desk import ReviewDesk, desk_of
from core.governance.oversight.flows import OPEN
from core.governance.oversight.forms import NominateForm
from core.governance.oversight.group_desk import groups_of
from plugin_sdk.cases.desk import Way
from plugin_sdk.cases.routes import case_routes
from plugin_sdk.ports import Answer, Hub
from plugin_sdk.registers import register_routes
from plugin_sdk.routes import actor_of, needs, respond
from plugin_sdk.taking import Typed


def of(hub: Hub) -> list[HTTPRouteHandler]:
    """Return every route of the app."""
    parts = [
        _reviews(desk_of(hub)),
        register_routes(accounts_of(hub)),
        register_routes(groups_of(hub)),
    ]
    return [route for part in parts for route in part]


def _reviews(desk: ReviewDesk) -> list[HTTPRouteHandler]:
    """Return the routes of reviews: the kit's, and the form for one app."""
    hub = desk.hub
    new = f"{desk.here}/new"
    way = Way(
        form=NominateForm,
        name="new",
        here=new,
        action=desk.here,
        check=new,
        draft=f"{desk.here}/draft",
    )

    @get("/reviews/new/{app:str}", opt=needs(OPEN, start=True), operation_id="review-new-of-app")
    async def nominate(request: Request[Any, Any, Any], app: FromPath[str]) -> Response[Any]:
        """Show the form that nominates an app, with what was found of it."""
        async with hub.read(actor_of(request)) as read:
            view = await desk.new_view(read, way, Typed(values={"app": app}))
        return await respond(hub, request, Answer(view=view))

    return [*case_routes(desk), nominate]

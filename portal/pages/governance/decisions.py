"""Checking a decision on paper: its code says whether it is what the hub has, to anybody."""

import hashlib
import hmac
from datetime import date
from typing import Any, ClassVar, Final

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from core.governance.oversight.desk import ReviewDesk, desk_of
from core.governance.oversight.models import Review
from plugin_sdk.deadlines import local_day
from plugin_sdk.ports import Read
from plugin_sdk.problems import NotFound
from plugin_sdk.routes import PUBLIC, needs
from plugin_sdk.text import Text
from plugin_sdk.views import Phrase, View
from portal.pages.context import AnyRequest, Portal

APP: Final = "oversight"
SIGNS: Final = 20
"""Hexadecimal digits of a code: 80 bits are not guessed."""


class CheckedView(View, kw_only=True):
    """What a decision says that its code is right for; nothing where it is not."""

    template: ClassVar[str] = "decision_check.html"
    number: str
    holds: bool
    name: Text | None = None
    verdict: Phrase | None = None
    successor: Text | None = None
    unit: str = ""
    day: date | None = None


def routes(portal: Portal) -> list[HTTPRouteHandler]:
    """Return the route."""

    @get("/decisions/{number:str}/{code:str}", opt=needs(PUBLIC), operation_id="check-decision")
    async def check(
        request: AnyRequest, number: FromPath[str], code: FromPath[str]
    ) -> Response[Any]:
        """Say whether a decision on paper is what the hub has: what was decided, when and by which
        unit. A wrong code and a review that is not there look alike."""
        view = CheckedView(number=number, holds=False)
        desk = review_desk(portal)
        if desk is not None:
            async with desk.hub.read(desk.hub.system("decisions")) as read:
                view = await _checked(portal, desk, read, view, code)
        title = portal.renderer.text(request.scope, Phrase("decision_check.title"))
        status = 200 if view.holds else 404
        return await portal.show(request, view.template, title, view, status=status)

    return [check]


def review_desk(portal: Portal) -> ReviewDesk | None:
    """Return the review desk, None while the app is not there."""
    hub = portal.apps.hubs.get(APP)
    return desk_of(hub) if hub is not None else None


def address_of(portal: Portal, row: Review) -> str:
    """Return where the decision on a review is checked, as its paper has it."""
    site = portal.services.settings.public_url.rstrip("/")
    return f"{site}/decisions/{row.number}/{code_of(portal.services.settings.secret, row)}"


def code_of(secret: bytes, row: Review) -> str:
    """Return the code of a decision: of another one, or of one that was changed, it is another."""
    said = (
        row.number,
        row.app,
        row.verdict or "",
        row.successor or "",
        str(row.improve_until or ""),
        row.reasons,
        row.decided_unit,
        row.decided_at.isoformat() if row.decided_at else "",
    )
    message = "\x1f".join(("decision", *said)).encode()
    return hmac.new(secret, message, hashlib.sha256).hexdigest()[:SIGNS]


async def _checked(
    portal: Portal, desk: ReviewDesk, read: Read, view: CheckedView, code: str
) -> CheckedView:
    try:
        row = await desk.engine.find(read, view.number)
    except NotFound:
        return view
    right = code_of(portal.services.settings.secret, row)
    if not row.verdict or not hmac.compare_digest(right.encode(), code.lower().encode()):
        return view
    async with portal.read() as tx:
        register = await portal.governance.register(tx)

    def name(app: str | None) -> Text | None:
        return register[app].names if app in register else Text(app, app) if app else None

    return CheckedView(
        number=row.number,
        holds=True,
        name=name(row.app),
        verdict=Phrase(f"oversight.review.verdict.{row.verdict}"),
        successor=name(row.successor),
        unit=row.decided_unit,
        day=local_day(row.decided_at) if row.decided_at else None,
    )

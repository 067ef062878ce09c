"""The public page of a duty: a month of whoever a code belongs to, without sign-in."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import date
from typing import Annotated, Any, Final
from uuid import UUID

from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, QueryParameter

from plugin_sdk.codes import CodeBook, PublicPage, PublicSection
from plugin_sdk.deadlines import local_day
from plugin_sdk.duties.calendar import add_months, month_of, read_period, spell_period
from plugin_sdk.duties.desk import DutyDesk
from plugin_sdk.duties.public import published
from plugin_sdk.ports import Answer, Read
from plugin_sdk.routes import PUBLIC, needs, respond
from plugin_sdk.views import ActionView, Phrase

MONTHS: Final = 12
"""How many months back the page leads."""

Beside = Callable[[Read, Sequence[UUID]], Awaitable[PublicSection]]
"""Returns what stands beside the month: `partial(registers.public.published, desk)`."""


def public_route(
    desk: DutyDesk[Any],
    book: CodeBook,
    *,
    beside: Sequence[Beside] = (),
    actions: Callable[[str], list[ActionView]] = lambda href: [],
) -> HTTPRouteHandler:
    """Return the page at `/c/{code}`: the duty's month, what stands `beside` it, and the `actions`
    that its address offers. It stays where it is when its organization is renamed; merged into
    another, it opens that one's page, the old publications among them."""
    hub = book.hub

    @get("/c/{code:str}", opt=needs(PUBLIC), operation_id="public-page")
    async def show_page(
        request: Request[Any, Any, Any],
        code: FromPath[str],
        period: Annotated[str, QueryParameter(max_length=20)] = "",
    ) -> Response[Any]:
        """Show what the organization of a code publishes, to everybody."""
        asked = read_period(period) if period else None
        owner, present = await book.open(code)
        above = [present.parent_id] if present.parent_id else []
        names = await hub.directory.names([owner, *above])
        today = month_of(local_day(hub.now()))
        newest = add_months(today, -desk.duty.months_later)
        month = min(asked or newest, today)
        due_at = desk.engine.due(month)
        merged = {"name": names.get(owner, ""), "into": present.name}
        async with hub.read(hub.system("public page")) as read:
            organizations = list({owner, present.id})
            sections = await published(desk, read, organizations, month)
            sections += [await section(read, organizations) for section in beside]
        href = book.href(code)
        view = PublicPage(
            title=present.name,
            code=code,
            href=href,
            place=names.get(above[0], "") if above else "",
            period=month,
            lead=Phrase("duties.public.due", {"date": local_day(due_at)}) if due_at else "",
            notices=[Phrase("codes.merged", merged)] if owner != present.id else [],
            sections=sections,
            actions=actions(href),
            links=_months(href, month, newest),
        )
        return await respond(hub, request, Answer(view=view))

    return show_page


def _months(href: str, month: date, newest: date) -> list[ActionView]:
    near = {"before": add_months(month, -1), "after": add_months(month, 1)}
    shown = {"before": month > add_months(newest, -MONTHS), "after": month < newest}
    return [
        ActionView(
            verb=name,
            label=Phrase(f"duties.{name}"),
            href=f"{href}?period={spell_period(other)}",
        )
        for name, other in near.items()
        if shown[name]
    ]

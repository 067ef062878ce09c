"""Figures beside those of a kit: what happened in a period, counted within scope."""

from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any, Final

from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter
from sqlalchemy import func
from sqlmodel import col

from plugin_sdk.deadlines import local_day
from plugin_sdk.ports import Answer, Hub, Read
from plugin_sdk.problems import Problem
from plugin_sdk.routes import actor_of, needs, respond
from plugin_sdk.times import SHANGHAI
from plugin_sdk.views import FigureCard, FiguresView, Phrase

PERIOD: Final = timedelta(days=89)
LONGEST_PERIOD: Final = timedelta(days=366 * 20)
Day = Annotated[str, QueryParameter(max_length=20)]


def bounds(since: date, until: date) -> tuple[datetime, datetime]:
    """Return when a period of days begins, and when the day after it does."""
    start = datetime.combine(since, time(), SHANGHAI).astimezone(UTC)
    return start, datetime.combine(until + timedelta(days=1), time(), SHANGHAI).astimezone(UTC)


def window(since: date, until: date) -> Phrase:
    """Return the period that a figure is of, in words."""
    return Phrase("case.figure.window", {"since": since, "until": until})


async def counted(
    read: Read,
    words: str,
    model: Any,
    moment: Any,
    since: date,
    until: date,
    *,
    value: Any = None,
    permission: str | None = None,
) -> FigureCard:
    """Return the card of how many rows of a table have their `moment` in a period, or of what
    `value` makes of them (`func.sum(…)`); its words stand at `<words>.label` and `<words>.what`."""
    start, end = bounds(since, until)
    statement = read.rows(
        model, func.count() if value is None else value, permission=permission
    ).where(col(moment) >= start, col(moment) < end)
    return FigureCard(
        label=Phrase(f"{words}.label"),
        what=Phrase(f"{words}.what"),
        value=int((await read.session.execute(statement)).scalar_one() or 0),
        window=window(since, until),
    )


def figures_route(
    hub: Hub,
    permission: str,
    view: Callable[[Read, date, date], Awaitable[FiguresView]],
    *,
    name: str = "figures",
    at: str = "/figures",
) -> HTTPRouteHandler:
    """Return the page of figures: `view` is given the first and the last day of the period."""

    @get(at, opt=needs(permission), operation_id=name)
    async def show_figures(
        request: Request[Any, Any, Any], since: Day = "", until: Day = ""
    ) -> Response[Any]:
        """Show the figures of a period: the last ninety days unless named."""
        first, last = period_of(since, until, local_day(hub.now()))
        async with hub.read(actor_of(request)) as read:
            shown = await view(read, first, last)
        return await respond(hub, request, Answer(view=shown))

    return show_figures


def period_of(since: str, until: str, today: date) -> tuple[date, date]:
    """Return the first and the last day that figures are asked for. Raises `Problem`."""
    try:
        last = date.fromisoformat(until) if until else today
        first = date.fromisoformat(since) if since else last - PERIOD
    except (ValueError, OverflowError):
        raise Problem("case.bad-period") from None
    known = date.min.replace(year=2) <= first and last <= date.max.replace(year=9998)
    if not known or not timedelta(0) <= last - first <= LONGEST_PERIOD:
        raise Problem("case.bad-period")
    return first, last

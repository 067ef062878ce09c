"""The figures of orders by unit, category, region, line and channel; and hot spots.

A hot spot is a category in a region of which in the period at least ten orders were filed, and at
least half as many again as in the period before, which is as long and ends the day before. First
stand those that grew by the most orders.
"""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any, Final

import msgspec
from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler

from plugin_sdk.cases.breakdown import Breakdown, Dimension, as_they_are, units_named
from plugin_sdk.cases.rollup import counts
from plugin_sdk.deadlines import local_day
from plugin_sdk.figures import Day, period_of
from plugin_sdk.ports import Answer, Read
from plugin_sdk.routes import actor_of, needs, respond
from plugin_sdk.views import ChartView, FiguresView, FigureTable, Phrase, Words
from plugins.hotline.desk import OrderDesk

PERMISSION: Final = "figures.read"
WORDS: Final = "hotline.figures"
CHANNELS: Final = ("web", "snap", "operator", "legacy")
CHANNELS_TO_COME: Final = ("enterprise", "reception", "window", "open311")
LEAST: Final = 10
GROWTH: Final = 1.5
LISTED: Final = 50


class Spot(msgspec.Struct, frozen=True):
    """A category in a region that grew: how many orders before, and now."""

    category: str
    region: str
    before: int
    now: int


def hot_spots(before: Mapping[str, int], now: Mapping[str, int]) -> list[Spot]:
    """Return the hot spots, by how much they grew. Orders without a category or a region are in
    none."""
    found = []
    for value, n in now.items():
        category, _, region = value.partition("|")
        was = before.get(value, 0)
        if category and region and n >= LEAST and n >= was * GROWTH:
            found.append(Spot(category, region, was, n))
    return sorted(found, key=lambda spot: (spot.before - spot.now, spot.category, spot.region))


def breakdown(desk: OrderDesk) -> Breakdown:
    """Return the figures by each dimension."""
    named = units_named(desk.hub)
    names = {
        "unit": named,
        "category": as_they_are,
        "region": named,
        "line": as_they_are,
        "channel": _channels,
    }
    return Breakdown(
        desk.counting,
        PERMISSION,
        [
            Dimension(
                key=key,
                label=Phrase(f"{WORDS}.by.{key}"),
                column=Phrase(f"{WORDS}.of.{key}"),
                names=of,
            )
            for key, of in names.items()
        ],
        name=desk.flow.name,
        more=[("spots", Phrase(f"{WORDS}.spots.title"))],
    )


async def _channels(values: Sequence[str]) -> Mapping[str, Words]:
    known = (*CHANNELS, *CHANNELS_TO_COME)
    return {value: Phrase(f"{WORDS}.channel.{value}") for value in values if value in known}


async def spots_view(desk: OrderDesk, read: Read, since: date, until: date) -> FiguresView:
    """Return the page of hot spots."""
    pages, figures = breakdown(desk), desk.counting.figures
    days = (until - since).days + 1
    earlier = (since - timedelta(days=days), since - timedelta(days=1))
    now = await counts(figures, read, "spot", since, until, PERMISSION)
    before = await counts(figures, read, "spot", *earlier, PERMISSION)
    found = hot_spots(before, now)[:LISTED]
    names = await units_named(desk.hub)(sorted({spot.region for spot in found}))
    rows: list[list[Any]] = [
        [
            Phrase(
                f"{WORDS}.spots.at", {"category": s.category, "region": names.get(s.region, "")}
            ),
            s.now,
            s.before,
            s.now - s.before,
        ]
        for s in found
    ]
    columns: list[Words] = [
        Phrase(f"{WORDS}.spots.{name}") for name in ("where", "now", "before", "more")
    ]
    rule = Phrase(f"{WORDS}.spots.rule", {"least": LEAST, "since": earlier[0], "until": earlier[1]})
    view = FiguresView(
        title=Phrase("case.figure.title"),
        since=since,
        until=until,
        cards=[],
        charts=[
            ChartView(
                kind="bars",
                title=Phrase(f"{WORDS}.spots.title"),
                sentence=Phrase(f"{WORDS}.spots.sentence", {"n": len(found)}),
                columns=columns[:3],
                rows=[row[:3] for row in rows[:10]],
            )
        ]
        if found
        else [],
        tables=[
            FigureTable(title=Phrase(f"{WORDS}.spots.title"), note=rule, columns=columns, rows=rows)
        ],
    )
    await pages.frame(read, view, "spots")
    view.files = []
    return view


def of(desk: OrderDesk) -> list[HTTPRouteHandler]:
    """Return the routes of the figures beside the kit's page of all."""

    @get("/figures/spots", opt=needs(PERMISSION), operation_id="order-figures-spots")
    async def show_spots(
        request: Request[Any, Any, Any], since: Day = "", until: Day = ""
    ) -> Response[Any]:
        """Show where more is filed than before."""
        first, last = period_of(since, until, local_day(desk.hub.now()))
        async with desk.hub.read(actor_of(request)) as read:
            view = await spots_view(desk, read, first, last)
        return await respond(desk.hub, request, Answer(view=view))

    return [*breakdown(desk).routes(), show_spots]

"""The figures of orders by unit, category, region, line and channel; and hot spots.

A hot spot is a category in a region of which in the period at least ten orders were filed, and at
least half as many again as in the period before, which is as long and ends the day before. First
stand those that grew by the most orders.
"""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any, Final

import msgspec

from plugin_sdk.cases.breakdown import Breakdown, Dimension, as_they_are, units_named
from plugin_sdk.cases.counting import CaseCounting
from plugin_sdk.cases.rollup import spots
from plugin_sdk.ports import Read
from plugin_sdk.views import ChartView, FiguresView, FigureTable, Phrase, Words

PERMISSION: Final = "figures.read"
WORDS: Final = "hotline.figures"
CHANNELS: Final = (
    *("web", "snap", "operator", "legacy"),
    *("enterprise", "reception", "window", "open311"),
)
"""By what orders come. The part of a decision has none of these, and counts by none."""
LEAST: Final = 10
GROWTH: Final = 1.5
SPOTS: Final = "spots"
LISTED: Final = 50
DRAWN: Final = 10


class Spot(msgspec.Struct, frozen=True):
    """A category in a region that grew: how many orders before, and now."""

    category: str
    region: str
    before: int
    now: int


def hot_spots(
    before: Mapping[tuple[str, str], int], now: Mapping[tuple[str, str], int]
) -> list[Spot]:
    """Return the hot spots, by how much they grew, of what was filed by category and region."""
    found = []
    for at, n in now.items():
        was = before.get(at, 0)
        if n >= LEAST and n >= was * GROWTH:
            found.append(Spot(*at, was, n))
    return sorted(found, key=lambda spot: (spot.before - spot.now, spot.category, spot.region))


class OrderFigures(Breakdown):
    """The figures of orders by each dimension, and their hot spots."""

    def __init__(self, counting: CaseCounting, name: str) -> None:
        named = units_named(counting.hub)
        names = {
            "unit": named,
            "category": as_they_are,
            "region": named,
            "line": as_they_are,
            "channel": _channels,
        }
        dimensions = [
            Dimension(
                key=key,
                label=Phrase(f"{WORDS}.by.{key}"),
                column=Phrase(f"{WORDS}.of.{key}"),
                names=of,
            )
            for key, of in names.items()
        ]
        more = [(SPOTS, Phrase(f"{WORDS}.spots.title"))]
        super().__init__(counting, PERMISSION, dimensions, name=name, more=more)

    async def view(self, read: Read, key: str, since: date, until: date) -> FiguresView:
        """Return the page of a dimension, or of hot spots."""
        if key != SPOTS:
            return await super().view(read, key, since, until)
        table = await self.table(read, key, since, until)
        chart = ChartView(
            kind="bars",
            title=table.title,
            sentence=Phrase(f"{WORDS}.spots.sentence", {"n": len(table.rows)}),
            columns=table.columns[:3],
            rows=[row[:3] for row in table.rows[:DRAWN]],
        )
        view = FiguresView(
            title=Phrase("case.figure.title"),
            since=since,
            until=until,
            cards=[],
            charts=[chart] if table.rows else [],
            tables=[table],
        )
        await self.frame(read, view, key)
        return view

    async def table(self, read: Read, key: str, since: date, until: date) -> FigureTable:
        """Return the table of a dimension, or of hot spots."""
        if key != SPOTS:
            return await super().table(read, key, since, until)
        days = (until - since).days + 1
        earlier = (since - timedelta(days=days), since - timedelta(days=1))
        figures = self.counting.figures
        now = await spots(figures, read, since, until, PERMISSION)
        before = await spots(figures, read, *earlier, PERMISSION)
        found = hot_spots(before, now)[:LISTED]
        names = await units_named(self.hub)(sorted({spot.region for spot in found}))
        rows: list[list[Any]] = [
            [
                Phrase(
                    f"{WORDS}.spots.at",
                    {"category": s.category, "region": names.get(s.region, "")},
                ),
                s.now,
                s.before,
                s.now - s.before,
            ]
            for s in found
        ]
        about = {"least": LEAST, "since": earlier[0], "until": earlier[1]}
        return FigureTable(
            title=Phrase(f"{WORDS}.spots.title"),
            note=Phrase(f"{WORDS}.spots.rule", about),
            columns=[
                Phrase(f"{WORDS}.spots.{name}") for name in ("where", "now", "before", "more")
            ],
            rows=rows,
        )


async def _channels(values: Sequence[str]) -> Mapping[str, Words]:
    return {value: Phrase(f"{WORDS}.channel.{value}") for value in values if value in CHANNELS}

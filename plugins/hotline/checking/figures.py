"""What checking counts: by unit, with its n, small groups left out, and never by person."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any, Final
from uuid import UUID

from plugin_sdk.cases.figures import SMALLEST_GROUP
from plugin_sdk.cases.suppression import left_out
from plugin_sdk.ports import Hub, Read
from plugin_sdk.views import ChartView, FiguresView, Phrase
from plugins.hotline.checking.following import CALL, OUTCOMES
from plugins.hotline.checking.judged import ASKED
from plugins.hotline.counts import CHECKS, FOLLOW_UPS, JUDGED, PASSED, RATINGS, counted

STARS: Final = (5, 4, 3, 2, 1)
BY_UNIT: Final = ("organization_id", "value")
WORDS: Final = "hotline.checking.figures"


async def view(hub: Hub, read: Read, since: date, until: date) -> FiguresView:
    """Return what was found of the answers of each unit in a period, within scope."""
    charts = [await _ratings(hub, read, since, until)]
    charts += await _checks(hub, read, since, until)
    if await read.holds(CALL):
        charts.append(await _calls(read, since, until))
    return FiguresView(
        title=Phrase(f"{WORDS}.title"), since=since, until=until, cards=[], charts=charts
    )


async def _chart(
    hub: Hub,
    name: str,
    counts: Mapping[UUID, Sequence[int]],
    columns: Sequence[Any],
    cells: Callable[[Sequence[int]], list[Any]],
    **more: Any,
) -> ChartView:
    """Return a chart of units; the first of a unit's counts is its n."""
    sizes = {unit: found[0] for unit, found in counts.items()}
    few = left_out(sizes)
    kept = sorted(sizes.keys() - few, key=lambda unit: (-sizes[unit], str(unit)))
    names = await hub.directory.names(kept)
    sentence = "some" if few else "all"
    said = {"units": len(kept), "few": len(few), "least": SMALLEST_GROUP}
    return ChartView(
        title=Phrase(f"{WORDS}.{name}.title"),
        sentence=Phrase(f"{WORDS}.{sentence}" if counts else "case.chart.none", said),
        columns=[Phrase(f"{WORDS}.unit"), *columns],
        rows=[
            [
                Phrase(f"{WORDS}.unit_n", {"unit": names.get(unit, ""), "n": counts[unit][0]}),
                *cells(counts[unit]),
            ]
            for unit in kept
        ],
        **more,
    )


async def _ratings(hub: Hub, read: Read, since: date, until: date) -> ChartView:
    found = await counted(read, RATINGS, since, until, *BY_UNIT)
    counts = _by_unit(found, [str(stars) for stars in STARS])
    counts = {unit: [sum(stars), *stars] for unit, stars in counts.items()}
    names = [Phrase(f"hotline.order.rating.{stars}") for stars in STARS]
    return await _chart(hub, "ratings", counts, names, lambda n: list(n[1:]), kind="stacked")


async def _checks(hub: Hub, read: Read, since: date, until: date) -> list[ChartView]:
    found = await counted(read, CHECKS, since, until, *BY_UNIT)
    counts = _by_unit(found, [JUDGED, PASSED, *ASKED])
    asked = [Phrase(f"hotline.checking.check.field.{name}") for name in ASKED]

    def rates(found: Sequence[int]) -> list[Any]:
        n, *parts = found
        return [round(100 * part / n, 1) for part in parts]

    drawn: dict[str, Any] = {"kind": "bars", "unit": "percent"}
    whole, every = [Phrase(f"{WORDS}.passed")], lambda found: rates(found)[1:]
    return [
        await _chart(hub, "checks", counts, whole, lambda found: rates(found)[:1], **drawn),
        await _chart(hub, "points", counts, asked, every, **drawn),
    ]


def _by_unit(
    found: Mapping[tuple[Any, ...], int], values: Sequence[str]
) -> dict[UUID, Sequence[int]]:
    """Return what was counted of each unit, value by value."""
    return {
        unit: [found.get((unit, value), 0) for value in values]
        for unit in dict.fromkeys(unit for unit, _ in found)
    }


async def _calls(read: Read, since: date, until: date) -> ChartView:
    found = await counted(read, FOLLOW_UPS, since, until, "value", permission=CALL)
    words = f"{WORDS}.calls"
    return ChartView(
        kind="bars",
        title=Phrase(f"{words}.title"),
        sentence=Phrase(f"{words}.sentence", {"n": sum(found.values())}),
        columns=[Phrase(f"{words}.outcome"), Phrase(f"{WORDS}.n")],
        rows=[
            [Phrase(f"hotline.checking.outcome.{outcome}"), found.get((outcome,), 0)]
            for outcome in OUTCOMES
        ],
    )

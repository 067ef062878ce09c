"""What checking counts: by unit, with its n, small groups left out, and never by person."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Integer, cast, func
from sqlmodel import col

from plugin_sdk.cases.figures import SMALLEST_GROUP
from plugin_sdk.cases.suppression import left_out
from plugin_sdk.figures import bounds
from plugin_sdk.ports import Hub, Read
from plugin_sdk.views import ChartView, FiguresView, Phrase
from plugins.hotline.checking.following import CALL, OUTCOMES
from plugins.hotline.checking.models import Check, FollowUp, Rating
from plugins.hotline.checking.quality import ASKED

STARS: Final = (5, 4, 3, 2, 1)
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
    start, end = bounds(since, until)
    statement = (
        read.rows(
            Rating,
            col(Rating.organization_id),
            func.count(),
            *(func.count().filter(col(Rating.stars) == stars) for stars in STARS),
        )
        .where(col(Rating.rated_at) >= start, col(Rating.rated_at) < end)
        .group_by(col(Rating.organization_id))
    )
    counts = {unit: found for unit, *found in await read.session.execute(statement)}
    names = [Phrase(f"hotline.order.rating.{stars}") for stars in STARS]
    return await _chart(hub, "ratings", counts, names, lambda n: list(n[1:]), kind="stacked")


async def _checks(hub: Hub, read: Read, since: date, until: date) -> list[ChartView]:
    start, end = bounds(since, until)
    passed = col(Check.state) == "passed"
    yes = [func.sum(cast(col(getattr(Check, name)), Integer)) for name in ASKED]
    statement = (
        read.rows(
            Check, col(Check.organization_id), func.count(), func.count().filter(passed), *yes
        )
        .where(col(Check.judged_at) >= start, col(Check.judged_at) < end)
        .group_by(col(Check.organization_id))
    )
    counts = {unit: found for unit, *found in await read.session.execute(statement)}
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


async def _calls(read: Read, since: date, until: date) -> ChartView:
    start, end = bounds(since, until)
    statement = (
        read.rows(FollowUp, col(FollowUp.outcome), func.count(), permission=CALL)
        .where(col(FollowUp.closed_at) >= start, col(FollowUp.closed_at) < end)
        .group_by(col(FollowUp.outcome))
    )
    found = {outcome: n for outcome, n in await read.session.execute(statement)}
    words = f"{WORDS}.calls"
    return ChartView(
        kind="bars",
        title=Phrase(f"{words}.title"),
        sentence=Phrase(f"{words}.sentence", {"n": sum(found.values())}),
        columns=[Phrase(f"{words}.outcome"), Phrase(f"{WORDS}.n")],
        rows=[
            [Phrase(f"hotline.checking.outcome.{outcome}"), found.get(outcome, 0)]
            for outcome in OUTCOMES
        ],
    )

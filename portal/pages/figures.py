"""Usage by app and day, for governance staff and owners: of apps, never of people."""

from datetime import date, timedelta
from typing import Any

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromQuery

from core.database import Transaction
from core.usage import figures
from plugin_sdk.routes import needs
from plugin_sdk.tables import csv_chunks
from plugin_sdk.times import SHANGHAI
from plugin_sdk.views import ChartView, Option, Phrase
from portal.pages.context import AnyRequest, Portal

LONGEST = 400
USUAL = 30


def routes(portal: Portal) -> list[HTTPRouteHandler]:
    """Return the routes."""

    def window(since: str, until: str) -> tuple[date, date]:
        """Return the days asked for: the last thirty unless they make sense."""
        today = portal.services.database.clock().astimezone(SHANGHAI).date()
        try:
            first, last = date.fromisoformat(since), date.fromisoformat(until)
        except ValueError:
            return today - timedelta(days=USUAL - 1), today
        if not timedelta(0) <= last - first <= timedelta(days=LONGEST):
            return today - timedelta(days=USUAL - 1), today
        return first, last

    @get("/governance", opt=needs("usage.read"))
    async def overview(
        request: AnyRequest,
        since: FromQuery[str] = "",
        until: FromQuery[str] = "",
        app: FromQuery[str] = "",
    ) -> Response[Any]:
        """Show the use of apps in a period, and day by day of one app."""
        first, last = window(since, until)
        async with portal.read() as tx:
            counted = await figures.first_day(tx)
            rows = await _by_app(tx, first, last, counted)
            chosen = app if app in portal.apps.instances else (rows[0].app if rows else "")
            daily = await figures.by_day(tx, chosen, first, last) if chosen else []
        known = {row.app: row for row in rows}
        english = portal.renderer.language(request.scope) == "en"
        names = {
            name: (found.identity.names.en if english else found.identity.names.zh)
            for name in portal.apps.instances
            if (found := portal.apps.manifest(name)) is not None
        }
        query = f"since={first}&until={last}"
        view = {
            "since": first,
            "until": last,
            "app": chosen,
            "options": [Option(name, label) for name, label in names.items()],
            "apps": [
                {
                    "app": name,
                    "name": label,
                    "href": f"/governance?{query}&app={name}",
                    **_counts(known.get(name), counted),
                }
                for name, label in names.items()
            ],
            "chart": _chart(daily, first, last, counted) if chosen else None,
            "export_href": f"/governance.csv?{query}",
            "first_day": counted,
        }
        return await portal.show(request, "figures.html", "page.figures.title", view)

    @get("/governance.csv", opt=needs("usage.read"))
    async def export(since: FromQuery[str] = "", until: FromQuery[str] = "") -> Response[bytes]:
        """Export the use of apps in a period."""
        async with portal.read() as tx:
            rows = await _by_app(tx, *window(since, until), await figures.first_day(tx))
        names = figures.AppFigures.__struct_fields__
        body = b"".join(csv_chunks(names, ([getattr(row, n) for n in names] for row in rows)))
        return Response(
            body,
            media_type="text/csv",
            headers={"Content-Disposition": 'attachment; filename="usage.csv"'},
        )

    return [overview, export]


async def _by_app(
    tx: Transaction, since: date, until: date, counted: date | None
) -> list[figures.AppFigures]:
    """Return the counts of each app within the days that were measured."""
    if counted is None:
        return []
    return await figures.by_app(tx, max(since, counted), until)


def _counts(row: figures.AppFigures | None, counted: date | None) -> dict[str, int | None]:
    """Return an app's counts: nothing happened is 0, nothing was counted is unknown."""
    names = [name for name in figures.AppFigures.__struct_fields__ if name != "app"]
    if row is None:
        return dict.fromkeys(names, None if counted is None else 0)
    return {name: getattr(row, name) for name in names}


def _chart(
    daily: list[figures.DayFigures], since: date, until: date, first: date | None
) -> ChartView:
    """Return use by day: a day before the first counted one is unknown, never zero."""
    found = {row.day: row for row in daily}
    rows: list[list[Any]] = []
    day = since
    while day <= until:
        row = found.get(day)
        if first is None or day < first:
            rows.append([day.isoformat(), None, None])
        else:
            rows.append([day.isoformat(), row.answered if row else 0, row.effects if row else 0])
        day += timedelta(days=1)
    counted = sum(row[1] or 0 for row in rows)
    effects = sum(row[2] or 0 for row in rows)
    return ChartView(
        kind="line",
        title=Phrase("page.figures.by_day"),
        sentence=Phrase("page.figures.sentence", {"answered": counted, "effects": effects}),
        columns=[
            Phrase("page.figures.day"),
            Phrase("page.figures.answered"),
            Phrase("page.figures.effects"),
        ],
        rows=rows,
    )

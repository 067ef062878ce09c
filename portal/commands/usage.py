"""`yimen usage`: what was counted, of apps and never of people, and what is not known of it."""

from datetime import datetime, timedelta
from typing import Any

import click
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table

from portal.commands.base import console, with_hub

USUAL = 30
EARLIEST, LATEST = 1970, 2999
DAY = click.DateTime(["%Y-%m-%d"])


@click.group()
def usage() -> None:
    """What is used, and what is not known of it."""


@usage.command("show")
@click.option("--app", help="One app, day by day.")
@click.option("--since", type=DAY, help="First day (else thirty days back).")
@click.option("--until", type=DAY, help="Last day (else today).")
@click.option("--json", "as_json", is_flag=True, help="As JSON, for programs.")
def usage_show(
    app: str | None, since: datetime | None, until: datetime | None, as_json: bool
) -> None:
    """Show the counts of apps in a period, or of one app day by day."""
    import msgspec

    from core.usage import figures, gaps

    async def act(hub: Any) -> Any:
        async with hub.services.database.transaction() as tx:
            window = _window(tx.now, since, until)
            unknown = await gaps.missing(tx, window)
            if app is None:
                return window, unknown, await figures.by_app(tx, window.since, window.until)
            days = await figures.by_day(tx, app, window.since, window.until)
            if not days and app not in hub.apps.instances:
                raise click.ClickException(
                    f"nothing was counted of an app called {app}; yimen app list names those here"
                )
            return window, unknown, days

    window, unknown, rows = with_hub(act)
    if as_json:
        found = {"window": window, "unknown": unknown, "counts": rows}
        click.echo(msgspec.json.format(msgspec.json.encode(found, order="sorted")))
        return
    head = (figures.DayFigures if app else figures.AppFigures).__struct_fields__
    table = Table(*head, title=f"{app or 'all apps'} {window.since} – {window.until}")
    for row in rows:
        table.add_row(*(str(getattr(row, name)) for name in head))
    # wider than the terminal rather than cut: half a name or a number would say another thing
    needed = Measurement.get(console, console.options.update(max_width=1000), table).maximum
    Console(width=max(console.width, needed)).print(table)
    if unknown.days or unknown.minutes or unknown.lost:
        console.print(
            f"not known: {len(unknown.days)} days, {unknown.minutes} minutes of the others, "
            f"{unknown.lost} counts that were lost (yimen usage gaps)"
        )


@usage.command("gaps")
@click.option("--since", type=DAY, help="First day (else thirty days back).")
@click.option("--until", type=DAY, help="Last day (else today).")
def usage_gaps(since: datetime | None, until: datetime | None) -> None:
    """Show the spans in which counts were lost, and why: in these, nothing is zero."""
    from core.usage import gaps
    from plugin_sdk.times import SHANGHAI

    async def act(hub: Any) -> Any:
        async with hub.services.database.transaction() as tx:
            window = _window(tx.now, since, until)
            return window, await gaps.within(tx, window)

    window, found = with_hub(act)
    table = Table("from", "until", "why", "lost")
    for gap in found:
        ends = (f"{at.astimezone(SHANGHAI):%Y-%m-%d %H:%M:%S}" for at in (gap.since, gap.until))
        lost = "not known" if gap.lost is None else str(gap.lost)
        table.add_row(*ends, gaps.CAUSES[gap.cause], lost)
    nothing = f"nothing was lost from {window.since} to {window.until}"
    console.print(table if found else nothing)


def _window(now: datetime, since: datetime | None, until: datetime | None) -> Any:
    from core.usage.measures import Window
    from plugin_sdk.times import SHANGHAI

    last = until.date() if until else now.astimezone(SHANGHAI).date()
    first = since.date() if since else last - timedelta(days=USUAL - 1)
    if first > last:
        raise click.ClickException("the first day is after the last: exchange --since and --until")
    if first.year < EARLIEST or last.year > LATEST:
        raise click.ClickException(f"days lie in the years from {EARLIEST} to {LATEST}")
    return Window(first, last)

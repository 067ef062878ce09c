"""Every figure of the reports is the number of rows that its link lists, whatever the registers
hold."""

import io
import random
from datetime import timedelta

import pytest
from openpyxl import load_workbook
from sqlalchemy import update
from sqlmodel import col

from core.governance.lifecycle.models import Standing, StepTaken
from core.governance.oversight.models import Account, Group
from core.identity.organizations import by_code
from plugin_sdk.deadlines import local_day

EMBEDDED = pytest.mark.parametrize("engine_kind", ["embedded"], indirect=True)
UNITS = ("371603U01", "371603U03", "371603001")
REPORT = "/governance/reports"


def day(dice, today):
    return today - timedelta(days=dice.randrange(400))


async def fill(hub_app, dice):
    """Write random registers: apps that were closed, merged, reopened; accounts; groups."""
    from core.governance.declared import Declared
    from core.governance.register import register
    from plugin_sdk.text import Text

    shell, hub = hub_app.hub.services.database, hub_app.hub.apps.hubs["oversight"]
    async with shell.transaction(write=True) as tx:
        today = local_day(tx.now)
        units = [found.id for code in UNITS if (found := await by_code(tx, code))]
        for n in range(dice.randrange(5, 25)):
            app, stage = f"app-{n}", dice.choice(("active", "closed", "archived", "sunset"))
            entered = today - timedelta(days=500)
            name = Text(f"应用{n}", f"App {n}")
            kept = Declared(app=app, names=name, owner=UNITS[0], stage="active", since=entered)
            await register(tx, kept)
            values = {"stage": stage, "successor": dice.choice((None, "hotline"))}
            await tx.session.execute(
                update(Standing).where(col(Standing.app) == app).values(**values)
            )
            for _ in range(dice.randrange(3)):
                at = tx.now - timedelta(days=dice.randrange(400))
                tx.session.add(
                    StepTaken(app=app, verb="close", source="sunset", target="closed", at=at)
                )
    async with hub.work(hub.system("fill")) as work:
        for n in range(dice.randrange(10, 40)):
            outcome = dice.choice((None, None, "merged", "cancelled"))
            common = {
                "organization_id": dice.choice(units),
                "key": f"{n}",
                "code": f"{n}",
                "name": f"{n}",
                "starts_on": today - timedelta(days=500),
                "changed_at": work.now - timedelta(seconds=n),
            }
            await work.add(
                Account(
                    **common,
                    platform="wechat",
                    last_post=dice.choice((None, day(dice, today))),
                    outcome=outcome,
                    ends_on=day(dice, today) if outcome else None,
                )
            )
            outcome = dice.choice((None, None, None, "merged", "reduced", "closed"))
            await work.add(
                Group(
                    **common,
                    platform="wechat",
                    kind=dice.choice(("permanent", "permanent", "temporary")),
                    members=5,
                    kept_on=dice.choice((None, day(dice, today))),
                    outcome=outcome,
                    ends_on=day(dice, today) if outcome else None,
                )
            )
    return today


async def listed(client, href):
    """Return how many rows a list has, all its pages."""
    count = 0
    while href:
        view = (await client.get(href)).json()
        count += len(view.get("items", view.get("rows")))
        href = view["next_href"]
    return count


@EMBEDDED
@pytest.mark.parametrize("seed", range(3))
async def test_a_figure_is_the_number_of_rows_behind_it(hub_app, client_as, seed):
    dice = random.Random(seed)
    today = await fill(hub_app, dice)
    staff = await client_as("governance")
    days = sorted((day(dice, today), day(dice, today)))
    asked = f"since={days[0]}&until={days[1]}"
    view = (await staff.get(f"{REPORT}?{asked}")).json()
    found = [figure for part in view["parts"] for figure in part["figures"]]
    assert len(found) == 13
    assert sum(figure["n"] > 0 for figure in found) >= 5, "something to count"
    for figure in found:
        assert await listed(staff, figure["href"]) == figure["n"], figure
    book = load_workbook(io.BytesIO((await staff.get(f"{REPORT}.xlsx?{asked}")).content))
    rows = [sheet.max_row - 1 for sheet in book.worksheets[-13:]]
    assert rows == [figure["n"] for figure in found], "a sheet a figure, the same rows"
    sent = await staff.get(f"{REPORT}.pdf?{asked}")
    assert sent.content.startswith(b"%PDF")
    assert "口径" in (await staff.page(f"{REPORT}?{asked}")).text
    for wrong in ("since=x", "since=2026-02-01&until=2026-01-01"):
        assert (await staff.get(f"{REPORT}?{wrong}")).status_code == 422
    assert (await (await client_as("owner")).get(REPORT)).status_code == 403

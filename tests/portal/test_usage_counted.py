"""What the door counts of a person's way through an app: opens, starts, effects; no person."""

from sqlalchemy import func, select
from sqlmodel import col

from core.usage.models import UsageCell

PAGE = {"accept": "text/html"}


async def counted(hub_app, kind):
    await hub_app.services.usage.flush()
    async with hub_app.services.database.transaction() as tx:
        found = await tx.session.execute(
            select(func.sum(getattr(UsageCell, kind))).where(col(UsageCell.app) == "hotline")
        )
        return int(found.scalar_one() or 0)


async def test_an_open_is_a_page_reached_from_outside_the_app(hub_app, client_as):
    resident = await client_as("resident")
    outside = "http://127.0.0.1/apps"
    inside = "http://127.0.0.1/apps/hotline/orders"
    await resident.get("/apps/hotline/orders", headers={**PAGE, "referer": outside})
    await resident.get("/apps/hotline/orders", headers={**PAGE, "referer": inside})
    await resident.get("/apps/hotline/orders")  # a program opens nothing
    assert await counted(hub_app, "opens") == 1
    assert await counted(hub_app, "answered") == 3


async def test_a_start_is_a_form_that_begins_a_procedure(hub_app, client_as):
    resident = await client_as("resident")
    await resident.get("/apps/hotline/orders/new", headers=PAGE)
    assert await counted(hub_app, "starts") == 1

"""Ten thousand orders of the hotline, and the same page of them by hand."""

import asyncio
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import insert, select
from sqlmodel import col

from bench.site import USER, Engine, Site

MANY = 10_000
UNITS = ("371603U01", "371603U02", "371603U03", "371603U04", "371603U05")
STATES = ("received", "dispatched", "processing", "replied", "closed")
KINDS = ("consult", "help", "complaint", "report", "suggest")

COLUMNS = [
    "id",
    "number",
    "title",
    "state",
    "organization_id",
    "opened_at",
    "due_at",
    "due_pending",
    "paused_at",
    "resolved_at",
    "closed_at",
    "kind",
]
# the same page as the hub's: the rows in scope (of one's own, or held by one's unit), newest
# first, one more than is shown, each with the name of its unit
QUERY = f"""
SELECT {", ".join(f"o.{name}" for name in COLUMNS)}, u.name
FROM hotline_order o JOIN identity_organization u ON u.id = o.organization_id
WHERE o.person_id = $1 OR EXISTS (
  SELECT p.id FROM hotline_order_party p WHERE p.case_id = o.id AND p.organization_id = $2)
ORDER BY o.opened_at DESC, o.id DESC LIMIT 21
"""


def fill(site: Site, engine: Engine) -> tuple[uuid.UUID, uuid.UUID]:
    """Write the orders; return who reads them: the person and their organization."""
    return asyncio.run(_fill(engine.database_url, site))


async def _fill(url: str, site: Site) -> tuple[uuid.UUID, uuid.UUID]:
    from core.database import Database
    from core.identity.models import OrganizationRow, Person, Post
    from plugin_sdk.data import new_id

    database = Database(url)
    now = datetime.now(UTC)
    try:
        async with database.transaction(write=True) as tx:
            person, own = (
                await tx.session.execute(
                    select(col(Person.id), col(Post.organization_id))
                    .join(Post, col(Post.person_id) == col(Person.id))
                    .where(col(Person.username) == USER)
                )
            ).one()
            found = await tx.session.execute(
                select(col(OrganizationRow.id)).where(col(OrganizationRow.code).in_(UNITS))
            )
            units = list(found.scalars())
        orders: list[dict[str, Any]] = []
        parties: list[dict[str, Any]] = []
        for number in range(MANY):
            at = now - timedelta(minutes=7 * (MANY - number))
            unit, order = units[number % len(units)], new_id()
            state = STATES[number % len(STATES)]
            orders.append(
                {
                    "id": order,
                    "number": f"{at:%Y%m%d}{number:06}",
                    "code": f"{number:06}",
                    "title": "路灯不亮，夜里行走不便，请尽快安排人员检修",
                    "state": state,
                    "organization_id": unit,
                    "origin_organization_id": own,
                    "stage_entered_at": at,
                    "held_at": at,
                    "opened_at": at,
                    "due_at": at + timedelta(days=7),
                    "closed_at": at + timedelta(days=3) if state == "closed" else None,
                    "kind": KINDS[number % len(KINDS)],
                    "channel": "web",
                    "text": "路灯不亮，夜里行走不便，请尽快安排人员检修。" * 6,
                }
            )
            parties += [
                {
                    "id": new_id(),
                    "case_id": order,
                    "organization_id": holder,
                    "since": at,
                    "role": "",
                }
                for holder in (own, unit)
            ]
        order_table, party_table = _tables()
        async with database.migration() as connection:  # it alone may write scoped tables so
            for start in range(0, MANY, 500):
                await connection.execute(
                    insert(order_table), _whole(order_table, orders[start : start + 500])
                )
                await connection.execute(insert(party_table), parties[2 * start : 2 * start + 1000])
            await connection.exec_driver_sql("ANALYZE")
            await connection.commit()
        return person, own
    finally:
        await database.close()


def _tables() -> tuple[Any, Any]:
    from importlib.metadata import entry_points

    (point,) = entry_points(group="yimen.apps", name="hotline")
    point.load()
    import sys

    models = sys.modules[f"{point.module}.models"]
    return models.Order.__table__, models.OrderParty.__table__


def _whole(table: Any, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    defaults = {
        column.name: column.default.arg
        for column in table.columns
        if column.default is not None and column.default.is_scalar
    }
    return [{**defaults, **row} for row in rows]

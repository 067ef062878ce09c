"""What of a register is published: read by the app itself, whoever asks."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlmodel import col

from plugin_sdk.codes.views import PublicItem, PublicSection
from plugin_sdk.deadlines import local_day
from plugin_sdk.ports import Read
from plugin_sdk.publishing import published_text
from plugin_sdk.registers.desk import RegisterDesk
from plugin_sdk.views import Phrase


async def published(
    desk: RegisterDesk[Any], read: Read, organizations: Sequence[UUID]
) -> PublicSection:
    """Return the records in force of organizations as a public page shows them, with what
    `desk.open_facts` says of each. `read` is the app's own (`hub.system`)."""
    row, today = desk.engine.row, local_day(read.now)
    statement = read.rows(row, permission=desk.register.read).where(
        col(row.organization_id).in_(organizations), row.in_force(today)
    )
    found = await read.session.execute(statement.order_by(col(row.code)))
    options = await desk.options(read)
    return PublicSection(
        label=desk.engine.words("list"),
        items=[
            PublicItem(
                title=published_text(record.name) or "",
                tone="soon" if desk.state(record, today) == "ending" else "state",
                state=Phrase(f"registers.state.{desk.state(record, today)}"),
                facts=desk.facts(_published(desk.open_facts(record)), options),
            )
            for record in found.scalars()
        ],
    )


def _published(values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: published_text(value) if isinstance(value, str) else value
        for name, value in values.items()
    }

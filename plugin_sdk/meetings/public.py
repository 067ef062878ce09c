"""What of meetings is published: read by the app itself, whoever asks."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from sqlmodel import col

from plugin_sdk.codes.views import PublicItem, PublicSection
from plugin_sdk.meetings.desk import MeetingDesk
from plugin_sdk.meetings.engine import CANCELLED
from plugin_sdk.meetings.models import MeetingRow
from plugin_sdk.ports import Read
from plugin_sdk.publishing import published_text
from plugin_sdk.views import FactView, Phrase

LATEST: Final = 3


async def published(
    desk: MeetingDesk[Any], read: Read, organizations: Sequence[UUID]
) -> PublicSection:
    """Return the latest meetings of organizations as a public page shows them: their notice,
    then their minutes. `read` is the app's own (`hub.system`)."""
    row = desk.engine.row
    within = col(row.organization_id).in_(organizations)
    found = await desk.engine.latest(read, within, col(row.state) != CANCELLED, limit=LATEST)
    return PublicSection(
        label=desk.engine.words("list"), items=[_item(meeting) for meeting in found]
    )


def _item(row: MeetingRow) -> PublicItem:
    name, text = ("minutes", row.minutes) if row.minutes else ("field.agenda", row.agenda)
    return PublicItem(
        title=published_text(row.title) or "",
        tone="ok" if row.minutes else "state",
        state=Phrase(f"meetings.state.{row.state}"),
        facts=[
            FactView(Phrase("meetings.field.when"), row.starts_at),
            FactView(Phrase("meetings.field.place"), published_text(row.place)),
            FactView(Phrase(f"meetings.{name}"), published_text(text)),
        ],
    )

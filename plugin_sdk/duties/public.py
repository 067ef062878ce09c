"""What of a duty is published: read by the app itself, whoever asks."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlmodel import col

from plugin_sdk.codes.views import Older, PublicItem, PublicSection, Tone
from plugin_sdk.deadlines import local_day
from plugin_sdk.duties.desk import DutyDesk
from plugin_sdk.duties.engine import PUBLISHED, REPLACED
from plugin_sdk.duties.models import DutyFiling
from plugin_sdk.ports import Read
from plugin_sdk.publishing import published_text
from plugin_sdk.views import Phrase


async def published(
    desk: DutyDesk[Any], read: Read, organizations: Sequence[UUID], period: date
) -> list[PublicSection]:
    """Return a month as a public page shows it: each item of the catalogue that is owed, or was
    published, with the versions before. `read` is the app's own (`hub.system`)."""
    made = desk.engine.filing
    statement = (
        read.rows(made, permission=desk.duty.read)
        .where(
            col(made.organization_id).in_(organizations),
            col(made.period) == period,
            col(made.state).in_((PUBLISHED, REPLACED)),
        )
        .order_by(col(made.published_at).desc())
    )
    by_item: dict[str, list[Any]] = defaultdict(list)
    for filing in (await read.session.execute(statement)).scalars():
        by_item[filing.item].append(filing)
    due_at = desk.engine.due(period)
    overdue = due_at is not None and read.now > due_at
    sections: dict[str, PublicSection] = {}
    for item in await desk.items(read, period):
        filed = by_item.get(item.code, [])
        if not filed and not item.owed:
            continue
        section = sections.setdefault(item.group.key, PublicSection(label=item.group, items=[]))
        current = [filing for filing in filed if filing.state == PUBLISHED]
        if not current:
            tone: Tone = "late" if overdue else "state"
            state = Phrase("duties.public.lacking" if overdue else "duties.public.not_yet")
            section.items.append(PublicItem(title=item.name, tone=tone, state=state))
            continue
        for filing in current:
            section.items.append(_item(desk, item.name, filing, filed))
    return list(sections.values())


def _item(
    desk: DutyDesk[Any], name: str, filing: DutyFiling, filed: Sequence[DutyFiling]
) -> PublicItem:
    state = "nil" if filing.nil else "published"
    return PublicItem(
        title=name,
        tone="soon" if filing.late else "ok",
        state=Phrase(f"duties.public.{state}{'_late' if filing.late else ''}"),
        facts=desk.facts(filing),
        older=[
            Older(
                label=Phrase("codes.older_until", {"date": local_day(old.published_at)}),
                facts=desk.facts(old),
                reason=published_text(filing.reason),
            )
            for old in filed
            if old.state == REPLACED
            and old.organization_id == filing.organization_id
            and old.published_at is not None
        ],
    )

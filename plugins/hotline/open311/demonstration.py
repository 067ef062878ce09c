"""What a demonstration shows of publishing: some requests public, the newest to be looked at."""

from collections.abc import AsyncIterator, Mapping
from typing import Final, Literal

import msgspec
from sqlmodel import col

from plugin_sdk.cases.forms import Decision
from plugin_sdk.extension import ImportReport
from plugin_sdk.forms import validate
from plugin_sdk.ports import Actor
from plugins.hotline.desk import OrderDesk
from plugins.hotline.models import Order
from plugins.hotline.open311 import publishing
from plugins.hotline.open311.models import Publication
from plugins.hotline.open311.publishing import MODERATE, PublishForm

LET_PASS: Final = 2
"""So many of those whose requester wishes it, the oldest first."""


async def demonstrate(desk: OrderDesk, cast: Mapping[str, Actor]) -> AsyncIterator[ImportReport]:
    """Yield a report for each order that is let pass, once."""
    hub = desk.hub
    async with hub.read(hub.system("demonstration")) as read:
        wished = (
            read.rows(Order, col(Order.id), col(Publication.state))
            .join(Publication, publishing.joined())
            .where(col(Order.source_key).startswith("rehearsal:"))
            .order_by(col(Order.opened_at))
            .limit(LET_PASS)
        )
        found = [(id, state) for id, state in await read.session.execute(wished)]
    moderator = msgspec.structs.replace(cast["dispatcher"], permission=f"{hub.app}.{MODERATE}")
    for line, (id, state) in enumerate(found, 1):
        waits = state in publishing.TO_LOOK_AT
        if waits:
            async with hub.work(moderator) as work:
                order = await work.get(Order, id, permission=MODERATE)
                row = await publishing.publication_of(work, order)
                copy = {"text": order.text, "address": order.place, "notes": order.reply or ""}
                seen = {"version": row.version if row else 1, "seen": order.version}
                form = validate(PublishForm, {"decision": Decision.APPROVE, **copy, **seen})
                await publishing.decide(work, order, form, [])
        outcome: Literal["added", "present"] = "added" if waits else "present"
        yield ImportReport(line=line, outcome=outcome, total=len(found))

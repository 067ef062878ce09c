"""What an order of a reception waits for: nobody closes it, by hand, by rating or by time, before
the leader who promised it has signed it off."""

from typing import Any
from uuid import UUID

from sqlalchemy import func
from sqlmodel import col

from plugin_sdk.ports import Read, Work
from plugin_sdk.problems import AppConflict
from plugin_sdk.views import FactView, Phrase
from plugins.hotline.models import Order
from plugins.hotline.reception.models import Visit

CHANNEL = "reception"
PROMISED = "promised"


async def signed_off(work: Work, row: Order, form: Any) -> None:
    """Refuse to close what a leader promised and has not signed off."""
    if row.channel == CHANNEL and await unsigned(work, row.id):
        raise AppConflict("hotline", "sign-off-first")


async def unsigned(read: Read, order_id: UUID) -> bool:
    """Return whether a leader, of whatever unit, has still to sign an order off."""
    statement = read.beyond_scope(Visit, func.count(), reason="sign-off").where(
        col(Visit.order_id) == order_id, col(Visit.state) == PROMISED
    )
    return bool((await read.session.execute(statement)).scalar_one())


async def sponsor_facts(read: Read, row: Order) -> list[FactView]:
    """Return who promised an order and whether they have signed it off; nothing for others."""
    found = await _promise(read, row)
    if found is None:
        return []
    sponsor, state = found
    said = "unsigned" if state == PROMISED else "signed"
    label = Phrase("hotline.order.field.sponsor")
    return [FactView(label, Phrase(f"hotline.reception.sponsor.{said}", {"post": sponsor}))]


async def waits_for_signature(read: Read, row: Order) -> bool:
    """Return whether an order has still to be signed off, as far as the actor may see that."""
    found = await _promise(read, row)
    return found is not None and found[1] == PROMISED


async def _promise(read: Read, row: Order) -> tuple[str, str] | None:
    if row.channel != CHANNEL:
        return None
    statement = read.rows(
        Visit, col(Visit.sponsor), col(Visit.state), permission="order.read"
    ).where(col(Visit.order_id) == row.id)
    found = (await read.session.execute(statement)).first()
    return None if found is None else (found[0], found[1])

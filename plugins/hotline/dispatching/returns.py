"""Units that gave an order back: each once, why, and when it goes from hand to hand (踢皮球)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlmodel import col

from plugin_sdk.ports import Read, Work
from plugin_sdk.problems import AppConflict, FieldError, Invalid
from plugin_sdk.views import Phrase
from plugins.hotline.models import Order, OrderEntry

PING_PONG: Final = 2
"""How many units must have returned an order for it to go from hand to hand."""


class Returned(msgspec.Struct, frozen=True, kw_only=True):
    """That a unit returned an order."""

    unit: UUID
    reason: str
    legal_basis: str
    at: datetime | None


async def returns_of(read: Read, order_id: UUID) -> list[Returned]:
    """Return who returned an order, the first one first."""
    names = ("verb", "reason", "data", "at")
    statement = read.rows(
        OrderEntry, *(col(getattr(OrderEntry, name)) for name in names), permission="order.read"
    ).where(col(OrderEntry.case_id) == order_id, col(OrderEntry.verb).in_(("dispatch", "return")))
    found: list[Returned] = []
    unit: UUID | None = None
    for verb, reason, data, at in await read.session.execute(
        statement.order_by(col(OrderEntry.seq))
    ):
        if verb == "dispatch":
            unit = UUID(data["unit"]) if "unit" in data else None
        elif unit is not None:
            basis = str(data.get("legal_basis", ""))
            found.append(Returned(unit=unit, reason=reason or "", legal_basis=basis, at=at))
    return found


def from_hand_to_hand(returns: Sequence[Returned]) -> bool:
    """Return whether several units have returned an order."""
    return len({one.unit for one in returns}) >= PING_PONG


async def refuse_twice(work: Work, row: Order, form: Any) -> None:
    """Refuse a unit that returns an order for the second time. Raises `AppConflict`."""
    if any(one.unit == row.organization_id for one in await returns_of(work, row.id)):
        raise AppConflict("hotline", "returned-before")


async def ask_why_again(work: Work, row: Order, form: Any) -> None:
    """Refuse to dispatch an order without a reason to a unit that has returned it."""
    if form is None or form.reason:
        return
    if any(one.unit == form.unit for one in await returns_of(work, row.id)):
        raise Invalid(FieldError("reason", Phrase("hotline.dispatching.error.returned")))

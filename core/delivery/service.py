"""SMS: a port, and the simulated provider that shows its messages to the administrator."""

from datetime import timedelta
from typing import Final, Protocol
from uuid import UUID

import msgspec
from sqlalchemy import delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col

from core.database import Transaction
from core.delivery.models import DeliveredMessage
from core.jobs import OutboxItem, forget, send_later
from plugin_sdk.identifiers import mask_phone

KIND = "sms"
KEEP_SENT: Final = timedelta(days=90)


class SmsProvider(Protocol):
    """What a provider of short messages does."""

    async def send(self, tx: Transaction, id: UUID, phone: str, text: str, shown: str) -> None:
        """Send once for an id; a repeat of the id sends nothing. `shown` is the text as others
        than its reader may see it: what a provider keeps or logs."""
        ...


class SimulatedSms:
    """Keeps what it would have sent, for the administrator to read: without what is secret."""

    async def send(self, tx: Transaction, id: UUID, phone: str, text: str, shown: str) -> None:
        """See `SmsProvider`."""
        dialect = sqlite if tx.database.sqlite else postgresql
        await tx.session.execute(
            dialect.insert(DeliveredMessage)
            .values(id=id, channel="sms", address=phone, text=shown, at=tx.now)
            .on_conflict_do_nothing()
        )


class SentMessage(msgspec.Struct, frozen=True):
    """A message as the administrator sees it: the number masked."""

    channel: str
    address: str
    text: str
    at: object


class Delivery:
    """Sends what the outbox holds for addresses outside."""

    def __init__(self, sms: SmsProvider) -> None:
        self._sms = sms

    async def deliver(self, tx: Transaction, item: OutboxItem) -> None:
        """Send an outbox row of the kind `sms`."""
        text = item.payload["text"]
        shown = item.payload.get("shown", "")  # rows of before knew nothing of it
        await self._sms.send(tx, item.id, item.payload["phone"], text, shown)


async def send_sms(
    tx: Transaction, phone: str, text: str, *, shown: str, dedupe: str | None = None
) -> None:
    """Send a short message when the transaction is committed; `shown` is the text without
    what only its reader may see."""
    await send_later(tx, KIND, {"phone": phone, "text": text, "shown": shown}, dedupe=dedupe)


async def forget_address(tx: Transaction, address: str) -> None:
    """Delete what was sent to an address, and what waits to be."""
    await tx.session.execute(
        delete(DeliveredMessage).where(col(DeliveredMessage.address) == address)
    )
    await forget(tx, KIND, "phone", address)


async def tidy(tx: Transaction) -> None:
    """Forget what was sent long ago."""
    await tx.session.execute(
        delete(DeliveredMessage).where(col(DeliveredMessage.at) < tx.now - KEEP_SENT)
    )


async def sent(tx: Transaction, *, limit: int = 100) -> list[SentMessage]:
    """Return what was sent, newest first, numbers masked."""
    row = DeliveredMessage
    found = await tx.session.execute(
        select(col(row.channel), col(row.address), col(row.text), col(row.at))
        .order_by(col(row.at).desc())
        .limit(limit)
    )
    return [
        SentMessage(channel, mask_phone(address), text, at) for channel, address, text, at in found
    ]

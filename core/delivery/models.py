"""What was sent to which address."""

from datetime import datetime
from uuid import UUID

from sqlmodel import Field

from core.database import CoreBase
from plugin_sdk.data import UtcTime


class DeliveredMessage(CoreBase, table=True):
    """A message that left; its id is the outbox row's, so a repeat is known. The text is
    without what only its reader may see."""

    __tablename__ = "delivery_message"

    id: UUID = Field(primary_key=True)
    channel: str
    address: str
    text: str
    at: datetime = Field(sa_type=UtcTime, index=True)

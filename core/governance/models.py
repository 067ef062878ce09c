"""The table of complaints and suggestions (投诉建议)."""

from datetime import datetime
from uuid import UUID

from sqlmodel import Field

from core.database import CoreBase
from plugin_sdk.data import UtcTime, new_id


class Feedback(CoreBase, table=True):
    """What someone says of an app; its owner answers."""

    __tablename__ = "governance_feedback"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    number: str = Field(unique=True)
    app: str = Field(index=True)
    place: str = ""
    text: str
    anonymous: bool
    person_id: UUID | None = Field(default=None, index=True)
    at: datetime = Field(sa_type=UtcTime)
    reply: str | None = None
    replied_at: datetime | None = Field(default=None, sa_type=UtcTime)
    replied_by: UUID | None = None

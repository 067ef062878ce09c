"""The tables of Open311: what is public, the keys of applications, what waits to be an order."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import JSON, Text
from sqlmodel import Field

from plugin_sdk.data import Identified, Owned, UtcTime, Versioned
from plugins.hotline.models import Base


class Publication(Identified, Versioned, Base, table=True):
    """What everybody may read of an order: a copy of its own, as a moderator let it pass.

    `state` is `waiting`, `published`, `again` (public as it was, and to be looked at anew),
    `refused` or `withdrawn`. `requested_at` is when the order was filed, of what is public alone,
    which lists go by. Without a position none is shown. `photos` are ids of the order's files.
    """

    __tablename__ = "hotline_publication"

    order_id: UUID = Field(unique=True)
    state: str = Field(max_length=10, index=True)
    asked_at: datetime = Field(sa_type=UtcTime)
    requested_at: datetime | None = Field(default=None, sa_type=UtcTime, index=True)
    text: str = Field(default="", sa_type=Text)
    address: str = Field(default="", max_length=200)
    notes: str | None = Field(default=None, sa_type=Text)
    longitude: float | None = None
    latitude: float | None = None
    photos: list[str] = Field(default_factory=list, sa_type=JSON)
    reason: str | None = Field(default=None, max_length=500)
    decided_at: datetime | None = Field(default=None, sa_type=UtcTime)
    decided_by: UUID | None = None


class Open311Key(Owned, Base, table=True):
    """The key with which an application files. Of the key itself the digest alone is kept."""

    __tablename__ = "hotline_open311_key"

    name: str = Field(max_length=100)
    contact: str = Field(max_length=200)
    digest: str = Field(max_length=64, unique=True)
    hint: str = Field(max_length=4)
    made_at: datetime = Field(sa_type=UtcTime)
    revoked_at: datetime | None = Field(default=None, sa_type=UtcTime)
    used_at: datetime | None = Field(default=None, sa_type=UtcTime)
    hour: datetime | None = Field(default=None, sa_type=UtcTime)
    filed: int = 0
    """How much it filed in `hour`."""


class Open311Filing(Owned, Base, table=True):
    """What an application sent where a county looks first (`open311_screened`): its id is the
    token, `order_id` stands once it became an order. What was sent is dropped when it is decided.
    """

    __tablename__ = "hotline_open311_filing"

    key_id: UUID = Field(index=True)
    request_key: str | None = Field(default=None, max_length=200, unique=True)
    sent: dict[str, str] = Field(default_factory=dict, sa_type=JSON)
    caller_name: str = Field(default="", max_length=100)
    filed_at: datetime = Field(sa_type=UtcTime, index=True)
    order_id: UUID | None = None
    number: str | None = Field(default=None, max_length=40)
    decided_at: datetime | None = Field(default=None, sa_type=UtcTime, index=True)
    reason: str | None = Field(default=None, max_length=500)

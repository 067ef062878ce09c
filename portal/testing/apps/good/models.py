"""The tables of the good app."""

from datetime import datetime
from uuid import UUID

from sqlmodel import Field, SQLModel

from plugin_sdk.data import Identified, Owned, UtcTime, app_registry


class Base(SQLModel, registry=app_registry("good")):
    """The base of the app's tables."""


class Item(Owned, Base, table=True):
    """Something that was recorded, in the scope of who recorded it."""

    __tablename__ = "good_item"

    title: str = Field(max_length=200)
    sealed: bool = False


class Tally(Identified, Base, table=True):
    """A run of the job."""

    __tablename__ = "good_tally"

    at: datetime = Field(sa_type=UtcTime)


class Notice(Identified, Base, table=True):
    """An event that arrived; the same item stands here once."""

    __tablename__ = "good_notice"

    item_id: UUID = Field(index=True)

"""The tables of the officers' desk: what came over from an old app."""

from datetime import datetime

from sqlmodel import Field

from plugin_sdk.data import Owned, UtcTime
from plugins.traffic.models import Base


class Imported(Owned, Base, table=True):
    """What came over from an old app, in the same unit of work as the record that was made of it:
    the app it came from (`of`, '' for one that the hub never knew), its kind, the number that it
    had there and its time."""

    __tablename__ = "traffic_imported"

    key: str = Field(max_length=120, unique=True)
    of: str = Field(max_length=40, index=True)
    kind: str = Field(max_length=20)
    number: str = Field(max_length=40)
    at: datetime = Field(sa_type=UtcTime)

"""The mixin of what a source said last. The table is the app's own.

class State(SourceState, Base, table=True):
    __tablename__ = "traffic_source"
"""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON
from sqlmodel import Field

from plugin_sdk.data import Identified, UtcTime


class SourceState(Identified):
    """The last known state of one record of a source: what it said, and when.

    `ref` is `<kind>:<key>`, `owner` whose the record is by the source's own word (an index, ''
    where it is nobody's). `data` None: the source has said that there is no such record. A row
    lies in nobody's scope: the app shows it to whom `owner` says, see `SourceEngine.known`.
    """

    ref: str = Field(max_length=120, unique=True)
    owner: str = Field(default="", max_length=64, index=True)
    data: dict[str, Any] | None = Field(default=None, sa_type=JSON)
    seen_at: datetime = Field(sa_type=UtcTime)

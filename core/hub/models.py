"""The table of requests that may be sent twice."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON
from sqlmodel import Field

from core.database import CoreBase
from plugin_sdk.data import UtcTime


class RequestRecord(CoreBase, table=True):
    """A request by its key, and what it was answered."""

    __tablename__ = "hub_request"

    key: str = Field(primary_key=True)
    route: str = Field(primary_key=True)
    digest: str
    answer: dict[str, Any] | None = Field(default=None, sa_type=JSON)
    at: datetime = Field(sa_type=UtcTime, index=True)

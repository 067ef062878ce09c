"""Tables of requests that may be sent twice, and of what people typed under data elements."""

from datetime import datetime
from typing import Any
from uuid import UUID

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


class TypedElement(CoreBase, table=True):
    """What a person last typed under a data element, in a form of which app: for them alone."""

    __tablename__ = "hub_typed_element"

    person_id: UUID = Field(primary_key=True, foreign_key="identity_person.id")
    element: str = Field(primary_key=True)
    value: str
    app: str
    at: datetime = Field(sa_type=UtcTime, index=True)

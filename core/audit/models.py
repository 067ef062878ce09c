"""The table of the record. Rows are added and never changed."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import JSON
from sqlmodel import Field

from core.database import CoreBase
from plugin_sdk.data import UtcTime, new_id


class AuditEntry(CoreBase, table=True):
    """One act or refusal: who, in which post, what, on what, allowed by which grant."""

    __tablename__ = "audit_entry"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    at: datetime = Field(sa_type=UtcTime, index=True)
    app: str = Field(index=True)
    act: str
    subject: str = Field(index=True)
    outcome: str = "done"
    person_id: UUID | None = Field(default=None, index=True)
    post_id: UUID | None = None
    organization_id: UUID | None = None
    system: str | None = None
    permission: str | None = None
    granted_by: str | None = None
    request_id: str | None = None
    facts: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)

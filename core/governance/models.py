"""Tables of governance: complaints, the register beyond the door, findings and measures."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import JSON
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


class RegisteredApp(CoreBase, table=True):
    """An app on the register that does not stand behind the door, as it was declared
    (`core.governance.declared`)."""

    __tablename__ = "governance_app"

    app: str = Field(primary_key=True)
    declared: dict[str, Any] = Field(sa_type=JSON)
    registered_at: datetime = Field(sa_type=UtcTime)


class FindingRow(CoreBase, table=True):
    """A finding: since when it holds, and until when it held (`core.governance.findings`)."""

    __tablename__ = "governance_finding"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    app: str = Field(index=True)
    kind: str
    about: str = ""
    found_at: datetime = Field(sa_type=UtcTime)
    seen_at: datetime = Field(sa_type=UtcTime)
    cleared_at: datetime | None = Field(default=None, sa_type=UtcTime)
    finding: dict[str, Any] = Field(sa_type=JSON)


class Evaluation(CoreBase, table=True):
    """When the register was looked at, under which policy, and how many findings there were."""

    __tablename__ = "governance_evaluation"

    at: datetime = Field(sa_type=UtcTime, primary_key=True)
    policy: str
    apps: int
    findings: int


class Measured(CoreBase, table=True):
    """The measures of an app as they were when the register was last looked at. `known_since` is
    the day since which the app is looked at, or was first used: before it, all is unknown."""

    __tablename__ = "governance_measured"

    app: str = Field(primary_key=True)
    known_since: date
    at: datetime = Field(sa_type=UtcTime)
    since: date
    until: date
    measures: list[dict[str, Any]] = Field(sa_type=JSON)

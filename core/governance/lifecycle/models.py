"""Tables of the life cycle: where each app stands, and how it came there."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import JSON
from sqlmodel import Field

from core.database import CoreBase
from plugin_sdk.data import UtcTime, new_id


class Standing(CoreBase, table=True):
    """Where an app stands: governance's own word, whatever its manifest says later.

    `review` is the number of the review that is open or decided, `successor` the app that takes
    its place, `announced` when the sunset was made known and `closes_on` the day on which the app
    closes. `manifest` is what it last ran with and `tables` what its tables then were
    (`core.governance.archive.schema`), so that an app can be retired whose package is gone; both
    are None for an app beyond the door.
    """

    __tablename__ = "governance_standing"

    app: str = Field(primary_key=True)
    stage: str = Field(index=True)
    since: date
    version: int = 1
    review: str | None = None
    successor: str | None = None
    announced: datetime | None = Field(default=None, sa_type=UtcTime)
    closes_on: date | None = None
    manifest: dict[str, Any] | None = Field(default=None, sa_type=JSON)
    tables: dict[str, Any] | None = Field(default=None, sa_type=JSON)


class StepTaken(CoreBase, table=True):
    """One step of an app, by whom, as what, and why: written once, never changed."""

    __tablename__ = "governance_step"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    app: str = Field(index=True)
    verb: str
    source: str
    target: str
    at: datetime = Field(sa_type=UtcTime, index=True)
    person_id: UUID | None = None
    name: str = ""
    unit: str = ""
    reason: str = ""
    facts: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)


class Change(CoreBase, table=True):
    """One change of the register (变更记录): of which entry, by whom, what was and what is."""

    __tablename__ = "governance_change"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    kind: str
    subject: str = Field(index=True)
    at: datetime = Field(sa_type=UtcTime, index=True)
    person_id: UUID | None = None
    name: str = ""
    was: dict[str, Any] | None = Field(default=None, sa_type=JSON)
    now: dict[str, Any] | None = Field(default=None, sa_type=JSON)

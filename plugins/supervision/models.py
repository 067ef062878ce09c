"""The tables of supervision: findings (监督检查) and tasks (督办任务), each with its timeline."""

from datetime import date, datetime
from typing import ClassVar
from uuid import UUID

from sqlalchemy import Text, UniqueConstraint
from sqlmodel import Field, SQLModel

from plugin_sdk.cases.models import CaseEntry, CasePart, CaseParty, CaseRow
from plugin_sdk.data import Owned, UtcTime, app_registry


class Base(SQLModel, registry=app_registry("supervision")):
    """The base of the app's tables."""


class FindingParty(CaseParty, Base, table=True):
    """An organization that has to do with a finding."""

    __tablename__ = "supervision_finding_party"


class FindingEntry(CaseEntry, Base, table=True):
    """A step of a finding."""

    __tablename__ = "supervision_finding_entry"
    parties: ClassVar[type[CaseParty]] = FindingParty


class Finding(CaseRow, Base, table=True):
    """One check of one subject under one topic, and what came of it.

    `subject` names who or what was checked, `subject_unit_id` the unit where it is one of the
    directory. `result` is `clear` or `problem`.
    """

    __tablename__ = "supervision_finding"
    parties: ClassVar[type[CaseParty]] = FindingParty
    entries: ClassVar[type[CaseEntry]] = FindingEntry

    topic: str = Field(max_length=40, index=True)
    subject: str = Field(max_length=100, index=True)
    subject_unit_id: UUID | None = Field(default=None, index=True)
    checked_on: date = Field(index=True)
    result: str = Field(max_length=10)
    place: str = Field(default="", max_length=200)
    longitude: float | None = None
    latitude: float | None = None
    text: str = Field(sa_type=Text)


class Spared(Owned, Base, table=True):
    """An inspection that an organization left out, since another's result was enough."""

    __tablename__ = "supervision_spared"
    __table_args__ = (UniqueConstraint("finding_id", "organization_id"),)

    finding_id: UUID
    at: datetime = Field(sa_type=UtcTime)
    reason: str = Field(max_length=1000)


class TaskParty(CaseParty, Base, table=True):
    """An organization that has to do with a task."""

    __tablename__ = "supervision_task_party"


class TaskEntry(CaseEntry, Base, table=True):
    """A step of a task."""

    __tablename__ = "supervision_task_entry"
    parties: ClassVar[type[CaseParty]] = TaskParty


class TaskPart(CasePart, Base, table=True):
    """What an assisting unit does for a task."""

    __tablename__ = "supervision_task_part"
    parties: ClassVar[type[CaseParty]] = TaskParty


class Task(CaseRow, Base, table=True):
    """A decision or an item of a meeting that a unit has to carry out (任务督办)."""

    __tablename__ = "supervision_task"
    parties: ClassVar[type[CaseParty]] = TaskParty
    entries: ClassVar[type[CaseEntry]] = TaskEntry
    parts: ClassVar[type[CasePart] | None] = TaskPart

    source: str = Field(max_length=200)
    text: str = Field(sa_type=Text)
    progress: str = Field(default="", sa_type=Text)
    report: str = Field(default="", sa_type=Text)

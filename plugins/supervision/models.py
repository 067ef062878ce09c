"""The tables of supervision: findings (监督检查), tasks (督办任务), projects (项目监督), and the
registers of topics and liaison stations."""

from datetime import date, datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import BigInteger, Text, UniqueConstraint, or_
from sqlmodel import Field, SQLModel, col

from plugin_sdk.cases.models import CaseEntry, CasePart, CaseParty, CaseRow
from plugin_sdk.data import Owned, UtcTime, app_registry
from plugin_sdk.registers import RegisterRow, RegisterVersion


class Base(SQLModel, registry=app_registry("supervision")):
    """The base of the app's tables."""


class TopicVersion(RegisterVersion, Base, table=True):
    """A topic as it stood."""

    __tablename__ = "supervision_topic_version"
    shared: ClassVar[bool] = True


class Topic(RegisterRow, Base, table=True):
    """A topic of supervision (监督事项): the county's list, for all who file."""

    __tablename__ = "supervision_topic"
    versions: ClassVar[type[RegisterVersion]] = TopicVersion
    shared: ClassVar[bool] = True


class StationVersion(RegisterVersion, Base, table=True):
    """A station as it stood."""

    __tablename__ = "supervision_station_version"
    shared: ClassVar[bool] = True


class Station(RegisterRow, Base, table=True):
    """A liaison station (监察联络站) with its head, at a village, community or town."""

    __tablename__ = "supervision_station"
    versions: ClassVar[type[RegisterVersion]] = StationVersion
    shared: ClassVar[bool] = True

    place_id: UUID
    head: str = Field(max_length=50)


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
    """An inspection that an organization left out, since the result of another, the source, was
    enough: both see it."""

    __tablename__ = "supervision_spared"
    __table_args__ = (
        UniqueConstraint("finding_id", "organization_id", name="uq_supervision_spared_once"),
    )

    finding_id: UUID
    source_organization_id: UUID = Field(index=True)
    at: datetime = Field(sa_type=UtcTime)
    reason: str = Field(max_length=1000)

    @classmethod
    def reach_organizations(cls, within: Any) -> Any:
        """Return the condition for what the organizations left out, or let others leave out."""
        return or_(within(col(cls.organization_id)), within(col(cls.source_organization_id)))


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


class ProjectParty(CaseParty, Base, table=True):
    """An organization that has to do with a project."""

    __tablename__ = "supervision_project_party"


class ProjectEntry(CaseEntry, Base, table=True):
    """A step of the watch over a project: a checkpoint, a notice, an opinion, a problem."""

    __tablename__ = "supervision_project_entry"
    parties: ClassVar[type[CaseParty]] = ProjectParty


class Project(CaseRow, Base, table=True):
    """A project under watch by a station. `amount` is in fen; `problems` counts those raised,
    `settled` those with an outcome."""

    __tablename__ = "supervision_project"
    parties: ClassVar[type[CaseParty]] = ProjectParty
    entries: ClassVar[type[CaseEntry]] = ProjectEntry

    kind: str = Field(max_length=20)
    station: str = Field(max_length=40)
    amount: int = Field(sa_type=BigInteger)
    households: int = Field(default=0)
    text: str = Field(sa_type=Text)
    problems: int = Field(default=0)
    settled: int = Field(default=0)

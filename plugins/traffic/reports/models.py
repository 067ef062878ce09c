"""The tables of reports."""

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import JSON, Text
from sqlmodel import Field

from plugin_sdk.cases.models import CaseEntry, CaseParty, CaseRow
from plugin_sdk.data import Owned, UtcTime
from plugins.traffic.models import Base


class ReportParty(CaseParty, Base, table=True):
    """An organization that has to do with a report."""

    __tablename__ = "traffic_report_party"


class ReportEntry(CaseEntry, Base, table=True):
    """A step of a report."""

    __tablename__ = "traffic_report_entry"
    parties: ClassVar[type[CaseParty]] = ReportParty


class Report(CaseRow, Base, table=True):
    """A violation that somebody saw (举报): what, by which plate, where and when.

    `longitude` and `latitude` are of the place, as the form said or else a photo; `remarks` what
    an officer should know of the photos. `same_as` is the report of the same violation that came
    before and whose outcome this one shares. `reference` names it to the police's system, which
    knows neither its number nor who reported; `recorded_as` is the violation's number there.
    """

    __tablename__ = "traffic_report"
    parties: ClassVar[type[CaseParty]] = ReportParty
    entries: ClassVar[type[CaseEntry]] = ReportEntry

    kind: str = Field(max_length=20)
    plate: str = Field(max_length=10, index=True)
    happened_at: datetime = Field(sa_type=UtcTime)
    place: str = Field(max_length=100)
    text: str = Field(default="", sa_type=Text)
    longitude: float | None = None
    latitude: float | None = None
    remarks: list[Any] = Field(default_factory=list, sa_type=JSON)
    reporter_name: str = Field(default="", max_length=100)
    same_as: UUID | None = Field(default=None, index=True)
    reference: str = Field(max_length=64, unique=True, index=True)
    recorded_as: str | None = Field(default=None, max_length=32)


class ReportPhoto(Owned, Base, table=True):
    """The digest of a photo of a report, by which the same one is known again."""

    __tablename__ = "traffic_report_photo"

    report_id: UUID = Field(index=True)
    digest: str = Field(max_length=64, index=True)

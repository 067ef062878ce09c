"""The tables of receptions (days, their seats, who comes) and of matters that could not be done."""

from datetime import date
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import Text, true
from sqlmodel import Field

from plugin_sdk.cases.models import CaseEntry, CaseParty, CaseRow
from plugin_sdk.data import Identified
from plugin_sdk.registers import RegisterRow, RegisterVersion
from plugins.hotline.models import Base


class ReceptionDayVersion(RegisterVersion, Base, table=True):
    """A day as it was announced."""

    __tablename__ = "hotline_reception_day_version"
    shared: ClassVar[bool] = True


class ReceptionDay(RegisterRow, Base, table=True):
    """A day on which a leader receives (接访日): `name` is the topic, `ends_on` the day, from
    `starts_on` on people register for it."""

    __tablename__ = "hotline_reception_day"
    versions: ClassVar[type[RegisterVersion]] = ReceptionDayVersion
    shared: ClassVar[bool] = True

    leader: str = Field(max_length=100)
    place: str = Field(max_length=200)
    opens: str = Field(max_length=5)
    closes: str = Field(max_length=5)
    places: int

    @classmethod
    def reach_person(cls, person_id: UUID) -> Any:
        """Return the condition for the days that anybody may know of: they are announced."""
        return true()


class ReceptionSeats(Identified, Base, table=True):
    """How many places of a day are taken. It says nothing of a person and lies in nobody's
    scope; whoever takes or frees a place locks it first, so that the last one goes to one."""

    __tablename__ = "hotline_reception_seats"

    day_id: UUID = Field(unique=True)
    taken: int = 0


class VisitParty(CaseParty, Base, table=True):
    """An organization that has to do with a visit."""

    __tablename__ = "hotline_visit_party"


class VisitEntry(CaseEntry, Base, table=True):
    """A step of a visit."""

    __tablename__ = "hotline_visit_entry"
    parties: ClassVar[type[CaseParty]] = VisitParty


class Visit(CaseRow, Base, table=True):
    """Somebody's place on a reception day, with their matter, and what came of it.

    What the leader promised is the order `order_id`; `sponsor_person_id` is who received and
    answers for it (包案领导), `sponsor` the post in words.
    """

    __tablename__ = "hotline_visit"
    parties: ClassVar[type[CaseParty]] = VisitParty
    entries: ClassVar[type[CaseEntry]] = VisitEntry

    day_id: UUID = Field(index=True)
    day_on: date
    leader: str = Field(max_length=100)
    caller_name: str = Field(default="", max_length=100)
    caller_phone: str = Field(default="", max_length=20)
    text: str = Field(sa_type=Text)
    minutes: str | None = Field(default=None, sa_type=Text)
    order_id: UUID | None = Field(default=None, index=True)
    order_number: str | None = Field(default=None, max_length=40)
    sponsor_person_id: UUID | None = None
    sponsor: str = Field(default="", max_length=200)


class MatterParty(CaseParty, Base, table=True):
    """An organization that has to do with a matter."""

    __tablename__ = "hotline_matter_party"


class MatterEntry(CaseEntry, Base, table=True):
    """A step of a matter."""

    __tablename__ = "hotline_matter_entry"
    parties: ClassVar[type[CaseParty]] = MatterParty


class Matter(CaseRow, Base, table=True):
    """A matter that failed at a counter (办不成事): what was asked for there, what was refused and
    why; then whether that was right, by which rule, and how it ended.

    `unit_id` refused it, `upheld` says whether that was right by its `rule`. `representative` is
    the 首席事务代表 who answers for it, `outcome` the act that ended it, `order_number` the
    suggestion that came of it.
    """

    __tablename__ = "hotline_matter"
    parties: ClassVar[type[CaseParty]] = MatterParty
    entries: ClassVar[type[CaseEntry]] = MatterEntry

    unit_id: UUID = Field(index=True)
    matter: str = Field(max_length=200)
    counter: str = Field(max_length=100)
    refused_on: date
    text: str = Field(sa_type=Text)
    said: str = Field(default="", max_length=2000)
    caller_name: str = Field(default="", max_length=100)
    caller_phone: str = Field(default="", max_length=20)
    representative: str = Field(default="", max_length=100)
    upheld: bool | None = None
    rule: str = Field(default="", max_length=500)
    cause: str | None = Field(default=None, max_length=20)
    outcome: str | None = Field(default=None, max_length=20, index=True)
    reply: str | None = Field(default=None, sa_type=Text)
    order_number: str | None = Field(default=None, max_length=40)

"""The tables of traffic. A part with many of its own keeps them in `<part>_models.py`."""

from datetime import date, datetime
from typing import ClassVar
from uuid import UUID

from sqlalchemy import JSON, BigInteger, Text, UniqueConstraint
from sqlmodel import Field, SQLModel

from plugin_sdk.cases.models import CaseEntry, CaseParty, CaseRow
from plugin_sdk.data import Identified, Owned, UtcTime, app_registry
from plugin_sdk.sources import SourceState


class Base(SQLModel, registry=app_registry("traffic")):
    """The base of the app's tables."""


class State(SourceState, Base, table=True):
    """What the traffic police's system said last of a vehicle, a licence or its violations."""

    __tablename__ = "traffic_source"


class OwnVehicle(Owned, Base, table=True):
    """A vehicle that a person has bound: theirs by the source's own word. `owner_index` is the
    index of the identity number that was proven."""

    __tablename__ = "traffic_vehicle"

    plate: str = Field(max_length=10, unique=True)
    owner_index: str = Field(max_length=64)
    bound_at: datetime = Field(sa_type=UtcTime)


class PastVehicle(Owned, Base, table=True):
    """A vehicle that a person had bound once: what happened with it by then stays their affair,
    although it was taken off them."""

    __tablename__ = "traffic_vehicle_past"

    plate: str = Field(max_length=10, index=True)
    bound_at: datetime = Field(sa_type=UtcTime)
    until_at: datetime = Field(sa_type=UtcTime)


class OwnLicence(Owned, Base, table=True):
    """The driving licence that a person has bound: one a person, and one person each."""

    __tablename__ = "traffic_licence"
    __table_args__ = (UniqueConstraint("person_id", name="uq_traffic_licence_person"),)

    file_number: str = Field(max_length=12, unique=True)
    owner_index: str = Field(max_length=64)
    bound_at: datetime = Field(sa_type=UtcTime)


class LicenceCode(Identified, Base, table=True):
    """A code by which a licence is checked for a few minutes. Of the code itself only the digest
    is kept."""

    __tablename__ = "traffic_licence_code"

    digest: str = Field(max_length=64, unique=True)
    licence_id: UUID = Field(index=True)
    expires_at: datetime = Field(sa_type=UtcTime, index=True)


class Handling(Owned, Base, table=True):
    """What a person did about a violation of theirs (违法处理), once for each.

    `state` is `objected`, `accepted`, `paid`, `elsewhere` (its fine was paid elsewhere),
    `cancelled` or `upheld`; the facts are those that the source
    said when it was done. `fine` is in fen; `due_on` the last day to pay it without more.
    """

    __tablename__ = "traffic_handling"

    number: str = Field(max_length=32, unique=True)
    plate: str = Field(max_length=10, index=True)
    happened_at: datetime = Field(sa_type=UtcTime)
    place: str = Field(max_length=200)
    what: str = Field(max_length=200)
    points: int
    fine: int = Field(sa_type=BigInteger)
    state: str = Field(max_length=12, index=True)
    changed_at: datetime = Field(sa_type=UtcTime, index=True)
    due_on: date | None = None


class ObjectionParty(CaseParty, Base, table=True):
    """An organization that has to do with an objection."""

    __tablename__ = "traffic_objection_party"


class ObjectionEntry(CaseEntry, Base, table=True):
    """A step of an objection."""

    __tablename__ = "traffic_objection_entry"
    parties: ClassVar[type[CaseParty]] = ObjectionParty


class Objection(CaseRow, Base, table=True):
    """An objection (异议) to one violation: why it should not stand, and what an officer says.
    `pictures` name the evidence at the source."""

    __tablename__ = "traffic_objection"
    parties: ClassVar[type[CaseParty]] = ObjectionParty
    entries: ClassVar[type[CaseEntry]] = ObjectionEntry

    violation: str = Field(max_length=32, index=True)
    plate: str = Field(max_length=10)
    happened_at: datetime = Field(sa_type=UtcTime)
    place: str = Field(max_length=200)
    what: str = Field(max_length=200)
    points: int
    fine: int = Field(sa_type=BigInteger)
    pictures: list[str] = Field(default_factory=list, sa_type=JSON)
    text: str = Field(sa_type=Text)
    reply: str = Field(default="", sa_type=Text)

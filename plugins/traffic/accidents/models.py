"""The tables of accidents: a case with two sides, their photos, the invitation of the second, and
the paper that comes out of it."""

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import Text, UniqueConstraint, or_, select
from sqlmodel import Field, col

from plugin_sdk.cases.models import CaseEntry, CaseParty, CaseRow
from plugin_sdk.data import Identified, UtcTime
from plugins.traffic.models import Base


class AccidentSide(Identified, Base, table=True):
    """One side (当事人) of an accident: 甲方 `a` reported it, 乙方 `b` joined. `share` is the
    liability that they see on themselves, `statement` the version of the statement that they said
    it of. Not scoped by itself: it is only ever read beside its case."""

    __tablename__ = "traffic_accident_side"
    __table_args__ = (
        UniqueConstraint("case_id", "side", name="uq_traffic_accident_side_case_side"),
        UniqueConstraint("case_id", "person_id", name="uq_traffic_accident_side_case_person"),
    )

    case_id: UUID = Field(index=True)
    person_id: UUID = Field(index=True)
    side: str = Field(max_length=1)
    name: str = Field(max_length=60)
    plate: str = Field(max_length=10)
    insurer: str = Field(max_length=60)
    share: str | None = Field(default=None, max_length=8)
    statement: int | None = None
    agreed_at: datetime | None = Field(default=None, sa_type=UtcTime)


def _taken_part(case_id: Any, person_id: Any) -> Any:
    return (
        select(col(AccidentSide.id))
        .where(col(AccidentSide.case_id) == case_id, col(AccidentSide.person_id) == person_id)
        .exists()
    )


class AccidentParty(CaseParty, Base, table=True):
    """An organization that has to do with an accident."""

    __tablename__ = "traffic_accident_party"


class AccidentEntry(CaseEntry, Base, table=True):
    """A step of an accident."""

    __tablename__ = "traffic_accident_entry"
    parties: ClassVar[type[CaseParty]] = AccidentParty

    @classmethod
    def reach_person(cls, person_id: UUID) -> Any:
        """Return the condition for the steps of accidents in which a person is a side."""
        mine = col(cls.person_id) == person_id
        return or_(mine, _taken_part(col(cls.case_id), person_id))


class Accident(CaseRow, Base, table=True):
    """An accident without injury (财产损失事故): what both sides say of it, and who is liable.

    `statement` counts the changes of what is said: whoever agreed to an earlier one has agreed to
    nothing. `outcome` is the liability of side a (`Outcome`), `reply` the reasons of an officer.
    """

    __tablename__ = "traffic_accident"
    parties: ClassVar[type[CaseParty]] = AccidentParty
    entries: ClassVar[type[CaseEntry]] = AccidentEntry

    happened_at: datetime = Field(sa_type=UtcTime)
    place: str = Field(max_length=100)
    longitude: float | None = None
    latitude: float | None = None
    other_plate: str = Field(max_length=10)
    collision: str = Field(max_length=10)
    weather: str = Field(max_length=10)
    road: str = Field(max_length=10)
    what: str = Field(sa_type=Text)
    statement: int = Field(default=1)
    outcome: str | None = Field(default=None, max_length=8)
    reply: str = Field(default="", sa_type=Text)

    @classmethod
    def reach_person(cls, person_id: UUID) -> Any:
        """Return the condition for accidents in which a person is a side."""
        mine = col(cls.person_id) == person_id
        return or_(mine, _taken_part(col(cls.id), person_id))


class AccidentPhoto(Identified, Base, table=True):
    """A photo of one view (`accidents.evidence`), with what the camera had written: when, and how
    many metres from where the accident is said to have been. The latest of a view counts."""

    __tablename__ = "traffic_accident_photo"

    case_id: UUID = Field(index=True)
    side: str = Field(max_length=1)
    view: str = Field(max_length=12)
    file_id: UUID
    kept_at: datetime = Field(sa_type=UtcTime)
    taken_at: datetime | None = Field(default=None, sa_type=UtcTime)
    metres: int | None = None


class AccidentInvitation(Identified, Base, table=True):
    """A code by which the other side joins, once and for some minutes: its digest alone."""

    __tablename__ = "traffic_accident_invitation"

    case_id: UUID = Field(index=True)
    digest: str = Field(max_length=64, unique=True)
    expires_at: datetime = Field(sa_type=UtcTime, index=True)
    used_at: datetime | None = Field(default=None, sa_type=UtcTime)


class AccidentTry(Identified, Base, table=True):
    """That a person tried a code: so many an hour. `turn` counts them, many at once too."""

    __tablename__ = "traffic_accident_try"

    person_id: UUID = Field(index=True)
    turn: str = Field(max_length=64, unique=True)
    tried_at: datetime = Field(sa_type=UtcTime, index=True)


class AccidentPaper(Identified, Base, table=True):
    """The paper (文书) of an accident: an agreement of both sides, or an officer's decision.
    Whoever holds it checks it by its `code`."""

    __tablename__ = "traffic_accident_paper"

    case_id: UUID = Field(unique=True)
    code: str = Field(max_length=12, unique=True)
    kind: str = Field(max_length=10)
    issued_at: datetime = Field(sa_type=UtcTime)
    expires_at: datetime = Field(sa_type=UtcTime)
    revoked_at: datetime | None = Field(default=None, sa_type=UtcTime)

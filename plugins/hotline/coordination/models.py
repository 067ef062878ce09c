"""The tables of coordinations: a case, who takes part, what each unit has to do, the paper."""

from datetime import date, datetime
from typing import ClassVar
from uuid import UUID

from sqlalchemy import Text, UniqueConstraint
from sqlmodel import Field

from plugin_sdk.cases.models import CaseEntry, CaseParty, CaseRow
from plugin_sdk.data import Identified, UtcTime
from plugins.hotline.models import Base


class CoordinationParty(CaseParty, Base, table=True):
    """An organization that takes part in a coordination."""

    __tablename__ = "hotline_coordination_party"


class CoordinationEntry(CaseEntry, Base, table=True):
    """A step of a coordination."""

    __tablename__ = "hotline_coordination_entry"
    parties: ClassVar[type[CaseParty]] = CoordinationParty


class Coordination(CaseRow, Base, table=True):
    """The coordination of one order. The centre holds it, and while it is to be signed the chair.

    `matter` and `place` are what the order says, without who called: units that take part see
    this and never the order. `asker_person_id` is the order's requester, `asker_agent_person_id`
    who filed it for them: they have no hand in it, nor in its parts.
    `how`, `starts_at`, `venue` and the chair, a person in a post of `chair_unit`, are those of the
    meeting (None: convened when chairs had a name alone; another is named before it is signed).
    The decision with its basis is the chair's once `signed_at`. With `rule_unit` it is proposed as
    the rule for the next time: that unit for this category and region, by this basis.
    """

    __tablename__ = "hotline_coordination"
    parties: ClassVar[type[CaseParty]] = CoordinationParty
    entries: ClassVar[type[CaseEntry]] = CoordinationEntry

    order_id: UUID = Field(index=True)
    order_number: str = Field(max_length=40)
    asker_person_id: UUID | None = None
    asker_agent_person_id: UUID | None = None
    secret: bool = False
    ground: str = Field(max_length=10)
    question: str = Field(max_length=1000)
    matter: str = Field(sa_type=Text)
    place: str = Field(default="", max_length=200)
    region_id: UUID | None = None
    category_code: str | None = Field(default=None, max_length=100)
    how: str | None = Field(default=None, max_length=10)
    starts_at: datetime | None = Field(default=None, sa_type=UtcTime)
    venue: str = Field(default="", max_length=200)
    chair_unit: UUID | None = None
    chair_person_id: UUID | None = None
    chair_name: str = Field(default="", max_length=60)
    decision: str | None = Field(default=None, sa_type=Text)
    legal_basis: str | None = Field(default=None, max_length=300)
    rule_unit: UUID | None = None
    chair_reason: str | None = Field(default=None, max_length=1000)
    signed_at: datetime | None = Field(default=None, sa_type=UtcTime)


class CoordinationSeat(Identified, Base, table=True):
    """Who takes part: a unit by a named person, a legal expert with a written opinion, or the
    requester. An expert is the person who gives the opinion; without one they are of no unit, and
    the one that named them hands it in. What a unit objects to the decision stands here with what
    was ruled on it. Not scoped by itself: it is only ever read beside its case."""

    __tablename__ = "hotline_coordination_seat"
    __table_args__ = (
        UniqueConstraint(
            "case_id", "kind", "organization_id", name="uq_hotline_coordination_seat_unit"
        ),
    )

    case_id: UUID = Field(index=True)
    kind: str = Field(max_length=10)
    organization_id: UUID | None = None
    name: str = Field(default="", max_length=60)
    expert_person_id: UUID | None = None
    state: str = Field(max_length=10)
    reason: str = Field(default="", max_length=1000)
    answered_at: datetime | None = Field(default=None, sa_type=UtcTime)
    opinion: str | None = Field(default=None, sa_type=Text)
    opinion_basis: str | None = Field(default=None, max_length=300)
    objection: str | None = Field(default=None, max_length=1000)
    objection_basis: str | None = Field(default=None, max_length=300)
    objected_at: datetime | None = Field(default=None, sa_type=UtcTime)
    ruling: str | None = Field(default=None, max_length=10)
    ruling_reason: str | None = Field(default=None, max_length=1000)
    ruled_at: datetime | None = Field(default=None, sa_type=UtcTime)

    @property
    def outside(self) -> bool:
        """Return whether this is a legal expert who is of no unit."""
        return self.kind == "legal" and self.expert_person_id is None


class CoordinationShare(Identified, Base, table=True):
    """What one unit has to do by the decision, until when; once it is signed, by which order. It
    says who asked for the whole, for that order has no requester of its own. Not scoped by itself:
    it is only ever read beside its case or its order."""

    __tablename__ = "hotline_coordination_share"

    case_id: UUID = Field(index=True)
    organization_id: UUID
    task: str = Field(max_length=1000)
    due_on: date
    order_id: UUID | None = Field(default=None, unique=True)
    asker_person_id: UUID | None = None
    asker_agent_person_id: UUID | None = None


class CoordinationPaper(Identified, Base, table=True):
    """The paper of a signed decision: whoever holds it checks it by its `code`."""

    __tablename__ = "hotline_coordination_paper"

    case_id: UUID = Field(unique=True)
    code: str = Field(max_length=12, unique=True)
    issued_at: datetime = Field(sa_type=UtcTime)

"""The tables of checking: supervisions, ratings, follow-up calls and their script, samples."""

from datetime import date, datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import JSON, Text, UniqueConstraint, or_
from sqlmodel import Field, col

from plugin_sdk.cases.models import CaseEntry, CaseParty, CaseRow
from plugin_sdk.data import Owned, UtcTime, Versioned
from plugin_sdk.registers import RegisterRow, RegisterVersion
from plugin_sdk.signing import Signed
from plugins.hotline.models import Base


class Answered(Owned):
    """What is said of a unit's answer: `organization_id` is the unit that gave it, `centre_id` the
    organization that received the order; both see it."""

    centre_id: UUID = Field(index=True)

    @classmethod
    def reach_organizations(cls, within: Any) -> Any:
        """Return the condition for what is said of the organizations' answers, or by them."""
        return or_(within(col(cls.organization_id)), within(col(cls.centre_id)))


class SupervisionParty(CaseParty, Base, table=True):
    """An organization that has to do with a supervision."""

    __tablename__ = "hotline_supervision_party"


class SupervisionEntry(CaseEntry, Base, table=True):
    """A step of a supervision."""

    __tablename__ = "hotline_supervision_entry"
    parties: ClassVar[type[CaseParty]] = SupervisionParty


class Supervision(CaseRow, Base, table=True):
    """A supervision (督办) of the unit that holds an order: what the order's act `supervise` opens.

    `claim` is the order's and the unit's while it is open, so that there is one of both.
    `grade` rises from 1 to 3 (提醒, 督办函, 报分管领导); `causes` are words of
    `checking.supervising.CAUSES`.
    """

    __tablename__ = "hotline_supervision"
    parties: ClassVar[type[CaseParty]] = SupervisionParty
    entries: ClassVar[type[CaseEntry]] = SupervisionEntry

    order_id: UUID = Field(index=True)
    order_number: str = Field(max_length=40)
    claim: str | None = Field(default=None, max_length=80, unique=True)
    grade: int = Field(default=1)
    causes: list[str] = Field(default_factory=list, sa_type=JSON)
    why: str = Field(default="", max_length=1000)
    explanation: str = Field(default="", sa_type=Text)


class Rating(Answered, Base, table=True):
    """What a requester said of one answer (好差评). `round` counts the answers of an order: it is
    how often the order had been reopened. `source` is `account` or `phone`."""

    __tablename__ = "hotline_rating"
    __table_args__ = (UniqueConstraint("order_id", "round", name="uq_hotline_rating_once"),)

    order_id: UUID
    round: int
    stars: int
    comment: str | None = Field(default=None, max_length=1000)
    source: str = Field(max_length=10)
    answered_at: datetime | None = Field(default=None, sa_type=UtcTime)
    rated_at: datetime = Field(sa_type=UtcTime, index=True)


class QuestionVersion(RegisterVersion, Base, table=True):
    """A question as it stood."""

    __tablename__ = "hotline_question_version"
    shared: ClassVar[bool] = True


class Question(RegisterRow, Base, table=True):
    """A question of the script (回访话术) that is asked in follow-up calls."""

    __tablename__ = "hotline_question"
    versions: ClassVar[type[RegisterVersion]] = QuestionVersion
    shared: ClassVar[bool] = True


class FollowUp(Owned, Versioned, Base, table=True):
    """A requester to be called about one answer (`round`, as in `Rating`), by the organization
    that received the order. `unit_id` gave the answer.

    A `revisit` asks again after a dissatisfied rating. `rank` sorts what is open: 1 dissatisfied,
    2 unrated, 3 satisfied. `outcome` is '' while it is open, else a word of
    `checking.following.OUTCOMES`. Before `next_at` nobody calls.
    """

    __tablename__ = "hotline_follow_up"
    __table_args__ = (
        UniqueConstraint("order_id", "round", "revisit", name="uq_hotline_follow_up_once"),
    )

    order_id: UUID
    order_number: str = Field(max_length=40)
    title: str = Field(max_length=200)
    unit_id: UUID = Field(index=True)
    round: int
    revisit: bool = False
    rank: int
    outcome: str = Field(default="", max_length=12, index=True)
    tries: int = Field(default=0)
    opened_at: datetime = Field(sa_type=UtcTime)
    next_at: datetime = Field(sa_type=UtcTime)
    closed_at: datetime | None = Field(default=None, sa_type=UtcTime, index=True)


class FollowCall(Owned, Signed, Base, table=True):
    """One call of a follow-up. `answers` hold question, its version and what was answered."""

    __tablename__ = "hotline_follow_call"

    follow_up_id: UUID = Field(index=True)
    outcome: str = Field(max_length=12)
    answers: list[dict[str, Any]] = Field(default_factory=list, sa_type=JSON)
    note: str = Field(default="", max_length=1000)


class Sample(Owned, Base, table=True):
    """A sample (抽样) of the orders that were closed in one month, drawn once.

    `digest` is the SHA-256 of the numbers it was drawn from, so that whoever draws again with
    the `seed` knows whether they draw from the same. `strata` say how many of how many for each
    unit.
    """

    __tablename__ = "hotline_sample"
    __table_args__ = (
        UniqueConstraint("organization_id", "first_day", name="uq_hotline_sample_once"),
    )

    first_day: date
    share: int | None = None
    wanted: int | None = None
    seed: str = Field(max_length=64)
    digest: str = Field(max_length=64)
    size: int
    population: int
    strata: list[dict[str, Any]] = Field(default_factory=list, sa_type=JSON)
    drawn_at: datetime = Field(sa_type=UtcTime)


class Check(Answered, Versioned, Base, table=True):
    """One order of a sample, and what the check of its answer found.

    `state` is `open`, `passed`, `failed`, `asked` (failed, and a correction is due) or
    `corrected`. Of the five questions None is not judged yet.
    """

    __tablename__ = "hotline_check"
    __table_args__ = (UniqueConstraint("sample_id", "order_id", name="uq_hotline_check_once"),)

    sample_id: UUID
    order_id: UUID = Field(index=True)
    order_number: str = Field(max_length=40)
    title: str = Field(max_length=200)
    state: str = Field(default="open", max_length=10, index=True)
    answered: bool | None = None
    verified: bool | None = None
    polite: bool | None = None
    on_time: bool | None = None
    evidence: bool | None = None
    note: str = Field(default="", max_length=1000)
    judged_by: UUID | None = None
    judged_at: datetime | None = Field(default=None, sa_type=UtcTime, index=True)
    correction_due_at: datetime | None = Field(default=None, sa_type=UtcTime)
    correction: str = Field(default="", sa_type=Text)
    corrected_at: datetime | None = Field(default=None, sa_type=UtcTime)

"""Mixins of a case, its timeline and its parties. The tables are the app's own.

class OrderParty(CaseParty, Base, table=True): ...
class OrderEntry(CaseEntry, Base, table=True):
    parties: ClassVar[type[CaseParty]] = OrderParty
class Order(CaseRow, Base, table=True):
    parties: ClassVar[type[CaseParty]] = OrderParty
    entries: ClassVar[type[CaseEntry]] = OrderEntry
"""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import JSON, Index, Text, select
from sqlalchemy.orm import declared_attr
from sqlmodel import Field, SQLModel, col

from plugin_sdk.data import Identified, Owned, UtcTime, Versioned


class CaseCounted(SQLModel):
    """What of a case stands in the figures, and when it must be looked at again (None: only when
    it changes). Not scoped: the fold alone reads it."""

    case_id: UUID = Field(primary_key=True)
    look_at: datetime | None = Field(default=None, sa_type=UtcTime, index=True)
    counted: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)


class CaseFigure(SQLModel):
    """What happened on a day, in ten days or in a month (`plugin_sdk.cases.spans`), with cases of
    one `value` of a `dimension` ('': all cases).

    `organization_id` is the unit that set the cases, and `origin_id` then nobody (`NOBODY`); or
    another that held them at the time, and `origin_id` who set them. `times` are histograms
    (`plugin_sdk.cases.counted`). Numbers of cases and no case: not scoped by itself, it is read
    as `plugin_sdk.cases.rollup` does, by the units of a permission.
    """

    @declared_attr.directive
    @classmethod
    def __table_args__(cls) -> tuple[Index, ...]:
        columns = ("dimension", "span", "since", "origin_id")
        return (Index(f"ix_{cls.__tablename__}_all", *columns),)

    organization_id: UUID = Field(primary_key=True)
    dimension: str = Field(primary_key=True, max_length=20)
    span: str = Field(primary_key=True, max_length=5)
    since: date = Field(primary_key=True)
    value: str = Field(primary_key=True, max_length=100)
    origin_id: UUID = Field(primary_key=True)
    opened: int = Field(default=0)
    responded: int = Field(default=0)
    resolved: int = Field(default=0)
    due: int = Field(default=0)
    on_time: int = Field(default=0)
    rated_1: int = Field(default=0)
    rated_2: int = Field(default=0)
    rated_3: int = Field(default=0)
    rated_4: int = Field(default=0)
    rated_5: int = Field(default=0)
    times: dict[str, dict[str, int]] = Field(default_factory=dict, sa_type=JSON)


class CaseParty(Identified):
    """An organization that holds or once held a case: it keeps seeing the case.

    Not scoped by itself: it is only ever read as the scope of its case. `opened_at` is when the
    case was opened, so that the newest of a unit are found by walking an index.
    """

    @declared_attr.directive
    @classmethod
    def __table_args__(cls) -> tuple[Index, ...]:
        columns = ("organization_id", "opened_at")
        return (Index(f"ix_{cls.__tablename__}_newest", *columns),)

    case_id: UUID = Field(index=True)
    organization_id: UUID
    since: datetime = Field(sa_type=UtcTime)
    opened_at: datetime = Field(sa_type=UtcTime)
    role: str = Field(max_length=20)


def _reached(parties: type[CaseParty], case_id: Any, within: Any) -> Any:
    return (
        select(col(parties.id))
        .where(col(parties.case_id) == case_id, within(col(parties.organization_id)))
        .exists()
    )


class CaseRow(Owned, Versioned):
    """A case (办件): one matter from its filing to its end.

    `organization_id` holds it now, `person_id` asked for it (None: a caller without an
    account). `code` opens its public progress together with the number. Times are UTC.
    """

    parties: ClassVar[type[CaseParty]]
    entries: ClassVar[type["CaseEntry"]]
    parts: ClassVar[type["CasePart"] | None] = None
    counted: ClassVar[type[CaseCounted] | None] = None
    figures: ClassVar[type[CaseFigure] | None] = None

    number: str = Field(max_length=40, unique=True)
    code: str = Field(max_length=12)
    title: str = Field(max_length=200)
    state: str = Field(max_length=40, index=True)
    stage_entered_at: datetime = Field(sa_type=UtcTime)
    opened_at: datetime = Field(sa_type=UtcTime, index=True)
    held_at: datetime = Field(sa_type=UtcTime)
    origin_organization_id: UUID
    due_at: datetime | None = Field(default=None, sa_type=UtcTime, index=True)
    due_from: datetime | None = Field(default=None, sa_type=UtcTime)
    due_term: dict[str, Any] | None = Field(default=None, sa_type=JSON)
    due_pending: bool = Field(default=False, index=True)
    paused_at: datetime | None = Field(default=None, sa_type=UtcTime)
    responded_at: datetime | None = Field(default=None, sa_type=UtcTime)
    resolved_at: datetime | None = Field(default=None, sa_type=UtcTime)
    closed_at: datetime | None = Field(default=None, sa_type=UtcTime)
    returns: int = Field(default=0)
    extension_asked: int | None = Field(default=None)
    extension_asked_by: UUID | None = Field(default=None)
    extended: int = Field(default=0)
    supervised_at: datetime | None = Field(default=None, sa_type=UtcTime)
    urged_at: datetime | None = Field(default=None, sa_type=UtcTime)
    urged_by: UUID | None = Field(default=None)
    urged_by_post: str = Field(default="", max_length=200)
    reopened: int = Field(default=0)
    rating: int | None = Field(default=None)
    rating_comment: str | None = Field(default=None, max_length=1000)
    rated_at: datetime | None = Field(default=None, sa_type=UtcTime)
    imported: bool = Field(default=False)
    source_key: str | None = Field(default=None, max_length=200, unique=True)

    @property
    def dimensions(self) -> Mapping[str, str]:
        """Return by what the figures of a case are told apart, beside the unit that held it
        ('': it says nothing of that). For flows with `counted` and `figures` alone."""
        return {}

    @classmethod
    def reach_organizations(cls, within: Any) -> Any:
        """Return the condition for cases that the organizations hold or held."""
        return _reached(cls.parties, col(cls.id), within)


class CaseEntry(Owned):
    """One step of a timeline: written once, never changed.

    `role` and `unit` are words as they were then. `at` is None where an old system kept a
    date alone (`on_date`). `organization_id` and `person_id` are those of the case, so that
    who may see the case sees its timeline; `actor_*` say who acted, `agent_person_id` who did
    it for them, `delegator_person_id` whose post it was.
    """

    parties: ClassVar[type[CaseParty]]

    case_id: UUID = Field(index=True)
    seq: int
    verb: str = Field(max_length=40)
    source: str = Field(default="", max_length=40)
    target: str = Field(default="", max_length=40)
    actor_person_id: UUID | None = None
    actor_post_id: UUID | None = None
    agent_person_id: UUID | None = None
    delegator_person_id: UUID | None = None
    role: str = Field(default="", max_length=200)
    unit: str = Field(default="", max_length=200)
    at: datetime | None = Field(default=None, sa_type=UtcTime)
    on_date: date | None = None
    reason: str | None = Field(default=None, max_length=1000)
    text: str | None = None
    data: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    version: int
    public: bool = False

    @classmethod
    def reach_organizations(cls, within: Any) -> Any:
        """Return the condition for steps of cases that the organizations hold or held."""
        return _reached(cls.parties, col(cls.case_id), within)


class CasePart(Owned):
    """What an assisting unit is asked to do for a case, and its reply (`parts`).

    `organization_id` is the unit's, `person_id` the case's. A part without `replied_at` is
    open; `reply` may then hold what was sent back.
    """

    parties: ClassVar[type[CaseParty]]

    case_id: UUID = Field(index=True)
    asked: str = Field(max_length=1000)
    asked_at: datetime = Field(sa_type=UtcTime)
    asked_by: UUID | None = None
    due_at: datetime | None = Field(default=None, sa_type=UtcTime)
    reply: str | None = Field(default=None, sa_type=Text)
    replied_at: datetime | None = Field(default=None, sa_type=UtcTime)
    replied_by: UUID | None = None
    sent_back: int = Field(default=0)

    @property
    def open(self) -> bool:
        """Return whether the unit still owes its reply."""
        return self.replied_at is None

    @classmethod
    def reach_organizations(cls, within: Any) -> Any:
        """Return the condition for parts of cases that the organizations hold or held."""
        return _reached(cls.parties, col(cls.case_id), within)

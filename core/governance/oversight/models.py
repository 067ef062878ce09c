"""The tables of oversight: reviews of apps (复核), their timeline and parties."""

from datetime import date, datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import JSON, Text
from sqlmodel import Field, SQLModel

from plugin_sdk.cases.models import CaseEntry, CaseParty, CaseRow
from plugin_sdk.data import UtcTime, app_registry


class Base(SQLModel, registry=app_registry("oversight")):
    """The base of its tables."""


class ReviewParty(CaseParty, Base, table=True):
    """An organization that has to do with a review."""

    __tablename__ = "oversight_review_party"


class ReviewEntry(CaseEntry, Base, table=True):
    """A step of a review."""

    __tablename__ = "oversight_review_entry"
    parties: ClassVar[type[CaseParty]] = ReviewParty


class Review(CaseRow, Base, table=True):
    """A review of one app: held by the unit that owns it, decided at its origin.

    `pending` is the app while its review is open, which makes it one review an app, and None once
    it is decided. `evidence` is what is known of the app as it was when the review was opened, or
    last refreshed (`core.governance.oversight.evidence`). `reply` is the kind of the owner's
    (`plan`, `object`, `consent`, or `none` once the term has passed in silence), `planned_on` the
    day by which it plans to be ready. `verdict` is what was decided last, `improve_until` until
    when the app has to improve, `successor` what takes its place; `decided_*` say by whom, as
    words then were.
    """

    __tablename__ = "oversight_review"
    parties: ClassVar[type[CaseParty]] = ReviewParty
    entries: ClassVar[type[CaseEntry]] = ReviewEntry

    app: str = Field(max_length=60, index=True)
    pending: str | None = Field(default=None, max_length=60, unique=True)
    cause: str = Field(default="", sa_type=Text)
    opened_by: UUID | None = None
    evidence: dict[str, Any] = Field(sa_type=JSON)
    reply: str = Field(default="", max_length=10)
    reply_text: str = Field(default="", sa_type=Text)
    replied_at: datetime | None = Field(default=None, sa_type=UtcTime)
    planned_on: date | None = None
    verdict: str = Field(default="", max_length=10)
    improve_until: date | None = None
    successor: str | None = Field(default=None, max_length=60)
    reasons: str = Field(default="", sa_type=Text)
    decided_at: datetime | None = Field(default=None, sa_type=UtcTime)
    decided_by: UUID | None = None
    decided_name: str = Field(default="", max_length=100)
    decided_unit: str = Field(default="", max_length=200)

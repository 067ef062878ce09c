"""The tables of oversight: reviews of apps (复核), their timeline and parties; the registers of
public accounts and work groups with their versions."""

from datetime import date, datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import JSON, Text
from sqlmodel import Field, SQLModel

from plugin_sdk.cases.models import CaseEntry, CaseParty, CaseRow
from plugin_sdk.data import UtcTime, app_registry
from plugin_sdk.registers.models import RegisterRow, RegisterVersion


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


class AccountVersion(RegisterVersion, Base, table=True):
    """A public account as it stood after a change."""

    __tablename__ = "oversight_account_version"


class Account(RegisterRow, Base, table=True):
    """A public account of a government unit (政务公众账号): `code` is its name on the platform.

    `last_post` and `followers` are None where nobody knows. `outcome` is None while it is kept up,
    else `merged` (into the account `target`) or `cancelled`, on its last day.
    """

    __tablename__ = "oversight_account"
    versions: ClassVar[type[RegisterVersion]] = AccountVersion

    platform: str = Field(max_length=20)
    last_post: date | None = None
    followers: int | None = None
    outcome: str | None = Field(default=None, max_length=20, index=True)
    target: str | None = Field(default=None, max_length=40)


class GroupVersion(RegisterVersion, Base, table=True):
    """A work group as it stood after a change."""

    __tablename__ = "oversight_group_version"


class Group(RegisterRow, Base, table=True):
    """A work group (工作群) of a unit; `code` is its number on the register.

    `staff` is how many people the unit says it has, where its posts here do not tell. `approver`
    and `approved_on` say who allowed that heads of villages are in it, before they were.
    `kept_on` is the day on which it was decided to keep it. `outcome` is None while it is open,
    else `merged` (into the group `target`), `reduced` (given up) or `closed` (a temporary one
    whose time was over), on its last day.
    """

    __tablename__ = "oversight_group"
    versions: ClassVar[type[RegisterVersion]] = GroupVersion

    platform: str = Field(max_length=20)
    kind: str = Field(max_length=20)
    purpose: str | None = Field(default=None, max_length=500)
    members: int
    staff: int | None = None
    village_heads: bool = False
    approver: str | None = Field(default=None, max_length=100)
    approved_on: date | None = None
    kept_on: date | None = None
    outcome: str | None = Field(default=None, max_length=20, index=True)
    target: str | None = Field(default=None, max_length=40)

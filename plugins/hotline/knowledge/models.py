"""The tables of the knowledge base: answers, their versions, and how often each was used."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Text, UniqueConstraint, and_, or_
from sqlmodel import Field, col

from plugin_sdk.data import Identified, Owned, UtcTime, Versioned
from plugin_sdk.signing import Signed
from plugins.hotline.models import Base

DRAFT = "draft"
PUBLISHED = "published"
WITHDRAWN = "withdrawn"


class Knowledge(Owned, Versioned, Base, table=True):
    """An answer of the knowledge base: its owner unit, and the lock of its versions.

    `version` counts what was done with it, so that two people at once are told of each other;
    `latest` is the number of its newest version.
    """

    __tablename__ = "hotline_knowledge"

    latest: int = 1


class KnowledgeVersion(Owned, Signed, Base, table=True):
    """A version of an answer. A draft may be written anew; what was published stays as it is.

    It is signed by who wrote it last; `published_by` is another person of the owner. `ends_on` is
    the last day that was written, `last_day` the one that holds: earlier where a newer version
    (`replaced_by`) took over. `heading` is question with keywords, `body` these with the text, as
    search reads them (`finding.plain`), alike on both engines.
    """

    __tablename__ = "hotline_knowledge_version"
    __table_args__ = (UniqueConstraint("knowledge_id", "n"),)

    knowledge_id: UUID = Field(index=True)
    n: int
    state: str = Field(default=DRAFT, max_length=10, index=True)
    question: str = Field(max_length=200)
    text: str = Field(sa_type=Text)
    basis: str = Field(max_length=300)
    category_code: str | None = Field(default=None, max_length=100)
    region_id: UUID | None = None
    keywords: str = Field(default="", max_length=200)
    public: bool = False
    starts_on: date
    ends_on: date
    last_day: date = Field(index=True)
    heading: str = Field(sa_type=Text)
    body: str = Field(sa_type=Text)
    changed_at: datetime = Field(sa_type=UtcTime, index=True)
    reason: str | None = Field(default=None, max_length=1000)
    published_at: datetime | None = Field(default=None, sa_type=UtcTime)
    published_by: UUID | None = None
    published_role: str = Field(default="", max_length=200)
    replaced_by: int | None = None
    withdrawn_at: datetime | None = Field(default=None, sa_type=UtcTime)
    withdrawn_by: UUID | None = None
    withdrawn_role: str = Field(default="", max_length=200)
    withdrawn_reason: str | None = Field(default=None, max_length=1000)

    @classmethod
    def reach_organizations(cls, within: Any) -> Any:
        """Return the condition for what was published, which all staff may read, and for one's
        own unit's drafts."""
        return or_(within(col(cls.organization_id)), col(cls.published_at).is_not(None))

    @classmethod
    def in_force(cls, day: date) -> ColumnElement[bool]:
        """Return the condition for what is offered for answers on a day."""
        return and_(
            col(cls.state) == PUBLISHED, col(cls.starts_on) <= day, col(cls.last_day) >= day
        )

    def offered_on(self, day: date) -> bool:
        """Return whether it is offered for answers on a day."""
        return self.state == PUBLISHED and self.starts_on <= day <= self.last_day


class KnowledgeUse(Identified, Base, table=True):
    """That an order was answered with a version, on a day: never by whom. A call that ended with
    the answer has no order.

    Not scoped: it holds nothing of a person, and is read beside an order or a version in sight.
    """

    __tablename__ = "hotline_knowledge_use"

    order_id: UUID | None = Field(default=None, index=True)
    version_id: UUID = Field(index=True)
    day: date = Field(index=True)

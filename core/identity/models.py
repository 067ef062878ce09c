"""Tables of people and organizations."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import UniqueConstraint
from sqlmodel import Field

from core.database import CoreBase
from plugin_sdk.data import UtcTime, new_id

LEVELS = ("country", "province", "city", "county", "township", "village", "unit")


class OrganizationRow(CoreBase, table=True):
    """A division (GB/T 2260 and the statistical codes below it) or a unit within one.

    The level is a field: it is never guessed from the code.
    """

    __tablename__ = "identity_organization"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    code: str = Field(unique=True)
    name: str
    level: str = Field(index=True)
    parent_id: UUID | None = Field(default=None, foreign_key="identity_organization.id", index=True)
    created_at: datetime = Field(sa_type=UtcTime)


class OrganizationClosure(CoreBase, table=True):
    """Every ancestor of every organization, itself included (depth 0)."""

    __tablename__ = "identity_closure"

    ancestor_id: UUID = Field(primary_key=True, foreign_key="identity_organization.id")
    descendant_id: UUID = Field(
        primary_key=True, foreign_key="identity_organization.id", index=True
    )
    depth: int


class Person(CoreBase, table=True):
    """A person who can sign in."""

    __tablename__ = "identity_person"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    username: str = Field(unique=True)
    name: str
    phone: str | None = None
    password_hash: str | None = None
    language: str = "zh-CN"
    elder: bool = False
    demonstration: bool = False
    disabled_at: datetime | None = Field(default=None, sa_type=UtcTime)
    created_at: datetime = Field(sa_type=UtcTime)


class Post(CoreBase, table=True):
    """A post (岗位): a person in an organization, from one time to another."""

    __tablename__ = "identity_post"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    person_id: UUID = Field(foreign_key="identity_person.id", index=True)
    organization_id: UUID = Field(foreign_key="identity_organization.id", index=True)
    title: str
    starts_at: datetime = Field(sa_type=UtcTime)
    ends_at: datetime | None = Field(default=None, sa_type=UtcTime)


class SignInSession(CoreBase, table=True):
    """One sign-in on one device. Only a digest of its secret is kept."""

    __tablename__ = "identity_session"

    id: str = Field(primary_key=True)
    person_id: UUID = Field(foreign_key="identity_person.id", index=True)
    post_id: UUID | None = Field(default=None, foreign_key="identity_post.id")
    csrf: str
    device: str = ""
    public_computer: bool = False
    created_at: datetime = Field(sa_type=UtcTime)
    expires_at: datetime = Field(sa_type=UtcTime)
    ended_at: datetime | None = Field(default=None, sa_type=UtcTime)


class KnownDevice(CoreBase, table=True):
    """A device that has signed in to an account. Only a digest of its secret is kept."""

    __tablename__ = "identity_device"
    __table_args__ = (UniqueConstraint("digest", "person_id"),)

    id: UUID = Field(default_factory=new_id, primary_key=True)
    digest: str
    person_id: UUID = Field(foreign_key="identity_person.id", index=True)
    used_at: datetime = Field(sa_type=UtcTime, index=True)

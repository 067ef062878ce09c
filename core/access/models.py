"""Tables of who may do what."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import JSON
from sqlmodel import Field

from core.database import CoreBase
from plugin_sdk.data import UtcTime, new_id


class Role(CoreBase, table=True):
    """A role: of an app's manifest (`hotline.operator`) or of the shell (`yimen.…`).

    A role with an audience is held by everyone signed in, for what is their own. Nobody
    holds a role together with one that it excludes (不相容岗位).
    """

    __tablename__ = "access_role"

    key: str = Field(primary_key=True)
    app: str = Field(index=True)
    title_zh: str
    title_en: str
    audience: str | None = None
    excludes: list[str] = Field(default_factory=list, sa_type=JSON)


class RolePermission(CoreBase, table=True):
    """A permission that a role carries."""

    __tablename__ = "access_role_permission"

    role: str = Field(primary_key=True, foreign_key="access_role.key", ondelete="CASCADE")
    permission: str = Field(primary_key=True, index=True)


class Grant(CoreBase, table=True):
    """A post is given a role, with a scope, for a time, by someone."""

    __tablename__ = "access_grant"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    post_id: UUID = Field(foreign_key="identity_post.id", index=True)
    role: str = Field(index=True)
    scope: str
    organizations: list[str] = Field(default_factory=list, sa_type=JSON)
    starts_at: datetime | None = Field(default=None, sa_type=UtcTime)
    ends_at: datetime | None = Field(default=None, sa_type=UtcTime)
    granted_by: UUID | None = Field(default=None, foreign_key="identity_person.id")
    created_at: datetime = Field(sa_type=UtcTime)
    revoked_at: datetime | None = Field(default=None, sa_type=UtcTime)


class Delegation(CoreBase, table=True):
    """A post is handed over (委托) to another person for a time: all that its grants allow,
    or the roles named. What it allows is read from the post's grants each time."""

    __tablename__ = "access_delegation"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    post_id: UUID = Field(foreign_key="identity_post.id", index=True)
    person_id: UUID = Field(foreign_key="identity_person.id", index=True)
    roles: list[str] = Field(default_factory=list, sa_type=JSON)
    starts_at: datetime = Field(sa_type=UtcTime)
    ends_at: datetime = Field(sa_type=UtcTime)
    reason: str
    created_by: UUID = Field(foreign_key="identity_person.id")
    created_at: datetime = Field(sa_type=UtcTime)
    revoked_at: datetime | None = Field(default=None, sa_type=UtcTime)
    revoked_by: UUID | None = Field(default=None, foreign_key="identity_person.id")


class Consent(CoreBase, table=True):
    """A resident lets one worker, or whoever of a unit acts for residents, act for them
    (代办) in some apps or permissions, until a day. `given` says how it was given."""

    __tablename__ = "access_consent"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    person_id: UUID = Field(foreign_key="identity_person.id", index=True)
    agent_id: UUID | None = Field(default=None, foreign_key="identity_person.id", index=True)
    organization_id: UUID | None = Field(
        default=None, foreign_key="identity_organization.id", index=True
    )
    scope: list[str] = Field(sa_type=JSON)
    given: str
    evidence: str
    starts_at: datetime = Field(sa_type=UtcTime)
    ends_at: datetime = Field(sa_type=UtcTime)
    recorded_by: UUID = Field(foreign_key="identity_person.id")
    created_at: datetime = Field(sa_type=UtcTime)
    revoked_at: datetime | None = Field(default=None, sa_type=UtcTime)
    revoked_by: UUID | None = Field(default=None, foreign_key="identity_person.id")


class AccessRequest(CoreBase, table=True):
    """Somebody asks for a permission in a post; whoever grants decides, once."""

    __tablename__ = "access_request"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    person_id: UUID = Field(foreign_key="identity_person.id", index=True)
    post_id: UUID = Field(foreign_key="identity_post.id")
    permission: str
    reason: str
    created_at: datetime = Field(sa_type=UtcTime)
    decided_at: datetime | None = Field(default=None, sa_type=UtcTime)
    decided_by: UUID | None = Field(default=None, foreign_key="identity_person.id")
    grant_id: UUID | None = None


class PolicyTest(CoreBase, table=True):
    """What an administrator wants to stay true: this person may, or may not, do a thing
    (within an organization)."""

    __tablename__ = "access_policy_test"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    name: str = Field(unique=True)
    person_id: UUID = Field(foreign_key="identity_person.id")
    permission: str
    organization_id: UUID | None = Field(default=None, foreign_key="identity_organization.id")
    allowed: bool
    created_by: UUID | None = Field(default=None, foreign_key="identity_person.id")
    created_at: datetime = Field(sa_type=UtcTime)


class Devolution(CoreBase, table=True):
    """A centre may accept an item (赋权), from a first to a last day, by a document."""

    __tablename__ = "access_devolution"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    item: str = Field(index=True)
    name: str
    organization_id: UUID = Field(foreign_key="identity_organization.id", index=True)
    starts_on: date
    ends_on: date | None = None
    basis: str
    recorded_by: UUID | None = Field(default=None, foreign_key="identity_person.id")
    created_at: datetime = Field(sa_type=UtcTime)


class Generation(CoreBase, table=True):
    """One row: the number of the last revocation. Its lock puts revocations in the order
    of their commits, so that whoever has read number n has missed none before it."""

    __tablename__ = "access_generation"

    id: int = Field(primary_key=True)
    value: int = 0


class Revocation(CoreBase, table=True):
    """What is no longer as cached: `person:<id>`, `session:<id>` or `*`."""

    __tablename__ = "access_revocation"

    generation: int = Field(primary_key=True)
    subject: str
    at: datetime = Field(sa_type=UtcTime, index=True)

"""Tables of upstream identity: the providers, and whose account there is whose here."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import JSON, UniqueConstraint
from sqlmodel import Field

from core.database import CoreBase
from plugin_sdk.data import UtcTime, new_id


class Upstream(CoreBase, table=True):
    """An identity provider above this hub (上级统一认证), by whose word people may sign in.

    `strong_acr` are the classes of authentication that count here as two factors. By its `rules`
    (TOML) accounts are made (`provides`) and posts are given (`gives_posts`), within what their
    author, `rules_by` in `rules_post_id`, may manage. What it said last is sealed, for a dry run.
    """

    __tablename__ = "identity_upstream"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    key: str = Field(unique=True)  # its name in addresses
    name_zh: str
    name_en: str
    issuer: str = Field(unique=True)
    client_id: str
    authentication: str  # client_secret_basic | client_secret_post | none
    sealed: str | None = None
    scopes: list[str] = Field(sa_type=JSON)
    strong_acr: list[str] = Field(default_factory=list, sa_type=JSON)
    rules: str = ""
    rules_by: UUID | None = Field(default=None, foreign_key="identity_person.id")
    rules_post_id: UUID | None = Field(default=None, foreign_key="identity_post.id")
    provides: bool = False
    gives_posts: bool = False
    said: str | None = None
    said_of_person_id: UUID | None = Field(default=None, foreign_key="identity_person.id")
    said_at: datetime | None = Field(default=None, sa_type=UtcTime)
    created_at: datetime = Field(sa_type=UtcTime)
    disabled_at: datetime | None = Field(default=None, sa_type=UtcTime)
    version: int = 1


class UpstreamIdentity(CoreBase, table=True):
    """An account of an upstream that is a person's here. Its subject is kept as a keyed digest,
    since some write identity numbers there; `shown` tells two of them apart. `made` says that
    the person was made by it."""

    __tablename__ = "identity_upstream_identity"
    __table_args__ = (
        UniqueConstraint("upstream_id", "subject"),
        UniqueConstraint("upstream_id", "person_id"),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    upstream_id: UUID = Field(foreign_key="identity_upstream.id", index=True)
    subject: str
    shown: str
    person_id: UUID = Field(foreign_key="identity_person.id", index=True)
    made: bool = False
    linked_at: datetime = Field(sa_type=UtcTime)
    used_at: datetime | None = Field(default=None, sa_type=UtcTime)


class UpstreamPost(CoreBase, table=True):
    """A post that was given by the rules of an upstream, and ends when they no longer say so."""

    __tablename__ = "identity_upstream_post"

    post_id: UUID = Field(primary_key=True, foreign_key="identity_post.id", ondelete="CASCADE")
    upstream_id: UUID = Field(foreign_key="identity_upstream.id", index=True)

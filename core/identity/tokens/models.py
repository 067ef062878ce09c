"""The table of tokens. Of a token only a digest is kept, and its last characters."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import JSON
from sqlmodel import Field

from core.database import CoreBase
from plugin_sdk.data import UtcTime, new_id


class ApiToken(CoreBase, table=True):
    """A token of a person: in which post it acts (none: as a resident), how far (`scopes`, see
    `core.access.bearers`) and until when. `proofs` are what its maker had proved of themselves;
    `used_at` is roughly when it was last used."""

    __tablename__ = "identity_api_token"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    person_id: UUID = Field(foreign_key="identity_person.id", index=True)
    post_id: UUID | None = Field(default=None, foreign_key="identity_post.id", index=True)
    name: str
    digest: str = Field(unique=True)
    hint: str
    scopes: list[str] = Field(sa_type=JSON)
    proofs: list[str] = Field(default_factory=list, sa_type=JSON)
    created_at: datetime = Field(sa_type=UtcTime)
    expires_at: datetime = Field(sa_type=UtcTime, index=True)
    used_at: datetime | None = Field(default=None, sa_type=UtcTime)
    warned_at: datetime | None = Field(default=None, sa_type=UtcTime)
    revoked_at: datetime | None = Field(default=None, sa_type=UtcTime)
    revoked_by: UUID | None = Field(default=None, foreign_key="identity_person.id")

"""What an application that provisions people said of them that the hub keeps for it alone."""

from datetime import datetime
from uuid import UUID

from sqlmodel import Field

from core.database import CoreBase
from plugin_sdk.data import UtcTime


class ScimUser(CoreBase, table=True):
    """A person as one application knows them: its own id of them, whether it brought them, and
    since when they are gone for it, or kept out by it. The person stays."""

    __tablename__ = "identity_scim_user"

    client_id: str = Field(primary_key=True, foreign_key="identity_client.id", ondelete="CASCADE")
    person_id: UUID = Field(primary_key=True, foreign_key="identity_person.id", index=True)
    external_id: str | None = None
    brought: bool = False
    gone_at: datetime | None = Field(default=None, sa_type=UtcTime)
    disabled_at: datetime | None = Field(default=None, sa_type=UtcTime)


class ScimGroup(CoreBase, table=True):
    """A unit as one application knows it: its own id of it, and whether it brought it."""

    __tablename__ = "identity_scim_group"

    client_id: str = Field(primary_key=True, foreign_key="identity_client.id", ondelete="CASCADE")
    organization_id: UUID = Field(
        primary_key=True, foreign_key="identity_organization.id", index=True
    )
    external_id: str | None = None
    brought: bool = False

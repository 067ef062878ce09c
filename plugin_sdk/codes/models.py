"""The mixin of a public code. It is public itself, so it lies in nobody's scope."""

from datetime import datetime
from uuid import UUID

from sqlmodel import Field

from plugin_sdk.data import Identified, UtcTime


class PublicCode(Identified):
    """The code of an organization: given once, kept when it is renamed, moved or merged."""

    organization_id: UUID = Field(unique=True)
    code: str = Field(max_length=12, unique=True)
    made_at: datetime = Field(sa_type=UtcTime)

"""The table of stored files."""

from datetime import datetime
from uuid import UUID

from sqlmodel import Field

from core.database import CoreBase
from plugin_sdk.data import UtcTime, new_id


class FileRow(CoreBase, table=True):
    """A file of an app: what it is, and under which content it is kept."""

    __tablename__ = "files_file"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    app: str
    subject: str = Field(index=True)
    name: str
    media_type: str
    size: int
    width: int | None = None
    height: int | None = None
    sha256: str
    created_at: datetime = Field(sa_type=UtcTime)

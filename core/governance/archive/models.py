"""Tables of the archive: the bundle of an app, and who agreed to destroy it."""

from datetime import date, datetime
from uuid import UUID

from sqlmodel import Field

from core.database import CoreBase
from plugin_sdk.data import UtcTime, new_id


class Archive(CoreBase, table=True):
    """A bundle of an app and how far it has come (`core.governance.archive.phases`).

    `folder` is its name in the archive, `sha256` that of its `bundle.json`, which holds the
    checksum of each part; `revision` the head of the app's history when it was made; `done` and
    `total` count rows of the phase that is under way. A phase is written when it is finished, so
    that what was killed goes on from there; `fault` says why it did not (`code|detail`). `state`
    is how the app ran when it was asked for, `keep_until` the first day on which the bundle may be
    destroyed. After that the row stays, and the checksum with it. `asked_…` is who wanted the
    app archived, `recalled_…` who wants it back.
    """

    __tablename__ = "governance_archive"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    app: str = Field(index=True)
    phase: str = Field(index=True)
    folder: str
    revision: str | None = None
    sha256: str | None = None
    rows: int = 0
    files: int = 0
    bytes: int = 0
    done: int = 0
    total: int = 0
    fault: str = ""
    reason: str = ""
    asked_by: UUID | None = None
    asked_name: str = ""
    asked_unit: str = ""
    asked_at: datetime = Field(sa_type=UtcTime)
    recalled_by: UUID | None = None
    recalled_name: str = ""
    recalled_unit: str = ""
    recall_reason: str = ""
    state: str = "enabled"
    moved_at: datetime = Field(sa_type=UtcTime)
    keep_until: date | None = None


class Approval(CoreBase, table=True):
    """One person's consent to destroy a bundle, with the checksum that they entered. Two
    different people are needed (design section 8)."""

    __tablename__ = "governance_approval"

    archive_id: UUID = Field(primary_key=True, foreign_key="governance_archive.id")
    person_id: UUID = Field(primary_key=True)
    name: str
    unit: str = ""
    sha256: str
    at: datetime = Field(sa_type=UtcTime)

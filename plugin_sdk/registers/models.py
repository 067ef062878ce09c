"""Mixins of a register's records and their versions. The tables are the app's own.

class TopicVersion(RegisterVersion, Base, table=True): ...
class Topic(RegisterRow, Base, table=True):
    versions: ClassVar[type[RegisterVersion]] = TopicVersion
"""

from datetime import date, datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import JSON, ColumnElement, and_, or_, true
from sqlmodel import Field, col

from plugin_sdk.data import Owned, UtcTime, Versioned
from plugin_sdk.signing import Signed


class RegisterVersion(Owned, Signed):
    """A record as it stood after a change: written once, never changed.

    `data` holds every value of the record's form, `reason` why it was changed. Whose it is
    follows the record, so that who may see the record sees its versions.
    """

    shared: ClassVar[bool] = False

    record_id: UUID = Field(index=True)
    version: int
    verb: str = Field(max_length=20)
    reason: str | None = Field(default=None, max_length=1000)
    data: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)

    @classmethod
    def reach_organizations(cls, within: Any) -> Any:
        """Return the condition for versions of the records in sight."""
        return true() if cls.shared else within(col(cls.organization_id))


class RegisterRow(Owned, Versioned):
    """A record of a register (台账): valid from `starts_on` to `ends_on`, both days included.

    `organization_id` keeps it. With `shared` it is in the scope of whoever holds the permission
    to read the register, wherever their post is (a list that the county keeps for all), and
    its keeper alone changes it. `key` makes `code` unique within its organization, or among
    all. A record is never deleted: it ends.
    """

    versions: ClassVar[type[RegisterVersion]]
    shared: ClassVar[bool] = False

    key: str = Field(max_length=90, unique=True)
    code: str = Field(max_length=40)
    name: str = Field(max_length=200)
    starts_on: date
    ends_on: date | None = Field(default=None, index=True)
    changed_at: datetime = Field(sa_type=UtcTime, index=True)

    @classmethod
    def reach_organizations(cls, within: Any) -> Any:
        """Return the condition for records that the organizations keep, or for all."""
        return true() if cls.shared else within(col(cls.organization_id))

    def valid_on(self, day: date) -> bool:
        """Return whether the record is in force on a day."""
        return self.starts_on <= day and (self.ends_on is None or day <= self.ends_on)

    @classmethod
    def in_force(cls, day: date) -> ColumnElement[bool]:
        """Return the condition for records that are in force on a day."""
        ends_on = col(cls.ends_on)
        return and_(col(cls.starts_on) <= day, or_(ends_on.is_(None), ends_on >= day))

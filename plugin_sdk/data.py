"""Tables of an app: ids, times, the mixins, and a registry that keeps apps apart."""

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import DateTime, Dialect, MetaData, Table, TableClause, TypeDecorator, event
from sqlalchemy.orm import Mapper, registry
from sqlmodel import Field, SQLModel
from uuid_utils.compat import uuid7

PREFIX = "yimen_prefix"
WITHHELD = {"info": {"yimen_withheld": True}}  # of a column that tells of others than its person

Within = Callable[[Any], Any]
"""Returns the condition that a column of organization ids lies in a scope."""

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


def new_id() -> UUID:
    """Return a new UUIDv7 (RFC 9562): unique, and ordered by time of creation."""
    return uuid7()


class UtcTime(TypeDecorator[datetime]):
    """A moment: aware in Python, UTC in the database on both engines."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a stored time names its zone: use an aware datetime")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None or value.tzinfo is not None:
            return value
        return value.replace(tzinfo=UTC)


def app_registry(package: str) -> registry:
    """Return the registry of an app's tables: its own `MetaData`, its own prefix.

    A table whose name does not start with `<package>_` is refused when it is declared.
    """
    return registry(metadata=MetaData(naming_convention=NAMING, info={PREFIX: f"{package}_"}))


@event.listens_for(Table, "after_parent_attach")
def _check_prefix(table: Table, parent: Any) -> None:
    prefix = getattr(parent, "info", {}).get(PREFIX)
    if prefix and not table.name.startswith(prefix):
        raise ValueError(f"table {table.name!r} must start with {prefix!r}, the app's prefix")


class Identified(SQLModel):
    """A row with a UUIDv7 key."""

    id: UUID = Field(default_factory=new_id, primary_key=True)


class Owned(Identified):
    """A row in somebody's scope: of an organization, and of a person where one filed it.

    Rows keep the organization's id and never a path, so that moving a subtree of the
    directory rewrites no app.
    """

    __scoped__: ClassVar[bool] = True

    organization_id: UUID = Field(index=True)
    person_id: UUID | None = Field(default=None, index=True)

    @classmethod
    def reach_organizations(cls, within: Within) -> Any:
        """Return the condition for rows of the organizations that `within(column)` accepts."""
        return within(cls.organization_id)

    @classmethod
    def reach_person(cls, person_id: UUID) -> Any:
        """Return the condition for the rows of a person."""
        return cls.person_id == person_id  # SQL expression, not a comparison of values


class Versioned(SQLModel):
    """A row whose changes name the version they saw; a stale one is refused (409)."""

    version: int = Field(default=1)


_scoped: set[str] = set()


@event.listens_for(Mapper, "after_mapper_constructed")
def _mark_scoped(mapper: Mapper[Any], class_: type[Any]) -> None:
    # here, and not where it is asked: models may be mapped before the shell is imported
    if issubclass(class_, Owned) and isinstance(mapper.local_table, Table):
        _scoped.add(mapper.local_table.name)


def scoped(table: TableClause) -> bool:
    """Return whether reading the table needs a scope."""
    return table.name in _scoped


def lock_key(name: str) -> int:
    """Return a signed 64-bit number for PostgreSQL's advisory locks."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big", signed=True)

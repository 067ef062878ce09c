"""The tables of the record. Entries are added; what may change of one is in ADR 0017."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, BigInteger, Index, text
from sqlmodel import Field

from core.database import CoreBase
from plugin_sdk.data import WITHHELD, UtcTime, new_id

UNSEALED = text("sequence IS NULL")


class AuditEntry(CoreBase, table=True):
    """One act or refusal: who, in which post, what, on what, allowed by which grant.

    `behalf_of_id` is the resident for whom it was done (代办), `delegation_id` the delegation
    (委托) under which the post acted. The sealer sets `sequence`, `seal` and `salts`; an erasure
    replaces a part by its tombstone, takes its salt and notes in `erased` what it leaves.
    """

    __tablename__ = "audit_entry"
    __table_args__ = (
        Index(
            "ix_audit_entry_unsealed",
            "at",
            "id",
            sqlite_where=UNSEALED,
            postgresql_where=UNSEALED,
        ),
        Index("ix_audit_entry_listed", "at", "id"),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    at: datetime = Field(sa_type=UtcTime)
    app: str = Field(index=True)
    act: str
    subject: str = Field(index=True, sa_column_kwargs=WITHHELD)
    outcome: str = "done"
    person_id: UUID | None = Field(default=None, index=True)
    post_id: UUID | None = None
    organization_id: UUID | None = None
    behalf_of_id: UUID | None = Field(default=None, index=True)
    delegation_id: UUID | None = None
    system: str | None = None
    permission: str | None = None
    granted_by: str | None = None
    request_id: str | None = None
    facts: dict[str, Any] = Field(default_factory=dict, sa_type=JSON, sa_column_kwargs=WITHHELD)
    sequence: int | None = Field(default=None, sa_type=BigInteger, unique=True)
    seal: str | None = None
    salts: dict[str, str] | None = Field(default=None, sa_type=JSON(none_as_null=True))
    erased: dict[str, Any] | None = Field(default=None, sa_type=JSON(none_as_null=True))


class AuditCut(CoreBase, table=True):
    """Where the record begins: entries before `first` are over, and may be deleted."""

    __tablename__ = "audit_cut"

    first: int = Field(primary_key=True, sa_type=BigInteger)
    at: datetime = Field(sa_type=UtcTime)


class AuditCheck(CoreBase, table=True):
    """One verification: how far it is, what it found."""

    __tablename__ = "audit_check"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    person_id: UUID | None = None
    started_at: datetime = Field(sa_type=UtcTime, index=True)
    seen_at: datetime = Field(sa_type=UtcTime)
    ended_at: datetime | None = Field(default=None, sa_type=UtcTime)
    done: int = Field(default=0, sa_type=BigInteger)
    total: int = Field(default=0, sa_type=BigInteger)
    sealed: int = Field(default=0, sa_type=BigInteger)
    unsealed: int = Field(default=0, sa_type=BigInteger)
    faults: list[dict[str, Any]] = Field(default_factory=list, sa_type=JSON)
    fault_count: int = Field(default=0, sa_type=BigInteger)

"""Tables of a merge: each function of the old app, its data, and its old links."""

from datetime import datetime
from uuid import UUID

from sqlmodel import Field

from core.database import CoreBase
from plugin_sdk.data import UtcTime


class Parity(CoreBase, table=True):
    """What became of one function of an old app: a route of the successor that was called and
    answered, or a waiver that a named person signed.

    `function` is its Chinese name in the inventory; `route` reads `POST /orders`, `example` is an
    address of it that can be called; `proof` says by what it was seen to answer: `probe` (the hub
    called it for the person who checked) or `use` (people did, as counted). `answered_at` is when
    it last did; `status` what the last probe was answered, which proves nothing if it failed.
    """

    __tablename__ = "governance_parity"

    app: str = Field(primary_key=True)
    function: str = Field(primary_key=True)
    successor: str
    route: str = ""
    example: str = ""
    proof: str = ""
    status: int | None = None
    answered_at: datetime | None = Field(default=None, sa_type=UtcTime)
    checked_by: UUID | None = None
    waiver: str = ""
    waived_by: UUID | None = None
    waived_name: str = ""
    waived_at: datetime | None = Field(default=None, sa_type=UtcTime)


class Reconciled(CoreBase, table=True):
    """One kind of an old app's data, counted and digested on both sides (`Tally` of the SDK); or
    why it is not carried over, signed."""

    __tablename__ = "governance_reconciled"

    app: str = Field(primary_key=True)
    kind: str = Field(primary_key=True)
    successor: str
    old_rows: int
    old_digest: str
    new_rows: int | None = None
    new_digest: str | None = None
    at: datetime = Field(sa_type=UtcTime)
    checked_by: UUID | None = None
    waiver: str = ""
    waived_by: UUID | None = None
    waived_name: str = ""
    waived_at: datetime | None = Field(default=None, sa_type=UtcTime)


class OldLink(CoreBase, table=True):
    """Where an old link leads once the app is closed: a path below the app, `{name}` for a
    segment that is carried over, and the address in the successor. `example` is an old path that
    can be tried; `tested_at` is when the address that it leads to last answered."""

    __tablename__ = "governance_old_link"

    app: str = Field(primary_key=True)
    path: str = Field(primary_key=True)
    target: str
    example: str = ""
    status: int | None = None
    tested_at: datetime | None = Field(default=None, sa_type=UtcTime)

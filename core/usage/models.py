"""Tables of usage. No column holds a person, a session or an address.

The grain is decided once (ADR 0006): app × feature × organization × channel × day. Only
cells in which something happened are stored.
"""

from datetime import date, datetime
from uuid import UUID

from sqlmodel import Field

from core.database import CoreBase
from plugin_sdk.data import UtcTime

NO_ORGANIZATION = ""


class UsageCell(CoreBase, table=True):
    """Counts of one feature of an app, from one organization, on one day in Shanghai."""

    __tablename__ = "usage_cell"

    day: date = Field(primary_key=True)
    app: str = Field(primary_key=True)
    feature: str = Field(primary_key=True)
    organization: str = Field(primary_key=True)
    channel: str = Field(primary_key=True)
    opens: int = 0
    starts: int = 0
    completes: int = 0
    effects: int = 0
    answered: int = 0
    refused: int = 0
    failed: int = 0


class UsageLatency(CoreBase, table=True):
    """Counts of answers by duration: bucket n holds those under 2^n milliseconds."""

    __tablename__ = "usage_latency"

    day: date = Field(primary_key=True)
    app: str = Field(primary_key=True)
    feature: str = Field(primary_key=True)
    bucket: int = Field(primary_key=True)
    count: int = 0


class UsageBatch(CoreBase, table=True):
    """Which batches of a worker are counted: each counts once."""

    __tablename__ = "usage_batch"

    worker: str = Field(primary_key=True)
    sequence: int = Field(primary_key=True)
    at: datetime = Field(sa_type=UtcTime, index=True)


class UsageEffect(CoreBase, table=True):
    """What befell a business object: each effect on it counts once, and so does its procedure,
    which is started and then completed (`core.usage.capture`)."""

    __tablename__ = "usage_effect"

    app: str = Field(primary_key=True)
    name: str = Field(primary_key=True)
    subject: str = Field(primary_key=True)
    day: date


class UsageElement(CoreBase, table=True):
    """Fields of an app's forms that asked for a data element which the hub held: how often it
    was filled in and stayed (`spared`), how often it was typed all the same (`asked`)."""

    __tablename__ = "usage_element"

    day: date = Field(primary_key=True)
    app: str = Field(primary_key=True)
    element: str = Field(primary_key=True)
    spared: int = 0
    asked: int = 0


def organization_key(id: UUID | None) -> str:
    """Return an organization as usage stores it."""
    return str(id) if id else NO_ORGANIZATION

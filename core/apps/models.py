"""The table of what each app's door should be."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import JSON
from sqlmodel import Field

from core.database import CoreBase
from plugin_sdk.data import UtcTime


class AppRuntime(CoreBase, table=True):
    """The desired state of an app: the truth that every worker follows.

    `state` is whether it runs, `mode` how the door stands; `generation` says when. `until` is the
    end of what holds now, `deprecated_at` since when the app is on its way out, `sunset_at` when
    it closes; `links` says where old paths lead once it is closed, in the order they are tried.
    `stored` says that its tables are in an archive: migrations pass it by.
    """

    __tablename__ = "apps_runtime"

    app: str = Field(primary_key=True)
    state: str = "enabled"
    mode: str = "open"
    generation: int = Field(default=0, index=True)
    reason: str = ""
    successor: str | None = None
    until: datetime | None = Field(default=None, sa_type=UtcTime)
    deprecated_at: datetime | None = Field(default=None, sa_type=UtcTime)
    sunset_at: datetime | None = Field(default=None, sa_type=UtcTime)
    links: list[list[str]] = Field(default_factory=list, sa_type=JSON)
    stored: bool = False
    changed_by: UUID | None = None
    changed_at: datetime = Field(sa_type=UtcTime)


class AppGeneration(CoreBase, table=True):
    """One row: the number of the last change of any app, in the order of commits."""

    __tablename__ = "apps_generation"

    id: int = Field(primary_key=True)
    value: int = 0


class AppEvent(CoreBase, table=True):
    """What happened to an app at run time: enabled, refused, quarantined by whom."""

    __tablename__ = "apps_event"

    id: UUID = Field(primary_key=True)
    app: str = Field(index=True)
    at: datetime = Field(sa_type=UtcTime)
    what: str
    facts: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)

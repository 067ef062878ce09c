"""The tables of the officers' desk: words that decisions begin with, and what came over from an
old app."""

from datetime import datetime
from typing import ClassVar

from sqlalchemy import Text
from sqlmodel import Field

from plugin_sdk.data import Owned, UtcTime
from plugin_sdk.registers import RegisterRow, RegisterVersion
from plugins.traffic.models import Base


class TemplateVersion(RegisterVersion, Base, table=True):
    """A block as it stood."""

    __tablename__ = "traffic_template_version"
    shared: ClassVar[bool] = True


class Template(RegisterRow, Base, table=True):
    """A block (文书模板) that a unit keeps for all: for which decision, and its words."""

    __tablename__ = "traffic_template"
    versions: ClassVar[type[RegisterVersion]] = TemplateVersion
    shared: ClassVar[bool] = True

    decision: str = Field(max_length=40, index=True)
    text: str = Field(sa_type=Text)


class Imported(Owned, Base, table=True):
    """What came over from an old app, in the same unit of work as the record that was made of it:
    the app it came from (`of`, '' for one that the hub never knew), its kind, the number that it
    had there and its time."""

    __tablename__ = "traffic_imported"

    key: str = Field(max_length=120, unique=True)
    of: str = Field(max_length=40, index=True)
    kind: str = Field(max_length=20)
    number: str = Field(max_length=40)
    at: datetime = Field(sa_type=UtcTime)

"""The tables of dispatching: rules of responsibility, and what was learnt of categories."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from sqlalchemy import LargeBinary
from sqlmodel import Field

from plugin_sdk.data import Identified, UtcTime
from plugin_sdk.registers import RegisterRow, RegisterVersion
from plugins.hotline.models import Base


class ResponsibilityVersion(RegisterVersion, Base, table=True):
    """A rule as it stood."""

    __tablename__ = "hotline_responsibility_version"
    shared: ClassVar[bool] = True


class Responsibility(RegisterRow, Base, table=True):
    """A rule of responsibility (责任规则): which unit takes orders of a category, in a division, of
    a kind and an urgency; where one of these is None it does not matter.

    `category` is a leaf of the tree or a level above it, `region` a division or one above it.
    `source` says who set it where the county did not itself: a coordination's number.
    """

    __tablename__ = "hotline_responsibility"
    versions: ClassVar[type[RegisterVersion]] = ResponsibilityVersion
    shared: ClassVar[bool] = True

    category: str | None = Field(default=None, max_length=100)
    region: UUID | None = None
    kind: str | None = Field(default=None, max_length=20)
    urgency: str | None = Field(default=None, max_length=10)
    unit: UUID
    basis: str = Field(max_length=300)
    source: str | None = Field(default=None, max_length=60)


class CategoryModel(Identified, Base, table=True):
    """What was learnt of categories from the county's own dispatched orders, version by version.

    `accuracy` is cross-validated over the `examples`, of the category itself and (`level1`) of
    its first level; `baseline` is that of always naming the most frequent first level. `weights`
    is None of all but the newest: arrays without any code in them (`learning`).
    """

    __tablename__ = "hotline_category_model"

    version: int = Field(unique=True)
    trained_at: datetime = Field(sa_type=UtcTime)
    examples: int
    classes: int
    accuracy: float
    level1: float
    baseline: float
    weights: bytes | None = Field(default=None, sa_type=LargeBinary)

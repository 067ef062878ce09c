"""An app that declares a table without its prefix: its registry refuses it on import."""

from sqlmodel import Field, SQLModel

from plugin_sdk.data import app_registry


class Base(SQLModel, registry=app_registry("foreign_prefix")):
    """The base of the app's tables."""


class Person(Base, table=True):
    """A table that would stand among the shell's."""

    __tablename__ = "identity_person_too"

    id: int = Field(primary_key=True)

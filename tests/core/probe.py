"""A small app to try the shell on: petitions in somebody's scope, and notes in nobody's."""

from uuid import UUID

from sqlalchemy.orm import Mapped
from sqlmodel import Field, Relationship, SQLModel

from plugin_sdk.data import Owned, app_registry, new_id

APP = "probe"


class Base(SQLModel, registry=app_registry(APP)):
    """The tables of the probe."""


class Petition(Owned, Base, table=True):
    """Something of an organization and a person."""

    __tablename__ = "probe_petition"

    title: str = ""
    notes: Mapped[list["Note"]] = Relationship(
        back_populates="petition", sa_relationship_kwargs={"lazy": "raise"}
    )


class Note(Base, table=True):
    """Something of nobody: read by whoever reads."""

    __tablename__ = "probe_note"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    petition_id: UUID = Field(foreign_key="probe_petition.id")
    text: str = ""
    petition: Mapped[Petition] = Relationship(
        back_populates="notes", sa_relationship_kwargs={"lazy": "raise"}
    )


class Record(Base, table=True):
    """What a request made, counted to see that it was made once."""

    __tablename__ = "probe_record"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    what: str = ""

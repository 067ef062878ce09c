"""The tables of the mailbox: letters, their timeline and parties."""

from typing import ClassVar

from sqlalchemy import Text
from sqlmodel import Field, SQLModel

from plugin_sdk.cases.models import CaseEntry, CaseParty, CaseRow
from plugin_sdk.data import app_registry


class Base(SQLModel, registry=app_registry("mailbox")):
    """The base of the app's tables."""


class LetterParty(CaseParty, Base, table=True):
    """An organization that holds or held a letter."""

    __tablename__ = "mailbox_letter_party"


class LetterEntry(CaseEntry, Base, table=True):
    """A step of a letter."""

    __tablename__ = "mailbox_letter_entry"
    parties: ClassVar[type[CaseParty]] = LetterParty


class Letter(CaseRow, Base, table=True):
    """A letter to a leader (来信)."""

    __tablename__ = "mailbox_letter"
    parties: ClassVar[type[CaseParty]] = LetterParty
    entries: ClassVar[type[CaseEntry]] = LetterEntry

    leader: str = Field(max_length=20)
    sender: str = Field(default="", max_length=100)
    text: str = Field(sa_type=Text)
    reply: str | None = Field(default=None, sa_type=Text)

"""The tables of village affairs."""

from datetime import date
from typing import ClassVar

from sqlalchemy import BigInteger, Text
from sqlmodel import Field, SQLModel

from plugin_sdk.cases.models import CaseEntry, CaseParty
from plugin_sdk.codes import PublicCode
from plugin_sdk.data import Owned, app_registry
from plugin_sdk.duties import DutyFiling, DutyPeriod
from plugin_sdk.meetings import MeetingRow
from plugin_sdk.questions import QuestionRow
from plugin_sdk.registers import RegisterRow, RegisterVersion


class Base(SQLModel, registry=app_registry("village_affairs")):
    """The base of the app's tables."""


class ItemVersion(RegisterVersion, Base, table=True):
    """An item of the catalogue as it stood."""

    __tablename__ = "village_affairs_item_version"
    shared: ClassVar[bool] = True


class Item(RegisterRow, Base, table=True):
    """An item of the catalogue (公开目录), which the county keeps for all villages.

    `every` so many months it is owed; 0: as it happens.
    """

    __tablename__ = "village_affairs_item"
    versions: ClassVar[type[RegisterVersion]] = ItemVersion
    shared: ClassVar[bool] = True

    heading: str = Field(max_length=20)
    every: str = Field(max_length=4)
    accounts: bool = False


class AssetVersion(RegisterVersion, Base, table=True):
    """An asset, resource or contract as it stood."""

    __tablename__ = "village_affairs_asset_version"


class Asset(RegisterRow, Base, table=True):
    """What a village owns or has let: assets, resources, contracts (三资台账)."""

    __tablename__ = "village_affairs_asset"
    versions: ClassVar[type[RegisterVersion]] = AssetVersion

    kind: str = Field(max_length=20)
    amount: int | None = Field(default=None, sa_type=BigInteger)
    counterparty: str | None = Field(default=None, max_length=100)
    place: str | None = Field(default=None, max_length=200)


class Publication(DutyFiling, Base, table=True):
    """What a village published of one item for one month; amounts in fen."""

    __tablename__ = "village_affairs_publication"

    content: str | None = Field(default=None, sa_type=Text)
    amount: int | None = Field(default=None, sa_type=BigInteger)
    payee: str | None = Field(default=None, max_length=100)
    evidence: str | None = Field(default=None, max_length=500)
    opening: int | None = Field(default=None, sa_type=BigInteger)
    income: int | None = Field(default=None, sa_type=BigInteger)
    expense: int | None = Field(default=None, sa_type=BigInteger)
    closing: int | None = Field(default=None, sa_type=BigInteger)


class Month(DutyPeriod, Base, table=True):
    """What a village owes for a month."""

    __tablename__ = "village_affairs_month"
    filings: ClassVar[type[DutyFiling]] = Publication


class Code(PublicCode, Base, table=True):
    """The code of a village."""

    __tablename__ = "village_affairs_code"


class QuestionParty(CaseParty, Base, table=True):
    """A village that holds or held a question."""

    __tablename__ = "village_affairs_question_party"


class QuestionEntry(CaseEntry, Base, table=True):
    """A step of a question."""

    __tablename__ = "village_affairs_question_entry"
    parties: ClassVar[type[CaseParty]] = QuestionParty


class Question(QuestionRow, Base, table=True):
    """A question of a resident."""

    __tablename__ = "village_affairs_question"
    parties: ClassVar[type[CaseParty]] = QuestionParty
    entries: ClassVar[type[CaseEntry]] = QuestionEntry


class Meeting(MeetingRow, Base, table=True):
    """An open village meeting (阳光报告会)."""

    __tablename__ = "village_affairs_meeting"


class Subsidy(Owned, Base, table=True):
    """A subsidy that was paid (惠农补贴). Whose it is stands as an index of the identity number,
    which itself is not kept; the recipient alone finds it."""

    __tablename__ = "village_affairs_subsidy"

    recipient_index: str = Field(max_length=64, index=True)
    recipient_name: str = Field(max_length=100)
    programme: str = Field(max_length=100)
    amount: int = Field(sa_type=BigInteger)
    paid_on: date

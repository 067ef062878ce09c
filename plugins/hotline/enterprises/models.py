"""The tables of the enterprise desk: specialists, enterprises, plans of calls, what was said on
them, guidance cards. All of it is one county's: who may read the desk reads it whole."""

from datetime import date, datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import Text, true
from sqlmodel import Field

from plugin_sdk.data import Owned, UtcTime
from plugin_sdk.registers import RegisterRow, RegisterVersion
from plugin_sdk.signing import Signed
from plugins.hotline.models import Base


class SpecialistVersion(RegisterVersion, Base, table=True):
    """A specialist as the register had them."""

    __tablename__ = "hotline_specialist_version"
    shared: ClassVar[bool] = True


class Specialist(RegisterRow, Base, table=True):
    """A specialist (企业专员): `person_id` is who entered themselves, `phone` the office's."""

    __tablename__ = "hotline_specialist"
    versions: ClassVar[type[RegisterVersion]] = SpecialistVersion
    shared: ClassVar[bool] = True

    phone: str = Field(max_length=40)


class EnterpriseVersion(RegisterVersion, Base, table=True):
    """An enterprise as the register had it."""

    __tablename__ = "hotline_enterprise_version"
    shared: ClassVar[bool] = True


class Enterprise(RegisterRow, Base, table=True):
    """An enterprise (企业): `code` is its unified social credit code, `specialist` and `deputy`
    are codes of specialists. One that is dissolved has ended."""

    __tablename__ = "hotline_enterprise"
    versions: ClassVar[type[RegisterVersion]] = EnterpriseVersion
    shared: ClassVar[bool] = True

    region_id: UUID | None = Field(default=None, index=True)
    scale: str = Field(max_length=10)
    contact: str = Field(max_length=50)
    contact_phone: str = Field(max_length=20)
    specialist: str = Field(max_length=40, index=True)
    deputy: str | None = Field(default=None, max_length=40, index=True)


class CallPlanVersion(RegisterVersion, Base, table=True):
    """A plan as it stood."""

    __tablename__ = "hotline_call_plan_version"
    shared: ClassVar[bool] = True


class CallPlan(RegisterRow, Base, table=True):
    """A plan of calls (走访计划): from when to when, which enterprises (None: all), what to ask."""

    __tablename__ = "hotline_call_plan"
    versions: ClassVar[type[RegisterVersion]] = CallPlanVersion
    shared: ClassVar[bool] = True

    region_id: UUID | None = None
    scale: str | None = Field(default=None, max_length=10)
    script: str = Field(sa_type=Text)


class EnterpriseCall(Owned, Signed, Base, table=True):
    """What came of one call to an enterprise. `claim` holds an enterprise for its plan once
    somebody was reached there: nobody asks it the same twice."""

    __tablename__ = "hotline_enterprise_call"

    enterprise_id: UUID = Field(index=True)
    plan_id: UUID | None = Field(default=None, index=True)
    claim: str | None = Field(default=None, max_length=80, unique=True)
    outcome: str = Field(max_length=20)
    note: str = Field(default="", max_length=2000)
    order_number: str | None = Field(default=None, max_length=40)

    @classmethod
    def reach_organizations(cls, within: Any) -> Any:
        """Return the condition for the calls of the desk: all of them."""
        return true()


class GuidanceCard(Owned, Signed, Base, table=True):
    """A guidance card (办事指引卡) as it was handed out; its `code` is checked by anybody."""

    __tablename__ = "hotline_guidance_card"

    enterprise_id: UUID = Field(index=True)
    code: str = Field(max_length=12, unique=True)
    title: str = Field(max_length=100)
    steps: str = Field(sa_type=Text)
    place: str = Field(max_length=200)
    documents: str = Field(sa_type=Text)
    specialist: str = Field(max_length=200)
    phone: str = Field(max_length=40)
    valid_until: date
    withdrawn_at: datetime | None = Field(default=None, sa_type=UtcTime)
    withdrawn_for: str | None = Field(default=None, max_length=1000)

    @classmethod
    def reach_organizations(cls, within: Any) -> Any:
        """Return the condition for the cards of the desk: all of them."""
        return true()

"""The registers of the enterprise desk: specialists, enterprises, plans of calls."""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import ColumnElement, Select, or_
from sqlmodel import col

from plugin_sdk.cases.views import AskWho
from plugin_sdk.deadlines import local_day
from plugin_sdk.ports import Hub, Organization, Read, Work
from plugin_sdk.problems import AppConflict
from plugin_sdk.registers import Register, RegisterDesk, RegisterEngine
from plugin_sdk.registers.forms import RecordForm
from plugin_sdk.registers.views import State
from plugin_sdk.views import ActionView, FactView, FilterView, Option, Phrase, Words
from plugins.hotline.enterprises.forms import (
    WORDS,
    CallPlanForm,
    EnterpriseForm,
    SpecialistForm,
    shown_phone,
)
from plugins.hotline.enterprises.models import CallPlan, Enterprise, Specialist
from plugins.hotline.refusals import NotTheirs

READ: Final = "enterprise.read"
EDIT: Final = "enterprise.edit"
CALL: Final = "enterprise.call"
SPECIALISTS: Final = Register(
    name="enterprise_specialist",
    path="/specialists",
    read=READ,
    edit=EDIT,
    form=SpecialistForm,
)
ENTERPRISES: Final = Register(
    name="enterprise",
    path="/enterprises",
    read=READ,
    edit=EDIT,
    form=EnterpriseForm,
    imports=EDIT,
)
PLANS: Final = Register(
    name="enterprise_plan",
    path="/call-plans",
    read=READ,
    edit=CALL,
    form=CallPlanForm,
)


class SpecialistDesk(RegisterDesk[Specialist]):
    """Specialists, under the telephone of their office."""

    def facts(
        self, values: Mapping[str, Any], options: Mapping[str, list[Option]]
    ) -> list[FactView]:
        """Return what a record says, a telephone as it is dialled."""
        return super().facts(dialled(values, "phone"), options)


class SpecialistEngine(RegisterEngine[Specialist]):
    """Specialists enter themselves, once: a record is of who made it."""

    def __init__(self, hub: Hub) -> None:
        super().__init__(hub, SPECIALISTS, Specialist)

    async def add(
        self,
        work: Work,
        form: RecordForm,
        *,
        organization_id: UUID | None = None,
        **fields: Any,
    ) -> Specialist:
        """Enter the actor. Raises `AppConflict` (`specialist-known`) for who is there already."""
        if await self.own(work) is not None:
            raise AppConflict(self.hub.app, "specialist-known")
        fields["person_id"] = work.actor.person_id
        return await super().add(work, form, organization_id=organization_id, **fields)

    async def own(self, read: Read) -> Specialist | None:
        """Return the actor's record that is in force, None for who is no specialist."""
        statement = read.rows(Specialist, permission=READ).where(
            col(Specialist.person_id) == read.actor.person_id,
            Specialist.in_force(local_day(read.now)),
        )
        found = await read.session.execute(statement.order_by(col(Specialist.code)).limit(1))
        row: Specialist | None = found.scalar_one_or_none()
        return row


class EnterpriseDesk(RegisterDesk[Enterprise]):
    """Enterprises, each with its specialist and a deputy."""

    hints = frozenset({"code", "contact", "deputy"})
    asks = ("mine",)

    def __init__(self, hub: Hub, regions: AskWho) -> None:
        super().__init__(RegisterEngine(hub, ENTERPRISES, Enterprise))
        self.specialists = SpecialistEngine(hub)
        self.regions = regions

    async def options(self, read: Read) -> Mapping[str, list[Option]]:
        """Return the divisions, and the specialists in office."""
        found = await self.specialists.in_force(read)
        people = [Option(one.code, one.name) for one in found]
        return {
            "region_id": choices(await self.regions()),
            "specialist": people,
            "deputy": people,
        }

    def facts(
        self, values: Mapping[str, Any], options: Mapping[str, list[Option]]
    ) -> list[FactView]:
        """Return what a record says, a telephone as it is dialled."""
        return super().facts(dialled(values, "contact_phone"), options)

    async def filters(self, read: Read, asked: Mapping[str, str]) -> list[FilterView]:
        """Return the filter of the enterprises that the actor looks after."""
        return [
            FilterView(
                name="mine",
                label=Phrase(f"{WORDS}.mine"),
                options=[Option("1", Phrase("case.filter.yes"))],
                value=asked.get("mine", ""),
            )
        ]

    async def narrow(
        self, read: Read, statement: Select[Any], asked: Mapping[str, str]
    ) -> Select[Any]:
        """Return the enterprises of the actor, where they are asked for."""
        return statement.where(await self.mine(read)) if asked.get("mine") == "1" else statement

    async def mine(self, read: Read) -> ColumnElement[bool]:
        """Return the condition for the enterprises that the actor looks after."""
        own = await self.specialists.own(read)
        code = own.code if own else ""
        return or_(col(Enterprise.specialist) == code, col(Enterprise.deputy) == code)

    async def notes(self, read: Read, rows: Sequence[Enterprise]) -> Mapping[UUID, Words | None]:
        """Return who looks after each."""
        names = await self.specialists.names(read)
        return {row.id: names.get(row.specialist, row.specialist) for row in rows}

    async def looked_after(self, read: Read, row: Enterprise) -> Specialist | None:
        """Return the actor's record where they look after an enterprise that is still there."""
        own = await self.specialists.own(read)
        if own is None or not row.valid_on(local_day(read.now)):
            return None
        return own if own.code in (row.specialist, row.deputy) else None

    async def take_care(self, work: Work, id: UUID) -> tuple[Enterprise, Specialist]:
        """Return an enterprise, locked, and the actor as who looks after it. Raises `NotFound`,
        `AppConflict` for one that is dissolved, `Denied` for who is neither specialist nor
        deputy there."""
        row = await work.get(Enterprise, id, permission=READ)
        if not row.valid_on(local_day(work.now)):
            raise AppConflict(self.hub.app, "enterprise-over", name=row.name)
        own = await self.looked_after(work, row)
        if own is None:
            raise NotTheirs(CALL, "enterprise-of-another")
        return row, own


class PlanDesk(RegisterDesk[CallPlan]):
    """Plans of calls."""

    hints = frozenset({"scale", "region_id"})

    def __init__(self, hub: Hub, regions: AskWho) -> None:
        super().__init__(RegisterEngine(hub, PLANS, CallPlan))
        self.regions = regions

    async def options(self, read: Read) -> Mapping[str, list[Option]]:
        """Return the divisions."""
        return {"region_id": choices(await self.regions())}

    async def _actions(self, read: Read, row: CallPlan, state: State) -> list[ActionView]:
        calls = ActionView(
            verb="calls",
            label=Phrase(f"{WORDS}.calls.title"),
            href=self.engine.href(row.id, "calls"),
            primary=True,
        )
        offered = await super()._actions(read, row, state)
        return [calls, *(msgspec.structs.replace(one, primary=False) for one in offered)]


def dialled(values: Mapping[str, Any], field: str) -> dict[str, Any]:
    """Return the values of a record with a telephone as it is dialled."""
    phone = values.get(field)
    return {**values, field: shown_phone(phone)} if phone else dict(values)


def choices(regions: Sequence[Organization]) -> list[Option]:
    """Return divisions as the choices of a field."""
    return [Option(str(one.id), one.name) for one in regions]


def within(plan: CallPlan) -> list[ColumnElement[bool]]:
    """Return the conditions for the enterprises that a plan asks."""
    asked: list[ColumnElement[bool]] = []
    if plan.region_id is not None:
        asked.append(col(Enterprise.region_id) == plan.region_id)
    if plan.scale is not None:
        asked.append(col(Enterprise.scale) == plan.scale)
    return asked

"""Calls to enterprises: by plan or without one, what came of each, and the order it became."""

from uuid import UUID

import msgspec
from sqlalchemy import func
from sqlmodel import col

from plugin_sdk.data import new_id
from plugin_sdk.deadlines import local_day
from plugin_sdk.forms import Submission, validate
from plugin_sdk.ports import Hub, Read, Work
from plugin_sdk.problems import AppConflict
from plugin_sdk.signing import signature
from plugins.hotline.desk import OrderDesk
from plugins.hotline.enterprises.forms import CallForm, Outcome
from plugins.hotline.enterprises.models import CallPlan, Enterprise, EnterpriseCall
from plugins.hotline.enterprises.registers import READ, EnterpriseDesk, PlanDesk, within
from plugins.hotline.forms import IntakeForm, Kind

CHANNEL = "enterprise"
PAGE = 50
"""Enterprises of a plan on one page."""


class Progress(msgspec.Struct, frozen=True):
    """How far a plan is: enterprises it asks, and those that were reached."""

    asked: int
    reached: int


class Calling:
    """What specialists do by telephone."""

    def __init__(self, orders: OrderDesk, enterprises: EnterpriseDesk, plans: PlanDesk) -> None:
        self.orders = orders
        self.hub: Hub = orders.hub
        self.enterprises = enterprises
        self.plans = plans

    async def keep(
        self, work: Work, enterprise_id: UUID, form: CallForm, plan_id: UUID | None = None
    ) -> tuple[EnterpriseCall, str | None]:
        """Keep what came of a call and return it; a need becomes an order of the enterprise,
        whose number is returned beside it. Of a report (举报) the desk keeps no number: who
        reports is secret.

        Raises `NotFound`, `Denied` for who does not look after it, `AppConflict` for an
        enterprise that is dissolved or not the plan's, a plan that is over, and an enterprise
        that was reached for it already: the row of the enterprise is locked first.
        """
        row, _ = await self.enterprises.take_care(work, enterprise_id)
        reached = form.outcome is Outcome.REACHED
        if plan_id is not None:
            await self._by_plan(work, plan_id, row)
        order = await self._order(work, row, form) if form.need is not None else None
        call = EnterpriseCall(
            id=new_id(),
            organization_id=work.actor.organization_id or row.organization_id,
            enterprise_id=row.id,
            plan_id=plan_id,
            claim=f"{plan_id}:{row.id}" if plan_id and reached else None,
            outcome=form.outcome.value,
            note=form.note or "",
            order_number=None if form.kind is Kind.REPORT else order,
            **signature(work),
        )
        await work.add(call)
        work.audit("enterprise.call", f"enterprise:{row.id}", outcome=call.outcome)
        return call, order

    async def _by_plan(self, work: Work, plan_id: UUID, row: Enterprise) -> None:
        plan = await self.plans.engine.find(work, plan_id)
        if not plan.valid_on(local_day(work.now)):
            raise AppConflict(self.hub.app, "plan-over", name=plan.name)
        if not asks(plan, row):
            raise AppConflict(self.hub.app, "not-in-plan", name=row.name)
        known = work.rows(EnterpriseCall, func.count(), permission=READ).where(
            col(EnterpriseCall.claim) == f"{plan_id}:{row.id}"
        )
        if (await work.session.execute(known)).scalar_one():
            raise AppConflict(self.hub.app, "called-already", name=row.name)

    async def _order(self, work: Work, row: Enterprise, form: CallForm) -> str:
        values = {
            "kind": form.kind,
            "text": form.need,
            "phone": row.contact_phone,
            "caller_name": row.contact,
            "region": str(row.region_id) if row.region_id else None,
        }
        taken = validate(IntakeForm, values)
        order = await self.orders.open_order(
            work,
            Submission(taken, None),
            CHANNEL,
            None,
            caller_name=row.contact,
            form=taken,
            enterprise_id=row.id,
        )
        return order.number

    async def progress(self, read: Read, plan: CallPlan) -> Progress:
        """Return how far a plan is, of the enterprises that are there today."""
        today = local_day(read.now)
        asked = read.rows(Enterprise, func.count(), permission=READ).where(
            Enterprise.in_force(today), *within(plan)
        )
        reached = read.rows(EnterpriseCall, func.count(), permission=READ).where(
            col(EnterpriseCall.plan_id) == plan.id, col(EnterpriseCall.claim).is_not(None)
        )
        counts = [(await read.session.execute(one)).scalar_one() for one in (asked, reached)]
        return Progress(*map(int, counts))

    async def asked(
        self, read: Read, plan: CallPlan, *, mine: bool, after: str
    ) -> tuple[list[Enterprise], str | None]:
        """Return a page of the enterprises that a plan asks, by code, and where the next begins."""
        statement = read.rows(Enterprise, permission=READ).where(
            Enterprise.in_force(local_day(read.now)), *within(plan)
        )
        if mine:
            statement = statement.where(await self.enterprises.mine(read))
        if after:
            statement = statement.where(col(Enterprise.code) > after)
        statement = statement.order_by(col(Enterprise.code)).limit(PAGE + 1)
        found = list((await read.session.execute(statement)).scalars())
        return found[:PAGE], found[PAGE - 1].code if len(found) > PAGE else None

    async def calls(
        self, read: Read, enterprises: list[UUID], plan_id: UUID | None = None, *, most: int = 500
    ) -> list[EnterpriseCall]:
        """Return the calls to enterprises (of a plan), newest first."""
        statement = read.rows(EnterpriseCall, permission=READ).where(
            col(EnterpriseCall.enterprise_id).in_(enterprises)
        )
        if plan_id is not None:
            statement = statement.where(col(EnterpriseCall.plan_id) == plan_id)
        newest = statement.order_by(col(EnterpriseCall.at).desc(), col(EnterpriseCall.id).desc())
        return list((await read.session.execute(newest.limit(most))).scalars())


def asks(plan: CallPlan, row: Enterprise) -> bool:
    """Return whether a plan asks an enterprise."""
    there = plan.region_id is None or plan.region_id == row.region_id
    return there and (plan.scale is None or plan.scale == row.scale)

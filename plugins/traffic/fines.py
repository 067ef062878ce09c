"""Paying fines: what a violation costs today, what follows once it is paid or given back, and the
source that hears of it."""

import asyncio
import logging
from datetime import date
from typing import Any, ClassVar, Final

from sqlalchemy import and_, or_
from sqlmodel import col

from plugin_sdk.deadlines import local_day
from plugin_sdk.payments import (
    PaymentDesk,
    PaymentEngine,
    Payments,
    PaymentTables,
    give_back,
    provided,
)
from plugin_sdk.ports import Hub, Work
from plugin_sdk.problems import AppConflict, NotFound
from plugins.traffic.models import Handling
from plugins.traffic.payments_models import (
    Payment,
    PaymentFinding,
    PaymentRefund,
    PaymentTransaction,
)
from plugins.traffic.rules import late_fee
from plugins.traffic.settling import ELSEWHERE, FELL_AWAY, paid_elsewhere, subject_of
from plugins.traffic.sources import Told

logger = logging.getLogger(__name__)

PAYMENTS: Final = Payments(effect="fine.paid")
BATCH: Final = 50
SOURCE_SECONDS: Final = 5.0


class Fines(PaymentEngine):
    """The payments of fines. Their subject is the violation."""

    tables: ClassVar[PaymentTables] = PaymentTables(
        payment=Payment,
        transaction=PaymentTransaction,
        refund=PaymentRefund,
        finding=PaymentFinding,
    )

    def cost(self, row: Handling, on: date) -> dict[str, int]:
        """Return what an accepted violation costs on a day, in fen: the fine, and what is added
        since it was due (行政处罚法 第七十二条)."""
        if row.state != "accepted" or row.due_on is None:
            raise AppConflict("traffic", f"is-{row.state}")
        if not row.fine:  # a warning costs nothing
            raise AppConflict("traffic", "is-handled")
        return {"fine": row.fine, "late_fee": late_fee(row.fine, row.due_on, on)}

    async def ask_for(self, work: Work, number: str) -> Any:
        """Return the payment of a violation of the actor's: its sum is that of today, and stays
        so until the payment expires. Raises `NotFound`, `AppConflict`, `Conflict`."""
        statement = work.rows(Handling).where(col(Handling.number) == number)
        row: Handling | None = (await work.session.execute(statement)).scalar_one_or_none()
        if row is None:
            raise NotFound
        if await paid_elsewhere(work, row):
            raise AppConflict("traffic", "is-elsewhere")
        return await self.open(
            work,
            subject=subject_of(number),
            title=row.what,
            lines=self.cost(row, local_day(work.now)),
        )

    async def paid(self, work: Work, row: Any) -> None:
        """Show the violation as paid. Money that was under way while the fine fell away, or that
        was paid elsewhere too, goes back."""
        handling = await self._handling(work, row)
        if handling is None:
            return
        if await paid_elsewhere(work, handling):
            handling.state, handling.changed_at = ELSEWHERE, work.now
        if handling.state == "accepted":
            handling.state, handling.changed_at = "paid", work.now
        elif handling.state in FELL_AWAY:
            await work.session.flush()
            await self.dropped(work, handling)

    async def returned(self, work: Work, row: Any) -> None:
        """Let a violation be paid anew whose fine went back though it stands."""
        handling = await self._handling(work, row)
        if handling is not None and handling.state == "paid":
            handling.state, handling.changed_at = "accepted", work.now
            if handling.due_on is not None:  # the days on which the money was here are not late
                handling.due_on += local_day(work.now) - local_day(row.paid_at)

    async def _handling(self, work: Work, row: Any) -> Handling | None:
        number = row.subject.removeprefix("violation:")
        statement = work.rows(Handling, col(Handling.id)).where(col(Handling.number) == number)
        id = (await work.session.execute(statement)).scalar_one_or_none()
        return await work.get(Handling, id) if id else None

    async def stands(self, work: Work, row: Handling) -> str:
        """Return how a violation stands whose objection was refused: as it did before."""
        if await self.claimed(work, f"paid:{subject_of(row.number)}") is not None:
            return "paid"
        return "accepted" if row.due_on is not None else "upheld"

    async def dropped(self, work: Work, row: Handling) -> None:
        """Give back what was paid for a violation that fell away, as far as the actor sees it;
        the rest is the app's own (`Settling`)."""
        await give_back(self, work, subject_of(row.number), FELL_AWAY[row.state])

    async def tell(self, source: Told) -> None:
        """Say to the source what was paid and given back since, between units of work; what it
        does not take is said again."""
        payment = self.tables.payment
        async with self.hub.read(self.system) as read:
            state, told = col(Payment.state), col(Payment.told)
            news = or_(
                and_(state == "paid", or_(told.is_(None), told != "paid")),
                and_(state == "refunded", told == "paid"),
            )
            found = await read.session.execute(
                read.rows(payment).where(news).order_by(col(Payment.changed_at)).limit(BATCH)
            )
            rows = list(found.scalars())
        for row in rows:
            number, on = row.subject.removeprefix("violation:"), local_day(row.paid_at)
            try:
                async with asyncio.timeout(SOURCE_SECONDS):
                    await source.settle(number, on=on, paid=row.state == "paid")
            except (TimeoutError, OSError) as error:  # it is away: the others wait too
                logger.warning("the source was not told of a fine: %s", type(error).__name__)
                return
            except Exception:  # what it does not take of one keeps no other waiting
                logger.exception("the source does not take what became of a fine")
                continue
            async with self.hub.work(self.system) as work:
                (await work.get(Payment, row.id)).told = row.state


def fines_of(hub: Hub) -> Fines:
    """Return the payments of fines on a hub."""
    return Fines(hub, *provided(hub, PAYMENTS))


class FineDesk(PaymentDesk):
    """The payments of fines, each beside its violation."""

    def subject_href(self, subject: str) -> str | None:
        """Return the page of the violation."""
        return f"/apps/{self.hub.app}/violations/{subject.removeprefix('violation:')}"

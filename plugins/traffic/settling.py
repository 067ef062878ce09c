"""What becomes of a fine beyond what people do here: it was paid elsewhere, or it fell away after
it was paid. The app does it by itself: an officer may not see the money of the unit that has it.
"""

import logging
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import select
from sqlmodel import col

from plugin_sdk.payments import give_back
from plugin_sdk.ports import Hub, Read
from plugin_sdk.problems import Conflict
from plugin_sdk.sources import Ask
from plugins.traffic.models import Handling, OwnLicence, OwnVehicle, State
from plugins.traffic.payments_models import Payment
from plugins.traffic.sources import Police, Violations

logger = logging.getLogger(__name__)

ELSEWHERE: Final = "elsewhere"
FELL_AWAY: Final = {"cancelled": "违法记录已撤销", ELSEWHERE: "罚款已在别处缴清"}
"""The states of a violation whose fine is not owed here, and why what was paid goes back."""
BATCH: Final = 100
LOOK_BACK: Final = timedelta(days=60)
"""How long after a fine fell away it is looked whether its money is still here."""


def subject_of(number: str) -> str:
    """Return what a payment of a violation is for."""
    return f"violation:{number}"


async def paid_elsewhere(read: Read, row: Handling) -> bool:
    """Return whether the source said last that the fine of an accepted violation is paid, and did
    not hear that from here."""
    payments = read.rows(Payment, col(Payment.id)).where(
        col(Payment.subject) == subject_of(row.number), col(Payment.told).is_not(None)
    )
    if row.state != "accepted" or (await read.session.execute(payments)).first() is not None:
        return False
    licence = read.rows(OwnLicence, col(OwnLicence.file_number)).where(
        col(OwnLicence.person_id) == row.person_id
    )
    keys = [row.plate, *(await read.session.execute(licence)).scalars()]
    return row.number in await _said_paid(read, keys)


async def _said_paid(read: Read, keys: Iterable[str]) -> set[str]:
    """Return the violations of vehicles and licences that the source said last are paid."""
    statement = select(col(State.data)).where(
        col(State.ref).in_([f"violations:{key}" for key in keys]), col(State.data).is_not(None)
    )
    records = [
        msgspec.convert(data, Violations)
        for data in (await read.session.execute(statement)).scalars()
    ]
    return {item.number for record in records for item in record.items if item.paid}


class Settling:
    """What the app does about fines by itself."""

    def __init__(self, hub: Hub, police: Police, fines: Any) -> None:
        self.hub = hub
        self.police = police
        self.fines = fines

    async def run(self) -> None:
        """Close what was paid elsewhere, then give back what is not owed."""
        await self.close_paid_elsewhere()
        await self.give_back()

    async def close_paid_elsewhere(self) -> None:
        """Ask the source of fines that somebody is about to pay here, and close those that it says
        are paid. Money that is on its way comes back when it arrives (`Fines.paid`)."""
        async with self.hub.read(self.fines.system) as read:
            opened = read.rows(Payment, col(Payment.subject)).where(col(Payment.state) == "open")
            subjects = (await read.session.execute(opened.limit(BATCH))).scalars()
            numbers = [subject.removeprefix(subject_of("")) for subject in subjects]
            rows = read.rows(Handling).where(
                col(Handling.number).in_(numbers), col(Handling.state) == "accepted"
            )
            waiting = list((await read.session.execute(rows)).scalars())
            asks = await self._asks(read, waiting)
            read.session.expunge_all()
        if asks:
            await self.police.engine.ask_all(asks)
        for row in waiting:
            try:
                await self._close(row.id)
            except Conflict:  # the payer was quicker
                logger.info("a fine moved on while it was asked about")

    async def _asks(self, read: Read, rows: Sequence[Handling]) -> list[Ask]:
        plates = [row.plate for row in rows]
        bound = read.rows(OwnVehicle).where(col(OwnVehicle.plate).in_(plates))
        vehicles = (await read.session.execute(bound)).scalars()
        return [self.police.violations(one.plate, one.owner_index) for one in vehicles]

    async def _close(self, id: UUID) -> None:
        async with self.hub.work(self.fines.system) as work:
            row = await work.get(Handling, id)
            if not await paid_elsewhere(work, row):
                return
            payment = await self.fines.claimed(work, f"open:{subject_of(row.number)}")
            row.state, row.changed_at = ELSEWHERE, work.now
            if payment is not None:
                payment = await work.get(Payment, payment.id)
                if payment.state == "open":
                    self.fines.move(work, payment, "expire")
            work.audit("violation.elsewhere", f"violation:{row.number}")

    async def give_back(self) -> None:
        """Give back what was paid for violations that fell away, whoever has the money, unless
        that is under way."""
        async with self.hub.read(self.fines.system) as read:
            gone = read.rows(Handling, col(Handling.number), col(Handling.state)).where(
                col(Handling.state).in_(FELL_AWAY),
                col(Handling.changed_at) > read.now - LOOK_BACK,
            )
            found = {
                subject_of(number): state
                for number, state in await read.session.execute(
                    gone.order_by(col(Handling.changed_at).desc()).limit(5 * BATCH)
                )
            }
            claims = [f"paid:{subject}" for subject in found]
            paid = read.rows(Payment, col(Payment.subject)).where(
                col(Payment.claim).in_(claims), col(Payment.state) == "paid"
            )
            subjects = list((await read.session.execute(paid)).scalars())
        for subject in subjects:
            async with self.hub.work(self.fines.system) as work:
                await give_back(self.fines, work, subject, FELL_AWAY[found[subject]])

"""一键挪车: the owner of a car in the way is told, and neither side learns who the other is.

Whether a plate is bound is nobody's business: what is answered, stored in the requester's sight
and limited is the same for a bound plate and for one that nobody has bound. Only an owner who
answers shows that there is one.
"""

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlmodel import col

from plugin_sdk.identifiers import IdentifierError, normalize_phone
from plugin_sdk.ports import Actor, Hub, Read, To, Work
from plugin_sdk.problems import AppConflict, Denied, Invalid, NotFound, field_error
from plugin_sdk.times import SHANGHAI
from plugin_sdk.views import Phrase
from plugins.traffic.desk import desk_of
from plugins.traffic.identifiers import shown_plate
from plugins.traffic.models import OwnVehicle
from plugins.traffic.moving_forms import ContactForm, MoveForm, Reply
from plugins.traffic.moving_models import MoveContact, MoveRequest

PERMISSION: Final = "moving.use"
LATEST: Final = 30


class Called(msgspec.Struct, frozen=True):
    """What the app knows of a plate before somebody asks: who has bound it, how often it was
    asked for within the hour, and the unit that keeps the request."""

    unit: UUID
    owner: UUID | None
    phone: str | None
    asked: int


class Moving:
    """Requests to move a car."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.minutes = int(hub.settings.get("moving_minutes", 30))
        self.per_day = int(hub.settings.get("moving_per_day", 5))
        self.per_plate = int(hub.settings.get("moving_per_plate_hour", 3))

    async def called(self, plate: str) -> Called:
        """Return what is known of a plate, read by the app itself before the unit of work: the
        same is read whether it is bound or not."""
        unit = await desk_of(self.hub).unit()
        async with self.hub.read(self.hub.system("moving")) as read:
            bound = read.rows(OwnVehicle, col(OwnVehicle.person_id))
            owner = (
                await read.session.execute(bound.where(col(OwnVehicle.plate) == plate))
            ).scalar_one_or_none()
            contact = read.rows(MoveContact, col(MoveContact.phone))
            phone = (
                await read.session.execute(contact.where(col(MoveContact.key) == str(owner)))
            ).scalar_one_or_none()
            hour = read.rows(MoveRequest, col(MoveRequest.id)).where(
                col(MoveRequest.plate) == plate,
                col(MoveRequest.asked_at) >= _hour(read.now),
            )
            asked = len((await read.session.execute(hour)).all())
        return Called(unit, owner, phone, asked)

    async def ask(self, work: Work, form: MoveForm, called: Called) -> MoveRequest:
        """Ask that a car be moved. Raises `AppConflict` beyond the limits, which count the same
        for every plate."""
        me = work.actor.person_id
        if me is None:
            raise Denied(f"{self.hub.app}.{PERMISSION}")
        day = work.now.astimezone(SHANGHAI).date()
        mine = work.rows(MoveRequest, permission=PERMISSION).where(
            col(MoveRequest.person_id) == me,
            col(MoveRequest.asked_at) >= work.now - timedelta(days=1),
        )
        before = [
            one
            for one in (await work.session.execute(mine)).scalars()
            if one.asked_at.astimezone(SHANGHAI).date() == day
        ]
        # closing a request and asking anew at once would only pester the owner
        again = work.now - timedelta(hours=1)
        if any(
            one.plate == form.plate and (one.open(work.now) or one.asked_at > again)
            for one in before
        ):
            raise AppConflict(self.hub.app, "moving-open")
        if len(before) >= self.per_day:
            raise AppConflict(self.hub.app, "moving-too-often", n=self.per_day)
        if called.asked >= self.per_plate:
            raise AppConflict(self.hub.app, "moving-plate-often")
        row = MoveRequest(
            organization_id=called.unit,
            person_id=me,
            owner_person_id=called.owner,
            number=await work.number("moving"),
            plate=form.plate,
            place=form.place,
            turn=_digest(me, day, len(before)),
            plate_turn=_digest(form.plate, _hour(work.now), called.asked),
            asked_at=work.now,
            closes_at=work.now + timedelta(minutes=self.minutes),
        )
        await work.add(row, placed=True)
        work.audit("moving.ask", f"moving:{row.id}", number=row.number)
        if called.owner is not None:
            said = {"plate": shown_plate(form.plate)}
            message = Phrase("traffic.moving.notice.asked", said)
            work.notify(To(person_id=called.owner), message, self.href(row.number))
            if called.phone is not None:  # nothing that a stranger wrote goes out by text
                at = self.hub.site + self.href(row.number)
                text = Phrase("traffic.moving.text", {**said, "address": at})
                work.text(called.phone, text, dedupe=f"moving:{row.id}")
        return row

    async def answer(self, work: Work, number: str, reply: Reply) -> MoveRequest:
        """Answer as the owner; who asked is told. Raises `NotFound` for anybody else, and
        `AppConflict` once it is closed or when that was the answer already."""
        row = await self.take(work, number)
        if row.owner_person_id != work.actor.person_id:
            raise NotFound
        self._open(work, row)
        if row.answer == reply:
            raise AppConflict(self.hub.app, "moving-said")
        row.answer, row.answered_at, row.version = str(reply), work.now, row.version + 1
        work.audit("moving.answer", f"moving:{row.id}", number=row.number)
        work.effect("moving.answered", f"moving:{row.id}", served=row.person_id)
        words = Phrase(f"traffic.moving.reply.{reply}")
        message = Phrase(
            "traffic.moving.notice.answered", {"plate": shown_plate(row.plate), "reply": words}
        )
        dedupe = f"moving:{row.id}:{row.version}"
        work.notify(To(person_id=row.person_id), message, self.href(number), dedupe=dedupe)
        return row

    async def close(self, work: Work, number: str) -> MoveRequest:
        """Close what one asked for: the car is gone."""
        row = await self.take(work, number)
        if row.person_id != work.actor.person_id:
            raise NotFound
        self._open(work, row)
        row.closed_at, row.version = work.now, row.version + 1
        work.audit("moving.close", f"moving:{row.id}", number=row.number)
        return row

    async def reach(self, work: Work, form: ContactForm, unit: UUID) -> None:
        """Keep the telephone at which one wants a text, or with none drop it."""
        me = work.actor.person_id
        held = work.rows(MoveContact, col(MoveContact.id), permission=PERMISSION)
        id = (
            await work.session.execute(held.where(col(MoveContact.person_id) == me))
        ).scalar_one_or_none()
        row = await work.get(MoveContact, id, permission=PERMISSION) if id else None
        if form.phone is None:
            if row is not None:
                await work.session.delete(row)
            return
        try:
            phone = normalize_phone(form.phone)
        except IdentifierError:
            raise Invalid(field_error("phone", "wrong")) from None
        if row is not None:
            row.phone = phone
            return
        new = MoveContact(organization_id=unit, person_id=me, key=str(me), phone=phone)
        await work.add(new, placed=True)

    async def phone(self, read: Read) -> str | None:
        """Return the telephone at which one wants a text."""
        held = read.rows(MoveContact, col(MoveContact.phone), permission=PERMISSION).where(
            col(MoveContact.person_id) == read.actor.person_id
        )
        found: str | None = (await read.session.execute(held)).scalar_one_or_none()
        return found

    async def latest(self, read: Read) -> Sequence[MoveRequest]:
        """Return what one asked lately, and what was asked of one."""
        statement = read.rows(MoveRequest, permission=PERMISSION)
        order = col(MoveRequest.asked_at).desc()
        found = await read.session.execute(statement.order_by(order).limit(LATEST))
        rows: Sequence[MoveRequest] = found.scalars().all()
        return rows

    async def find(self, read: Read, number: str) -> MoveRequest:
        """Return a request that one made or that is for one. Raises `NotFound`."""
        statement = read.rows(MoveRequest, permission=PERMISSION)
        found: MoveRequest | None = (
            await read.session.execute(statement.where(col(MoveRequest.number) == number))
        ).scalar_one_or_none()
        if found is None:
            raise NotFound
        return found

    async def take(self, work: Work, number: str) -> MoveRequest:
        """Return a request for change, locked. Raises `NotFound`."""
        statement = work.rows(MoveRequest, col(MoveRequest.id), permission=PERMISSION)
        found = await work.session.execute(statement.where(col(MoveRequest.number) == number))
        id = found.scalar_one_or_none()
        if id is None:
            raise NotFound
        return await work.get(MoveRequest, id, permission=PERMISSION)

    def href(self, *parts: str) -> str:
        """Return an address below that of the requests."""
        return "/".join((f"/apps/{self.hub.app}/moving", *parts))

    def _open(self, work: Work, row: MoveRequest) -> None:
        if not row.open(work.now):
            raise AppConflict(self.hub.app, "moving-closed")


def _hour(now: datetime) -> datetime:
    return now.replace(minute=0, second=0, microsecond=0)


def _digest(*parts: Any) -> str:
    return hashlib.sha256("|".join(str(part) for part in parts).encode()).hexdigest()


def is_owner(actor: Actor, row: MoveRequest) -> bool:
    """Return whether a request is for who looks at it, and not by them."""
    return row.owner_person_id == actor.person_id and row.person_id != actor.person_id

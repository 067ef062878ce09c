"""Who is a side of an accident, and the invitation by which the other one becomes it.

The code is shown on one phone and typed or scanned on another, by somebody who has signed in: it
holds for minutes and is used once. Nobody is both sides, nor acts for either: what one confirms
here is confirmed in person.
"""

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import delete, select
from sqlmodel import col

from plugin_sdk.codes.registry import ALPHABET
from plugin_sdk.ports import Hub, Read, Work
from plugin_sdk.problems import AppConflict, Denied, Invalid, NotFound
from plugins.traffic.accidents.forms import JoinForm
from plugins.traffic.accidents.models import (
    Accident,
    AccidentInvitation,
    AccidentSide,
    AccidentTry,
)
from plugins.traffic.forms import wrong

LENGTH: Final = 8
MINUTES: Final = ("accident_invitation_minutes", 30)
TRIES: Final = ("accident_tries", 10)
INVITATIONS: Final = ("accident_invitations", 5)
"""Settings of the county, with what holds without them: how long an invitation holds, how often an
hour one person may try a code, and how many of one accident may have held within an hour."""
AN_HOUR: Final = timedelta(hours=1)
KEPT: Final = timedelta(days=1)
"""How long what an invitation or a try was is known."""


async def sides_of(read: Read, id: UUID) -> dict[str, AccidentSide]:
    """Return the sides of an accident that the actor may see, by `a` and `b`."""
    statement = select(AccidentSide).where(col(AccidentSide.case_id) == id)
    return {row.side: row for row in (await read.session.execute(statement)).scalars()}


async def own_side(read: Read, id: UUID) -> AccidentSide | None:
    """Return the side of an accident that the actor is, None for anybody else."""
    found = await sides_of(read, id)
    me = read.actor.person_id
    return next((row for row in found.values() if me is not None and row.person_id == me), None)


def in_person(read: Read) -> UUID:
    """Return who acts. Raises `AppConflict` for whoever acts for another."""
    me = read.actor.person_id
    if me is None:
        raise Denied(read.actor.permission)
    if read.actor.agent is not None or read.actor.delegation is not None:
        raise AppConflict("traffic", "accident-in-person")
    return me


class Invitations:
    """Invitations of the other side."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.minutes = int(hub.settings.get(*MINUTES))
        self.tries = int(hub.settings.get(*TRIES))
        self.most = int(hub.settings.get(*INVITATIONS))

    async def make(self, work: Work, row: Accident) -> tuple[str, datetime]:
        """Return a new code and when it expires; those made before it expire now. Raises
        `AppConflict` for too many within an hour."""
        await work.get(Accident, row.id, permission="accident.read")  # one after the other
        lately = select(AccidentInvitation).where(
            col(AccidentInvitation.case_id) == row.id,
            col(AccidentInvitation.expires_at) > work.now - AN_HOUR,
        )
        before = list((await work.session.execute(lately)).scalars())
        if len(before) >= self.most:
            raise AppConflict(self.hub.app, "invitations-too-often", n=self.most)
        for older in before:
            older.expires_at = min(older.expires_at, work.now)
        code = "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
        expires_at = work.now + timedelta(minutes=self.minutes)
        await work.add(
            AccidentInvitation(case_id=row.id, digest=_digest(code), expires_at=expires_at)
        )
        work.audit("accident.invite", f"accident:{row.id}", number=row.number)
        return code, expires_at

    async def count(self, work: Work) -> None:
        """Count that the actor tries a code, in a unit of work of its own: a wrong one counts.
        Raises `AppConflict` beyond the limit of the hour."""
        me, hour = in_person(work), work.now.replace(minute=0, second=0, microsecond=0)
        old = delete(AccidentTry).where(col(AccidentTry.tried_at) < work.now - KEPT)
        await work.session.execute(old.where(col(AccidentTry.person_id) == me))
        tried = select(col(AccidentTry.id)).where(
            col(AccidentTry.person_id) == me, col(AccidentTry.tried_at) >= hour
        )
        n = len((await work.session.execute(tried)).all())
        if n >= self.tries:
            raise AppConflict(self.hub.app, "accident-tries", n=self.tries)
        turn = _digest(f"{me}|{hour}|{n}")
        await work.add(AccidentTry(person_id=me, turn=turn, tried_at=work.now))

    async def join(self, work: Work, form: JoinForm) -> UUID:
        """Make the actor the other side of the accident that a code is of; return its id. Raises
        `Invalid` for a code that never was, `AppConflict` for one that was used or has expired."""
        me = in_person(work)
        digest = _digest(form.code.replace(" ", "").upper())
        statement = select(AccidentInvitation).where(col(AccidentInvitation.digest) == digest)
        found: AccidentInvitation | None = (
            await work.session.execute(statement)
        ).scalar_one_or_none()
        if found is None:
            raise Invalid(wrong("code", "invitation"))
        if found.used_at is not None:
            raise AppConflict(self.hub.app, "invitation-used")
        if found.expires_at <= work.now:
            raise AppConflict(self.hub.app, "invitation-expired")
        columns = [col(getattr(Accident, name)) for name in ("state", "person_id", "other_plate")]
        of = work.beyond_scope(Accident, *columns, reason="the accident of an invitation")
        accident = (await work.session.execute(of.where(col(Accident.id) == found.case_id))).first()
        if accident is None:
            raise NotFound
        if accident.person_id == me:
            raise AppConflict(self.hub.app, "accident-own-side")
        if accident.state != "scene":
            raise AppConflict(self.hub.app, "invitation-used")
        if accident.other_plate != form.plate:
            raise Invalid(wrong("plate", "not-the-other"))
        found.used_at = work.now
        await work.add(
            AccidentSide(
                case_id=found.case_id,
                person_id=me,
                side="b",
                name=work.actor.name[:60],
                plate=form.plate,
                insurer=form.insurer,
            )
        )
        return found.case_id

    async def tidy(self, work: Work) -> None:
        """Forget invitations that expired long ago, and tries."""
        before = work.now - KEPT
        for model, moment in (
            (AccidentInvitation, col(AccidentInvitation.expires_at)),
            (AccidentTry, col(AccidentTry.tried_at)),
        ):
            await work.session.execute(delete(model).where(moment < before))


def _digest(code: str) -> str:
    return hashlib.sha256(code.encode()).hexdigest()

"""The engine of meetings: called in time, held, its minutes published."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar
from uuid import UUID

import msgspec
from sqlmodel import col

from plugin_sdk.deadlines import local_day
from plugin_sdk.meetings.forms import CallForm, Held
from plugin_sdk.meetings.models import MeetingRow
from plugin_sdk.ports import Hub, Read, To, Work
from plugin_sdk.problems import Conflict, Denied, Invalid, NotFound, field_error
from plugin_sdk.times import SHANGHAI
from plugin_sdk.views import Phrase

M = TypeVar("M", bound=MeetingRow)

CALLED, HELD, PUBLISHED, CANCELLED = "called", "held", "published", "cancelled"


class Meeting(msgspec.Struct, frozen=True, kw_only=True):
    """Meetings as an app declares them. Permissions are the app's own keys.

    `groups` are those whose attendance is counted; `ahead` is how many calendar days before it a
    meeting must be called. Words: `<app>.<name>.list`, `.new`, `.group.<group>`.
    """

    name: str
    path: str
    read: str
    call: str
    groups: tuple[str, ...]
    ahead: int = 3
    event: str | None = None
    effect: str | None = None


class MeetingEngine(Generic[M]):
    """What is done about meetings."""

    def __init__(self, hub: Hub, meeting: Meeting, row: type[M]) -> None:
        self.hub = hub
        self.meeting = meeting
        self.row = row
        self.prefix = f"{hub.app}.{meeting.name}"

    def subject(self, id: UUID) -> str:
        """Return how the hub's own records name a meeting."""
        return f"{self.meeting.name}:{id}"

    def href(self, *parts: object) -> str:
        """Return an address below the meetings' own."""
        return "/".join((f"/apps/{self.hub.app}{self.meeting.path}", *(str(p) for p in parts)))

    def words(self, name: str, **params: Any) -> Phrase:
        """Return words of the meetings' catalogue."""
        return Phrase(f"{self.prefix}.{name}", params)

    async def call(self, work: Work, form: CallForm) -> M:
        """Call a meeting of the actor's organization. Raises `Invalid` for one that is called
        too late."""
        owner = work.actor.organization_id
        if owner is None:
            raise Denied(f"{self.hub.app}.{self.meeting.call}")
        if form.day < local_day(work.now) + timedelta(days=self.meeting.ahead):
            raise Invalid(field_error("day", "called-late", n=self.meeting.ahead))
        hour, minute = form.clock
        row = self.row(
            number=await work.number(self.meeting.name),
            organization_id=owner,
            title=form.title,
            place=form.place,
            state=CALLED,
            starts_at=datetime(
                form.day.year, form.day.month, form.day.day, hour, minute, tzinfo=SHANGHAI
            ),
            agenda=form.agenda,
            called_at=work.now,
            called_by=work.actor.person_id,
        )
        await work.add(row)
        work.audit(f"{self.meeting.name}.call", self.subject(row.id), number=row.number)
        work.start(f"{self.meeting.name}.call", self.subject(row.id))
        work.notify(
            To(organization_id=owner, permission=self.meeting.read),
            self.words("notice", title=row.title, date=row.starts_at),
            self.href(row.number),
        )
        return row

    async def hold(self, work: Work, row: M, form: Held) -> M:
        """Record that a meeting was held, and who came. Raises `Conflict` before it began."""
        if work.now < row.starts_at:
            raise Conflict("meetings.not-begun", date=row.starts_at)
        self._stands(row, CALLED)
        row.state, row.held_at, row.attendance = HELD, work.now, form.attendance()
        self._keep(work, row, "hold")
        return row

    async def publish(self, work: Work, row: M, minutes: str) -> M:
        """Publish the minutes of a meeting that was held."""
        self._stands(row, HELD)
        row.state, row.minutes, row.published_at = PUBLISHED, minutes, work.now
        self._keep(work, row, "publish")
        if self.meeting.effect is not None:
            work.effect(self.meeting.effect, self.subject(row.id))
        if self.meeting.event is not None:
            work.emit(self.meeting.event, id=str(row.id), number=row.number)
        return row

    async def cancel(self, work: Work, row: M, reason: str) -> M:
        """Call a meeting off that was not held yet."""
        self._stands(row, CALLED)
        row.state, row.cancelled_for = CANCELLED, reason
        self._keep(work, row, "cancel")
        return row

    async def take(self, work: Work, number: str) -> M:
        """Return a meeting for change, locked. Raises `NotFound`, `Denied`."""
        row = await work.get(
            self.row, (await self.find(work, number)).id, permission=self.meeting.read
        )
        if not work.actor.system:
            await work.require(self.meeting.call, row)
        return row

    async def find(self, read: Read, number: str) -> M:
        """Return a meeting in scope. Raises `NotFound`."""
        statement = read.rows(self.row, permission=self.meeting.read)
        found: M | None = (
            await read.session.execute(statement.where(col(self.row.number) == number))
        ).scalar_one_or_none()
        if found is None:
            raise NotFound
        return found

    async def latest(self, read: Read, *where: Any, limit: int = 50) -> Sequence[M]:
        """Return meetings in scope, the latest first."""
        statement = read.rows(self.row, permission=self.meeting.read).where(*where)
        statement = statement.order_by(col(self.row.starts_at).desc()).limit(limit)
        found: Sequence[M] = (await read.session.execute(statement)).scalars().all()
        return found

    def _stands(self, row: M, state: str) -> None:
        if row.state != state:
            raise Conflict("meetings.moved-on", state=Phrase(f"meetings.state.{row.state}"))

    def _keep(self, work: Work, row: M, act: str) -> None:
        row.version += 1
        work.audit(f"{self.meeting.name}.{act}", self.subject(row.id), number=row.number)

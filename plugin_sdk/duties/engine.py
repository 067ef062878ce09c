"""The engine of a periodic duty: filed, reviewed by another, corrected in the open.

It knows the ports alone. The period's row is locked before anything of it changes, so that
one month is filed once, however many send it.
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

import msgspec
from sqlmodel import col

from plugin_sdk.cases.forms import Decision
from plugin_sdk.deadlines import local_day
from plugin_sdk.duties.calendar import Rest, due_at, month_of, month_words, spell_period
from plugin_sdk.duties.forms import ReturnForm, ReviewForm
from plugin_sdk.duties.models import DutyFiling, DutyPeriod
from plugin_sdk.ports import Hub, Read, To, Work
from plugin_sdk.problems import Conflict, Denied, Invalid, NotFound, field_error
from plugin_sdk.signing import signature
from plugin_sdk.views import Phrase

P = TypeVar("P", bound=DutyPeriod)

SUBMITTED, PUBLISHED, REFUSED, REPLACED = "submitted", "published", "refused", "replaced"


class Duty(msgspec.Struct, frozen=True, kw_only=True):
    """A duty as an app declares it. Permissions are the app's own keys.

    What is owed for a month is due on `day` of the month that lies `months_later`; `rest` says
    what happens when that is a day of rest. `remind` are the days before it on which those who
    `file` are told. Words follow from the name: `<app>.<name>.title`, `.field.<field>`.
    """

    name: str
    path: str
    read: str
    file: str
    review: str
    watch: str
    form: type[ReturnForm]
    day: int = 10
    months_later: int = 1
    rest: Rest = Rest.NEXT
    remind: tuple[int, ...] = (5, 1)
    event: str | None = None
    effect: str | None = None


class OwnReturn(Denied):
    """The reviewer had a hand in what they would review (职责分离)."""

    def __init__(self, permission: str) -> None:
        super().__init__(permission, reason="own-return")
        self.code = "duties.own-return"


class DutyEngine(Generic[P]):
    """What is done about a duty."""

    def __init__(self, hub: Hub, duty: Duty, row: type[P]) -> None:
        self.hub = hub
        self.duty = duty
        self.row = row
        self.prefix = f"{hub.app}.{duty.name}"

    @property
    def filing(self) -> type[DutyFiling]:
        """Return the app's table of filings."""
        return self.row.filings

    def subject(self, id: UUID) -> str:
        """Return how the hub's own records name a period or a filing."""
        return f"{self.duty.name}:{id}"

    def href(self, *parts: object) -> str:
        """Return an address below the duty's own."""
        return "/".join((f"/apps/{self.hub.app}{self.duty.path}", *(str(part) for part in parts)))

    def month_href(self, period: DutyPeriod) -> str:
        """Return the address of an organization's month."""
        query = f"period={spell_period(period.period)}&organization={period.organization_id}"
        return f"{self.href()}?{query}"

    def words(self, name: str, **params: Any) -> Phrase:
        """Return words of the duty's catalogue."""
        return Phrase(f"{self.prefix}.{name}", params)

    def due(self, period: date) -> datetime | None:
        """Return when a period is due, None while its calendar is not known."""
        duty = self.duty
        return due_at(
            self.hub.calendar,
            period,
            day=duty.day,
            months_later=duty.months_later,
            rest=duty.rest,
        )

    async def open(
        self,
        work: Work,
        organization_id: UUID,
        period: date,
        expected: Sequence[str],
        supervisor_id: UUID | None = None,
    ) -> P:
        """Return an organization's period, locked; open it where it is not yet."""
        key = f"{organization_id}:{spell_period(period)}"
        known = await work.session.execute(
            work.rows(self.row, col(self.row.id), permission=self.duty.read).where(
                col(self.row.key) == key
            )
        )
        id = known.scalar_one_or_none()
        if id is not None:
            row = await work.get(self.row, id, permission=self.duty.read)
        else:
            row = self.row(
                key=key, organization_id=organization_id, period=period, due_at=self.due(period)
            )
            await work.add(row)
        row.supervisor_id = supervisor_id or row.supervisor_id
        if expected and not row.owed:
            await self._owe(work, row, expected)
        return row

    async def _owe(self, work: Work, row: P, expected: Sequence[str]) -> None:
        """Let a period owe items, some of which may have been filed before."""
        made = self.filing
        statement = work.rows(made, col(made.nil), permission=self.duty.read).where(
            col(made.period_id) == row.id,
            col(made.item).in_(expected),
            col(made.state) == PUBLISHED,
        )
        before = list((await work.session.execute(statement)).scalars())
        row.expected, row.owed = list(expected), len(expected)
        row.done, row.nil = len(before), sum(before)
        await work.todo.open(
            self.subject(row.id),
            To(organization_id=row.organization_id, permission=self.duty.file),
            self.words("owed", period=month_words(row.period)),
            self.month_href(row),
            label=Phrase("duties.owed"),
            due_at=row.due_at,
        )

    async def file(
        self,
        work: Work,
        row: P,
        item: str,
        form: ReturnForm | None,
        *,
        corrects: DutyFiling | None = None,
        reason: str | None = None,
        **fields: Any,
    ) -> DutyFiling:
        """File an item for a period (`form` None: there is nothing) and return the filing.

        Raises `Invalid` for a month that has not begun, `Conflict` (`duties.twice`,
        `duties.waiting`) for one that was filed or waits for its reviewer.
        """
        if row.period > month_of(local_day(work.now)):
            raise Invalid(field_error("period", "future-period"))
        last = await self.last(work, row, item)
        if last is not None and last.state == SUBMITTED:
            raise Conflict("duties.waiting")
        if last is not None and last.state == PUBLISHED and corrects is None:
            raise Conflict("duties.twice", period=month_words(row.period))
        if corrects is not None and (last is None or last.id != corrects.id):
            raise Conflict("duties.waiting")
        seq = last.seq + 1 if last else 1
        values = form.model_dump() if form else {}
        made = self.filing(
            key=f"{row.organization_id}:{item}:{spell_period(row.period)}:{seq}",
            organization_id=row.organization_id,
            period_id=row.id,
            period=row.period,
            item=item,
            seq=seq,
            state=SUBMITTED,
            nil=form is None,
            reason=reason,
            **{name: getattr(value, "value", value) for name, value in values.items()},
            **fields,
            **signature(work),
        )
        await work.add(made)
        work.audit(f"{self.duty.name}.file", self.subject(made.id), item=item, seq=seq)
        work.start(f"{self.duty.name}.file", self.subject(made.id))
        await work.todo.open(
            self.subject(made.id),
            To(organization_id=row.organization_id, permission=self.duty.review),
            self.words("to_review", period=month_words(row.period)),
            self.href("filings", made.id),
            label=Phrase("duties.state.submitted"),
            due_at=row.due_at,
        )
        return made

    async def review(self, work: Work, id: UUID, form: ReviewForm) -> DutyFiling:
        """Publish a filing or refuse it, by another person than its operator.

        Raises `OwnReturn`, `Conflict` (`duties.decided`), `Invalid` for a refusal without
        reason, `NotFound` out of scope.
        """
        made = await work.get(self.filing, id, permission=self.duty.read)
        row = await work.get(self.row, made.period_id, permission=self.duty.read)
        await work.require(self.duty.review, made)
        if made.state != SUBMITTED:
            raise Conflict("duties.decided")
        if made.signers & work.actor.hands:
            raise OwnReturn(f"{self.hub.app}.{self.duty.review}")
        if form.decision is Decision.REFUSE and not form.remark:
            raise Invalid(field_error("remark", "missing"))
        made.reviewer_person_id, made.reviewer_role = work.actor.person_id, work.actor.post_title
        made.reviewed_at, made.remark = work.now, form.remark
        await work.todo.close(self.subject(made.id))
        if form.decision is Decision.REFUSE:
            made.state = REFUSED
            work.notify(
                To(organization_id=row.organization_id, permission=self.duty.file),
                self.words("refused", period=month_words(row.period)),
                self.href("filings", made.id),
            )
        else:
            await self.publish(work, row, made)
        work.audit(f"{self.duty.name}.{form.decision}", self.subject(made.id), item=made.item)
        return made

    async def publish(
        self, work: Work, row: P, made: DutyFiling, at: datetime | None = None
    ) -> None:
        """Publish a filing that was reviewed: what it corrects stays readable as `replaced`."""
        now = at or work.now
        before = await self._published(work, row, made.item)
        made.state, made.published_at = PUBLISHED, now
        if before is not None:
            (await work.get(self.filing, before.id, permission=self.duty.read)).state = REPLACED
            made.late = before.late  # a correction makes nothing late, and nothing timely
            row.nil += int(made.nil) - int(before.nil) if made.item in row.expected else 0
        else:
            made.late = row.due_at is not None and now > row.due_at
            if made.item in row.expected:
                row.done += 1
                row.nil += int(made.nil)
        row.version += 1
        if row.owed and row.completed_at is None and row.done >= row.owed:
            row.completed_at = now
            await work.todo.close(self.subject(row.id))
        if self.duty.event is not None:
            work.emit(self.duty.event, id=str(made.id), item=made.item, seq=made.seq)
        if self.duty.effect is not None and before is None:
            work.effect(
                self.duty.effect,
                self.subject(made.id),
                on_time=None if row.due_at is None else not made.late,
                reminded=row.urged_at is not None,
            )

    async def urge(self, work: Work, id: UUID) -> P:
        """Urge (催办) an organization that owes something, once a day. Raises `Conflict`."""
        row = await work.get(self.row, id, permission=self.duty.read)
        await work.require(self.duty.watch, row)
        if row.completed_at is not None or row.released_at is not None:
            raise Conflict("duties.nothing-owed")
        if row.urged_at is not None and local_day(row.urged_at) == local_day(work.now):
            raise Conflict("duties.urged-today")
        row.urged_at = work.now
        row.version += 1
        work.notify(
            To(organization_id=row.organization_id, permission=self.duty.file),
            self.words("urged", period=month_words(row.period)),
            self.month_href(row),
        )
        work.audit(f"{self.duty.name}.urge", self.subject(id))
        return row

    async def last(self, read: Read, row: P, item: str) -> DutyFiling | None:
        """Return the last version of an item in a period, None where nothing was filed."""
        return await self._newest(read, row, item)

    async def _published(self, read: Read, row: P, item: str) -> DutyFiling | None:
        return await self._newest(read, row, item, PUBLISHED)

    async def _newest(
        self, read: Read, row: P, item: str, state: str | None = None
    ) -> DutyFiling | None:
        made = self.filing
        statement = read.rows(made, permission=self.duty.read).where(
            col(made.period_id) == row.id, col(made.item) == item
        )
        if state is not None:
            statement = statement.where(col(made.state) == state)
        found = await read.session.execute(statement.order_by(col(made.seq).desc()).limit(1))
        newest: DutyFiling | None = found.scalar_one_or_none()
        return newest

    async def find(self, read: Read, id: UUID) -> DutyFiling:
        """Return a filing in scope. Raises `NotFound`."""
        found: DutyFiling | None = (
            await read.session.execute(
                read.rows(self.filing, permission=self.duty.read).where(col(self.filing.id) == id)
            )
        ).scalar_one_or_none()
        if found is None:
            raise NotFound
        return found

    async def filings(self, read: Read, organization_id: UUID, period: date) -> Sequence[Any]:
        """Return all versions that an organization filed for a period, newest first."""
        made = self.filing
        statement = (
            read.rows(made, permission=self.duty.read)
            .where(col(made.organization_id) == organization_id, col(made.period) == period)
            .order_by(col(made.item), col(made.seq).desc())
        )
        found: Sequence[Any] = (await read.session.execute(statement)).scalars().all()
        return found

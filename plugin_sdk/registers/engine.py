"""The engine of one register: records entered, changed, ended, and minded until they expire.

It knows the ports alone. What an act causes is written in the unit of work it is given: the
record, its version, the work item of its end, the record of the hub.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final, Generic, TypeVar
from uuid import UUID

import msgspec
from sqlalchemy import func
from sqlmodel import col

from plugin_sdk.deadlines import OFFICE_HOURS, local_day
from plugin_sdk.extension import Job
from plugin_sdk.ports import Actor, Hub, Read, ScopeKind, To, Work
from plugin_sdk.problems import Conflict, Denied, Invalid, NotFound, field_error
from plugin_sdk.registers.forms import EndForm, RecordForm
from plugin_sdk.registers.models import RegisterRow
from plugin_sdk.signing import signature
from plugin_sdk.views import Phrase

R = TypeVar("R", bound=RegisterRow)

BATCH: Final = 100
"""How many records are minded in one unit of work."""
DAY: Final = timedelta(days=1)


class Register(msgspec.Struct, frozen=True, kw_only=True):
    """A register as an app declares it. Permissions are the app's own keys.

    `path` is where its pages stand (`/contracts`); words follow from its name:
    `<app>.<name>.list`, `.new`, `.field.<field>`. `remind` says how many days before a record
    ends its organization is told; the nearest also opens a work item for who may `edit`. Who
    holds `imports` brings in files of records; `end_form` asks for more than a last day.
    """

    name: str
    path: str
    read: str
    edit: str
    form: type[RecordForm]
    remind: tuple[int, ...] = ()
    event: str | None = None
    effect: str | None = None
    imports: str | None = None
    end_form: type[EndForm] = EndForm


class RegisterEngine(Generic[R]):
    """What is done with the records of a register."""

    def __init__(self, hub: Hub, register: Register, row: type[R]) -> None:
        self.hub = hub
        self.register = register
        self.row = row
        self.prefix = f"{hub.app}.{register.name}"

    def subject(self, id: UUID) -> str:
        """Return how the hub's own records name a record."""
        return f"{self.register.name}:{id}"

    def href(self, id: UUID | str = "", act: str = "") -> str:
        """Return the address of the register, of a record, or of an act on it."""
        parts = (self.register.path.strip("/"), str(id), act)
        return "/".join((f"/apps/{self.hub.app}", *(part for part in parts if part)))

    def words(self, name: str, **params: Any) -> Phrase:
        """Return words of the register's catalogue."""
        return Phrase(f"{self.prefix}.{name}", params)

    async def add(
        self,
        work: Work,
        form: RecordForm,
        *,
        organization_id: UUID | None = None,
        **fields: Any,
    ) -> R:
        """Enter a record and return it; `fields` are columns that the form does not fill.

        It belongs to the organization given, else to the one the form names, else to that of
        the actor's post. Raises `Invalid` for a code that is taken there, `Denied` out of scope.
        """
        owner = organization_id or getattr(form, "organization", None) or work.actor.organization_id
        if owner is None:
            raise Denied(f"{self.hub.app}.{self.register.edit}")
        code = getattr(form, "code", None) or await work.number(self.register.name)
        row = self.row(
            organization_id=owner,
            key=self.key(owner, code, form),
            code=code,
            changed_at=work.now,
            **self._values(form, local_day(work.now)),
            **fields,
        )
        await self._free(work, row.key)
        await work.add(row)
        await self.keep(work, row, "add", None)
        return row

    def key(self, owner: UUID, code: str | None, form: RecordForm) -> str:
        """Return what no two records may share: the code, within the organization or among all."""
        return f"{'shared' if self.row.shared else owner}:{code}"

    async def by_key(self, read: Read, key: str) -> R | None:
        """Return the record of a key in scope, None where there is none."""
        statement = read.rows(self.row, permission=self.register.read)
        found = await read.session.execute(statement.where(col(self.row.key) == key))
        row: R | None = found.scalar_one_or_none()
        return row

    async def change(
        self, work: Work, id: UUID, form: RecordForm, version: int, reason: str | None = None
    ) -> R:
        """Change a record; what it said stays as a version. Raises `NotFound`, `Conflict`
        (`registers.stale`, `registers.ended`), `Denied`."""
        row = await self._take(work, id, version)
        if row.ends_on is not None and row.ends_on < local_day(work.now) and not form.ends_on:
            raise Conflict("registers.ended", date=row.ends_on)
        key = self.key(row.organization_id, row.code, form)
        if key != row.key:
            await self._free(work, key)
            row.key = key
        values = self._values(form, row.starts_on)
        for name, value in values.items():
            setattr(row, name, value)
        await self.keep(work, row, "change", reason, touched=True)
        return row

    async def end(self, work: Work, id: UUID, form: EndForm) -> R:
        """End a record with its last day: the day before it begins at the earliest, so that it
        was never in force. Raises as `change` does, and `Invalid`."""
        row = await self._take(work, id, form.version)
        if row.starts_on - form.ends_on > DAY:
            raise Invalid(field_error("ends_on", "before-start"))
        row.ends_on = form.ends_on
        for name in self.end_fields:
            value = getattr(form, name, None)
            setattr(row, name, getattr(value, "value", value))
        await self.keep(work, row, "end", form.reason, touched=True)
        return row

    async def find(self, read: Read, id: UUID) -> R:
        """Return a record in scope. Raises `NotFound`."""
        found: R | None = (
            await read.session.execute(
                read.rows(self.row, permission=self.register.read).where(col(self.row.id) == id)
            )
        ).scalar_one_or_none()
        if found is None:
            raise NotFound
        return found

    async def by_code(
        self, read: Read, code: str, *, on: date | None = None, organization_id: UUID | None = None
    ) -> R | None:
        """Return the record of a code (`on` a day: in force then; of an organization), newest
        first where several organizations use it, None when there is none in scope."""
        statement = read.rows(self.row, permission=self.register.read).where(
            col(self.row.code) == code
        )
        if on is not None:
            statement = statement.where(self.row.in_force(on))
        if organization_id is not None:
            statement = statement.where(col(self.row.organization_id) == organization_id)
        found = await read.session.execute(statement.order_by(col(self.row.id).desc()).limit(1))
        row: R | None = found.scalar_one_or_none()
        return row

    async def chosen(self, read: Read, field: str, code: str) -> R:
        """Return the record that a form's field chose. Raises `Invalid` for one that is not in
        force today: it ended after the form was shown, or the form was filled in off line."""
        row = await self.by_code(read, code, on=local_day(read.now))
        if row is None:
            raise Invalid(field_error(field, "record-over"))
        return row

    async def names(self, read: Read) -> Mapping[str, str]:
        """Return the names of all records in scope by code, those that have ended too."""
        statement = read.rows(
            self.row, col(self.row.code), col(self.row.name), permission=self.register.read
        )
        return {code: name for code, name in await read.session.execute(statement)}

    async def in_force(self, read: Read, on: date | None = None) -> Sequence[R]:
        """Return the records in scope that are in force on a day (today), by code."""
        day = on or local_day(read.now)
        statement = read.rows(self.row, permission=self.register.read).where(self.row.in_force(day))
        found = await read.session.execute(statement.order_by(col(self.row.code)))
        rows: Sequence[R] = found.scalars().all()
        return rows

    async def history(self, read: Read, id: UUID) -> Sequence[Any]:
        """Return the versions of a record, newest first."""
        version = self.row.versions
        statement = (
            read.rows(version, permission=self.register.read)
            .where(col(version.record_id) == id)
            .order_by(col(version.version).desc())
        )
        found: Sequence[Any] = (await read.session.execute(statement)).scalars().all()
        return found

    def job(self, key: str) -> Job:
        """Return what minds the register each day, under its key in the manifest."""

        async def run(actor: Actor) -> None:
            last: UUID | None = None
            while True:
                async with self.hub.work(actor) as work:
                    last = await self.mind(work, after=last)
                if last is None:
                    return

        return Job(key=key, run=run)

    async def mind(self, work: Work, *, after: UUID | None = None) -> UUID | None:
        """Tell of records that end soon, each once for each of the register's reminders; return
        the last that was looked at, None when there are no more.

        A reminder that was missed is given late; one that was given is not repeated, also when
        this runs twice.
        """
        today, row = local_day(work.now), self.row
        if not self.register.remind:
            return None
        last_day = today + timedelta(days=max(self.register.remind))
        statement = (
            work.rows(row, permission=self.register.read)
            .where(col(row.ends_on) >= today, col(row.ends_on) <= last_day)
            .order_by(col(row.id))
            .limit(BATCH)
        )
        if after is not None:
            statement = statement.where(col(row.id) > after)
        found = (await work.session.execute(statement)).scalars().all()
        for record in found:
            await self._remind(work, record, today)
        return found[-1].id if len(found) == BATCH else None

    async def _remind(self, work: Work, row: R, today: date) -> None:
        if row.ends_on is None:
            return
        left = (row.ends_on - today).days
        level = min((n for n in self.register.remind if left <= n), default=None)
        if level is None:
            return
        subject, said = self.subject(row.id), {"name": row.name, "date": row.ends_on}
        who = To(organization_id=row.organization_id, permission=self.register.edit)
        work.notify(
            who,
            Phrase("registers.notice.ending", said),
            self.href(row.id),
            dedupe=f"{subject}:{row.ends_on}:{level}",
        )
        await work.todo.open(
            subject,
            who,
            row.name,
            self.href(row.id),
            label=Phrase("registers.state.ending"),
            due_at=_end_of(row.ends_on),
        )

    def keeps(self, read: Read, row: R) -> bool:
        """Return whether a shared record is the actor's to change: it is kept by their
        organization, or they may edit everywhere. Others are a matter of scope."""
        if not self.row.shared or row.organization_id == read.actor.organization_id:
            return True
        permits = read.actor.permits_for(f"{self.hub.app}.{self.register.edit}", read.now)
        return any(permit.scope is ScopeKind.ALL for permit in permits)

    async def _take(self, work: Work, id: UUID, version: int) -> R:
        row = await work.get(self.row, id, permission=self.register.read)
        if not work.actor.system:
            if not self.keeps(work, row):
                raise Denied(f"{self.hub.app}.{self.register.edit}", reason="out-of-scope")
            await work.require(self.register.edit, row)
        if version != row.version:
            raise Conflict("registers.stale", version=row.version)
        return row

    async def _free(self, work: Work, key: str) -> None:
        taken = await work.session.execute(
            work.rows(self.row, func.count(), permission=self.register.read).where(
                col(self.row.key) == key
            )
        )
        if taken.scalar_one():
            raise Invalid(field_error("code", "code-taken"))

    async def keep(
        self, work: Work, row: R, verb: str, reason: str | None, *, touched: bool = False
    ) -> None:
        if touched:
            row.version += 1
            row.changed_at = work.now
            await work.todo.close(self.subject(row.id))
        await work.add(
            self.row.versions(
                organization_id=row.organization_id,
                person_id=row.person_id,
                record_id=row.id,
                version=row.version,
                verb=verb,
                reason=reason,
                data=self.data(row),
                **signature(work),
            ),
            placed=True,
        )
        work.audit(
            f"{self.register.name}.{verb}", self.subject(row.id), code=row.code, version=row.version
        )
        if self.register.event is not None:
            work.emit(self.register.event, id=str(row.id), code=row.code, version=row.version)
        if self.register.effect is not None and verb == "add":
            work.effect(self.register.effect, self.subject(row.id))

    @property
    def end_fields(self) -> list[str]:
        """Return the columns that the end of a record fills, beside its last day."""
        own = self.register.end_form.model_fields.keys() - EndForm.model_fields.keys()
        return [name for name in self.register.end_form.model_fields if name in own]

    def says(self, row: R, form: RecordForm) -> bool:
        """Return whether a record says what a form would make it say."""
        values = msgspec.to_builtins(dict(self._values(form, row.starts_on)))
        now = self.data(row)
        return all(now.get(name) == value for name, value in values.items())

    def data(self, row: R) -> dict[str, Any]:
        """Return what a record says, as its versions keep it."""
        asked = (*self.register.form.model_fields, *self.end_fields)
        names = [name for name in asked if name in self.row.model_fields]
        kept: dict[str, Any] = msgspec.to_builtins({name: getattr(row, name) for name in names})
        return kept

    def _values(self, form: RecordForm, starts_on: date) -> Mapping[str, Any]:
        given = {
            name: getattr(value, "value", value)
            for name, value in form.model_dump(exclude={"code", "organization"}).items()
            if name in self.row.model_fields
        }
        return {**given, "starts_on": form.starts_on or starts_on}


def _end_of(day: date) -> datetime:
    return OFFICE_HOURS.closing(day)

"""Fan-out to several units and collection into one reply (牵头单位、协办单位).

The unit that holds a case leads. It gives assisting units their parts, each with words and a
deadline of its own within the case's; each unit replies to its part, the lead may send one
back, and reports only when no part is open: its one reply begins with those of the parts.

class TaskPart(CasePart, Base, table=True):
    parties: ClassVar[type[CaseParty]] = TaskParty
class Task(CaseRow, Base, table=True):
    parts: ClassVar[type[CasePart] | None] = TaskPart
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlmodel import col

from plugin_sdk.cases import clock
from plugin_sdk.cases.flow import Does, Transition
from plugin_sdk.cases.forms import ActForm, AssignForm, PartForm, SendBackForm
from plugin_sdk.cases.models import CasePart
from plugin_sdk.cases.traces import CaseTraces, R
from plugin_sdk.ports import Organization, Read, To, Work
from plugin_sdk.problems import Conflict, Invalid, field_error

WARNING = timedelta(days=1)
"""How long before its deadline a unit is reminded of its part."""


class CaseParts(CaseTraces[R]):
    """The parts of a case: given, replied to, sent back, collected."""

    async def parts_of(self, read: Read, row: R) -> list[CasePart]:
        """Return the parts of a case in the order in which they were given."""
        part = self.row.parts
        if part is None:
            return []
        statement = (
            read.rows(part, permission=self.flow.read)
            .where(col(part.case_id) == row.id)
            .order_by(col(part.id))
        )
        return list((await read.session.execute(statement)).scalars())

    async def assisting(self, read: Read, row: R) -> frozenset[UUID]:
        """Return the organizations whose part of a case is open."""
        found = await self.parts_of(read, row)
        return frozenset(part.organization_id for part in found if part.open)

    async def collected(self, read: Read, row: R) -> str:
        """Return the replies of the parts as the beginning of the one reply."""
        parts = await self.parts_of(read, row)
        names = await self.hub.directory.names([part.organization_id for part in parts])
        return "\n".join(
            f"{names.get(part.organization_id, '')}：{part.reply}" for part in parts if part.reply
        )

    async def assistants(self) -> list[Organization]:
        """Return the organizations that could be given a part."""
        replying = self._replying()
        return await self.units_with(replying.permission) if replying else []

    def _replying(self) -> Transition | None:
        return next((t for t in self.flow.transitions if t.does is Does.PART), None)

    async def _part_act(
        self, work: Work, row: R, transition: Transition, form: ActForm | None
    ) -> None:
        """Do what an act on parts means."""
        if transition.does is Does.ASSIGN and isinstance(form, AssignForm):
            await self._assign(work, row, transition, form)
        elif transition.does is Does.PART and isinstance(form, PartForm):
            await self._reply(work, row, form)
        elif transition.does is Does.SEND_BACK and isinstance(form, SendBackForm):
            await self._send_back(work, row, transition, form)
        elif transition.does is Does.COLLECT:
            await self._refuse_open(work, row)

    async def _assign(self, work: Work, row: R, transition: Transition, form: AssignForm) -> None:
        if form.unit not in {unit.id for unit in await self.assistants()}:
            raise Invalid(field_error("unit", "unit-cannot"))
        if form.unit == row.organization_id:
            raise Invalid(field_error("unit", "unit-leads"))
        due_at = row.due_at
        if form.due_on is not None:
            due_at = clock.closing(self.hub, form.due_on, work.now, limit=row.due_at)
        model: Any = self.row.parts
        part = await self._part(work, row, form.unit)
        if part is not None and not part.open:
            raise Invalid(field_error("unit", "unit-replied"))
        if part is None:
            part = model(
                case_id=row.id,
                organization_id=form.unit,
                person_id=row.person_id,
                asked_at=work.now,
                asked=form.text,
            )
            await work.add(part, placed=True)
        part.asked, part.due_at, part.asked_by = form.text, due_at, work.actor.person_id
        await self._join(work, row, form.unit, "assistant")
        await self._await_part(work, row, part)
        self._tell_part(work, row, part, f"notice.{transition.verb}")

    async def _reply(self, work: Work, row: R, form: PartForm) -> None:
        part = await self._part(work, row, work.actor.organization_id)
        if part is None or not part.open:
            raise Conflict("case.no-part")
        part.reply, part.replied_at = form.text, work.now
        part.replied_by = work.actor.person_id
        await self._await_part(work, row, part)

    async def _send_back(
        self, work: Work, row: R, transition: Transition, form: SendBackForm
    ) -> None:
        part = await self._part(work, row, form.unit)
        if part is None or part.open:
            raise Invalid(field_error("unit", "unit-not-replied"))
        part.replied_at = part.replied_by = None  # what it said stays until it says it anew
        part.sent_back += 1
        await self._await_part(work, row, part)
        self._tell_part(work, row, part, f"notice.{transition.verb}")

    async def _refuse_open(self, work: Work, row: R) -> None:
        waiting = [part.organization_id for part in await self.parts_of(work, row) if part.open]
        if waiting:
            names = await self.hub.directory.names(waiting)
            raise Conflict("case.parts-open", units="、".join(names[id] for id in waiting))

    async def _part(self, work: Work, row: R, unit: UUID | None) -> CasePart | None:
        """Return the part of a unit for change. The case itself is locked by now."""
        model: Any = self.row.parts
        statement = work.rows(model, col(model.id), permission=self.flow.read).where(
            col(model.case_id) == row.id, col(model.organization_id) == unit
        )
        id = (await work.session.execute(statement)).scalar_one_or_none()
        if id is None:
            return None
        found: CasePart = await work.get(model, id, permission=self.flow.read)
        return found

    def _part_subject(self, row: R, part: CasePart) -> str:
        return f"{self.subject(row.id)}:part:{part.id}"

    async def _await_part(self, work: Work, row: R, part: CasePart) -> None:
        """Open or close the work item of a part, and set its timers."""
        subject, replying = self._part_subject(row, part), self._replying()
        if part.open and replying is not None:
            await work.todo.open(
                subject,
                To(organization_id=part.organization_id, permission=replying.permission),
                row.title,
                self.href(row.number, replying.verb),
                label=self.words(f"act.{replying.verb}"),
                due_at=part.due_at,
            )
        else:
            await work.todo.close(subject)
        for kind, before in (("part", timedelta(0)), ("part_remind", WARNING)):
            at = part.due_at - before if part.open and part.due_at else None
            await work.timer(kind, subject, at if at and at > work.now else None)

    async def _drop_parts(self, work: Work, row: R) -> None:
        """Close what still waits for parts of a case that is over."""
        for part in await self.parts_of(work, row):
            subject = self._part_subject(row, part)
            await work.todo.close(subject)
            for kind in ("part", "part_remind"):
                await work.timer(kind, subject, None)

    async def _on_part_timer(self, work: Work, row: R, kind: str, part_id: UUID) -> None:
        """Remind a unit of its part, or say to it and to the lead that it is late."""
        part = next((p for p in await self.parts_of(work, row) if p.id == part_id), None)
        if part is None or not part.open or self.flow.state(row.state).final:
            return
        if kind == "part_remind":
            self._tell_part(work, row, part, "notice.part_remind")
            return
        if part.due_at is None or part.due_at > work.now:
            return
        self._tell_part(work, row, part, "notice.part_late")
        self._tell(work, row, "holder", "notice.part_late")

    def _tell_part(self, work: Work, row: R, part: CasePart, words: str) -> None:
        replying = self._replying()
        to = To(
            organization_id=part.organization_id,
            permission=replying.permission if replying else self.flow.read,
        )
        work.notify(
            to, self.words(words, number=row.number, title=row.title), self.href(row.number)
        )


def replied_units(parts: Sequence[CasePart]) -> list[UUID]:
    """Return the organizations whose reply may be sent back."""
    return [part.organization_id for part in parts if not part.open]

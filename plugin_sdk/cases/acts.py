"""Opening cases and acting on them, by the rules of their flow."""

import secrets
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from sqlmodel import col

from plugin_sdk.cases import clock, rules
from plugin_sdk.cases.counting import mark
from plugin_sdk.cases.flow import PARTS, Does, State, Transition
from plugin_sdk.cases.forms import SATISFIED, ActForm, Decision
from plugin_sdk.cases.models import CaseEntry
from plugin_sdk.cases.parts import CaseParts
from plugin_sdk.cases.traces import R
from plugin_sdk.deadlines import Term
from plugin_sdk.ports import Actor, Audience, Organization, Read, Work
from plugin_sdk.problems import Conflict, Invalid, Problem, field_error
from plugin_sdk.views import Phrase

LOOK_AGAIN_SECONDS: Final = 5.0


class CaseActs(CaseParts[R]):
    """What people do with cases."""

    async def open(
        self,
        work: Work,
        *,
        title: str,
        organization_id: UUID,
        person_id: UUID | None,
        term: Term | None,
        due_on: date | None = None,
        origin: UUID | None = None,
        filer: UUID | None = None,
        state: str | None = None,
        **fields: Any,
    ) -> R:
        """Open a case at the organization that receives it, and return it.

        `term` is its own deadline (None: it has none); `due_on` an earlier one that somebody
        asks for, refused (`Invalid`) beyond the known calendar. `origin` is who sets it where
        that is another than who receives it, `filer` the unit for which it is filed, which goes
        on seeing it, `state` one of the flow's `starts`. `fields` are
        the app's columns.
        """
        now = work.now
        opens_in = self.flow.state(state or self.flow.start)
        row = self.row(
            number=await work.number(self.flow.series),
            code=_code(),
            title=title,
            state=opens_in.key,
            stage_entered_at=now,
            opened_at=now,
            held_at=now,
            organization_id=organization_id,
            origin_organization_id=origin or organization_id,
            person_id=person_id,
            **fields,
        )
        clock.start(self.hub, row, now, term)
        if due_on is not None:
            clock.ask_for(self.hub, row, due_on, now)
        if opens_in.final:  # what was found in order is done with
            row.resolved_at = row.closed_at = now
        await work.add(row, placed=True)
        await self._join(work, row, row.origin_organization_id, "origin")
        if row.organization_id != row.origin_organization_id:
            await self._join(work, row, row.organization_id, "holder")
        if filer is not None:
            await self._join(work, row, filer, "filer")
        await self._record(work, row, self.flow.opening, source="", reason=None, public=True)
        await self._wait(work, row, moved=False)
        await self._arm(work, row)
        work.start(f"{self.flow.name}.{self.flow.opening}", self.subject(row.id))
        self._text(work, row, "notice.filed")
        self._publish(work, row, self.flow.event)
        return row

    async def receiver(self, actor: Actor) -> UUID:
        """Return the organization that receives new cases: the actor's own where it can take
        them, else the one that the setting `receiver` names by its code, else the first that
        can. Raises `Problem` (`case.no-receiver`) when there is none."""
        state = self.flow.state(self.flow.start)
        units = await self.units_with(state.waits_for or self.flow.read)
        code = self.hub.settings.get("receiver")
        for chosen in (
            [unit for unit in units if unit.id == actor.organization_id],
            [unit for unit in units if unit.code == code],
            units,
        ):
            if chosen:
                return chosen[0].id
        raise Problem("case.no-receiver", status=503)

    async def bring_in(self, work: Work, row: R, entries: Sequence[CaseEntry]) -> R | None:
        """Add a case of an old system with its timeline as it was; return None.

        `row.source_key` makes it one: a case that is there already is left as it is and
        returned.
        """
        known: R | None = (
            await work.session.execute(
                work.rows(self.row, permission=self.flow.read).where(
                    col(self.row.source_key) == row.source_key
                )
            )
        ).scalar_one_or_none()
        if known is not None:
            return known
        row.imported, row.code = True, _code()
        await work.add(row, placed=True)
        await self._join(work, row, row.organization_id, "origin")
        for seq, entry in enumerate(entries, 1):
            entry.case_id, entry.seq = row.id, seq
            entry.organization_id, entry.person_id = row.organization_id, row.person_id
            await work.add(entry, placed=True)
        await self._wait(work, row, moved=False)
        self.audit(work, row, "import", source=row.source_key)
        await mark(work, row)
        return None

    async def act(self, work: Work, id: UUID, verb: str, form: ActForm) -> R:
        """Do an act on a case and return the case.

        Checked in this order, so that nobody learns more than they may see: in scope (404
        `NotFound`), version (409 `case.stale`), state (409 `case.illegal`), permission on the
        row (403 `Denied`), who (403 `NotYours`), how often and until when (409), the app's
        guard. The row is locked before it is looked at.
        """
        row = await work.get(self.row, id, permission=self.flow.read)
        if form.version != row.version:
            raise await self._stale(work, row)
        transition = self.flow.find(row.state, verb)
        if transition is None:
            raise Conflict("case.illegal", state=self.words(f"state.{row.state}"))
        if not work.actor.system:
            await work.require(transition.permission, row)
        rules.who_may(self.hub.app, transition, work.actor, row, await self.beside(work, row))
        if not await self.apart(work, row, transition):
            decides = transition.does is Does.DECIDE
            reason = "own-request" if decides else "had-a-hand"
            raise rules.NotYours(f"{self.hub.app}.{transition.permission}", reason)
        rules.when_may(self.hub, transition, row, work.now, await self.done(work, id))
        if transition.guard is not None:
            await transition.guard(work, row, form)
        await self._perform(work, row, transition, form)
        return row

    async def may(self, read: Read, row: R, transition: Transition) -> bool:
        """Return whether the actor could do the act now, its form aside."""
        done, beside = await self.done(read, row.id), await self.beside(read, row)
        if rules.blocked(self.hub, transition, read.actor, row, read.now, done, beside):
            return False
        if not await self.apart(read, row, transition):
            return False
        return await read.holds(transition.permission, row)

    async def apart(self, read: Read, row: R, transition: Transition) -> bool:
        """Return whether the actor had no hand in what others must have done."""
        apart = self.flow.apart_from(transition)
        if read.actor.system or not apart:
            return True
        return not read.actor.hands & await self.hands(read, row.id, apart)

    async def beside(self, read: Read, row: R) -> rules.Beside:
        """Return who else has to do with a case."""
        return rules.Beside(await self.filers(read, row), await self.assisting(read, row))

    async def filers(self, read: Read, row: R) -> frozenset[UUID]:
        """Return who filed the case on the requester's behalf; taking a call is not that."""
        if row.person_id is None or read.actor.system:
            return frozenset()
        entry = self.row.entries
        agents = read.rows(entry, col(entry.agent_person_id), permission=self.flow.read).where(
            col(entry.case_id) == row.id,
            col(entry.verb) == self.flow.opening,
            col(entry.agent_person_id).is_not(None),
        )
        return frozenset((await read.session.execute(agents)).scalars())

    async def filed_by(self, read: Read, row: R) -> bool:
        """Return whether the actor filed the case, for themselves or for a caller."""
        entry = self.row.entries
        first = read.rows(entry, col(entry.actor_person_id), permission=self.flow.read).where(
            col(entry.case_id) == row.id, col(entry.seq) == 1
        )
        filer = (await read.session.execute(first)).scalar_one_or_none()
        return filer is not None and filer == read.actor.person_id

    async def units(self, transition: Transition) -> list[Organization]:
        """Return the organizations that could take a case which the act hands on."""
        if transition.does is Does.ASSIGN:
            return await self.assistants()
        if transition.moves in (None, "origin"):
            return []
        waits_for = self.flow.state(transition.target or transition.sources[0]).waits_for
        return await self.units_with(waits_for or self.flow.read)

    async def prepare(self, verb: str | None = None) -> None:
        """Ask the directory, before a unit of work begins, for what it will need there."""
        for state in self.flow.states:
            if verb is None and state.key != self.flow.start:
                continue
            if state.waits_for and (verb is None or self._leads_to(verb, state.key)):
                await self.units_with(state.waits_for, max_age=LOOK_AGAIN_SECONDS)
        if verb is not None and self.flow.by_verb(verb).does is Does.ASSIGN:
            await self.assistants()

    def _leads_to(self, verb: str, state: str) -> bool:
        moving = (t for t in self.flow.transitions if t.verb == verb and t.moves is not None)
        return any(t.target == state for t in moving)

    async def _stale(self, work: Work, row: R) -> Conflict:
        entry = self.row.entries
        last = (
            await work.session.execute(
                work.rows(
                    entry,
                    col(entry.verb),
                    col(entry.role),
                    col(entry.unit),
                    col(entry.actor_person_id),
                    permission=self.flow.read,
                )
                .where(col(entry.case_id) == row.id)
                .order_by(col(entry.seq).desc())
                .limit(1)
            )
        ).first()
        verb, role, unit, person = last or (self.flow.opening, "", "", None)
        post = " ".join(part for part in (unit, role) if part)
        who = post or Phrase("case.who.person" if person else "case.who.system")
        return Conflict("case.stale", who=who, act=self.said(verb), version=row.version)

    async def _perform(
        self, work: Work, row: R, transition: Transition, form: ActForm | None
    ) -> None:
        now, source, holder = work.now, row.state, row.organization_id
        asked = row.extension_asked
        if transition.apply is not None:
            await transition.apply(work, row, form)
        await self._move(row, transition, form)
        await self._do(work, row, transition, form)
        row.state = transition.target or source
        moved = row.state != source or row.organization_id != holder
        if moved:
            row.stage_entered_at = now
        self._settle(row, transition, self.flow.state(row.state), now)
        if row.organization_id != holder or not clock.runs(self.flow, row):
            row.extension_asked = row.extension_asked_by = None  # nobody needs it any more
        if row.organization_id != holder:
            row.held_at = now
        if not work.actor.system and not rules.is_requester(work.actor, row):
            row.responded_at = row.responded_at or now
        row.version += 1
        if row.organization_id != holder:
            await self._join(work, row, row.organization_id, "holder")
        await self._record(
            work,
            row,
            transition.verb,
            source=source,
            reason=getattr(form, "reason", None),
            text=getattr(form, "text", None) or getattr(form, "comment", None),
            public=transition.public,
            data=_facts(form),
        )
        await self._wait(work, row, moved=moved, asked=asked != row.extension_asked)
        if moved and self.row.parts is not None and self.flow.state(row.state).final:
            await self._drop_parts(work, row)
        await self._arm(work, row)
        self._notify(work, row, transition)
        self._publish(work, row, transition.event)
        if transition.effect is not None:
            work.effect(
                transition.effect,
                self.subject(row.id),
                served=row.person_id,
                on_time=clock.on_time(row) if row.resolved_at == now else None,
                reminded=row.urged_at is not None or row.supervised_at is not None,
            )

    async def _move(self, row: R, transition: Transition, form: ActForm | None) -> None:
        if transition.moves is None:
            return
        if transition.moves == "origin":
            row.organization_id = row.origin_organization_id
            return
        unit = getattr(form, transition.moves)
        if unit not in {organization.id for organization in await self.units(transition)}:
            raise Invalid(field_error(transition.moves, "unit-cannot"))
        row.organization_id = unit

    async def _do(self, work: Work, row: R, transition: Transition, form: ActForm | None) -> None:
        now = work.now
        if transition.tone == "returned":
            row.returns += 1
        match transition.does:
            case Does.RATE:
                row.rating = int(getattr(form, "rating"))  # noqa: B009  the form is checked: a RateForm
                row.rating_comment, row.rated_at = getattr(form, "comment", None), now
                name = f"{self.flow.name}.{transition.verb}"
                work.rated(name, self.subject(row.id), satisfied=row.rating in SATISFIED)
            case Does.EXTEND:
                row.extension_asked = getattr(form, "days", None)
                row.extension_asked_by = work.actor.person_id
            case Does.DECIDE:
                if getattr(form, "decision", None) == Decision.APPROVE:
                    clock.add_time(self.hub, row, row.extension_asked or 0)
                    row.extended += 1
                    self._tell(work, row, "requester", "notice.extended")
                row.extension_asked = row.extension_asked_by = None
            case Does.URGE:
                row.urged_at, row.urged_by = now, work.actor.person_id
                row.urged_by_post = _post(work)
            case Does.SUPERVISE:
                row.supervised_at = now
            case does if does in PARTS:
                await self._part_act(work, row, transition, form)

    def _settle(self, row: R, transition: Transition, state: State, now: datetime) -> None:
        if transition.reopens:
            row.reopened += 1
            row.resolved_at = row.closed_at = row.supervised_at = None
            row.rating = row.rating_comment = row.rated_at = None  # the new outcome is rated anew
            clock.restart(self.hub, row, now)
        if transition.resolves:
            row.resolved_at = now
        if state.final and row.closed_at is None:
            row.closed_at = now
            row.resolved_at = row.resolved_at or now
        clock.turn(self.hub, row, state.clock, now)


def _code() -> str:
    return f"{secrets.randbelow(10**6):06d}"


def _facts(form: ActForm | None) -> dict[str, Any]:
    """Return what a form said beyond the words that have columns of their own."""
    if form is None:
        return {}
    return form.model_dump(
        mode="json", exclude={"version", "reason", "text", "comment"}, exclude_none=True
    )


def _post(work: Work) -> str:
    actor = work.actor
    if actor.audience is not Audience.STAFF:
        return ""
    return " ".join(part for part in (actor.organization_name, actor.post_title) if part)

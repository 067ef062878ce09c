"""What an act leaves behind: names, parties, timeline, work items, timers, notices."""

import time
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any, Final, Generic, Literal, TypeVar
from uuid import UUID

from sqlalchemy import func, select
from sqlmodel import col

from plugin_sdk.cases import clock
from plugin_sdk.cases.counting import mark
from plugin_sdk.cases.flow import Clock, Does, Flow, State, Transition
from plugin_sdk.cases.models import CaseRow
from plugin_sdk.ports import Hub, Official, Organization, Read, To, Work
from plugin_sdk.problems import NotFound
from plugin_sdk.views import Phrase, Secret

R = TypeVar("R", bound=CaseRow)
T = TypeVar("T")

LOOKED_UP_SECONDS: Final = 30.0
UNDO_SECONDS: Final = 10
RETRY: Final = timedelta(days=1)
"""How long until a lapse is looked at again whose calendar is not known."""


class CaseTraces(Generic[R]):
    """How a flow's cases are named and found, and what is written about them."""

    def __init__(self, hub: Hub, flow: Flow, row: type[R]) -> None:
        self.hub = hub
        self.flow = flow
        self.row = row
        self.prefix = f"{hub.app}.{flow.name}"
        self._looked_up: dict[str, tuple[float, list[Any]]] = {}

    async def look_up(
        self,
        name: str,
        ask: Callable[[], Awaitable[list[T]]],
        *,
        max_age: float = LOOKED_UP_SECONDS,
    ) -> list[T]:
        """Return what the directory was asked for a moment ago.

        The directory reads on a connection of its own. Whoever asks it inside a unit of work
        holds two, and many at once would wait for each other: routes ask before they begin.
        """
        found = self._looked_up.get(name)
        if found is None or time.monotonic() - found[0] > max_age:
            found = self._looked_up[name] = (time.monotonic(), await ask())
        return found[1]

    async def units_with(
        self, permission: str, *, max_age: float = LOOKED_UP_SECONDS
    ) -> list[Organization]:
        """Return the organizations with a post that holds a permission of the app."""

        async def ask() -> list[Organization]:
            return await self.hub.directory.units(permission)

        return await self.look_up(f"units:{permission}", ask, max_age=max_age)

    async def officials_with(
        self, permission: str, *, max_age: float = LOOKED_UP_SECONDS
    ) -> list[Official]:
        """Return who holds a post with a permission of the app."""

        async def ask() -> list[Official]:
            return await self.hub.directory.officials(permission)

        return await self.look_up(f"officials:{permission}", ask, max_age=max_age)

    def subject(self, id: UUID) -> str:
        """Return how the hub's own records name a case."""
        return f"{self.flow.name}:{id}"

    def owns(self, subject: str) -> bool:
        """Return whether a subject is a case of this flow."""
        return subject.partition(":")[0] == self.flow.name

    def href(self, number: str, verb: str = "") -> str:
        """Return the address of a case, or of an act on it."""
        address = f"/apps/{self.hub.app}{self.flow.path}/{number}"
        return f"{address}/{verb}" if verb else address

    def words(self, name: str, **params: Any) -> Phrase:
        """Return words of the flow's catalogue."""
        return Phrase(f"{self.prefix}.{name}", params)

    def said(self, verb: str) -> Phrase:
        """Return what an act, the flow's own or the kit's, is called once it is done."""
        own = {*self.flow.verbs(), self.flow.opening, "stage_late"}
        return self.words(f"said.{verb}") if verb in own else Phrase(f"case.said.{verb}")

    def tone(self, verb: str, target: str) -> Literal["step", "done", "returned", "paused"]:
        """Return how a step looks on a timeline, beside its words."""
        transition = next((t for t in self.flow.transitions if t.verb == verb), None)
        if transition is not None and transition.tone != "step":
            return transition.tone
        state = next((s for s in self.flow.states if s.key == target), None)
        if transition is None or transition.target is None or state is None:
            return "step"
        return "done" if state.final else "paused" if state.clock is Clock.PAUSED else "step"

    async def find(self, read: Read, number: str) -> R:
        """Return a case by its number. Raises `NotFound` when it is absent or out of scope."""
        statement = read.rows(self.row, permission=self.flow.read).where(
            col(self.row.number) == number
        )
        found: R | None = (await read.session.execute(statement)).scalar_one_or_none()
        if found is None:
            raise NotFound
        return found

    async def id_of(self, read: Read, number: str) -> UUID:
        """Return the id of a case within scope. Raises `NotFound`."""
        statement = read.rows(self.row, col(self.row.id), permission=self.flow.read).where(
            col(self.row.number) == number
        )
        found: UUID | None = (await read.session.execute(statement)).scalar_one_or_none()
        if found is None:
            raise NotFound
        return found

    async def done(self, read: Read, id: UUID) -> Counter[str]:
        """Return how often each act stands on the timeline of a case."""
        entry = self.row.entries
        statement = (
            read.rows(entry, col(entry.verb), func.count(), permission=self.flow.read)
            .where(col(entry.case_id) == id)
            .group_by(col(entry.verb))
        )
        return Counter({row[0]: row[1] for row in await read.session.execute(statement)})

    async def hands(self, read: Read, id: UUID, verbs: frozenset[str]) -> frozenset[UUID]:
        """Return the people who had a hand in acts on a case."""
        if not verbs:
            return frozenset()
        entry = self.row.entries
        columns = (entry.actor_person_id, entry.agent_person_id, entry.delegator_person_id)
        statement = read.rows(entry, *map(col, columns), permission=self.flow.read).where(
            col(entry.case_id) == id, col(entry.verb).in_(verbs)
        )
        found = await read.session.execute(statement)
        return frozenset(person for row in found for person in row if person is not None)

    async def _join(self, work: Work, row: R, organization_id: UUID, role: str) -> None:
        party = self.row.parties
        known = await work.session.execute(
            select(col(party.id)).where(
                col(party.case_id) == row.id, col(party.organization_id) == organization_id
            )
        )
        if known.first() is None:
            await work.add(
                party(
                    case_id=row.id,
                    organization_id=organization_id,
                    since=work.now,
                    opened_at=row.opened_at,
                    role=role,
                ),
                placed=True,
            )

    async def _record(
        self,
        work: Work,
        row: R,
        verb: str,
        *,
        source: str,
        reason: str | None,
        text: str | None = None,
        public: bool = False,
        data: dict[str, Any] | None = None,
    ) -> None:
        agent, handed = work.actor.agent, work.actor.delegation
        await work.add(
            self.row.entries(
                organization_id=row.organization_id,
                person_id=row.person_id,
                case_id=row.id,
                seq=row.version,  # each step is one version
                verb=verb,
                source=source,
                target=row.state,
                actor_person_id=work.actor.person_id,
                actor_post_id=work.actor.post_id,
                agent_person_id=agent.person_id if agent else None,
                delegator_person_id=handed.person_id if handed else None,
                role=work.actor.post_title,
                unit=agent.organization_name if agent else work.actor.organization_name,
                at=work.now,
                reason=reason,
                text=text,
                data=data or {},
                version=row.version,
                public=public,
            ),
            placed=True,
        )
        self.audit(work, row, verb, version=row.version)
        await mark(work, row)

    def audit(self, work: Work, row: R, verb: str, **facts: Any) -> None:
        """Put an act into the record, with the number under which people look for the case."""
        work.audit(f"{self.flow.name}.{verb}", self.subject(row.id), number=row.number, **facts)

    def item_title(self, row: R) -> Phrase | str:
        """Return what a work item calls a case: everybody in the post reads it."""
        return row.title

    async def _wait(self, work: Work, row: R, *, moved: bool, asked: bool = False) -> None:
        """Open the work item of whoever must act now, and close those of who no longer must.

        `asked` says that the request for an extension was made, decided or overtaken.
        """
        subject, state = self.subject(row.id), self.flow.state(row.state)
        if moved:
            await work.todo.close(subject)
        if state.waits_for is not None:
            origin = state.at == "origin"
            unit = row.origin_organization_id if origin else row.organization_id
            await work.todo.open(
                subject,
                To(organization_id=unit, permission=state.waits_for),
                self.item_title(row),
                self.href(row.number),
                label=self.words(f"state.{row.state}"),
                due_at=self._stage_due(row, state) or row.due_at,
            )
        if not asked:
            return
        await work.todo.close(f"{subject}:extension")
        decide = next((t for t in self.flow.transitions if t.does is Does.DECIDE), None)
        if row.extension_asked is not None and decide is not None:
            await work.todo.open(
                f"{subject}:extension",
                To(organization_id=row.origin_organization_id, permission=decide.permission),
                self.item_title(row),
                self.href(row.number, decide.verb),
                label=self.words(f"act.{decide.verb}"),
                due_at=row.due_at,
            )

    def _stage_due(self, row: R, state: State) -> datetime | None:
        if state.term is None:
            return None
        end = clock.window(self.hub, row.stage_entered_at, state.term)
        return min((moment for moment in (end, row.due_at) if moment), default=None)

    async def _arm(self, work: Work, row: R) -> None:
        """Set the timers of the state a case is in, and clear those of the one it left."""
        flow, subject, state = self.flow, self.subject(row.id), self.flow.state(row.state)
        due_at = row.due_at if clock.runs(flow, row) else None
        if flow.late is not None:
            await work.timer("late", subject, None if self.escalated(row) else due_at)
        if flow.remind is not None:
            at = clock.reminder(self.hub.calendar, due_at, flow.remind) if due_at else None
            await work.timer("remind", subject, at if at and at > work.now else None)
        if any(s.term for s in flow.states):
            term = state.term
            at = clock.window(self.hub, row.stage_entered_at, term) if term else None
            await work.timer("stage", subject, at if at and at > work.now else None)
        if any(s.lapse for s in flow.states):
            at = None
            if state.lapse is not None:  # asked again while the calendar is not known
                end = clock.window(self.hub, row.stage_entered_at, state.lapse.term)
                at = end or work.now + RETRY
            await work.timer("lapse", subject, at)

    def escalated(self, row: R) -> bool:
        """Return whether a case was escalated since its deadline passed."""
        return (
            row.due_at is not None
            and row.supervised_at is not None
            and row.supervised_at >= row.due_at
        )

    def _notify(self, work: Work, row: R, transition: Transition) -> None:
        """Tell whom the act names; an urging leaves only when it can no longer be undone."""
        urges = transition.does is Does.URGE
        for n, notice in enumerate(transition.notifies):
            self._tell(
                work,
                row,
                notice.to,
                notice.words or f"notice.{transition.verb}",
                notice.permission,
                dedupe=self.urging(row, n) if urges else None,
            )

    def urging(self, row: R, n: int) -> str:
        """Return the name of a notice of the present urging, by which it can be taken back."""
        return f"{self.subject(row.id)}:urge:{row.urged_at}:{n}"

    def _tell(
        self,
        work: Work,
        row: R,
        whom: str,
        words: str,
        permission: str | None = None,
        *,
        dedupe: str | None = None,
    ) -> None:
        if whom == "requester" and row.person_id is None:
            self._text(work, row, words)
            return
        if whom == "requester":
            to = To(person_id=row.person_id)
        else:
            unit = row.organization_id if whom == "holder" else row.origin_organization_id
            to = To(organization_id=unit, permission=permission or self.flow.read)
        message = self.words(words, number=row.number, title=row.title)
        delay = UNDO_SECONDS if dedupe else 0
        work.notify(to, message, self.href(row.number), delay_seconds=delay, dedupe=dedupe)

    def _text(self, work: Work, row: R, words: str) -> None:
        """Tell a requester without an account by short message, in Chinese: what to follow
        the case with, and later that there is news; the news itself is read there."""
        words = words if words == "notice.filed" else "notice.news"
        phone = getattr(row, self.flow.contact) if self.flow.contact else None
        if row.person_id is None and phone:
            said = self.words(words, number=row.number, title=row.title, code=Secret(row.code))
            work.text(phone, said)

    def _publish(self, work: Work, row: R, event: str | None) -> None:
        if event is not None:
            work.emit(
                event, id=str(row.id), number=row.number, state=row.state, version=row.version
            )

"""The engine of one procedure: it opens cases, acts on them, and minds their timers.

It knows the ports alone. Everything an act causes is written in the unit of work it is
given: the case, its timeline, parties, work items, timers, notices, audit, effect.
"""

from contextlib import suppress
from datetime import timedelta
from uuid import UUID

from sqlmodel import col

from plugin_sdk.cases import clock
from plugin_sdk.cases.acts import CaseActs
from plugin_sdk.cases.flow import Does
from plugin_sdk.cases.traces import RETRY, UNDO_SECONDS, R
from plugin_sdk.cases.tracking import track
from plugin_sdk.ports import Read, Work
from plugin_sdk.problems import Conflict, Denied, NotFound
from plugin_sdk.views import TrackView


class CaseEngine(CaseActs[R]):
    """The engine of a flow on the app's own tables: what people do, and what it does itself.

    The hub calls `on_timer`, `redate` and `track`; an app calls `open`, `act`, `bring_in`.
    """

    async def undo_urge(self, work: Work, id: UUID) -> R:
        """Take back an urging within its ten seconds, by the person who pressed it.

        Raises `Conflict` (`case.undo-late`) afterwards, `Denied` for anyone else.
        """
        row = await work.get(self.row, id, permission=self.flow.read)
        if row.urged_at is None or work.now >= row.urged_at + timedelta(seconds=UNDO_SECONDS):
            raise Conflict("case.undo-late")
        if work.actor.person_id is None or work.actor.person_id != row.urged_by:
            raise Denied(self.flow.read)
        for transition in self.flow.transitions:
            if transition.does is Does.URGE and row.state in transition.sources:
                for n in range(len(transition.notifies)):
                    await work.unsend(self.urging(row, n))
        row.urged_at = row.urged_by = None
        row.urged_by_post = ""
        row.version += 1
        await self._record(work, row, "urge_undone", source=row.state, reason=None)
        return row

    async def hold(self, work: Work, subject: str) -> None:
        """Hold the case of a timer before the timer is taken, as its acts hold it before they set
        one: who took the timer first would wait for an act that waits for the timer."""
        with suppress(NotFound):
            await work.get(self.row, UUID(subject.split(":")[1]), permission=self.flow.read)

    async def on_timer(self, work: Work, kind: str, subject: str) -> None:
        """Do what is due: remind, escalate, say that a stage is late, let lapse.

        The case is looked at again, so a timer that comes late or twice changes nothing.
        """
        _, id, *part = subject.split(":")
        try:
            row = await work.get(self.row, UUID(id), permission=self.flow.read)
        except NotFound:
            return
        now, state = work.now, self.flow.state(row.state)
        await work.timer(kind, subject, None)
        if part:
            await self._on_part_timer(work, row, kind, UUID(part[-1]))
            return
        if kind == "remind" and clock.runs(self.flow, row):
            if row.due_at is not None and now < row.due_at:
                self._tell(work, row, "holder", "notice.remind", state.waits_for)
        elif kind == "late" and clock.runs(self.flow, row):
            if row.due_at is not None and row.due_at <= now and not self.escalated(row):
                await self._by_itself(work, row, self.flow.late)
        elif kind == "stage" and state.term is not None:
            end = clock.window(self.hub, row.stage_entered_at, state.term)
            if end is not None and end <= now:
                row.version += 1
                await self._record(work, row, "stage_late", source=row.state, reason=None)
                for whom in ("holder", "origin"):
                    self._tell(work, row, whom, "notice.stage_late")
        elif kind == "lapse" and state.lapse is not None:
            end = clock.window(self.hub, row.stage_entered_at, state.lapse.term)
            if end is None or end > now:
                await work.timer("lapse", subject, end or now + RETRY)
            else:
                await self._by_itself(work, row, state.lapse.verb)

    async def _by_itself(self, work: Work, row: R, verb: str | None) -> None:
        transition = self.flow.find(row.state, verb or "")
        if transition is not None:
            await self._perform(work, row, transition, None)

    async def redate(self, work: Work, *, limit: int = 500) -> int:
        """Date the cases that wait for a calendar; return how many now have their date.

        Called once a holiday notice was entered, and again while it returns `limit`.
        """
        waiting = (
            work.rows(self.row, col(self.row.id), permission=self.flow.read)
            .where(col(self.row.due_pending))
            .order_by(col(self.row.id))
            .limit(limit)
        )
        dated = 0
        for id in list((await work.session.execute(waiting)).scalars()):
            row = await work.get(self.row, id, permission=self.flow.read)
            if not clock.date_it(self.hub, row):
                continue
            dated += 1
            row.version += 1
            await self._record(work, row, "redated", source=row.state, reason=None, public=True)
            await self._wait(work, row, moved=False)
            await self._arm(work, row)
            self._tell(work, row, "requester", "notice.redated")
        return dated

    async def track(self, read: Read, number: str, code: str) -> TrackView:
        """Return the public progress of a case, to whoever knows its number and its code."""
        return await track(self, read, number, code)

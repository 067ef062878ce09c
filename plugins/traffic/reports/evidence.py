"""What the hub does with reports by itself: it hands what was accepted to the police's system, and
lets what follows another share its outcome."""

import asyncio
import logging
from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement
from sqlmodel import col

from plugin_sdk.cases.forms import ActForm, NoteForm
from plugin_sdk.extension import Job
from plugin_sdk.identifiers import redact
from plugin_sdk.ports import Actor
from plugin_sdk.problems import Conflict
from plugin_sdk.views import Phrase
from plugins.traffic.handed import Evidence, Ruling, TakesEvidence
from plugins.traffic.reports.desk import ReportDesk
from plugins.traffic.reports.models import Report

logger = logging.getLogger(__name__)

BATCH: Final = 50
SOURCE_SECONDS: Final = 5.0
MOST_FOLLOWED: Final = 1000
MOST_TRIED: Final = 1000
"""Failures that are remembered, in this process alone."""
NUMBER_LENGTH: Final = 32
REFUSALS: Final = ("unknown",)
WRITTEN: Final = "zh-CN"
"""The language of what stays on a timeline."""


class Handing:
    """The job of reports."""

    def __init__(self, desk: ReportDesk, provider: TakesEvidence) -> None:
        self.desk = desk
        self.hub = desk.hub
        self.engine = desk.engine
        self.provider = provider
        self._tried: dict[UUID, None] = {}

    def job(self) -> Job:
        """Return the job."""
        return Job(key="reports", run=self.run)

    async def run(self, actor: Actor) -> None:
        """Hand over what waits, then settle what follows."""
        await self.hand_over(actor)
        await self.settle(actor)

    async def hand_over(self, actor: Actor) -> None:
        """Hand what was accepted to the system, each between units of work; what it does not take
        goes back to the officers with its reason. Where it is away, all wait; what it failed on
        before comes last, so that it keeps no other waiting."""
        for row in await self._accepted(actor):
            self._tried.pop(row.id, None)
            try:
                async with asyncio.timeout(SOURCE_SECONDS):
                    ruling = await self.provider.record(await self._evidence(actor, row))
                await self._become(actor, row, ruling)
            except (TimeoutError, OSError) as error:
                self._tried[row.id] = None
                logger.warning("the source was not handed a report: %s", type(error).__name__)
                return
            except Exception:  # what it does not take of one keeps no other waiting
                self._tried[row.id] = None
                logger.exception("the source does not take a report")

    async def _become(self, actor: Actor, row: Report, ruling: Ruling) -> None:
        """Let a report be what the system said. Raises `ValueError` for a number that is none."""
        if ruling.refused:
            reason = self.hub.pages.say(refusal_of(ruling.refused), WRITTEN)
            await self._act(actor, row, "bounce", NoteForm(version=row.version, reason=reason))
        elif 0 < len(ruling.number) <= NUMBER_LENGTH:
            recorded = ActForm(version=row.version)
            await self._act(actor, row, "record", recorded, recorded_as=ruling.number)
        else:
            raise ValueError(f"a record's number of {len(ruling.number)} characters")

    async def _evidence(self, actor: Actor, row: Report) -> Evidence:
        async with self.hub.read(actor) as read:
            files = await self.hub.files.of(read, self.engine.subject(row.id))
            pictures = [await self.hub.files.content(read, file) for file in files]
        return Evidence(
            reference=row.reference,
            kind=row.kind,
            plate=row.plate,
            at=row.happened_at,
            place=redact(row.place),  # its owner reads it
            pictures=tuple(pictures),
        )

    async def settle(self, actor: Actor) -> None:
        """Let those that follow another share its record; where it was rejected, the oldest of
        them takes its place, and the others follow that."""
        for row in await self._followers(actor, "recorded"):
            await self._act(actor, row, "share", ActForm(version=row.version))
        settled: set[UUID | None] = set()
        for row in await self._followers(actor, "rejected"):
            if row.same_as not in settled:
                settled.add(row.same_as)
                await self._promote(actor, row)

    async def _promote(self, actor: Actor, heir: Report) -> None:
        """Let one take the place of the rejected one that it followed, with all who follow it."""
        try:
            async with self.hub.work(actor) as work:
                ids = work.rows(Report, col(Report.id)).where(
                    col(Report.same_as) == heir.same_as, col(Report.state) == "joined"
                )
                for id in list((await work.session.execute(ids)).scalars()):
                    row = await work.get(Report, id)
                    row.same_as = None if id == heir.id else heir.id
                await self.engine.act(work, heir.id, "promote", ActForm(version=heir.version))
        except Conflict as conflict:  # somebody was quicker: it is looked at again
            logger.info("a report moved on meanwhile: %s", conflict.code)

    async def _act(
        self, actor: Actor, row: Report, verb: str, form: ActForm, **values: Any
    ) -> None:
        try:
            async with self.hub.work(actor) as work:
                found = await work.get(Report, row.id)
                for name, value in values.items():
                    setattr(found, name, value)
                await self.engine.act(work, row.id, verb, form)
        except Conflict as conflict:  # somebody was quicker: it is looked at again
            logger.info("a report moved on meanwhile: %s", conflict.code)

    async def _accepted(self, actor: Actor) -> Sequence[Report]:
        """Return what waits, that which failed before last."""
        for id in list(self._tried)[:-MOST_TRIED]:
            del self._tried[id]
        tried = col(Report.id).in_(list(self._tried))
        waits = col(Report.state) == "accepted"
        found = await self._rows(actor, waits, ~tried)
        if len(found) == BATCH or not self._tried:
            return found
        return [*found, *await self._rows(actor, waits, tried, most=BATCH - len(found))]

    async def _followers(self, actor: Actor, state: str) -> Sequence[Report]:
        """Return those that follow one which has come to an end."""
        joined = col(Report.state) == "joined"
        async with self.hub.read(actor) as read:
            followed = read.rows(Report, col(Report.same_as)).where(joined)
            followed = followed.order_by(col(Report.opened_at)).limit(MOST_FOLLOWED)
            first = set((await read.session.execute(followed)).scalars())
            over = read.rows(Report, col(Report.id)).where(
                col(Report.id).in_(first), col(Report.state) == state
            )
            ended = list((await read.session.execute(over)).scalars())
        return await self._rows(actor, joined, col(Report.same_as).in_(ended))

    async def _rows(
        self, actor: Actor, *conditions: ColumnElement[bool], most: int | None = None
    ) -> Sequence[Report]:
        async with self.hub.read(actor) as read:
            statement = read.rows(Report).where(*conditions)
            statement = statement.order_by(col(Report.opened_at), col(Report.id))
            found = await read.session.execute(statement.limit(BATCH if most is None else most))
            rows: Sequence[Report] = found.scalars().all()
            read.session.expunge_all()
        return rows


def refusal_of(code: str) -> Phrase:
    """Return the words of a refusal of the system; a word that is not known says no more."""
    return Phrase(f"traffic.report.refused.{code if code in REFUSALS else 'other'}")

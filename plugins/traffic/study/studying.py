"""A study from its beginning to its credit: lessons finished by a question, a quiz, and the
police's system, which takes the points off or says why not."""

import asyncio
import hashlib
import logging
import random
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import func
from sqlmodel import col

from plugin_sdk.data import new_id
from plugin_sdk.deadlines import local_day
from plugin_sdk.extension import Job
from plugin_sdk.ports import Actor, Hub, Read, To, Work
from plugin_sdk.problems import AppConflict, Denied, NotFound
from plugin_sdk.views import Phrase
from plugins.traffic.handed import Ruling, Study, TakesStudy
from plugins.traffic.study.lessons import Course, course
from plugins.traffic.study.models import StudyRun
from plugins.traffic.study.rules import Ground, Obstacle, Rules

logger = logging.getLogger(__name__)

STUDY: Final = "study.use"
QUESTIONS: Final = 10
BATCH: Final = 50
SOURCE_SECONDS: Final = 5.0
LEARNING, PENDING = "learning", "pending"
COUNTS: Final = (PENDING, "credited")


class Studying:
    """Studies on one hub."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.rules = Rules.of(hub.settings)
        self.course: Course = course()

    async def taken_off(self, read: Read, ground: Ground) -> int:
        """Return how many points the actor's studies take off in the period, those included that
        the system has not ruled on."""
        statement = self._mine(read, func.coalesce(func.sum(col(StudyRun.points)), 0)).where(
            col(StudyRun.period_first) == ground.period_first, col(StudyRun.state).in_(COUNTS)
        )
        return int((await read.session.execute(statement)).scalar_one())

    async def latest(self, read: Read) -> Sequence[StudyRun]:
        """Return the actor's studies, newest first."""
        statement = self._mine(read).order_by(col(StudyRun.begun_at).desc()).limit(BATCH)
        rows: Sequence[StudyRun] = (await read.session.execute(statement)).scalars().all()
        return rows

    async def open(self, read: Read) -> StudyRun | None:
        """Return the study that the actor is at, None where there is none, or its days are over."""
        statement = self._mine(read).where(col(StudyRun.state) == LEARNING)
        row: StudyRun | None = (await read.session.execute(statement)).scalar_one_or_none()
        return None if row is None or self.last(row) < read.now else row

    def last(self, row: StudyRun) -> datetime:
        """Return until when a study can be finished."""
        return row.begun_at + timedelta(days=self.rules.days)

    def first(self, row: StudyRun) -> datetime:
        """Return from when on its quiz may be taken: half an hour after it began, as the rule
        asks; what somebody did meanwhile is nobody's business."""
        return row.begun_at + timedelta(minutes=self.rules.minutes)

    async def begin(
        self, work: Work, unit: UUID, ground: Ground | None, against: Sequence[Obstacle]
    ) -> StudyRun:
        """Begin a study. Raises `AppConflict` for the first of what stands against it, and where
        one is open or not ruled on."""
        me = work.actor.person_id
        if me is None:
            raise Denied(f"{self.hub.app}.{STUDY}")
        for one in against:
            raise AppConflict("traffic", f"study-{one.code}", **one.params)
        if ground is None:
            raise AppConflict("traffic", "study-licence")
        claimed = self._mine(work, col(StudyRun.id)).where(col(StudyRun.claim) == str(me))
        if id := (await work.session.execute(claimed)).scalar_one_or_none():
            before = await work.get(StudyRun, id, permission=STUDY)
            if before.state == PENDING or self.last(before) >= work.now:
                raise AppConflict("traffic", f"study-{before.state}")
            before.state, before.claim = "expired", None
            await work.session.flush()
        row = StudyRun(
            organization_id=unit,
            person_id=me,
            reference=hashlib.sha256(new_id().bytes).hexdigest()[:32],
            claim=str(me),
            state=LEARNING,
            file_number=ground.file_number,
            period_first=ground.period_first,
            points=self.rules.points,
            begun_at=work.now,
        )
        await work.add(row, placed=True)
        work.start("study.begin", f"study:{row.id}")
        work.audit("study.begin", f"study:{row.id}")
        return row

    async def answer_lesson(self, work: Work, key: str, answer: int) -> bool:
        """Return whether the question of a lesson was answered rightly, which finishes it. Raises
        `NotFound`, `AppConflict`."""
        lesson = self.course.lesson(key)
        if lesson is None:
            raise NotFound
        row = await self._take(work)
        right = lesson.questions[0].right == answer
        if right and key not in row.done:
            row.done = [*row.done, key]
        return right

    def ready(self, row: StudyRun) -> bool:
        """Return whether every lesson is finished."""
        return {one.key for one in self.course.lessons} <= set(row.done)

    def quiz(self, row: StudyRun) -> list[str]:
        """Return the questions of the next try, the same until it is taken."""
        chance = random.Random(f"{row.reference}:{row.tries}")
        return chance.sample(sorted(self.course.questions), QUESTIONS)

    async def answer_quiz(self, work: Work, answers: Sequence[int]) -> tuple[StudyRun, int]:
        """Grade a try: passed, the police's system is asked; failed the last time, it is over.
        Return the study and how many answers were right. Raises `AppConflict`."""
        row = await self._take(work)
        self.may_try(row, work.now)
        questions, asked = self.course.questions, self.quiz(row)
        right = sum(
            questions[key].right == answer for key, answer in zip(asked, answers, strict=True)
        )
        row.asked, row.tries, row.version = asked, row.tries + 1, row.version + 1
        if right >= self.rules.pass_at:
            row.state, row.passed_at = PENDING, work.now
        elif row.tries >= self.rules.tries:
            row.state, row.claim = "failed", None
        work.audit("study.quiz", f"study:{row.id}", passed=row.state == PENDING)
        return row, right

    def may_try(self, row: StudyRun, now: datetime) -> None:
        """Raise `AppConflict` where lessons are left, or the half hour is not over."""
        if not self.ready(row):
            raise AppConflict("traffic", "study-lessons")
        if now < self.first(row):
            raise AppConflict("traffic", "study-early", time=self.first(row))

    async def _take(self, work: Work) -> StudyRun:
        """Return the actor's open study for change, locked. Raises `AppConflict`."""
        statement = self._mine(work, col(StudyRun.id)).where(
            col(StudyRun.claim) == str(work.actor.person_id)
        )
        id = (await work.session.execute(statement)).scalar_one_or_none()
        if id is None:
            raise AppConflict("traffic", "study-none")
        row = await work.get(StudyRun, id, permission=STUDY)
        if row.state != LEARNING:  # another request was quicker
            raise AppConflict("traffic", "study-pending")
        if self.last(row) < work.now:
            raise AppConflict("traffic", "study-expired", n=self.rules.days)
        return row

    def _mine(self, read: Read, *columns: Any) -> Any:
        return read.rows(StudyRun, *columns, permission=STUDY).where(
            col(StudyRun.person_id) == read.actor.person_id
        )


class Crediting:
    """The job of studies: those that were passed are said to the system, and it rules."""

    def __init__(self, studying: Studying, provider: TakesStudy) -> None:
        self.studying = studying
        self.hub = studying.hub
        self.provider = provider

    def job(self) -> Job:
        """Return the job."""
        return Job(key="study", run=self.run)

    async def run(self, actor: Actor) -> None:
        """Say what waits, each between units of work; where the system is away, all wait. Then let
        those go whose days are over."""
        for row in await self._rows(actor, col(StudyRun.state) == PENDING):
            study = Study(
                reference=row.reference,
                file_number=row.file_number,
                points=row.points,
                on=_day(row),
            )
            try:
                async with asyncio.timeout(SOURCE_SECONDS):
                    ruling = await self.provider.credit(study)
            except (TimeoutError, OSError) as error:
                logger.warning("the source was not told of a study: %s", type(error).__name__)
                break
            except Exception:  # what it does not take of one keeps no other waiting
                logger.exception("the source does not take a study")
                continue
            await self._ruled(actor, row.id, ruling)
        over = self.hub.now() - timedelta(days=self.studying.rules.days)
        late = (col(StudyRun.state) == LEARNING, col(StudyRun.begun_at) < over)
        for row in await self._rows(actor, *late):
            async with self.hub.work(actor) as work:
                found = await work.get(StudyRun, row.id)
                if found.state == LEARNING:
                    found.state, found.claim = "expired", None

    async def _ruled(self, actor: Actor, id: UUID, ruling: Ruling) -> None:
        async with self.hub.work(actor) as work:
            row = await work.get(StudyRun, id)
            if row.state != PENDING:
                return
            row.state = "refused" if ruling.refused else "credited"
            row.why, row.ruled_at, row.claim = ruling.refused[:20], work.now, None
            row.version += 1
            said: Mapping[str, Any] = {"n": row.points}
            if ruling.refused:
                said = {"why": why_of(ruling.refused)}
            message = Phrase(f"traffic.study.notice.{row.state}", dict(said))
            here = f"/apps/{self.hub.app}/study"
            work.notify(To(person_id=row.person_id), message, here, dedupe=f"study:{row.id}")
            work.audit(f"study.{row.state}", f"study:{row.id}")
            if row.state == "credited":
                work.effect("study.credited", f"study:{row.id}", served=row.person_id)

    async def _rows(self, actor: Actor, *conditions: Any) -> Sequence[StudyRun]:
        async with self.hub.read(actor) as read:
            statement = read.rows(StudyRun).where(*conditions)
            found = await read.session.execute(
                statement.order_by(col(StudyRun.begun_at)).limit(BATCH)
            )
            rows: Sequence[StudyRun] = found.scalars().all()
            read.session.expunge_all()
        return rows


WHYS: Final = ("unknown", "full", "barred", "period", "nothing")


def why_of(code: str) -> Phrase:
    """Return the words of a refusal of the system; a word that is not known says no more."""
    return Phrase(f"traffic.study.why.{code if code in WHYS else 'barred'}")


def _day(row: StudyRun) -> date:
    return local_day(row.passed_at or row.begun_at)

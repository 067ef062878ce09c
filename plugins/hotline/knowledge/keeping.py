"""Keeping answers: written by the owner's handlers, published by another of them, withdrawn,
renewed by a new version; the owner hears before one expires."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any, Final
from uuid import UUID

from sqlmodel import col

from plugin_sdk.deadlines import OFFICE_HOURS, local_day
from plugin_sdk.extension import Job
from plugin_sdk.ports import Actor, Hub, Read, To, Work
from plugin_sdk.problems import AppConflict, Conflict, Denied, Invalid, NotFound, field_error
from plugin_sdk.signing import signature
from plugin_sdk.views import Phrase
from plugins.hotline.knowledge.finding import plain
from plugins.hotline.knowledge.forms import KnowledgeForm, ReviseForm, SeenForm, WithdrawForm
from plugins.hotline.knowledge.models import (
    DRAFT,
    PUBLISHED,
    WITHDRAWN,
    Knowledge,
    KnowledgeVersion,
)
from plugins.hotline.knowledge.private import other_caller

READ: Final = "knowledge.read"
WRITE: Final = "knowledge.write"
PUBLISH: Final = "knowledge.publish"
REMIND: Final = (30, 7, 1)
"""How many days before its last day the owner of an answer is told."""
LONGEST: Final = timedelta(days=366 * 3)
"""How long an answer may hold before somebody must look at it again."""
BATCH: Final = 100
DAY: Final = timedelta(days=1)


class Keeping:
    """What is done with the answers of a hub."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub

    def href(self, id: UUID | str = "", act: str = "") -> str:
        """Return the address of the knowledge base, of an answer, or of an act on it."""
        parts = (f"/apps/{self.hub.app}/knowledge", str(id), act)
        return "/".join(part for part in parts if part)

    def refused(self, code: str, **params: Any) -> AppConflict:
        """Return a refusal (409) in the words of the knowledge base."""
        return AppConflict(self.hub.app, f"knowledge-{code}", **params)

    async def versions(self, read: Read, id: UUID) -> Sequence[KnowledgeVersion]:
        """Return the versions of an answer in sight, newest first. Raises `NotFound`."""
        statement = read.rows(KnowledgeVersion, permission=READ).where(
            col(KnowledgeVersion.knowledge_id) == id
        )
        found = await read.session.execute(statement.order_by(col(KnowledgeVersion.n).desc()))
        rows: Sequence[KnowledgeVersion] = found.scalars().all()
        if not rows:
            raise NotFound
        return rows

    async def lock(self, read: Read, id: UUID) -> int | None:
        """Return by which an act says what was seen of an answer, None to whom it is not theirs."""
        for permission in (WRITE, PUBLISH):
            statement = read.rows(Knowledge, col(Knowledge.version), permission=permission)
            found = (await read.session.execute(statement.where(col(Knowledge.id) == id))).scalar()
            if found is not None:
                return int(found)
        return None

    async def write(self, work: Work, form: KnowledgeForm) -> KnowledgeVersion:
        """Keep a new answer as a draft of the actor's unit. Raises `Invalid`, `Denied`."""
        if work.actor.organization_id is None:
            raise Denied(f"{self.hub.app}.{WRITE}")
        await self._check(work, form)
        head = Knowledge(organization_id=work.actor.organization_id)
        await work.add(head, placed=True)
        await work.require(WRITE, head)
        return await self._draft(work, head, form, None)

    async def revise(self, work: Work, id: UUID, form: ReviseForm) -> KnowledgeVersion:
        """Write the draft of an answer anew, or the draft of its next version. Raises `Invalid`,
        `Conflict`, `NotFound`."""
        head = await self._take(work, id, form.version, WRITE)
        await self._check(work, form)
        draft = await self._one(work, head, DRAFT)
        if draft is None:
            head.latest += 1
            return await self._draft(work, head, form, form.reason)
        self._say(work, draft, form, form.reason)
        await self._written(work, head, draft)
        return draft

    async def publish(self, work: Work, id: UUID, form: SeenForm) -> KnowledgeVersion:
        """Publish the draft of an answer: whoever wrote it last cannot. Raises `Conflict`."""
        head = await self._take(work, id, form.version, PUBLISH)
        draft = await self._one(work, head, DRAFT)
        if draft is None:
            raise self.refused("no-draft")
        if work.actor.person_id is None or work.actor.hands & draft.signers:
            raise self.refused("own-draft")
        today = local_day(work.now)
        if draft.ends_on < today:
            raise self.refused("past", date=draft.ends_on)
        for before in await self._all(work, head, PUBLISHED):
            before.replaced_by = before.replaced_by or draft.n
            before.last_day = min(before.last_day, max(draft.starts_on, today) - DAY)
        draft.state, draft.changed_at = PUBLISHED, work.now
        draft.published_at, draft.published_by = work.now, work.actor.person_id
        draft.published_role = work.actor.post_title
        await work.todo.close(self._subject(head.id))
        self._record(work, head, draft, "publish")
        return draft

    async def withdraw(self, work: Work, id: UUID, form: WithdrawForm) -> KnowledgeVersion:
        """Withdraw an answer at once, and its draft: what is wrong must not wait for another.
        Raises `Conflict`."""
        head = await self._take(work, id, form.version, WRITE)
        today = local_day(work.now)
        found = [
            row
            for state in (PUBLISHED, DRAFT)
            for row in await self._all(work, head, state)
            if row.replaced_by is None or row.last_day >= today
        ]
        if not found:
            raise self.refused("withdrawn-already")
        for row in found:
            row.state, row.changed_at = WITHDRAWN, work.now
            row.withdrawn_at, row.withdrawn_by = work.now, work.actor.person_id
            row.withdrawn_role, row.withdrawn_reason = work.actor.post_title, form.reason
        await work.todo.close(self._subject(head.id))
        self._record(work, head, found[-1], "withdraw")
        return found[-1]

    def job(self) -> Job:
        """Return what reminds owners each day."""
        return Job(key="knowledge", run=self.remind)

    async def remind(self, actor: Actor) -> None:
        """Tell owners which answers end soon, each once for each of the reminders; one that was
        missed is given late."""
        last: UUID | None = None
        while True:
            async with self.hub.work(actor) as work:
                found = await self._ending(work, last)
                for row in found:
                    await self._tell(work, row)
                last = found[-1].id if len(found) == BATCH else None
            if last is None:
                return

    async def _ending(self, work: Work, after: UUID | None) -> Sequence[KnowledgeVersion]:
        row, today = KnowledgeVersion, local_day(work.now)
        statement = work.rows(row, permission=READ).where(
            col(row.state) == PUBLISHED,
            col(row.replaced_by).is_(None),
            col(row.last_day) >= today,
            col(row.last_day) <= today + timedelta(days=max(REMIND)),
        )
        if after is not None:
            statement = statement.where(col(row.id) > after)
        found = await work.session.execute(statement.order_by(col(row.id)).limit(BATCH))
        rows: Sequence[KnowledgeVersion] = found.scalars().all()
        return rows

    async def _tell(self, work: Work, row: KnowledgeVersion) -> None:
        left = (row.last_day - local_day(work.now)).days
        level = min(n for n in REMIND if left <= n)
        owner = To(organization_id=row.organization_id, permission=WRITE)
        here, subject = self.href(row.knowledge_id), self._subject(row.knowledge_id)
        said = Phrase("hotline.knowledge.notice", {"name": row.question, "date": row.last_day})
        work.notify(owner, said, here, dedupe=f"{subject}:{row.n}:{row.last_day}:{level}")
        if await self._has_draft(work, row):
            return  # it is being renewed: what waits is its publication
        await work.todo.open(
            subject,
            owner,
            row.question,
            here,
            label=Phrase("hotline.knowledge.state.ending"),
            due_at=OFFICE_HOURS.closing(row.last_day),
        )

    async def _has_draft(self, work: Work, row: KnowledgeVersion) -> bool:
        model = KnowledgeVersion
        statement = work.rows(model, col(model.id), permission=READ).where(
            col(model.knowledge_id) == row.knowledge_id, col(model.state) == DRAFT
        )
        return (await work.session.execute(statement)).first() is not None

    async def _check(self, work: Work, form: KnowledgeForm) -> None:
        today = local_day(work.now)
        if form.ends_on < today:
            raise Invalid(field_error("ends_on", "in-the-past"))
        if form.ends_on > today + LONGEST:
            raise Invalid(
                field_error("ends_on", "later-than-term", date=today + LONGEST),
            )
        said = (form.text, form.question, form.basis, form.keywords or "")
        if error := await other_caller(work, "\n".join(said)):
            raise Invalid(error)

    async def _take(self, work: Work, id: UUID, version: int, permission: str) -> Knowledge:
        head = await work.get(Knowledge, id, permission=permission)
        if not work.actor.system:
            await work.require(permission, head)
        if head.version != version:
            raise Conflict("registers.stale", version=head.version)
        head.version += 1
        return head

    async def _all(self, work: Work, head: Knowledge, state: str) -> list[KnowledgeVersion]:
        row = KnowledgeVersion
        statement = work.rows(row, col(row.id), permission=READ).where(
            col(row.knowledge_id) == head.id, col(row.state) == state
        )
        ids = (await work.session.execute(statement.order_by(col(row.n)))).scalars().all()
        return [await work.get(row, id, permission=READ) for id in ids]

    async def _one(self, work: Work, head: Knowledge, state: str) -> KnowledgeVersion | None:
        return next(iter(await self._all(work, head, state)), None)

    async def _draft(
        self, work: Work, head: Knowledge, form: KnowledgeForm, reason: str | None
    ) -> KnowledgeVersion:
        row = KnowledgeVersion(
            organization_id=head.organization_id,
            knowledge_id=head.id,
            n=head.latest,
            **_said(form, local_day(work.now)),
            changed_at=work.now,
            reason=reason,
            **signature(work),
        )
        await work.add(row, placed=True)  # it goes where its answer is, which was checked
        await self._written(work, head, row)
        return row

    def _say(
        self, work: Work, row: KnowledgeVersion, form: KnowledgeForm, reason: str | None
    ) -> None:
        values = {**_said(form, local_day(work.now)), **signature(work)}
        for name, value in values.items():
            setattr(row, name, value)
        row.changed_at, row.reason = work.now, reason

    async def _written(self, work: Work, head: Knowledge, row: KnowledgeVersion) -> None:
        subject = self._subject(head.id)
        await work.todo.close(subject)
        await work.todo.open(
            subject,
            To(organization_id=head.organization_id, permission=PUBLISH),
            row.question,
            self.href(head.id),
            label=Phrase("hotline.knowledge.state.draft"),
        )
        self._record(work, head, row, "write")

    def _subject(self, id: UUID) -> str:
        return f"knowledge:{id}"

    def _record(self, work: Work, head: Knowledge, row: KnowledgeVersion, verb: str) -> None:
        work.audit(f"knowledge.{verb}", self._subject(head.id), n=row.n, version=head.version)


def _said(form: KnowledgeForm, today: date) -> dict[str, Any]:
    keywords = form.keywords or ""
    return {
        "question": form.question,
        "text": form.text,
        "basis": form.basis,
        "category_code": form.category,
        "region_id": UUID(form.region) if form.region else None,
        "keywords": keywords,
        "public": form.public,
        "starts_on": form.starts_on or today,
        "ends_on": form.ends_on,
        "last_day": form.ends_on,
        "heading": plain(f"{form.question} {keywords}"),
        "body": plain(f"{form.question} {keywords} {form.text}"),
    }

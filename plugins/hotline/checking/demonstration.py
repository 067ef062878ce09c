"""The demonstration of checking: a script, some calls, a sample with its checks, an explanation."""

from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from typing import Any, Final

from msgspec import structs
from sqlalchemy import func
from sqlmodel import col

from plugin_sdk.cases.forms import Rating
from plugin_sdk.deadlines import local_day
from plugin_sdk.extension import ImportReport
from plugin_sdk.ports import Actor
from plugin_sdk.problems import AppConflict
from plugins.hotline.checking.following import CALL, Following, script_of
from plugins.hotline.checking.forms import (
    Called,
    CallForm,
    DrawForm,
    ExplainForm,
    JudgeForm,
    QuestionForm,
    Result,
    Verdict,
)
from plugins.hotline.checking.judged import ASKED
from plugins.hotline.checking.models import FollowCall, FollowUp, Supervision
from plugins.hotline.checking.quality import DRAW, JUDGE, Quality
from plugins.hotline.checking.supervising import supervision_desk
from plugins.hotline.desk import OrderDesk
from plugins.hotline.models import Order

SCRIPT: Final = (
    "您好，这里是 12345 热线。您反映的事，承办单位和您联系过吗？",
    "答复里说的，和您看到的一样吗？",
    "办事的人态度怎么样？",
)
EXPLAINED: Final = "配件缺货，供货商周五到货；安排两组人员，到货后两日内装好，并把照片附在答复里。"
YES, NO = Verdict.YES, Verdict.NO


async def demonstrate(desk: OrderDesk, cast: Mapping[str, Actor]) -> AsyncIterator[ImportReport]:
    """Yield a report for each thing that is acted out; what is there is left as it is."""
    acting = _Acting(desk, cast)
    steps = (acting.script, acting.align, acting.call, acting.explain, acting.check)
    for line, step in enumerate(steps, 1):
        outcome: Any = "added" if await step() else "present"
        yield ImportReport(line=line, outcome=outcome, total=len(steps))


def _by(actor: Actor, permission: str) -> Actor:
    """Return somebody of the cast as they are at a page of the app."""
    return structs.replace(actor, permission=f"hotline.{permission}")


class _Acting:
    def __init__(self, desk: OrderDesk, cast: Mapping[str, Actor]) -> None:
        self.desk = desk
        self.hub = desk.hub
        self.following = Following(desk)
        self.quality = Quality(self.following)
        self.cast = cast

    async def script(self) -> bool:
        """Enter the script."""
        engine, new = self.following.script, False
        async with self.hub.work(_by(self.cast["checker"], "script.edit")) as work:
            for n, question in enumerate(SCRIPT, 1):
                if await engine.by_code(work, str(n)) is None:
                    form = QuestionForm(code=str(n), name=question)
                    await engine.add(work, form)
                    new = True
        return new

    async def align(self) -> bool:
        """Let it be known at once whom to call, each from when the order was answered."""
        before = await self._follow_ups()
        async with self.hub.read(self.hub.system("demonstration")) as read:
            answered = read.rows(Order, col(Order.id), col(Order.answered_at)).where(
                col(Order.answered_at).is_not(None), col(Order.imported).is_(False)
            )
            found = (await read.session.execute(answered)).all()
        for id, at in found:
            async with self.hub.at(at).work(self.hub.system("demonstration")) as work:
                await self.following.heard(work, {"id": str(id)})
        return await self._follow_ups() > before

    async def _follow_ups(self) -> int:
        async with self.hub.read(self.hub.system("demonstration")) as read:
            found = await read.session.execute(read.rows(FollowUp, func.count()))
            return int(found.scalar_one())

    async def call(self) -> bool:
        """Call one who is dissatisfied, and two who did not rate: one is not reached."""
        checker = _by(self.cast["checker"], CALL)
        async with self.hub.read(checker) as read:
            if (await read.session.execute(read.rows(FollowCall).limit(1))).first() is not None:
                return False
            waiting = await self.following.waiting(read)
            centre = checker.organization_id
            fresh = [
                (row.id, row.rank) for row in waiting if not row.tries and row.unit_id != centre
            ]
            questions = await self.following.questions(read)
            token, n = script_of(questions), len(questions)
        wanting = [id for id, rank in fresh if rank == 1][:1]
        unrated = [id for id, rank in fresh if rank != 1][:2]
        if len(unrated) < 2:
            return False
        said = ("联系过", "一样", "态度好")[:n]
        answers: dict[str, Any] = {f"a{at}": answer for at, answer in enumerate(said, 1)}
        calls = [(id, {**answers, "result": Result.EXPLAINED}) for id in wanting]
        calls.append((unrated[0], {**answers, "rating": Rating.SATISFIED}))
        for id, more in calls:
            words = "来电人看过改造后的现场，认可解释" if "result" in more else None
            form = CallForm(version=1, script=token, outcome=Called.REACHED, note=words, **more)
            await self._keep(id, form)
        await self._keep(unrated[1], CallForm(version=1, outcome=Called.NOT_REACHED))
        return True

    async def _keep(self, id: Any, form: CallForm) -> None:
        async with self.hub.work(_by(self.cast["checker"], CALL)) as work:
            row = await self.following.find(work, id)
            form = form.model_copy(update={"version": row.version})
            await self.following.call(work, id, form)

    async def explain(self) -> bool:
        """Let the unit explain one supervision."""
        unit = _by(self.cast["unit"], "supervision.explain")
        async with self.hub.work(unit) as work:
            waiting = work.rows(Supervision, permission="supervision.read").where(
                col(Supervision.organization_id) == unit.organization_id
            )
            known = (await work.session.execute(waiting)).scalars().all()
            asked = [row for row in known if row.state == "asked"]
            if not asked or len(asked) < len(known):
                return False
            row = asked[0]
            form = ExplainForm(version=row.version, text=EXPLAINED)
            await supervision_desk(self.hub).engine.act(work, row.id, "explain", form)
        return True

    async def check(self) -> bool:
        """Draw the sample of the month before, and judge two answers of it."""
        month = (local_day(self.hub.now()).replace(day=1) - timedelta(days=1)).strftime("%Y-%m")
        try:
            async with self.hub.work(_by(self.cast["checker"], DRAW)) as work:
                sample = await self.quality.draw(work, DrawForm(month=month, share=40))
                _, checks = await self.quality.sample(work, sample.id)
                ids = [row.id for row in checks]
        except AppConflict:
            return False
        good: dict[str, Any] = dict.fromkeys(ASKED, YES)
        wanting = {**good, "evidence": NO, "note": "答复没有附现场照片"}
        forms = (JudgeForm(version=1, correct=True, **wanting), JudgeForm(version=1, **good))
        for id, form in zip(ids, forms, strict=False):
            try:
                async with self.hub.work(_by(self.cast["checker"], JUDGE)) as work:
                    await self.quality.judge(work, id, form)
            except AppConflict:
                continue
        return True

"""Quality checks (质检) of answers by sample: drawn once a month, judged by who had no hand in
them, put right by the unit."""

import secrets
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import func
from sqlmodel import col

from plugin_sdk.deadlines import local_day
from plugin_sdk.figures import bounds
from plugin_sdk.ports import Hub, Read, To, Work
from plugin_sdk.problems import AppConflict, Denied, FieldError, Invalid, NotFound
from plugin_sdk.views import Phrase
from plugins.hotline.checking import sampling
from plugins.hotline.checking.following import Following
from plugins.hotline.checking.forms import CorrectForm, DrawForm, JudgeForm, Verdict
from plugins.hotline.checking.judged import ASKED, count_judged
from plugins.hotline.checking.models import Check, Sample
from plugins.hotline.models import Order
from plugins.hotline.terms import term

DRAW, JUDGE, READ, CORRECT = "check.draw", "check.judge", "check.read", "check.correct"
SHOWN: Final = 50
MOST: Final = 1000
"""How many are checked of a month at most."""


class Quality:
    """Samples and checks on one hub."""

    def __init__(self, following: Following) -> None:
        self.following = following
        self.hub: Hub = following.hub

    def href(self, path: str) -> str:
        """Return an address of the room."""
        return f"/apps/{self.hub.app}/{path}"

    async def draw(self, work: Work, form: DrawForm) -> Sample:
        """Draw the sample of a month that is over, once. Raises `Invalid`, `AppConflict`."""
        centre = work.actor.organization_id
        if centre is None:
            raise Denied(f"{self.hub.app}.{DRAW}")
        first = form.first_day
        last = (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
        if last >= local_day(work.now):
            said = Phrase(f"{self.hub.app}.checking.wrong.month_runs")
            raise Invalid(FieldError("month", said))
        taken = work.rows(Sample, func.count(), permission=DRAW).where(
            col(Sample.organization_id) == centre, col(Sample.first_day) == first
        )
        if (await work.session.execute(taken)).scalar_one():
            raise AppConflict(self.hub.app, "drawn-already", month=form.month)
        strata = await self._closed(work, centre, first, last)
        if not strata:
            raise AppConflict(self.hub.app, "nothing-closed", month=form.month)
        seed = secrets.token_hex(16)  # nobody chooses it: it cannot be tried out beforehand
        drawn = sampling.draw(strata, seed, form.share, form.number)
        size = sum(len(numbers) for numbers in drawn.values())
        if size > MOST:
            said = Phrase(f"{self.hub.app}.checking.wrong.too_large", {"n": size, "most": MOST})
            raise Invalid(FieldError("share" if form.share else "number", said))
        row = Sample(
            organization_id=centre,
            first_day=first,
            share=form.share,
            wanted=form.number,
            seed=seed,
            digest=sampling.digest_of(n for numbers in strata.values() for n in numbers),
            size=size,
            population=sum(len(numbers) for numbers in strata.values()),
            strata=[
                {"unit": unit, "n": len(strata[unit]), "drawn": len(numbers)}
                for unit, numbers in sorted(drawn.items())
            ],
            drawn_at=work.now,
        )
        await work.add(row)
        await self._assign(work, row, [n for numbers in drawn.values() for n in numbers])
        work.audit("sample.draw", f"sample:{row.id}", month=form.month, size=row.size, seed=seed)
        return row

    async def _closed(
        self, work: Work, centre: UUID, first: date, last: date
    ) -> dict[str, list[str]]:
        start, end = bounds(first, last)
        columns = (col(Order.organization_id), col(Order.number))
        statement = work.rows(Order, *columns, permission="order.read").where(
            col(Order.origin_organization_id) == centre,
            col(Order.state) == "closed",
            col(Order.closed_at) >= start,
            col(Order.closed_at) < end,
            col(Order.imported).is_(False),
            col(Order.split_from_id).is_(None),
        )
        strata: dict[str, list[str]] = {}
        for unit, number in await work.session.execute(statement):
            strata.setdefault(str(unit), []).append(number)
        return strata

    async def _assign(self, work: Work, sample: Sample, numbers: Sequence[str]) -> None:
        columns = (Order.id, Order.number, Order.title, Order.organization_id)
        statement = work.rows(Order, *map(col, columns), permission="order.read").where(
            col(Order.number).in_(numbers)
        )
        for id, number, title, unit in (await work.session.execute(statement)).all():
            await work.add(
                Check(
                    organization_id=unit,
                    centre_id=sample.organization_id,
                    sample_id=sample.id,
                    order_id=id,
                    order_number=number,
                    title=title,
                )
            )
        await work.todo.open(
            f"sample:{sample.id}",
            To(organization_id=sample.organization_id, permission=JUDGE),
            Phrase(f"{self.hub.app}.checking.sample.of", {"month": f"{sample.first_day:%Y-%m}"}),
            self.href(f"samples/{sample.id}"),
            label=Phrase(f"{self.hub.app}.checking.sample.to_judge"),
        )

    async def judge(self, work: Work, id: UUID, form: JudgeForm) -> Check:
        """Judge one answer: by nobody who handled it. Raises `NotFound`, `AppConflict`."""
        row = await work.get(Check, id, permission=JUDGE)
        await work.require(JUDGE, row)
        app = self.hub.app
        if row.state != "open":
            raise AppConflict(app, "judged-already")
        if row.version != form.version:
            raise AppConflict(app, "check-stale")
        if not await self.following.apart(work, await self.following.order_of(work, row)):
            raise AppConflict(app, "own-hand")
        for name in ASKED:
            setattr(row, name, getattr(form, name) is Verdict.YES)
        row.note, row.judged_by, row.judged_at = form.note or "", work.actor.person_id, work.now
        row.state = "passed" if form.passed else "asked" if form.correct else "failed"
        row.version += 1
        count_judged(work, row)
        if row.state == "asked":
            await self._ask(work, row)
        await work.session.flush()
        await self._close_sample(work, row)
        number, result = row.order_number, row.state
        work.audit("check.judge", f"check:{row.id}", number=number, result=result)
        return row

    async def _ask(self, work: Work, row: Check) -> None:
        row.correction_due_at = self.hub.due(work.now, term(self.hub.settings, "correction_days"))
        await work.todo.open(
            f"check:{row.id}",
            To(organization_id=row.organization_id, permission=CORRECT),
            row.title,
            self.href(f"checks/{row.id}/correct"),
            label=Phrase(f"{self.hub.app}.checking.check.act.correct"),
            due_at=row.correction_due_at,
        )

    async def _close_sample(self, work: Work, row: Check) -> None:
        left = work.rows(Check, func.count(), permission=JUDGE).where(
            col(Check.sample_id) == row.sample_id, col(Check.state) == "open"
        )
        if not (await work.session.execute(left)).scalar_one():
            await work.todo.close(f"sample:{row.sample_id}")

    async def correct(self, work: Work, id: UUID, form: CorrectForm) -> Check:
        """Keep how the unit put its answer right: once. Raises `NotFound`, `AppConflict`."""
        row = await work.get(Check, id, permission=CORRECT)
        await work.require(CORRECT, row)
        app = self.hub.app
        if row.organization_id != work.actor.organization_id:
            raise NotFound
        if row.state != "asked":
            raise AppConflict(app, "nothing-asked")
        if row.version != form.version:
            raise AppConflict(app, "check-stale")
        row.correction, row.corrected_at, row.state = form.text, work.now, "corrected"
        row.version += 1
        await work.todo.close(f"check:{row.id}")
        work.notify(
            To(organization_id=row.centre_id, permission=JUDGE),
            Phrase(f"{app}.checking.check.notice.corrected", {"number": row.order_number}),
            self.href(f"checks/{row.id}"),
            dedupe=f"check:{row.id}:corrected",
        )
        work.audit("check.correct", f"check:{row.id}", number=row.order_number)
        return row

    # Reading.

    async def samples(self, read: Read) -> Sequence[Sample]:
        """Return the samples, newest month first."""
        statement = read.rows(Sample, permission=JUDGE).order_by(col(Sample.first_day).desc())
        found: Sequence[Sample] = (
            (await read.session.execute(statement.limit(SHOWN))).scalars().all()
        )
        return found

    async def sample(self, read: Read, id: UUID) -> tuple[Sample, Sequence[Check]]:
        """Return a sample with its checks. Raises `NotFound`."""
        statement = read.rows(Sample, permission=JUDGE).where(col(Sample.id) == id)
        row = (await read.session.execute(statement)).scalar_one_or_none()
        if row is None:
            raise NotFound
        checks = read.rows(Check, permission=JUDGE).where(col(Check.sample_id) == id)
        found = await read.session.execute(checks.order_by(col(Check.order_number)))
        return row, found.scalars().all()

    async def found(self, read: Read) -> Sequence[Check]:
        """Return what checks found in scope: what a correction is asked for first."""
        statement = read.rows(Check, permission=READ).where(col(Check.state) != "open")
        asked = col(Check.state) != "asked"
        statement = statement.order_by(asked, col(Check.judged_at).desc()).limit(SHOWN)
        found: Sequence[Check] = (await read.session.execute(statement)).scalars().all()
        return found

    async def check(self, read: Read, id: UUID) -> Check:
        """Return a check; one that is not judged yet to those who may judge it. Raises
        `NotFound`."""
        statement = read.rows(Check, permission=READ).where(col(Check.id) == id)
        row: Check | None = (await read.session.execute(statement)).scalar_one_or_none()
        if row is None or (row.state == "open" and not await read.holds(JUDGE, row)):
            raise NotFound
        return row

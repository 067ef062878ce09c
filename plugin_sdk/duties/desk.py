"""The desk of a duty: the month as a checklist, one filing with its versions."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import func
from sqlmodel import col

from plugin_sdk.cases import clock
from plugin_sdk.deadlines import local_day
from plugin_sdk.duties.calendar import add_months, month_of, spell_period
from plugin_sdk.duties.desk_forms import DutyForms
from plugin_sdk.duties.engine import PUBLISHED, REFUSED, SUBMITTED
from plugin_sdk.duties.forms import ReturnForm, ReviewForm
from plugin_sdk.duties.models import DutyFiling, DutyPeriod, standing_of
from plugin_sdk.duties.views import (
    DutyItem,
    FilingVersion,
    FilingView,
    ItemGroup,
    ItemRow,
    MonthView,
)
from plugin_sdk.extension import Card
from plugin_sdk.ports import Read, Work
from plugin_sdk.problems import Invalid, NotFound, field_error
from plugin_sdk.views import ActionView, DeadlineView, Phrase

P = TypeVar("P", bound=DutyPeriod)


class DutyDesk(DutyForms[P]):
    """The month as a checklist, what is filed for it, one filing with its versions."""

    async def file(
        self, work: Work, period: date, code: str, form: ReturnForm | None
    ) -> DutyFiling:
        """File an item for the actor's organization (`form` None: there is nothing)."""
        owner = work.actor.organization_id
        if owner is None:
            raise NotFound
        if period > month_of(local_day(work.now)):
            raise Invalid(field_error("period", "future-period"))
        item = await self.item(work, period, code)
        self._hold_to(item, form)
        if form is None and not item.may_be_nil:
            raise Invalid(field_error("period", "not-nil"))
        owed = [one.code for one in await self.items(work, period) if one.owed]
        row = await self.engine.open(work, owner, period, owed)
        more = await self.check(work, row, item, form)
        return await self.engine.file(work, row, item, form, **more)

    async def correct(self, work: Work, id: UUID, form: Any) -> DutyFiling:
        """File a correction of what was published; it is reviewed as the first was."""
        made = await self.engine.find(work, id)
        row = await work.get(self.engine.row, made.period_id, permission=self.duty.read)
        await work.require(self.duty.file, made)
        item = await self.item(work, made.period, made.item)
        names = self.duty.form.model_fields
        values = self.duty.form.model_construct(**{name: getattr(form, name) for name in names})
        self._hold_to(item, values)
        more = await self.check(work, row, item, values)
        return await self.engine.file(
            work, row, item, values, corrects=made, reason=form.reason, **more
        )

    async def review(self, work: Work, id: UUID, form: ReviewForm) -> DutyFiling:
        """Publish a filing or refuse it (see `DutyEngine.review`)."""
        made = await self.engine.find(work, id)
        item = await self.item(work, made.period, made.item)
        return await self.engine.review(work, id, form, item)

    def _hold_to(self, item: DutyItem, form: ReturnForm | None) -> None:
        """Refuse what an item does not ask for, since nothing would hold it to account, and what
        lacks something that it needs."""
        asked, needed = self.fields(item), self.needed(item)
        wrong = []
        for name, field in (type(form).model_fields if form else {}).items():
            value = getattr(form, name)
            if name not in asked and value != field.default:
                wrong.append(field_error(name, "unknown"))
            elif name in needed and value is None:
                wrong.append(field_error(name, "missing"))
        if wrong:
            raise Invalid(*wrong)

    async def month_view(self, read: Read, organization_id: UUID, period: date) -> MonthView:
        """Return a month of an organization. Raises `NotFound` for one out of scope."""
        names = await self.hub.directory.names([organization_id])
        row = await self._period(read, organization_id, period)
        own = organization_id == read.actor.organization_id
        if row is None and not own:
            raise NotFound
        filed: dict[str, list[Any]] = defaultdict(list)
        for made in await self.engine.filings(read, organization_id, period):
            filed[made.item].append(made)
        may_file = own and await read.holds(self.duty.file)
        may_review = row is not None and await read.holds(self.duty.review, row)
        groups: dict[str, ItemGroup] = {}
        for item in await self.items(read, period):
            group = groups.setdefault(item.group.key, ItemGroup(label=item.group, items=[]))
            shown = self._item(item, period, filed[item.code], may_file)
            if may_review and (made := next(iter(filed[item.code]), None)):
                shown.review_href = self._review_href(read, made)
            group.items.append(shown)
        standing = standing_of(row, read.now) if row else "open"
        due_at = row.due_at if row else self.engine.due(period)
        watches = row is not None and await read.holds(self.duty.watch, row)
        at = f"{self.engine.href()}?organization={organization_id}&period="
        after = add_months(period, 1)
        return MonthView(
            title=self.engine.words("title"),
            unit=names.get(organization_id, ""),
            period=period,
            standing=standing,
            standing_label=Phrase(f"duties.standing.{standing}"),
            deadline=self._deadline(due_at, row.completed_at if row else None, read.now),
            done=row.done if row else 0,
            of=row.owed if row else 0,
            groups=list(groups.values()),
            before_href=at + spell_period(add_months(period, -1)),
            after_href=at + spell_period(after) if after <= month_of(local_day(read.now)) else None,
            urge_href=self.engine.href("periods", row.id, "urge")
            if row and watches and standing in ("open", "missing")
            else None,
            urged_at=row.urged_at if row else None,
            links=await self.links(read),
        )

    async def card(self, read: Read) -> Card | None:
        """Return the duty's card on a home page: what the actor's own month lacks, or how many
        organizations in sight are late; None when there is nothing to say."""
        owner = read.actor.organization_id
        if owner is None:
            return None
        row = self.engine.row
        if await read.holds(self.duty.file):
            owed = read.rows(row, permission=self.duty.file).where(
                col(row.organization_id) == owner,
                col(row.owed) > 0,
                col(row.completed_at).is_(None),
            )
            found = await read.session.execute(owed.order_by(col(row.period)).limit(1))
            period: P | None = found.scalar_one_or_none()
            if period is None:
                return None
            lacking = period.owed - period.done
            return self._card("lacking", lacking, self.engine.month_href(period))
        if not await read.holds(self.duty.watch):
            return None
        late = read.rows(row, func.count(), permission=self.duty.watch).where(
            col(row.late_at).is_not(None),
            col(row.completed_at).is_(None),
            col(row.released_at).is_(None),
        )
        count = (await read.session.execute(late)).scalar_one()
        return self._card("missing", count, self.engine.href("table")) if count else None

    def _card(self, name: str, count: int, href: str) -> Card:
        text = Phrase(f"duties.card.{name}", {"n": count})
        return Card(title=self.engine.words("title"), text=text, href=href, count=count)

    async def _period(self, read: Read, organization_id: UUID, period: date) -> P | None:
        row = self.engine.row
        found = await read.session.execute(
            read.rows(row, permission=self.duty.read).where(
                col(row.organization_id) == organization_id, col(row.period) == period
            )
        )
        known: P | None = found.scalar_one_or_none()
        return known

    def _deadline(
        self, due_at: datetime | None, done_at: datetime | None, now: datetime
    ) -> DeadlineView:
        return clock.deadline_view(
            self.hub.calendar,
            now,
            due_at=due_at,
            pending=due_at is None,
            paused_at=None,
            done_at=done_at,
        )

    def _item(self, item: DutyItem, period: date, filed: Sequence[Any], may_file: bool) -> ItemRow:
        newest = filed[0] if filed else None
        state: Any = newest.state if newest else "lacking"
        if state == PUBLISHED and newest is not None and newest.nil:
            state = "nil"
        opens = may_file and state in ("lacking", "refused")
        at = (spell_period(period), item.code)
        return ItemRow(
            code=item.code,
            name=item.name,
            state=state,
            state_label=Phrase(f"duties.state.{state}"),
            owed=item.owed,
            late=any(made.late for made in filed),
            href=self.engine.href("filings", newest.id) if newest else None,
            file_href=self.engine.href(*at, "new") if opens else None,
            nil_href=self.engine.href(*at, "nil") if opens and item.may_be_nil else None,
        )

    async def filing_view(self, read: Read, made: DutyFiling) -> FilingView:
        """Return a filing with every version of it, newest first."""
        item = await self.item(read, made.period, made.item)
        names = await self.hub.directory.names([made.organization_id])
        versions = [
            other
            for other in await self.engine.filings(read, made.organization_id, made.period)
            if other.item == made.item
        ]
        state: Any = "nil" if made.state == PUBLISHED and made.nil else made.state
        return FilingView(
            id=str(made.id),
            title=item.name,
            unit=names.get(made.organization_id, ""),
            period=made.period,
            state=state,
            state_label=Phrase(f"duties.state.{state}"),
            late=made.late,
            facts=self.facts(made),
            versions=[self.version(other) for other in versions],
            actions=await self._actions(read, made, versions[0]),
            month_href=self.engine.month_href(made),
        )

    def version(self, made: DutyFiling) -> FilingVersion:
        """Return one version of a filing."""
        state = "nil" if made.state == PUBLISHED and made.nil else made.state
        return FilingVersion(
            seq=made.seq,
            state_label=Phrase(f"duties.state.{state}"),
            at=made.at,
            role=made.role,
            unit=made.unit,
            reviewer=made.reviewer_role,
            reviewed_at=made.reviewed_at,
            reason=made.reason,
            remark=made.remark,
            facts=self.facts(made),
        )

    async def _actions(self, read: Read, made: DutyFiling, newest: Any) -> list[ActionView]:
        verbs = []
        if href := self._review_href(read, made):
            verbs.append(("review", self.duty.review, href))
        if made.state == PUBLISHED and newest.id == made.id:
            verbs.append(
                ("correct", self.duty.file, self.engine.href("filings", made.id, "correct"))
            )
        if made.state == REFUSED and newest.id == made.id:
            again = self.engine.href(spell_period(made.period), made.item, "new")
            verbs.append(("again", self.duty.file, again))
        return [
            ActionView(
                verb=verb, label=Phrase(f"duties.act.{verb}"), href=href, primary=verb != "correct"
            )
            for verb, permission, href in verbs
            if await read.holds(permission, made)
        ]

    def _review_href(self, read: Read, made: DutyFiling) -> str | None:
        """Return where a filing is reviewed, None where the actor had a hand in it."""
        if made.state != SUBMITTED or made.signers & read.actor.hands:
            return None
        return self.engine.href("filings", made.id, "review")

"""The register of work groups (工作群): how many a unit may have, and what is never demanded.

A permanent group counts in its unit's quota. A temporary one does not, as long as it lasts no
longer than the policy says; it closes by itself the day after its last.
"""

from collections.abc import Mapping
from datetime import date, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Any, ClassVar, Final, Self
from uuid import UUID

import msgspec
from pydantic import Field, model_validator
from sqlalchemy import and_, func, or_, select
from sqlmodel import col

from core.access.holding import post_in_force
from core.governance.oversight.known import policy_of, tx_of
from core.governance.oversight.models import Group
from core.governance.oversight.units import check_past
from core.governance.policy import Groups as Quotas
from core.identity.models import OrganizationClosure, OrganizationRow, Person, Post
from plugin_sdk.deadlines import local_day
from plugin_sdk.forms import Form
from plugin_sdk.ports import Actor, Read, To, Work
from plugin_sdk.problems import Conflict, Denied, FieldError, Invalid, field_error
from plugin_sdk.registers import EndForm, RecordForm, Register, RegisterEngine
from plugin_sdk.views import FieldKind, Phrase

BATCH: Final = 100


class GroupPlatform(StrEnum):
    """Where a group is."""

    WECHAT = "wechat"
    WECOM = "wecom"
    DINGTALK = "dingtalk"
    QQ = "qq"
    OTHER = "other"


class GroupKind(StrEnum):
    """Whether a group stays, or ends with its task."""

    PERMANENT = "permanent"
    TEMPORARY = "temporary"


class GroupOutcome(StrEnum):
    """What became of a group: merged into another, or given up. One whose time is over closes by
    itself."""

    MERGED = "merged"
    REDUCED = "reduced"


class GroupForm(RecordForm):
    """A work group. A temporary one has its last day and its purpose; heads of villages are in it
    only where that was approved before; photos are never demanded in it."""

    kinds: ClassVar[Mapping[str, FieldKind]] = {
        "organization": "select",
        "platform": "select",
        "purpose": "textarea",
    }

    platform: GroupPlatform
    organization: UUID | None = None
    kind: GroupKind
    purpose: str | None = Field(default=None, max_length=500)
    members: int = Field(ge=1, le=100_000)
    staff: int | None = Field(default=None, ge=1, le=1_000_000)
    village_heads: bool = False
    approver: str | None = Field(default=None, max_length=100)
    approved_on: date | None = None
    photos_demanded: bool = False
    kept_on: date | None = None

    @model_validator(mode="after")
    def _as_the_rules_have_it(self) -> Self:
        wrong = []
        if self.photos_demanded:
            wrong.append(FieldError("photos_demanded", Phrase("oversight.wrong.photos")))
        if self.village_heads and not (self.approver and self.approved_on):
            missing = "approved_on" if self.approver else "approver"
            wrong.append(FieldError(missing, Phrase("oversight.wrong.village_heads")))
        if self.kind is GroupKind.TEMPORARY:
            if self.ends_on is None:
                wrong.append(FieldError("ends_on", Phrase("oversight.wrong.temporary_end")))
            if self.purpose is None:
                wrong.append(FieldError("purpose", Phrase("oversight.wrong.temporary_purpose")))
        elif self.ends_on is not None:
            wrong.append(FieldError("ends_on", Phrase("oversight.wrong.permanent_end")))
        if wrong:
            raise Invalid(*wrong)
        return self


class GroupEnd(EndForm):
    """What became of a group: merged into another of the unit, or given up."""

    kinds: ClassVar[dict[str, FieldKind]] = {**EndForm.kinds, "target": "select"}

    outcome: GroupOutcome
    target: str | None = Field(default=None, max_length=40)


GROUPS: Final = Register(
    name="group",
    path="/groups",
    read="group.read",
    edit="group.edit",
    form=GroupForm,
    end_form=GroupEnd,
    imports="register.import",
)


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How a unit stands with its groups: those that count, and how many it may have of so many
    people; `stated` says that the unit states their number."""

    organization_id: UUID
    groups: int
    quota: int
    people: int
    stated: bool

    @property
    def over(self) -> bool:
        """Return whether the unit has more than it may."""
        return self.groups > self.quota


class Groups(RegisterEngine[Group]):
    """The work groups."""

    def key(self, owner: UUID, code: str | None, form: RecordForm) -> str:
        """Return the open group of a name in a unit."""
        return f"{owner}:{sha256(form.name.encode()).hexdigest()[:40]}"

    async def add(self, work: Work, form: RecordForm, **more: Any) -> Group:
        """Open a group (`RegisterEngine.add`). Raises `Invalid` beyond the quota of its unit, with
        the numbers."""
        owner = getattr(form, "organization", None) or work.actor.organization_id
        if owner is None:
            raise Denied(f"{self.hub.app}.{self.register.edit}")
        self._check(work, form, form.starts_on or local_day(work.now))
        await self._check_quota(work, owner, form, None)
        return await super().add(work, form, **more)

    async def record(self, work: Work, form: RecordForm, **more: Any) -> Group:
        """Enter a group that there is already, in taking stock: beyond the quota it is entered as
        it is, and flagged. Raises as `add` does but for that."""
        self._check(work, form, form.starts_on or local_day(work.now))
        return await super().add(work, form, **more)

    async def change(
        self, work: Work, id: UUID, form: RecordForm, version: int, reason: str | None = None
    ) -> Group:
        """Change a group (`RegisterEngine.change`) that is open. Raises `Invalid` for one that
        would count beyond the quota and did not before."""
        row = await self.find(work, id)
        _check_open(row)
        self._check(work, form, form.starts_on or row.starts_on)
        if row.kind != GroupKind.PERMANENT:
            await self._check_quota(work, row.organization_id, form, row.id)
        return await super().change(work, id, form, version, reason)

    async def end(self, work: Work, id: UUID, form: EndForm) -> Group:
        """End a group with what became of it, once; its name is free again. Raises `Conflict`,
        `Invalid`."""
        row = await self.find(work, id)
        _check_open(row)
        check_past(work, form, "ends_on")
        if getattr(form, "outcome", None) == GroupOutcome.MERGED:
            target = getattr(form, "target", None)
            into = await self.by_code(work, target, on=local_day(work.now)) if target else None
            if into is None or into.id == row.id or into.outcome is not None:
                raise Invalid(field_error("target", "merge-target"))
        elif getattr(form, "target", None):
            raise Invalid(field_error("target", "no-target"))
        ended = await super().end(work, id, form)
        ended.key = str(ended.id)
        return ended

    async def close_over(self, actor: Actor) -> None:
        """Close the temporary groups whose last day is over, and tell their units."""
        more = True
        while more:
            async with self.hub.work(actor) as work:
                row, today = self.row, local_day(work.now)
                statement = (
                    work.rows(row, col(row.id), permission=self.register.read)
                    .where(col(row.outcome).is_(None), col(row.ends_on) < today)
                    .order_by(col(row.id))
                    .limit(BATCH)
                )
                found = (await work.session.execute(statement)).scalars().all()
                for one in found:
                    await self._close(work, one)
                more = len(found) == BATCH

    async def _close(self, work: Work, id: UUID) -> None:
        row = await work.get(self.row, id, permission=self.register.read)
        row.outcome, row.key = "closed", str(row.id)
        await self.keep(work, row, "end", None, touched=True)
        work.notify(
            To(organization_id=row.organization_id, permission=self.register.edit),
            Phrase(f"{self.prefix}.closed_notice", {"name": row.name, "date": row.ends_on}),
            self.href(row.id),
            dedupe=f"{self.subject(row.id)}:closed",
        )

    async def tell(self, actor: Actor) -> None:
        """Tell the units that have more groups than they may, each once for so many."""
        async with self.hub.work(actor) as work:
            for stands in (await self.standings(work)).values():
                if not stands.over:
                    continue
                numbers = {"n": stands.groups, "quota": stands.quota, "people": stands.people}
                work.notify(
                    To(organization_id=stands.organization_id, permission=self.register.edit),
                    Phrase(f"{self.prefix}.over_notice", numbers),
                    self.href(),
                    dedupe=f"quota:{stands.organization_id}:{stands.groups}:{stands.quota}",
                )

    # --- quotas ---------------------------------------------------------------------------

    def quotas(self) -> Quotas:
        """Return the quotas of the policy. Raises `Problem` (503) without one."""
        return policy_of(self.hub).groups

    def counts(self, today: date) -> Any:
        """Return the condition for groups that count in a quota."""
        row = self.row
        return and_(
            col(row.kind) == GroupKind.PERMANENT.value,
            col(row.outcome).is_(None),
            or_(col(row.ends_on).is_(None), col(row.ends_on) >= today),
        )

    async def standings(self, read: Read, *units: UUID) -> dict[UUID, Standing]:
        """Return how units (all in sight that have a group that counts) stand with their groups."""
        row, quotas = self.row, self.quotas()
        statement = read.rows(
            row,
            col(row.organization_id),
            func.count(),
            func.max(col(row.staff)),
            permission=self.register.read,
        ).where(self.counts(local_day(read.now)))
        if units:
            statement = statement.where(col(row.organization_id).in_(units))
        counted = {
            unit: (int(n), staff)
            for unit, n, staff in await read.session.execute(
                statement.group_by(col(row.organization_id))
            )
        }
        wanted = list(units) or list(counted)
        levels = await self._levels(read, wanted)
        people = await self._people(read, wanted)
        found = {}
        for unit in wanted:
            n, staff = counted.get(unit, (0, None))
            size = staff or people.get(unit, 0)
            found[unit] = Standing(
                organization_id=unit,
                groups=n,
                quota=quotas.quota(levels.get(unit, "unit"), size),
                people=size,
                stated=staff is not None,
            )
        return found

    async def _check_quota(self, work: Work, unit: UUID, form: RecordForm, id: UUID | None) -> None:
        """Raise `Invalid` where one more group that counts is beyond the quota of a unit. Who asks
        at the same moment waits until it is known whether this one was opened."""
        if getattr(form, "kind", None) != GroupKind.PERMANENT:
            return
        row = OrganizationRow
        await tx_of(work).session.execute(
            select(col(row.id)).where(col(row.id) == unit).with_for_update(key_share=True)
        )
        stands = (await self.standings(work, unit))[unit]
        stated = getattr(form, "staff", None)
        if stated is not None:
            levels = await self._levels(work, [unit])
            quota = self.quotas().quota(levels.get(unit, "unit"), stated)
            stands = msgspec.structs.replace(stands, people=stated, stated=True, quota=quota)
        if stands.groups < stands.quota:
            return
        said = "quota_stated" if stands.stated else "quota_counted"
        numbers = {"n": stands.groups, "quota": stands.quota, "people": stands.people}
        raise Invalid(FieldError("kind", Phrase(f"oversight.wrong.{said}", numbers)))

    async def _levels(self, read: Read, units: list[UUID]) -> dict[UUID, str]:
        row = OrganizationRow
        found = await tx_of(read).session.execute(
            select(col(row.id), col(row.level)).where(col(row.id).in_(units))
        )
        return {id: level for id, level in found}

    async def _people(self, read: Read, units: list[UUID]) -> dict[UUID, int]:
        """Return how many people hold a post in each unit or in a unit below it that is none of
        the divisions."""
        way, below = OrganizationClosure, OrganizationRow
        found = await tx_of(read).session.execute(
            select(col(way.ancestor_id), func.count(func.distinct(col(Post.person_id))))
            .join(Post, col(Post.organization_id) == col(way.descendant_id))
            .join(Person, col(Person.id) == col(Post.person_id))
            .join(below, col(below.id) == col(way.descendant_id))
            .where(
                col(way.ancestor_id).in_(units),
                or_(col(way.depth) == 0, col(below.level) == "unit"),
                post_in_force(read.now),
            )
            .group_by(col(way.ancestor_id))
        )
        return {unit: int(n) for unit, n in found}

    def _check(self, read: Read, form: Form, starts_on: date) -> None:
        """Raise `Invalid` for an approval that is still to come or came later than the group, and
        for a temporary group that lasts too long."""
        check_past(read, form, "approved_on", "kept_on")
        if not isinstance(form, GroupForm):
            return
        most = self.quotas().temporary_days
        last = form.ends_on
        if form.kind is GroupKind.TEMPORARY and last and last - starts_on > timedelta(days=most):
            wrong = Phrase("oversight.wrong.temporary_long", {"days": most})
            raise Invalid(FieldError("ends_on", wrong))


def _check_open(row: Group) -> None:
    if row.outcome is not None:
        raise Conflict("registers.ended", date=row.ends_on)

"""The desk of work groups: their list, how units stand with them, and taking stock of them."""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Select
from sqlmodel import col

from core.governance.oversight.groups import GROUPS, GroupKind, Groups
from core.governance.oversight.models import Group
from core.governance.oversight.units import UnitDesk
from plugin_sdk.deadlines import local_day
from plugin_sdk.ports import Hub, Read, Work
from plugin_sdk.problems import Problem
from plugin_sdk.registers import RecordForm
from plugin_sdk.views import FilterView, Option, Phrase, Words

FLAGS: Final = ("over", "temporary", "village_heads", "kept", "merged", "reduced", "closed")


class GroupDesk(UnitDesk[Group]):
    """The desk of work groups."""

    hints = frozenset(
        {"kind", "ends_on", "staff", "village_heads", "photos_demanded", "target", "organization"}
    )
    asks = ("flag", "unit", "since", "until")

    def __init__(self, groups: Groups) -> None:
        super().__init__(groups)
        self.groups = groups

    async def take_row(self, work: Work, form: RecordForm) -> Group:
        """Enter a group that there is already."""
        return await self.groups.record(work, form)

    async def remarks(self, read: Read, row: Group) -> Sequence[Phrase]:
        """Return a word where the unit has more groups than it may."""
        if row.kind != GroupKind.PERMANENT:
            return ()
        stands = (await self.groups.standings(read, row.organization_id))[row.organization_id]
        if not stands.over:
            return ()
        numbers = {"n": stands.groups, "quota": stands.quota, "people": stands.people}
        return [Phrase("oversight.group.over_remark", numbers)]

    async def notes(self, read: Read, rows: Sequence[Group]) -> Mapping[UUID, Words | None]:
        """Return what became of groups, or their kind and size, and whether their unit has more
        than it may."""
        today = local_day(read.now)
        units = {row.organization_id for row in rows}
        stands = await self.groups.standings(read, *units) if units else {}

        def note(row: Group) -> Words:
            said = self.engine.words(f"platform.{row.platform}")
            if row.outcome is not None:
                params = {"platform": said, "target": row.target}
                return self.engine.words(f"noted.{row.outcome}", **params)
            unit = stands[row.organization_id]
            counts = row.kind == GroupKind.PERMANENT and row.valid_on(max(today, row.starts_on))
            if counts and unit.over:
                numbers = {"n": unit.groups, "quota": unit.quota, "members": row.members}
                return self.engine.words("noted.over", platform=said, **numbers)
            return self.engine.words(f"noted.{row.kind}", platform=said, members=row.members)

        return {row.id: note(row) for row in rows}

    async def filters(self, read: Read, asked: Mapping[str, str]) -> list[FilterView]:
        """Return the filters: what became of groups, and of whom; within days, where asked."""
        flag = FilterView(
            name="flag",
            label=self.engine.words("flag_label"),
            options=[Option(flag, self.engine.words(f"flag.{flag}")) for flag in FLAGS],
            value=asked.get("flag", ""),
        )
        return [flag, *await self.unit_filters(read, asked)]

    async def narrow(
        self, read: Read, statement: Select[Any], asked: Mapping[str, str]
    ) -> Select[Any]:
        """Return the groups that were asked for."""
        row, flag = self.engine.row, asked.get("flag", "")
        statement = self.of_unit(statement, asked)
        opened = col(row.outcome).is_(None)
        match flag:
            case "":
                return statement
            case "over":
                stands = (await self.groups.standings(read)).values()
                over = [one.organization_id for one in stands if one.over]
                statement = statement.where(col(row.organization_id).in_(over))
                return statement.where(self.groups.counts(local_day(read.now)))
            case "temporary":
                return statement.where(opened, col(row.kind) == GroupKind.TEMPORARY.value)
            case "village_heads":
                return statement.where(opened, col(row.village_heads))
            case "kept":
                return self.within(statement.where(opened), col(row.kept_on), asked).where(
                    col(row.kept_on).is_not(None)
                )
            case "merged" | "reduced" | "closed":
                return self.within(
                    statement.where(col(row.outcome) == flag), col(row.ends_on), asked
                )
        raise Problem("unknown-choice", status=422)


def groups_of(hub: Hub) -> GroupDesk:
    """Return the register of work groups of a hub."""
    return GroupDesk(Groups(hub, GROUPS, Group))

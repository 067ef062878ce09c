"""What the registers of accounts and groups have in common: they are kept by units, and told of
by day."""

from collections.abc import Mapping
from datetime import date
from typing import Any, Final, TypeVar

from sqlalchemy import Select, and_, func, select
from sqlmodel import col

from core.access.scope import within
from core.governance.oversight.known import tx_of
from core.identity.models import Closing, OrganizationClosure, OrganizationRow
from plugin_sdk.deadlines import local_day
from plugin_sdk.ports import Read
from plugin_sdk.problems import Invalid, Problem, field_error
from plugin_sdk.registers import RegisterDesk, RegisterRow
from plugin_sdk.views import FilterView, Option, Phrase

R = TypeVar("R", bound=RegisterRow)

MOST_TARGETS: Final = 500
"""Records that are offered to merge another into."""

LEVELS: Final = ("county", "unit", "township", "village")
"""Levels of organizations that have accounts and groups."""


def day_of(text: str) -> date | None:
    """Return a day of an address, None for none. Raises `Problem` (422)."""
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise Problem("bad-report-period", status=422) from None


def check_past(read: Read, form: Any, *fields: str) -> None:
    """Raise `Invalid` for a day of a form that is still to come."""
    today = local_day(read.now)
    ahead = [name for name in fields if (day := getattr(form, name, None)) and day > today]
    if ahead:
        raise Invalid(*(field_error(name, "in-future") for name in ahead))


class UnitDesk(RegisterDesk[R]):
    """The desk of a register whose records belong to units, chosen by whoever reaches several."""

    async def options(self, read: Read) -> Mapping[str, list[Option]]:
        """Return the units in sight: whether a record may be entered there is asked then."""
        return {"organization": await self._units(read)}

    async def end_options(self, read: Read, row: R) -> Mapping[str, list[Option]]:
        """Return the records that this one may merge into too: those in force in sight, of its own
        unit first."""
        record = self.engine.row
        own = col(record.organization_id) == row.organization_id
        statement = (
            read.rows(record, col(record.code), col(record.name), permission=self.register.read)
            .where(record.in_force(local_day(read.now)), col(record.id) != row.id)
            .order_by(own.desc(), col(record.name), col(record.id))
            .limit(MOST_TARGETS)
        )
        targets = [
            Option(code, f"{name}（{code}）")
            for code, name in await read.session.execute(statement)
        ]
        return {**await self.options(read), "target": targets}

    async def row_values(self, read: Read, values: Mapping[str, str]) -> Mapping[str, Any]:
        """Return a row with the unit that its code names."""
        code = values.get("organization", "")
        if not code or len(code) == 36:
            return values
        found = await self.hub.directory.by_code(code)
        if found is None:
            raise Invalid(field_error("organization", "unit-unknown", unit=code))
        return {**values, "organization": str(found.id)}

    async def unit_filters(self, read: Read, asked: Mapping[str, str]) -> list[FilterView]:
        """Return the filters by unit, and by day where a list is asked for so."""
        units = await self._with_records(read)
        found = [
            FilterView(
                name="unit",
                label=Phrase("registers.column.unit"),
                options=units,
                value=asked.get("unit", ""),
            )
        ]
        return found + [
            FilterView(name=name, label=Phrase(f"report.{name}"), options=[], value=asked[name])
            for name in ("since", "until")
            if asked.get(name)
        ]

    def within(self, statement: Select[Any], day: Any, asked: Mapping[str, str]) -> Select[Any]:
        """Return the records with a day (a column) within those that were asked for."""
        if since := day_of(asked.get("since", "")):
            statement = statement.where(day >= since)
        if until := day_of(asked.get("until", "")):
            statement = statement.where(day <= until)
        return statement

    def of_unit(self, statement: Select[Any], asked: Mapping[str, str]) -> Select[Any]:
        """Return the records of the unit that was asked for, or of all."""
        code = asked.get("unit", "")
        if not code:
            return statement
        unit = select(col(OrganizationRow.id)).where(col(OrganizationRow.code) == code)
        return statement.where(col(self.engine.row.organization_id).in_(unit))

    async def _units(self, read: Read) -> list[Option]:
        permits = read.actor.permits_for(f"{self.hub.app}.{self.register.read}", read.now)
        scope, row = within(read.actor, permits), OrganizationRow
        above = (
            select(col(OrganizationClosure.descendant_id), func.count().label("depth"))
            .group_by(col(OrganizationClosure.descendant_id))
            .subquery()
        )
        shut = select(col(Closing.organization_id))
        statement = (
            select(col(row.id), col(row.code), col(row.name))
            .join(above, above.c.descendant_id == col(row.id))
            .where(and_(col(row.level).in_(LEVELS), col(row.id).not_in(shut)))
            .order_by(above.c.depth, col(row.code))
        )
        if scope is not None:
            statement = statement.where(scope(col(row.id)))
        found = await tx_of(read).session.execute(statement)
        return [Option(str(id), f"{name}（{code}）") for id, code, name in found]

    async def _with_records(self, read: Read) -> list[Option]:
        row = self.engine.row
        held = read.rows(row, col(row.organization_id), permission=self.register.read).distinct()
        ids = list((await read.session.execute(held)).scalars())
        unit = OrganizationRow
        found = await tx_of(read).session.execute(
            select(col(unit.code), col(unit.name)).where(col(unit.id).in_(ids)).order_by(unit.code)
        )
        return [Option(code, name) for code, name in found]

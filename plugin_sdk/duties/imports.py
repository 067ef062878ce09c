"""Bringing in what an old system published, a row at a time; killed anywhere and run again,
the end is that of one run."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
from sqlmodel import col

from plugin_sdk.cases.imports import Refused
from plugin_sdk.duties.calendar import month_of, spell_period
from plugin_sdk.duties.desk import DutyDesk
from plugin_sdk.duties.engine import SUBMITTED
from plugin_sdk.duties.forms import ReturnForm
from plugin_sdk.extension import ImportReport
from plugin_sdk.problems import Invalid, NotFound
from plugin_sdk.signing import signature
from plugin_sdk.tables import BadRow, Row, read_rows
from plugin_sdk.times import LegacyTime


class OldReturn(msgspec.Struct, frozen=True, kw_only=True):
    """A return as an old system knew it; `form` None: there was nothing."""

    organization_code: str
    period: date
    item: str
    form: ReturnForm | None
    published: LegacyTime


async def bring_in_file(
    desk: DutyDesk[Any],
    source: Path,
    columns: Sequence[str],
    make: Callable[[Mapping[str, str]], OldReturn],
) -> AsyncIterator[ImportReport]:
    """Yield what became of each row. `make` returns the return of a row, or raises `Refused` or
    `Invalid`. Raises `plugin_sdk.tables.TableError` for a file that is no such table."""
    total = sum(1 for _ in read_rows(source, expect=columns))
    for line in read_rows(source, expect=columns):
        try:
            new = await _bring_in(desk, line, make)
        except Refused as refused:
            yield ImportReport(
                line=line.line, outcome="refused", reason=refused.reason, total=total
            )
        except Invalid as invalid:
            reason = invalid.errors[0].message
            yield ImportReport(line=line.line, outcome="refused", reason=reason, total=total)
        else:
            yield ImportReport(line=line.line, outcome="added" if new else "present", total=total)


async def _bring_in(
    desk: DutyDesk[Any], line: Row | BadRow, make: Callable[[Mapping[str, str]], OldReturn]
) -> bool:
    if isinstance(line, BadRow):
        raise Refused(line.code, **line.params)
    old, engine = make(line.values), desk.engine
    unit = await engine.hub.directory.by_code(old.organization_code)
    if unit is None:
        raise Refused("unit-unknown", unit=old.organization_code)
    if old.period > month_of(old.published.at.date()) or old.published.at > engine.hub.now():
        raise Refused("month-ahead", period=spell_period(old.period))
    values = old.form.model_dump() if old.form else {}
    made = engine.filing
    async with engine.hub.work(engine.hub.system("import")) as work:
        try:
            item = await desk.item(work, old.period, old.item)
        except NotFound:
            raise Refused("item-unknown", item=old.item) from None
        key = f"{unit.id}:{item.code}:{spell_period(old.period)}:1"
        known = (
            await work.session.execute(
                work.rows(made, permission=desk.duty.read).where(col(made.key) == key)
            )
        ).scalar_one_or_none()
        if known is not None:
            if any(getattr(known, name) != value for name, value in values.items()):
                raise Refused("number-taken", number=f"{unit.code}/{item.code}")
            return False
        row = await engine.open(work, unit.id, old.period, ())
        filing = made(
            **{**signature(work), "at": old.published.at},
            **values,
            key=key,
            organization_id=unit.id,
            period_id=row.id,
            period=old.period,
            item=item.code,
            seq=1,
            state=SUBMITTED,
            nil=old.form is None,
            imported=True,
        )
        await work.add(filing)
        await engine.publish(work, row, filing, at=old.published.at)
        work.audit(f"{desk.duty.name}.import", engine.subject(filing.id), source=key)
    return True

"""The county's working calendar: known years, and notices an administrator enters."""

from collections.abc import Sequence
from datetime import date

from sqlalchemy import func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col

from core.database import Transaction
from core.work.holidays import HolidayCalendar, Notice
from core.work.models import HolidayNotice


async def load_calendar(tx: Transaction) -> HolidayCalendar:
    """Return the calendar with every notice that was entered."""
    found = await tx.session.execute(
        select(col(HolidayNotice.year), col(HolidayNotice.holidays), col(HolidayNotice.workdays))
    )
    return HolidayCalendar(
        notices=[
            Notice(
                year=year,
                holidays=frozenset(date.fromisoformat(day) for day in holidays),
                workdays=frozenset(date.fromisoformat(day) for day in workdays),
            )
            for year, holidays, workdays in found
        ]
    )


async def calendar_stamp(tx: Transaction) -> tuple[int, object]:
    """Return what changes when a notice is entered."""
    found = await tx.session.execute(select(func.count(), func.max(col(HolidayNotice.entered_at))))
    count, last = found.one()
    return int(count), last


async def enter_notice(
    tx: Transaction, year: int, holidays: Sequence[date], workdays: Sequence[date]
) -> None:
    """Keep the notice of a year. Raises ValueError for days that cannot be."""
    notice = Notice(year=year, holidays=frozenset(holidays), workdays=frozenset(workdays))
    HolidayCalendar(notices=[notice])
    values = {
        "holidays": sorted(day.isoformat() for day in notice.holidays),
        "workdays": sorted(day.isoformat() for day in notice.workdays),
        "entered_at": tx.now,
    }
    dialect = sqlite if tx.database.sqlite else postgresql
    await tx.session.execute(
        dialect.insert(HolidayNotice)
        .values(year=year, **values)
        .on_conflict_do_update(index_elements=["year"], set_=values)
    )

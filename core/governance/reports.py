"""The figures that published cases give of apps, each the number of rows of one list.

A figure and the list that it leads to ask one predicate, so that the two cannot differ.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from typing import Final
from urllib.parse import urlencode

import msgspec
from sqlalchemy import func, select
from sqlmodel import col

from core.database import Transaction
from core.governance.lifecycle.models import StepTaken
from core.governance.lifecycle.service import StandingFacts, standings
from core.governance.lifecycle.steps import OVER
from core.governance.register import RegisterEntry
from plugin_sdk.deadlines import local_day


class Period(msgspec.Struct, frozen=True):
    """The days of a report, both included."""

    since: date
    until: date

    def __contains__(self, day: date | None) -> bool:
        return day is not None and self.since <= day <= self.until


class AppLine(msgspec.Struct, frozen=True, kw_only=True):
    """An app of the register, with the day on which it was closed for the last time (None: it
    is not), and the app that took its place."""

    entry: RegisterEntry
    closed_on: date | None = None
    successor: str | None = None


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """A figure: of which register, how many rows, where they are listed. `dated` says that it is
    of the days of the report; others are as of today."""

    register: str
    key: str
    n: int
    href: str
    dated: bool


Holds = Callable[[AppLine, Period], bool]

APP_FIGURES: Final[Mapping[str, Holds]] = {
    "closed": lambda line, period: line.closed_on in period,
    "merged": lambda line, period: line.closed_on in period and line.successor is not None,
    "one_login": lambda line, _: (
        line.closed_on is None and line.entry.behind_door and not line.entry.own_sign_in
    ),
    "beyond": lambda line, _: line.closed_on is None and not line.entry.behind_door,
}
"""Closed in the period and not opened again; of these, with a successor; and as they stand
today: signed in by the one login, and beyond the door."""
DATED: Final = frozenset({"closed", "merged"})


async def app_lines(tx: Transaction, register: Iterable[RegisterEntry]) -> list[AppLine]:
    """Return the apps of the register, in its order."""
    stands = await standings(tx)
    found = await tx.session.execute(
        select(col(StepTaken.app), func.max(col(StepTaken.at)))
        .where(col(StepTaken.verb) == "close")
        .group_by(col(StepTaken.app))
    )
    closings = {app: local_day(at) for app, at in found}
    return [line_of(entry, stands.get(entry.app), closings.get(entry.app)) for entry in register]


def line_of(entry: RegisterEntry, stands: StandingFacts | None, closed: date | None) -> AppLine:
    """Return an app with what became of it. One that is over without a step (it was entered so)
    was closed when it came to stand there."""
    over = entry.stage in OVER
    return AppLine(
        entry=entry,
        closed_on=(closed or entry.since) if over else None,
        successor=stands.successor if stands and over else None,
    )


APPS: Final = "/governance/register"


def app_figures(lines: Sequence[AppLine], period: Period) -> list[Figure]:
    """Return the figures of apps."""
    days = {"since": str(period.since), "until": str(period.until)}
    return [
        Figure(
            register="app",
            key=key,
            n=len(counted(lines, key, period)),
            href=f"{APPS}?{urlencode({'figure': key, **(days if key in DATED else {})})}",
            dated=key in DATED,
        )
        for key in APP_FIGURES
    ]


def counted(lines: Iterable[AppLine], figure: str, period: Period) -> list[AppLine]:
    """Return the apps that a figure counts. Raises `KeyError`."""
    holds = APP_FIGURES[figure]
    return [line for line in lines if holds(line, period)]

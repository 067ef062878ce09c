"""The figures that published cases give of accounts and groups, each the number of records of one
list: what counts and what lists is the same statement."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal
from urllib.parse import urlencode

from sqlmodel import col

from core.governance.oversight.accounts import accounts_of
from core.governance.oversight.group_desk import groups_of
from core.governance.oversight.units import UnitDesk
from core.governance.reports import Figure, Period
from plugin_sdk.ports import Actor, Hub

Kept = Literal["account", "group"]

DATED: Final[Mapping[Kept, Sequence[str]]] = {
    "account": ("cancelled", "merged"),
    "group": ("merged", "kept", "reduced", "closed"),
}
"""What became of records within the days of a report."""
STANDING: Final[Mapping[Kept, Sequence[str]]] = {
    "account": ("idle", "unknown"),
    "group": ("over",),
}
"""How records stand today, whatever the days of a report."""
REGISTERS: Final[tuple[Kept, ...]] = ("account", "group")
MOST_ROWS: Final = 5000


def desk_of(hub: Hub, register: Kept) -> UnitDesk[Any]:
    """Return the desk of a register."""
    return accounts_of(hub) if register == "account" else groups_of(hub)


def asked(register: Kept, figure: str, period: Period) -> dict[str, str]:
    """Return what a list is asked for that shows what a figure counts."""
    if figure in STANDING[register]:
        return {"flag": figure}
    return {"flag": figure, "since": str(period.since), "until": str(period.until)}


async def figures(hub: Hub, actor: Actor, period: Period) -> list[Figure]:
    """Return the figures of the registers that an actor may read, of the records in sight."""
    found = []
    async with hub.read(actor) as read:
        for register in REGISTERS:
            desk = desk_of(hub, register)
            if not await read.holds(desk.register.read):
                continue
            for figure in (*DATED[register], *STANDING[register]):
                wanted = asked(register, figure, period)
                found.append(
                    Figure(
                        register=register,
                        key=figure,
                        n=await desk.count(read, wanted),
                        href=f"{desk.engine.href()}?{urlencode(wanted)}",
                        dated=figure in DATED[register],
                    )
                )
    return found


async def counted(hub: Hub, actor: Actor, figure: Figure, period: Period) -> list[Any]:
    """Return the records that a figure counts, by code, five thousand at most."""
    register: Kept = "account" if figure.register == "account" else "group"
    desk = desk_of(hub, register)
    async with hub.read(actor) as read:
        statement = await desk.chosen(read, "", "", asked(register, figure.key, period))
        statement = statement.order_by(col(desk.engine.row.code)).limit(MOST_ROWS)
        return list((await read.session.execute(statement)).scalars())

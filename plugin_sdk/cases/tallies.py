"""The tally of an app's cases: its own, or those that it took over from another app."""

from collections.abc import Sequence
from typing import Any, Final

from sqlmodel import col

from plugin_sdk.cases.engine import CaseEngine
from plugin_sdk.cases.imports import source_key
from plugin_sdk.tallies import CASES, Record, Tally, record, tally

AT_ONCE: Final = 2000


async def tally_of_cases(engines: Sequence[CaseEngine[Any]], of: str) -> Tally:
    """Return the tally of the cases of every procedure of an app that came from the app `of`,
    under the numbers that they had there; with its own id, of all its cases."""
    found: list[Record] = []
    for engine in engines:
        hub, row = engine.hub, engine.row
        own, start = of == hub.app, source_key(of, "")
        key = col(row.number) if own else col(row.source_key)
        async with hub.read(hub.system("tallies")) as read:
            wanted = read.rows(row, key, col(row.opened_at), permission=engine.flow.read)
            if not own:
                wanted = wanted.where(key.startswith(start, autoescape=True))
            rows = await read.session.stream(wanted)
            async for part in rows.partitions(AT_ONCE):
                found += [
                    record(name if own else name.removeprefix(start), opened_at)
                    for name, opened_at in part
                ]
    return tally(CASES, found)

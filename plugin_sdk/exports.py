"""Lists that are taken out as files: so many rows at once and no more, and each is recorded."""

from collections.abc import Awaitable, Callable
from typing import Any, Final

from sqlalchemy import Select

from plugin_sdk.ports import Actor, Hub, Read
from plugin_sdk.problems import Conflict

MOST: Final = 10_000
"""So many rows are in one file: of a million nobody reads all, and who takes them all out takes the
county's whole stock along."""


async def take_out(
    hub: Hub,
    actor: Actor,
    chosen: Callable[[Read], Awaitable[Select[Any]]],
    act: str,
    subject: str,
    **facts: object,
) -> None:
    """Record that the actor takes out a list, before its first byte; `chosen` returns the ids of
    its rows, `facts` say how it was narrowed. Raises `Conflict` (`export-many`) for more than
    `MOST`."""
    async with hub.read(actor) as read:
        statement = (await chosen(read)).limit(MOST + 1)
        n = len((await read.session.execute(statement)).all())
    if n > MOST:
        raise Conflict("export-many", limit=MOST)
    async with hub.work(actor) as work:
        work.audit(act, subject, n=n, **{name: value for name, value in facts.items() if value})

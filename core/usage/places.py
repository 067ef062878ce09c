"""Under which organization something is counted: under itself, if enough people work there.

A village committee has three members, and a count of one organization must not be a count of
one person. An organization of fewer than five people is counted under the nearest one above it
that has five, what was handed up to it included. What is not stored cannot be subtracted.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Mapping
from uuid import UUID

import msgspec

from core.shared_state import end_tasks

logger = logging.getLogger(__name__)

LEAST = 5
"""People of one group under which none is shown (design, section 7)."""
REFRESH_SECONDS = 180.0


class Staffed(msgspec.Struct, frozen=True):
    """An organization as usage is told of it: what stands above it, how many people it has."""

    above: UUID | None
    people: int


Load = Callable[[], Awaitable[Mapping[UUID, Staffed]]]


class Places:
    """Where each organization is counted, as of a few minutes ago. `load` asks for all of them,
    never on the path of a request."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._places: Mapping[UUID, UUID | None] = {}
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def of(self, organization: UUID | None) -> UUID | None:
        """Return where an organization is counted; one that is not known, nowhere."""
        return None if organization is None else self._places.get(organization)

    def changed(self) -> None:
        """Look soon: the tree is another one."""
        self._changed.set()

    async def refresh(self) -> None:
        """Look at the organizations now."""
        self._places = await asyncio.to_thread(placed, await self._load())

    def start(self) -> None:
        """Begin looking every few minutes."""
        self._task = asyncio.create_task(self._run(), name="usage-places")

    async def close(self) -> None:
        """Stop looking."""
        await end_tasks(self._task)

    async def _run(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(REFRESH_SECONDS):
                    await self._changed.wait()
            self._changed.clear()
            try:
                await self.refresh()
            except Exception as error:
                logger.warning("usage keeps the places it knows: %s", type(error).__name__)


def placed(organizations: Mapping[UUID, Staffed], least: int = LEAST) -> dict[UUID, UUID | None]:
    """Return, for each organization, the one under which it is counted: none has fewer than
    `least` people together with those that are counted there."""
    below: dict[UUID | None, list[UUID]] = {}
    for id, staffed in organizations.items():
        below.setdefault(staffed.above, []).append(id)
    order: list[UUID] = []  # what stands above comes before what stands below
    waiting = list(below.get(None, ()))
    while waiting:
        id = waiting.pop()
        order.append(id)
        waiting.extend(below.get(id, ()))
    people = {id: staffed.people for id, staffed in organizations.items()}
    for id in reversed(order):
        above = organizations[id].above
        if people[id] < least and above is not None:
            people[above] += people[id]
    found: dict[UUID, UUID | None] = {}
    for id in order:
        above = organizations[id].above
        found[id] = id if people[id] >= least else found[above] if above else None
    return found

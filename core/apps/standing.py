"""How the doors of one worker stand, brought to how they should stand.

A door closes at once and opens as soon as its app has started. One app that takes its time
to start or to drain keeps no other waiting, and an app that is opened again while it drains
cuts nobody.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

import msgspec

from core.apps.door import ABOUT, PREFIX, Door
from core.apps.farewell import Headers, parting
from core.apps.slots import Gate, Instance, Slot

logger = logging.getLogger(__name__)

START_SECONDS = 10.0
CLOSED = Gate()


class Standing:
    """The slots of one worker's door. `moved` is called after each change of them."""

    def __init__(
        self, door: Door, instances: Mapping[str, Instance], moved: Callable[[], None]
    ) -> None:
        self._door = door
        self._instances = instances
        self._moved = moved
        self._wanted: dict[str, Gate] = {}
        self._faults: dict[str, str] = {}
        self.opening: dict[str, asyncio.Task[None]] = {}
        self.closing: dict[str, asyncio.Task[None]] = {}

    def bring(self, wanted: Mapping[str, Gate]) -> None:
        """Begin to bring every door to how it should stand."""
        before, self._wanted = self._wanted, dict(wanted)
        for name, instance in self._instances.items():
            gate = self._wanted.get(name, CLOSED)
            if gate != before.get(name):
                self._faults.pop(name, None)
                self._move(name, instance, gate, before.get(name, CLOSED))
        self._swap()

    async def settled(self) -> None:
        """Return once no app is starting or being drained."""
        while moving := {*self.opening.values(), *self.closing.values()}:
            await asyncio.wait(moving)
            await asyncio.sleep(0)  # for what they call when they are done

    async def close(self) -> None:
        """Stop moving, and leave the lifespan of every app."""
        moving = [*self.opening.values(), *self.closing.values()]
        for task in moving:
            task.cancel()
        await asyncio.gather(*moving, return_exceptions=True)
        await asyncio.gather(*(instance.stop() for instance in self._instances.values()))

    def fault(self, name: str, reason: str) -> None:
        """Close the door of an app that cannot serve in this worker, until it is set anew."""
        logger.error("the app %s is quarantined in this worker: %s", name, reason)
        self._faults[name] = reason[:500]
        if self._door.slots:
            self._swap()

    def _move(self, name: str, instance: Instance, gate: Gate, before: Gate) -> None:
        closing = self.closing.pop(name, None)
        if closing is not None:
            closing.cancel()  # its wait is over: it serves again, or closes in another way
        if gate.serves:
            if instance.app.refusal is None and (closing is not None or not instance.started):
                self._begin(self.opening, name, self._start(name, instance))
            return
        opening = self.opening.pop(name, None)
        if opening is not None:
            opening.cancel()
        if before.state != "disabled" or opening is not None or closing is not None:
            self._begin(self.closing, name, self._settle(instance, gate))

    def _begin(
        self, moving: dict[str, asyncio.Task[None]], name: str, work: Coroutine[Any, Any, None]
    ) -> None:
        task = moving[name] = asyncio.create_task(work, name=f"apps-{name}")

        def ended(done: asyncio.Task[None]) -> None:
            if moving.get(name) is done:
                del moving[name]
                if not done.cancelled() and (error := done.exception()) is not None:
                    logger.error("the app %s did not follow", name, exc_info=error)
                self._swap()

        task.add_done_callback(ended)

    def _swap(self) -> None:
        # one swap: a request sees the table as it was or as it is
        slots = {}
        for name, instance in self._instances.items():
            gate = self._gate(name, instance)
            slots[name] = Slot(instance, gate, self._headers(gate))
        self._door.slots = slots
        self._door.gone = {
            name: gate for name, gate in self._wanted.items() if name not in self._instances
        }
        self._moved()

    def _headers(self, gate: Gate) -> Headers:
        if gate.deprecated_at is None:
            return ()
        next = gate.successor
        there = f"{PREFIX}{next}/" if next in self._instances else f"{ABOUT}{next}"
        return parting(gate.deprecated_at, gate.sunset_at, there if next else None)

    def _gate(self, name: str, instance: Instance) -> Gate:
        gate = self._wanted.get(name, CLOSED)
        replace = msgspec.structs.replace
        if instance.app.refusal is not None:
            return replace(gate, state="quarantined", mode="open", reason=str(instance.app.refusal))
        if gate.state != "enabled":
            return gate
        if name in self._faults:
            return replace(gate, state="quarantined", reason=self._faults[name])
        if name in self.opening:
            return replace(gate, state="disabled")
        return gate

    async def _start(self, name: str, instance: Instance) -> None:
        try:
            await instance.start(START_SECONDS)
        except TimeoutError:
            self.fault(name, f"start: took longer than {START_SECONDS:g} s")
        except Exception as error:
            self.fault(name, f"start: {type(error).__name__}: {error}")

    @staticmethod
    async def _settle(instance: Instance, gate: Gate) -> None:
        if gate.state == "draining":
            await instance.idle.wait()
            return
        limit = 0 if gate.state == "quarantined" else instance.limits.drain_seconds
        cut = await instance.drain(limit)
        if cut:
            logger.warning("%d requests of %s were cut", cut, instance.app.id)
        await instance.stop()

"""The apps of one worker: loaded, started, following the desired state, acknowledged."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Iterable, Mapping
from importlib.metadata import EntryPoint
from typing import Any

import msgspec

from core.access.grants import RoleDefinition, define_roles
from core.apps import runtime
from core.apps.background import Background
from core.apps.door import Door
from core.apps.hooks import HookFailure, Hooks
from core.apps.native import OnProblem, build, check_routes, permissions
from core.apps.registry import LoadedApp, Refusal, load_apps
from core.apps.slots import Gate, Instance, Slot
from core.apps.watchdog import Watchdog, read_notes
from core.database import Database
from core.jobs import Jobs
from core.settings import Settings
from core.shared_state import SharedState
from plugin_sdk.manifest import Manifest
from plugin_sdk.ports import Audience, Hub

logger = logging.getLogger(__name__)

START_SECONDS = 10.0
HubFor = Callable[[LoadedApp], Hub]


class Acknowledged(msgspec.Struct, frozen=True):
    """How many of the live workers run a generation; `live` 0 means it is unknown."""

    ready: int
    live: int


class Apps:
    """Loads the apps and keeps them as the database says they should be."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        shared: SharedState,
        jobs: Jobs,
        door: Door,
        *,
        hub_for: HubFor,
        guard: Any,
        on_problem: OnProblem,
    ) -> None:
        self._settings = settings
        self._database = database
        self._shared = shared
        self._jobs = jobs
        self._hub_for = hub_for
        self._guard = guard
        self._on_problem = on_problem
        self.door = door
        self.hooks = Hooks()
        self.hubs: dict[str, Hub] = {}
        self.instances: dict[str, Instance] = {}
        self.background = Background(database, jobs, self)
        self.generation = 0
        self._notes = settings.home / "faults"
        self._wake = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._watchdog: Watchdog | None = None
        shared.on_hint(runtime.TOPIC, self._wake.set)

    def load(self, points: Iterable[EntryPoint]) -> None:
        """Load every app, one at a time; one that fails is refused by name."""
        for app in load_apps(points, self._settings.grants):
            self.instances[app.id] = self._install(app)

    def _install(self, app: LoadedApp) -> Instance:
        if app.refusal is not None or app.plugin is None or app.asked is None:
            return Instance(app)
        try:
            self.hooks.register(app.id, app.plugin)
            hub = self.hubs[app.id] = self._hub_for(app)
            handlers = check_routes(
                app.id,
                self.hooks.call(app.id, "register_routes", (), hub=hub),
                permissions(app.asked),
            )
            engines = self.hooks.call(app.id, "register_flows", (), hub=hub)
            subscriptions = self.hooks.call(app.id, "subscribe_events", {}, hub=hub)
            lifespan = None
            if app.id in self.hooks.implemented("plugin_lifespan"):
                lifespan = lambda: self.hooks.call(app.id, "plugin_lifespan", hub=hub)  # noqa: E731
        except (Refusal, HookFailure) as failure:
            logger.error("the app %s is refused: %s", app.id, failure)
            self.hooks.unregister(app.id)
            self.hubs.pop(app.id, None)
            refusal = failure if isinstance(failure, Refusal) else Refusal("hook", str(failure))
            return Instance(msgspec.structs.replace(app, refusal=refusal, plugin=None))
        return Instance(
            app,
            handlers=handlers,
            build=lambda: build(handlers, self._guard, self._on_problem),
            lifespan=lifespan,
            engines=engines,
            subscriptions=subscriptions,
        )

    @property
    def running(self) -> list[Instance]:
        """Return the instances whose door is open in this worker."""
        return [
            slot.instance
            for slot in self.door.slots.values()
            if slot.gate.state in ("enabled", "draining")
        ]

    def manifest(self, app: str) -> Manifest | None:
        """Return what an app runs with (or at least asked for), None if it is unknown."""
        instance = self.instances.get(app)
        return instance.app.manifest or instance.app.asked if instance else None

    # --- starting and following --------------------------------------------------------

    async def prepare(self) -> None:
        """Write down what the manifests say: rows of apps and roles; then quarantine what a
        worker left a note about."""
        async with self._database.transaction(write=True) as tx:
            await runtime.introduce(
                tx,
                [
                    (
                        instance.app.id,
                        bool(instance.app.grant and instance.app.grant.enabled_at_start),
                    )
                    for instance in self.instances.values()
                    if instance.app.manifest is not None
                ],
            )
            for instance in self.instances.values():
                if instance.app.manifest is not None:
                    await define_roles(tx, instance.app.id, roles_of(instance.app.manifest))
        await self._read_notes()

    async def _read_notes(self) -> None:
        for path, app, where in read_notes(self._notes):
            with contextlib.suppress(runtime.UnknownApp):
                async with self._database.transaction(write=True) as tx:
                    await runtime.change(
                        tx, app, state="quarantined", reason=f"blocked the event loop: {where}"
                    )
                logger.critical("the app %s is quarantined: %s", app, where)
            path.unlink(missing_ok=True)

    async def start(self, *, watch: bool = True) -> None:
        """Bring every app to its desired state and keep it there."""
        await self.prepare()
        await self.follow()
        self.background.start()
        self._tasks = [asyncio.create_task(self._keep(), name="apps-follow")]
        if watch:
            folders = {
                name: instance.app.folder
                for name, instance in self.instances.items()
                if instance.app.folder is not None
            }
            self._watchdog = Watchdog(self._notes, folders, seconds=self._settings.watchdog_seconds)
            self._watchdog.start()
            self._tasks.append(asyncio.create_task(self._warm(), name="apps-warm"))

    async def close(self) -> None:
        """Stop following, and leave the apps' lifespans."""
        if self._watchdog:
            self._watchdog.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for instance in self.instances.values():
            await instance.stop()

    async def _keep(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), self._settings.poll_seconds)
            self._wake.clear()
            try:
                await self.follow()
            except Exception as error:
                logger.warning("the state of apps was not read: %s", type(error).__name__)

    async def _warm(self) -> None:
        for instance in list(self.running):  # built before anybody waits, one by one
            await asyncio.sleep(0.01)
            with contextlib.suppress(Exception):
                _ = instance.asgi

    async def follow(self) -> None:
        """Make the slots what the database says, drain what closes, then acknowledge."""
        async with self._database.transaction() as tx:
            number = await runtime.generation(tx)
            if number == self.generation and self.door.slots:
                return
            wanted = await runtime.gates(tx)
        before = self.door.slots
        for name, instance in self.instances.items():
            gate = wanted.get(name, Gate())
            if gate.state == "enabled" and instance.app.refusal is None:
                wanted[name] = await self._started(instance, gate)
        # one swap: a request sees the table as it was or as it is
        self.door.slots = {
            name: Slot(instance, self._gate(instance, wanted.get(name, Gate())))
            for name, instance in self.instances.items()
        }
        await asyncio.gather(
            *(
                self._settle(slot)
                for name, slot in self.door.slots.items()
                if slot.gate.state != "enabled"
                and name in before
                and before[name].gate.state in ("enabled", "draining")
            )
        )
        self.background.schedule()
        self.generation = number
        await self._shared.acknowledge(runtime.TOPIC, number)

    @staticmethod
    def _gate(instance: Instance, gate: Gate) -> Gate:
        refusal = instance.app.refusal
        if refusal is None:
            return gate
        return msgspec.structs.replace(gate, state="quarantined", reason=str(refusal))

    async def _started(self, instance: Instance, gate: Gate) -> Gate:
        try:
            await instance.start(START_SECONDS)
        except Exception as error:
            logger.exception("the app %s does not start", instance.app.id)
            return msgspec.structs.replace(
                gate, state="quarantined", reason=f"start: {type(error).__name__}: {error}"
            )
        return gate

    async def _settle(self, slot: Slot) -> None:
        instance = slot.instance
        if slot.gate.state == "draining":
            await instance.idle.wait()
        elif slot.gate.state == "quarantined":
            await instance.drain(0)
        else:
            await instance.drain(instance.limits.drain_seconds)
        if slot.gate.state != "draining":
            await instance.stop()

    # --- changing ----------------------------------------------------------------------

    async def change(self, app: str, **wanted: Any) -> int:
        """Set how an app's door should stand (see `runtime.change`) and tell every worker;
        return the generation. Raises `runtime.UnknownApp`."""
        async with self._database.transaction(write=True) as tx:
            number = await runtime.change(tx, app, **wanted)
        await self._shared.hint(runtime.TOPIC)
        return number

    async def acknowledged(self, generation: int) -> Acknowledged:
        """Return how many live workers run a generation."""
        known = await self._shared.acknowledgements(runtime.TOPIC)
        if known is None:
            return Acknowledged(0, 0)
        return Acknowledged(sum(seen >= generation for seen in known.values()), len(known))

    async def until_acknowledged(self, generation: int, seconds: float) -> Acknowledged:
        """Wait until every live worker runs a generation, `seconds` at most."""
        end = time.monotonic() + seconds
        while True:
            state = await self.acknowledged(generation)
            if (state.live and state.ready == state.live) or time.monotonic() >= end:
                return state
            await asyncio.sleep(0.05)


def roles_of(manifest: Manifest) -> list[RoleDefinition]:
    """Return the roles of a manifest with the permissions that were granted."""
    app = manifest.identity.id
    carried: Mapping[str, list[str]] = {role.key: [] for role in manifest.roles}
    for permission in manifest.permissions:
        for role in permission.default_roles:
            if role in carried:
                carried[role].append(f"{app}.{permission.key}")
    return [
        RoleDefinition(
            f"{app}.{role.key}",
            role.title,
            tuple(carried[role.key]),
            Audience(role.audience) if role.audience else None,
        )
        for role in manifest.roles
    ]

"""The apps of one worker: loaded, started, following the desired state, acknowledged."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import msgspec

from core.access.grants import RoleDefinition, define_roles, outdated_roles
from core.apps import runtime
from core.apps.background import Background
from core.apps.door import Door
from core.apps.hooks import Hooks
from core.apps.imports import ImportWatch
from core.apps.linked import launch
from core.apps.native import (
    check_elements,
    check_flows,
    check_jobs,
    check_routes,
    check_subscriptions,
    entrance,
    permissions,
)
from core.apps.registry import LoadedApp, Refusal, load_apps
from core.apps.sections import Build
from core.apps.slots import Instance
from core.apps.standing import Standing
from core.apps.watchdog import Watchdog, read_notes
from core.database import Database, Transaction
from core.jobs import Jobs
from core.settings import Settings
from core.shared_state import SharedState
from plugin_sdk.manifest import Manifest
from plugin_sdk.ports import Audience, Hub

logger = logging.getLogger(__name__)

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
        build: Build,
    ) -> None:
        self._settings = settings
        self._database = database
        self._shared = shared
        self._jobs = jobs
        self._hub_for = hub_for
        self._build = build
        self.door = door
        self.hooks = Hooks()
        self.hubs: dict[str, Hub] = {}
        self.instances: dict[str, Instance] = {}
        self.background = Background(database, jobs, self)
        self.generation = 0
        self._standing = Standing(door, self.instances, self._moved)
        self._following = asyncio.Lock()
        self._notes = settings.home / "faults"
        self._wake = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._watchdog: Watchdog | None = None
        shared.on_hint(runtime.TOPIC, self._wake.set)

    def load(self, points: Iterable[EntryPoint]) -> None:
        """Load every app, one at a time; one that fails is refused by name, and one that blocks
        by the process that follows this one."""
        with ImportWatch(self._notes, seconds=self._settings.import_seconds) as watch:
            for app in load_apps(points, self._settings.grants, watch):
                watch.now(app.id)  # its hooks are called
                instance = self.instances[app.id] = self._install(app)
                instance.on_fault = partial(self._standing.fault, app.id)

    def refuse(self, app: str, refusal: Refusal) -> None:
        """Refuse an app that was loaded: what it needs is not there."""
        logger.error("the app %s is refused: %s", app, refusal)
        self.hooks.unregister(app)
        self.hubs.pop(app, None)
        old = self.instances[app].app
        self.instances[app] = Instance(msgspec.structs.replace(old, refusal=refusal, plugin=None))

    def _install(self, app: LoadedApp) -> Instance:
        if app.refusal is not None or app.asked is None:
            return Instance(app)
        if app.plugin is None:
            return self._linked(app, app.asked)
        try:
            self.hooks.register(app.id, app.plugin)
            hub = self.hubs[app.id] = self._hub_for(app)
            return self._instance(app, app.asked, hub)
        except Exception as failure:
            refusal = failure if isinstance(failure, Refusal) else Refusal("hook", str(failure))
            logger.error("the app %s is refused: %s", app.id, refusal)
            self.hooks.unregister(app.id)
            self.hubs.pop(app.id, None)
            return Instance(msgspec.structs.replace(app, refusal=refusal, plugin=None))

    def _linked(self, app: LoadedApp, asked: Manifest) -> Instance:
        self.hubs[app.id] = self._hub_for(app)
        leads = launch(app.manifest or asked, self._database.clock)
        return Instance(app, handlers=check_routes(app.id, [leads], frozenset()), build=self._build)

    def _instance(self, app: LoadedApp, asked: Manifest, hub: Hub) -> Instance:
        def call(hook: str) -> Any:
            return self.hooks.call(app.id, hook, hub=hub)

        routes = call("register_routes")
        handlers = check_routes(app.id, () if routes is None else routes, permissions(asked))
        check_elements(handlers, app.manifest or asked)
        if not any("/" in handler.paths for handler in handlers):
            door = entrance(app.id, app.manifest or asked, self._database.clock)
            handlers += check_routes(app.id, [door], frozenset())
        life = app.id in self.hooks.implemented("plugin_lifespan")
        return Instance(
            app,
            handlers=handlers,
            build=self._build,
            lifespan=(lambda: call("plugin_lifespan")) if life else None,
            engines=check_flows(call("register_flows")),
            subscriptions=check_subscriptions(call("subscribe_events"), asked),
            jobs=check_jobs(call("register_jobs"), asked),
        )

    @property
    def running(self) -> list[Instance]:
        """Return the instances whose door is open in this worker, be it to look alone."""
        return [
            slot.instance
            for slot in self.door.slots.values()
            if slot.gate.state in ("enabled", "draining") and slot.gate.mode != "closed"
        ]

    def manifest(self, app: str) -> Manifest | None:
        """Return what an app runs with (or at least asked for), None if it is unknown."""
        instance = self.instances.get(app)
        return instance.app.manifest or instance.app.asked if instance else None

    # --- starting and following --------------------------------------------------------

    async def prepare(self) -> None:
        """Write down what the manifests say: rows of apps and roles; then quarantine what a
        worker left a note about."""
        granted = {
            instance.app.id: instance.app
            for instance in self.instances.values()
            if instance.app.manifest is not None
        }
        roles = {app.id: roles_of(app.manifest) for app in granted.values() if app.manifest}
        enabled = [
            (id, bool(app.grant and app.grant.enabled_at_start)) for id, app in granted.items()
        ]
        async with self._database.transaction(write=True) as tx:
            await runtime.introduce(tx, enabled)
            for app in await outdated_roles(tx, roles):
                await define_roles(tx, app, roles[app])
        await self._read_notes()

    async def _read_notes(self) -> None:
        for path, app, where in read_notes(self._notes, self._folders()):
            async with self._database.transaction(write=True) as tx:
                gate = (await runtime.gates(tx)).get(app)
                if gate is not None and gate.state != "quarantined":
                    reason = f"blocked the event loop: {where}"
                    await runtime.change(tx, app, state="quarantined", reason=reason)
                    logger.critical("the app %s is quarantined: %s", app, where)
            path.unlink(missing_ok=True)
            await self._shared.hint(runtime.TOPIC)

    def _folders(self) -> dict[str, Path]:
        return {
            name: instance.app.folder
            for name, instance in self.instances.items()
            if instance.app.folder is not None
        }

    def _serving(self, task: asyncio.Task[object]) -> str | None:
        for name, instance in self.instances.items():
            if task in instance.requests:
                return name
        return None

    async def start(self, *, watch: bool = True) -> None:
        """Bring every app to its desired state and keep it there."""
        if watch:  # first: an app may block while it starts
            self._watchdog = Watchdog(
                self._notes,
                self._folders(),
                seconds=self._settings.watchdog_seconds,
                serving=self._serving,
            )
            self._watchdog.start()
        await self.prepare()
        await self.follow()
        self.background.start()
        self._tasks = [asyncio.create_task(self._keep(), name="apps-follow")]

    async def close(self) -> None:
        """Stop following, and leave the apps' lifespans."""
        if self._watchdog:
            self._watchdog.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._standing.close()

    async def _keep(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._settings.poll_seconds):
                    await self._wake.wait()
            self._wake.clear()
            try:
                await self._read_notes()
                await self._follow()
            except Exception as error:
                logger.warning("the state of apps was not read: %s", type(error).__name__)

    async def follow(self) -> None:
        """Make the slots what the database says; return once apps that open have started and
        those that close have been drained."""
        await self._follow()
        await self._standing.settled()
        await self._acknowledge()

    async def _follow(self) -> None:
        async with self._following:
            async with self._database.transaction() as tx:
                number = await runtime.generation(tx)
                if number == self.generation and self.door.slots:
                    return
                wanted = await runtime.gates(tx)
            self.generation = number
            self._standing.bring(wanted)
            await self._acknowledge()

    def _moved(self) -> None:
        """Do what follows a change of the slots."""
        self.background.schedule()
        if self.generation:
            self._acknowledging = asyncio.ensure_future(self._acknowledge())

    async def _acknowledge(self) -> None:
        if not self._standing.opening:
            await self._shared.acknowledge(runtime.TOPIC, self.generation)
            if not self._standing.closing:
                await self._shared.acknowledge(runtime.DRAINED, self.generation)

    # --- changing ----------------------------------------------------------------------

    async def change(self, app: str, **wanted: Any) -> int:
        """Set how an app's door should stand (see `runtime.change`) and tell every worker;
        return the generation. Raises `runtime.UnknownApp`."""
        async with self._database.transaction(write=True) as tx:
            return await self.change_within(tx, app, **wanted)

    async def change_within(self, tx: Transaction, app: str, **wanted: Any) -> int:
        """`change`, as a part of a transaction: workers are told once it is committed."""
        number = await runtime.change(tx, app, **wanted)
        tx.after_commit(lambda: self._shared.hint(runtime.TOPIC))
        return number

    async def acknowledged(self, generation: int, *, drained: bool = False) -> Acknowledged:
        """Return how many live workers run a generation: every door stands as it says.
        `drained`: and what had begun before is answered too."""
        topic = runtime.DRAINED if drained else runtime.TOPIC
        known = await self._shared.acknowledgements(topic)
        if known is None:
            return Acknowledged(0, 0)
        return Acknowledged(sum(seen >= generation for seen in known.values()), len(known))

    async def until_acknowledged(
        self, generation: int, seconds: float, *, drained: bool = False
    ) -> Acknowledged:
        """Wait until every live worker runs a generation, `seconds` at most."""
        end = time.monotonic() + seconds
        while True:
            state = await self.acknowledged(generation, drained=drained)
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
            tuple(f"{app}.{other}" for other in role.excludes),
        )
        for role in manifest.roles
    ]

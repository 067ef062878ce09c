"""The assembly: settings in, one ASGI application out. The only place that builds a hub."""

import asyncio
import logging
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache, partial
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

from core.access.bearers import OF_APPLICATIONS
from core.access.grants import define_roles, shell_roles
from core.apps.door import Door
from core.apps.migrations import pending, unwalled
from core.apps.native import build, check_routes, make_guard
from core.apps.registry import LoadedApp, Refusal, folder_of, installed
from core.apps.sections import Sections
from core.apps.slots import Gate
from core.apps.supervisor import Apps
from core.audit import SHELL
from core.database import Clock, utc_now
from core.governance.archive.worker import Archives
from core.governance.lifecycle.life import life_of
from core.governance.service import Governance
from core.hub import AlreadyServed, AppHub, Services
from core.identity.people import demonstration_accounts
from core.settings import Settings
from core.usage.exits import Exits
from core.usage.visits import RULES
from plugin_sdk.manifest import Manifest
from plugin_sdk.ports import Actor, Hub
from portal.bearers import Bearers
from portal.front import Front
from portal.origins import own_hosts
from portal.pages import routes
from portal.pages.context import Portal
from portal.rendering import Renderer
from portal.scim.routes import routes as scim_routes
from portal.templating import WORDS, Assets, make_environment
from portal.texts import Catalogue, words_of_app

logger = logging.getLogger(__name__)

WARM_SECONDS = 5.0  # a worker that has just started has enough to do


class StartRefused(Exception):
    """The hub must not start as it is; the message says what to do."""


class Yimen:
    """A hub in one process: rooms, apps, pages and the front door before them."""

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Clock = utc_now,
        points: Iterable[EntryPoint] | None = None,
        serves: bool = True,
    ) -> None:
        self.settings = settings
        self.services = Services(settings, clock=clock, serves=serves)
        self._points = list(installed() if points is None else points)
        folders: dict[str, Path] = {}
        for point in self._points:  # of two with one name the first has it, here as behind the door
            if point.name not in folders and (folder := folder_of(point)):
                folders[point.name] = folder
        self.catalogue = catalogue_of(folders)
        self.assets = Assets()
        environment = make_environment(
            self.catalogue,
            [folder / "templates" for folder in folders.values()],
            assets=self.assets,
            compiled=settings.compiled_templates,
        )
        self.renderer = Renderer(
            self.services, environment, self.catalogue, self._manifest, self._gate
        )
        guard = make_guard(self.services.database.clock, self._refused, self.services.freshness)
        section = partial(build, guard=guard, on_problem=self.renderer.on_problem)
        self.door = Door(
            self.services.usage,
            self.services.visits,
            Exits(self.services.usage, own_hosts(settings.public_url)),
            self.renderer.refuse,
            self.renderer.moved,
        )
        self.apps = Apps(
            settings,
            self.services.database,
            self.services.shared,
            self.services.jobs,
            self.door,
            hub_for=self._hub_for,
            build=section,
        )
        self.apps.load(self._points)
        self.governance = Governance(self.services.database, settings.grants, self._installed)
        self.governance.schedule(self.services.jobs)
        self.archives = Archives(
            settings,
            self.services.database,
            self.apps,
            lambda: self.governance.policy().life_cycle.bundle_months,
        )
        self.archives.schedule(self.services.jobs)
        self.services.app_names |= {
            app.id: app.manifest.identity.names for app in self.loaded() if app.manifest
        }
        self.services.passwords.know(_names(self.loaded()))
        self.services.freshness.add(
            f"{app.id}.{permission.key}"
            for app in self.loaded()
            for permission in (app.manifest.permissions if app.manifest else ())
            if permission.risk == "high"
        )
        self.portal = Portal(self.services, self.apps, self.governance, self.renderer, self.assets)
        known = OF_APPLICATIONS | frozenset(
            permission.removeprefix(f"{SHELL}.")
            for role in shell_roles()
            for permission in role.permissions
        )
        self.handlers = check_routes(
            SHELL, [*routes(self.portal), *scim_routes(self.portal)], known
        )
        self.portal.handlers = self.handlers
        self.pages = Sections(self.handlers, section)
        self.front = Front(
            settings,
            self.services.actors,
            Bearers(
                self.services.actors,
                self.services.database,
                self.services.shared,
                settings.trusted_proxies,
            ),
            door=self.door,
            portal=self.pages,
            refuse=self.renderer.refuse,
        )
        self.portal.front = self.front
        self._warming: asyncio.Task[None] | None = None

    def _manifest(self, app: str) -> Manifest | None:
        return self.apps.manifest(app)

    def _gate(self, app: str) -> Gate | None:
        slot = self.door.slots.get(app)
        return slot.gate if slot else None

    def _installed(self) -> Iterable[Manifest]:
        return [app.manifest for app in self.loaded() if app.manifest is not None]

    def _hub_for(self, app: LoadedApp) -> Hub:
        settings = app.grant.settings if app.grant else {}
        asked = app.manifest.data.elements if app.manifest else ()
        rules = app.manifest.usage if app.manifest else RULES
        return AppHub(
            self.services,
            app.id,
            self.renderer,
            settings,
            elements=asked,
            rules=rules,
            life_of=life_of,
        )

    async def _refused(self, actor: Actor, app: str, permission: str, subject: str) -> None:
        await self.services.refuse(actor, app, permission, subject)

    async def start(self, *, background: bool = True) -> None:
        """Start the rooms, then the apps. Raises `StartRefused` for an unsafe start."""
        behind = await pending(self.services.database, self.loaded())
        if "core" in behind:
            raise StartRefused(f"run 'yimen migrate' first: {', '.join(behind)} is behind")
        for app in behind:  # one app that was not migrated keeps no other from starting
            self.apps.refuse(app, Refusal("migrations", "its tables are not up to date"))
        if await unwalled(self.services.database):
            logger.warning(
                "row-level security does not hold: the database role is a superuser or has "
                "BYPASSRLS; give the hub a role of its own that owns its database and is neither"
            )
        if self.settings.mode == "production":  # before anything runs that would have to be ended
            async with self.services.database.transaction() as tx:
                if await demonstration_accounts(tx):
                    raise StartRefused(
                        "this database holds the accounts of the demonstration, whose passwords "
                        "are known: a production hub starts from a database of its own"
                    )
        try:
            await self.services.start(background=background)
        except AlreadyServed as taken:
            raise StartRefused(str(taken)) from taken
        async with self.services.database.transaction(write=True) as tx:
            await define_roles(tx, SHELL, shell_roles())
        if background:
            await self.apps.start()
            self._warming = asyncio.create_task(self._warm(), name="warm")
        else:
            await self.apps.prepare()
            await self.apps.follow()
        await self.governance.introduce()
        await self.archives.introduce()
        self.portal.ready = True

    async def close(self) -> None:
        """Stop the apps, then the rooms."""
        self.portal.ready = False
        if self._warming:
            self._warming.cancel()
        await self.archives.close()
        await self.apps.close()
        await self.services.close()

    async def _warm(self) -> None:
        """Build the pages that nobody has asked for yet, before anybody waits for one."""
        await asyncio.sleep(WARM_SECONDS)
        for sections in (self.pages, *(instance.sections for instance in self.apps.running)):
            await sections.warm()

    def loaded(self) -> Sequence[LoadedApp]:
        """Return the apps that were found."""
        return [instance.app for instance in self.apps.instances.values()]

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """The ASGI application, lifespan included."""
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        else:
            await self.front(scope, receive, send)

    async def _lifespan(self, receive: Any, send: Any) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                try:
                    await self.start()
                except Exception as error:
                    logger.critical("the hub does not start: %s", error)
                    await send({"type": "lifespan.startup.failed", "message": str(error)})
                    return
                await send({"type": "lifespan.startup.complete"})
            else:
                await self.close()
                await send({"type": "lifespan.shutdown.complete"})
                return


def _names(apps: Iterable[LoadedApp]) -> Iterable[str]:
    """Return what apps are called: words that anybody would try as a password here."""
    for app in apps:
        yield app.id
        if app.manifest is not None:
            yield from (app.manifest.identity.names.zh, app.manifest.identity.names.en)


def catalogue_of(folders: Mapping[str, Path]) -> Catalogue:
    """Return all words: the shell's and the SDK's, then each app's under its name. An app
    whose words cannot be read has none; the others never notice. Files are read once."""
    return _catalogue(tuple(folders.items()))


@lru_cache(maxsize=8)
def _catalogue(folders: tuple[tuple[str, Path], ...]) -> Catalogue:
    found = [Catalogue.merge({"": WORDS})]
    for app, folder in folders:
        try:
            found.append(Catalogue.merge({app: words_of_app(folder)}))
        except Exception as error:
            logger.error("the words of %s cannot be read: %s", app, error)
    return Catalogue.joined(found)

"""Fixtures for app authors: hold an app to its contract, set its state, break it.

async def test_contract(assert_app_contract):
    await assert_app_contract("village-affairs")
"""

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Literal, Protocol

import httpx
import pytest

from portal.testing.hub import Client, HubMaker, HubUnderTest

if TYPE_CHECKING:  # the plugin is loaded by every run of pytest: it stays cheap
    from litestar.handlers import HTTPRouteHandler

Way = Literal["raise", "exit", "slow", "block"]
EFFECTLESS = {"GET", "HEAD", "OPTIONS"}
PROBLEM = "application/problem+json"
NOBODY = "resident2"  # of the cast: signed in, without a post, so without a grant
_PLACE = re.compile(r"\{(\w+)(?::(\w+))?\}")
_SAMPLES = {"int": "1", "uuid": "00000000-0000-7000-8000-000000000000", "date": "2026-01-01"}


class SetState(Protocol):
    """Sets how an app's door stands and returns once this worker follows."""

    def __call__(self, app: str, state: str, **more: Any) -> Awaitable[int]:
        """Return the generation (see `HubUnderTest.set_state`)."""


class BreakApp(Protocol):
    """Makes an app of the test's hub fail from now until the end of the test."""

    def __call__(self, app: str, how: Way | None = "raise") -> None:
        """Let it raise, exit, be slow or block; None makes it whole again."""


AssertContract = Callable[[str], Awaitable[None]]


@pytest.fixture
def set_state(hubs_made: list[HubUnderTest], make_hub: HubMaker) -> SetState:
    """Set an app's state in the test's hub, and wait until it follows."""

    async def set_(app: str, state: str, **more: Any) -> int:
        return await (await _hub(hubs_made, make_hub)).set_state(app, state, **more)

    return set_


@pytest.fixture
def break_app(hubs_made: list[HubUnderTest], make_hub: HubMaker) -> BreakApp:
    """Make an app of the test's hub fail: `hub_app` or `make_hub` has started it before."""

    def break_(app: str, how: Way | None = "raise") -> None:
        assert hubs_made, "start a hub first: fixture hub_app or make_hub"
        instance = hubs_made[-1].hub.apps.instances[app]
        instance.asgi = instance.sections if how is None else _broken(how)

    return break_


@pytest.fixture
def assert_app_contract(hubs_made: list[HubUnderTest], make_hub: HubMaker) -> AssertContract:
    """Hold an app of the test's hub to its contract, all faults at once."""

    async def check(app: str) -> None:
        faults = await contract_faults(await _hub(hubs_made, make_hub), app)
        assert not faults, f"{app} breaks its contract:\n" + "\n".join(faults)

    return check


async def _hub(made: list[HubUnderTest], make_hub: HubMaker) -> HubUnderTest:
    """Return the hub that the test started last, or one with the installed apps."""
    return made[-1] if made else await make_hub()


def _broken(how: Way) -> Callable[[Any, Any, Any], Awaitable[None]]:
    async def broken(scope: Any, receive: Any, send: Any) -> None:
        if how == "exit":
            raise SystemExit("the test broke this app")
        if how == "slow":
            await asyncio.sleep(3600)
        if how == "block":
            while True:
                pass
        raise RuntimeError("the test broke this app")

    return broken


async def contract_faults(hub: HubUnderTest, app: str) -> list[str]:
    """Return what is wrong with an app, a sentence each."""
    instance = hub.hub.apps.instances.get(app)
    if instance is None:
        return ["no app of that name is installed"]
    if instance.app.refusal is not None:
        return [f"it is refused: {instance.app.refusal}"]
    if hub.hub.apps.door.slots[app].gate.state != "enabled":
        return ["it is not enabled: the contract is checked on a running app"]
    routes = [
        _Route(handler, method, path)
        for handler in instance.handlers
        for path in sorted(handler.paths)
        for method in sorted(str(method) for method in handler.http_methods)
    ]
    return [
        *_manifest_faults(hub, instance),
        *_words_faults(hub, app),
        *_route_faults(instance, routes),
        *_table_faults(instance),
        *await _openapi_faults(hub, app, routes),
        *await _denial_faults(hub, app, routes),
        *await _forgery_faults(hub, app, routes),
    ]


class _Route:
    """One method at one path of an app."""

    def __init__(self, handler: "HTTPRouteHandler", method: str, path: str) -> None:
        from core.apps.native import FULL

        self.method = method
        self.path = path
        self.permission: str = handler.opt.get(FULL, "")

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def shape(self) -> str:
        """Return the route with its parameters' names alone."""
        return f"{self.method} {_PLACE.sub('{}', self.path)}"

    def address(self, app: str) -> str:
        """Return an address that the route matches, of a thing that is not there."""
        filled = _PLACE.sub(lambda found: _SAMPLES.get(found[2] or "", "0"), self.path)
        return f"/apps/{app}{filled}"


def _manifest_faults(hub: HubUnderTest, instance: Any) -> list[str]:
    from plugin_sdk.manifest import check, check_grant

    folder, app = instance.app.folder, instance.app.id
    grant = hub.hub.settings.grants / f"{app}.toml"
    faults = check((folder / "manifest.toml").read_bytes(), "manifest.toml")
    faults += check_grant(grant.read_bytes(), grant.name, instance.app.asked)
    return [f"{fault.file}:{fault.line}: {fault.field}: {fault.message.en}" for fault in faults]


def _words_faults(hub: HubUnderTest, app: str) -> list[str]:
    return [line for line in hub.hub.catalogue.check() if f": {app}." in line]


def _route_faults(instance: Any, routes: list[_Route]) -> list[str]:
    from plugin_sdk.routes import PUBLIC, SIGNED_IN

    faults = []
    manifest = instance.app.asked
    keys = {f"{instance.app.id}.{permission.key}" for permission in manifest.permissions}
    faults += [
        f"{route} names {route.permission or 'no permission'}"
        for route in routes
        if route.permission not in {PUBLIC, SIGNED_IN, *keys}
    ]
    shapes = {route.shape for route in routes}
    faults += [
        f"the navigation entry {item.key} leads to {item.path}, which is no page"
        for item in manifest.navigation
        if f"GET {item.path}" not in shapes
    ]
    faults += [
        f"the old function {function.old} is served by {function.route}, which is no route"
        for function in manifest.porting.functions
        if function.route is not None and _PLACE.sub("{}", function.route) not in shapes
    ]
    return faults


def _table_faults(instance: Any) -> list[str]:
    from core.apps.registry import declared
    from core.apps.revisions import differences, disorder

    folder = instance.app.folder / "migrations"
    faults = [f"a migration is out of order: {fault}" for fault in disorder(folder)]
    package = instance.app.plugin.__name__
    for metadata in {table.metadata for table in declared(package)}:
        found = differences(instance.app.id, folder, metadata)
        faults += [f"a migration is missing: {difference}" for difference in found]
    return faults


async def _openapi_faults(hub: HubUnderTest, app: str, routes: list[_Route]) -> list[str]:
    paths = (await hub.client().get("/openapi.json")).json()["paths"]
    faults = []
    for route in routes:
        address = f"/apps/{app}" + _PLACE.sub(r"{\1}", route.path)
        said = paths.get(address, {}).get(route.method.lower(), {}).get("x-permission")
        if said != route.permission:
            faults.append(f"{route}: /openapi.json says {said!r}, not {route.permission!r}")
    return faults


async def _denial_faults(hub: HubUnderTest, app: str, routes: list[_Route]) -> list[str]:
    from plugin_sdk.routes import PUBLIC, SIGNED_IN

    visitor, nobody = hub.client(), await hub.client_as(NOBODY)
    held = (await hub.actor(NOBODY)).permits
    faults = []
    for route in routes:
        answer = await visitor.request(route.method, route.address(app))
        if route.permission != PUBLIC:
            faults += _unlike(route, "a visitor", answer, 401)
        elif answer.status_code >= 500:
            faults.append(f"{route} answers a visitor with {answer.status_code}")
        answer = await nobody.request(route.method, route.address(app))
        if route.permission in {PUBLIC, SIGNED_IN, *held}:
            if answer.status_code >= 500:
                faults.append(f"{route} answers a resident with {answer.status_code}")
        else:
            faults += _unlike(route, "someone without a grant", answer, 403)
    return faults


def _unlike(route: _Route, who: str, answer: httpx.Response, status: int) -> list[str]:
    kind = answer.headers.get("content-type", "")
    if answer.status_code == status and kind.startswith(PROBLEM):
        return []
    return [f"{route} answers {who} with {answer.status_code} {kind}, not {status} {PROBLEM}"]


async def _forgery_faults(hub: HubUnderTest, app: str, routes: list[_Route]) -> list[str]:
    faults = []
    clients: dict[str, Client] = {}
    cast = await hub.actors()
    for route in routes:
        if route.method in EFFECTLESS:
            continue
        role = _holder(cast, route.permission)
        if role not in clients:
            clients[role] = await hub.client_as(role)
        client = clients[role]
        address = route.address(app)
        foreign = await client.request(
            route.method, address, json={}, headers={"origin": "https://elsewhere.example"}
        )
        faults += _unlike(route, "another site", foreign, 403)
        forged = await client.request(route.method, address, data={"_csrf": "forged"})
        unknown = forged.status_code == 404 and "{" in route.path
        if forged.status_code != 403 and not unknown:
            faults.append(f"{route} takes a form with a wrong token: {forged.status_code}")
    return faults


def _holder(cast: dict[str, Any], permission: str) -> str:
    """Return who of the cast holds a permission, so that nothing but the forgery is wrong."""
    return next((role for role, actor in cast.items() if permission in actor.permits), NOBODY)

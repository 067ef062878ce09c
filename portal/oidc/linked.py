"""Signing in to a linked app: its door and its permission hold here too, and it counts as use.

Somebody who keeps the old app's own address comes past the slot, but not past this.
"""

from typing import Any, Final

from core.apps.native import enterable
from core.identity.provider.models import Client
from core.identity.provider.requests import Refused
from plugin_sdk.ports import Actor
from plugin_sdk.problems import Denied
from plugin_sdk.routes import actor_of
from portal.pages.context import AnyRequest, Portal

FEATURE: Final = "sign-in"
"""Under this name of a feature stand the sign-ins of a linked app, beside its launches."""


def let_in(portal: Portal, client: Client, actor: Actor) -> None:
    """Let somebody who is signed in through to the app of a client. Raises `Refused` for an app
    whose door is shut, and for who may not use it."""
    if client.app is None or not actor.signed_in:
        return
    slot = portal.apps.door.slots.get(client.app)
    gate = slot.gate if slot else portal.apps.door.gone.get(client.app)
    if gate is not None and (not gate.serves or gate.mode == "moved"):
        raise Refused("access_denied", "app-shut", app=client.app)
    manifest = portal.apps.manifest(client.app)
    if manifest is None:
        return
    try:
        enterable(manifest, actor, portal.services.database.clock())
    except Denied:
        raise Refused("access_denied", "app-not-granted", app=client.app) from None


def count(portal: Portal, request: AnyRequest, client: Client) -> None:
    """Count a sign-in as use of the app: a request of its own feature, and no open besides the
    launch that may have led to it. Of the person only that there was one is kept."""
    slot = portal.apps.door.slots.get(client.app or "")
    if slot is None:
        return
    scope: Any = request.scope
    actor, channel, services = actor_of(request), scope["yimen"].channel, portal.services
    services.usage.count(slot.app.id, FEATURE, actor.organization_id, channel, "answered")
    services.visits.opened(slot.app.id, slot.instance.rules, actor, channel)

"""How far an administrator's permission goes: the one check of what they see of people, posts
and organizations, and of what they do to them. It asks with the permission that the route was
allowed by. What is out of sight looks absent; what is seen and not in reach is refused by name.
"""

from datetime import datetime
from uuid import UUID

from core.access import granting
from core.access.scope import within
from core.database import Transaction
from plugin_sdk.data import Within
from plugin_sdk.problems import Denied, NotFound
from plugin_sdk.routes import actor_of
from portal.pages.context import AnyRequest


def seen(request: AnyRequest, now: datetime) -> Within | None:
    """Return the condition for what belongs to the organizations in reach, None: everything."""
    actor = actor_of(request)
    return within(actor, actor.permits_for(actor.permission, now))


def need_everything(tx: Transaction, request: AnyRequest) -> None:
    """Raise `Denied` unless everything is in reach: what follows is of the whole hub."""
    actor = actor_of(request)
    if not granting.everywhere(actor, actor.permission, tx.now):
        raise Denied(actor.permission, reason="out-of-scope")


async def is_seen(tx: Transaction, request: AnyRequest, person_id: UUID) -> bool:
    """Return whether a post of the person is in reach, or everything is."""
    actor = actor_of(request)
    return await granting.sees_person(tx, actor, person_id, actor.permission)


async def need_sight(tx: Transaction, request: AnyRequest, person_id: UUID) -> None:
    """Raise `NotFound` unless the person is seen."""
    if not await is_seen(tx, request, person_id):
        raise NotFound


async def need_units(
    tx: Transaction, request: AnyRequest, *units: UUID, deep: bool = False
) -> None:
    """Raise `Denied` unless the organizations (`deep`: and all below them) are in reach."""
    actor = actor_of(request)
    if not await granting.reaches(tx, actor, actor.permission, units, deep=deep):
        raise Denied(actor.permission, reason="out-of-scope")


async def need_post(tx: Transaction, request: AnyRequest, post_id: UUID) -> None:
    """Raise `NotFound` unless the organization of a post is in reach."""
    actor = actor_of(request)
    if not await granting.reaches_post(tx, actor, post_id, actor.permission):
        raise NotFound


async def need_person(tx: Transaction, request: AnyRequest, person_id: UUID) -> None:
    """Raise `Denied` unless every post of a person is in reach, `NotFound` where none is;
    somebody without one is in reach of those alone whose grant reaches everything."""
    actor = actor_of(request)
    await need_sight(tx, request, person_id)
    if not await granting.reaches_person(tx, actor, person_id, actor.permission):
        raise Denied(actor.permission, reason="out-of-scope")

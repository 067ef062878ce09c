"""How far an administrator's permission goes: the one check of what they do to people, posts
and organizations. It asks with the permission that the route was allowed by."""

from uuid import UUID

from core.access import granting
from core.database import Transaction
from plugin_sdk.problems import Denied
from plugin_sdk.routes import actor_of
from portal.pages.context import AnyRequest


async def need_units(
    tx: Transaction, request: AnyRequest, *units: UUID, deep: bool = False
) -> None:
    """Raise `Denied` unless the organizations (`deep`: and all below them) are in reach."""
    actor = actor_of(request)
    if not await granting.reaches(tx, actor, actor.permission, units, deep=deep):
        raise Denied(actor.permission, reason="out-of-scope")


async def need_post(tx: Transaction, request: AnyRequest, post_id: UUID) -> None:
    """Raise `Denied` unless the organization of a post is in reach."""
    actor = actor_of(request)
    if not await granting.reaches_post(tx, actor, post_id, actor.permission):
        raise Denied(actor.permission, reason="out-of-scope")


async def need_person(tx: Transaction, request: AnyRequest, person_id: UUID) -> None:
    """Raise `Denied` unless every post of a person is in reach; somebody without one is in
    reach of those alone whose grant reaches everything."""
    actor = actor_of(request)
    if not await granting.reaches_person(tx, actor, person_id, actor.permission):
        raise Denied(actor.permission, reason="out-of-scope")

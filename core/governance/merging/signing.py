"""Who may sign: not the owner of the app, who would grade itself."""

from collections.abc import Iterable
from uuid import UUID

import msgspec

from core.database import Transaction
from core.identity import people
from core.identity.organizations import by_code
from plugin_sdk.ports import Actor
from plugin_sdk.problems import Problem


class Signature(msgspec.Struct, frozen=True):
    """Who signed, under the name that they had then."""

    person_id: UUID
    name: str


async def signature(tx: Transaction, actor: Actor, owner: str) -> Signature:
    """Return the signature of a person who may sign away what an app of `owner` (the code of its
    unit) does. Raises `Problem` (403, `merge-owner-signs`) where one whose act it is holds a post
    in that unit, and for an act that is no person's own (`merge-nobody-signs`)."""
    if actor.person_id is None or actor.agent is not None or actor.delegation is not None:
        raise Problem("merge-nobody-signs", status=403)
    unit = await by_code(tx, owner)
    posts = await people.posts(tx, [actor.person_id])
    if unit is not None and any(post.organization_id == unit.id for post in posts):
        raise Problem("merge-owner-signs", status=403)
    names = await people.names(tx, [actor.person_id])
    return Signature(actor.person_id, names[actor.person_id])


async def signers(tx: Transaction, ids: Iterable[UUID | None]) -> dict[UUID, str]:
    """Return the names of who checked."""
    return await people.names(tx, [id for id in ids if id is not None])

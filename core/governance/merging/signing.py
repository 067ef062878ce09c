"""Who may sign: not the owner of the app, who would grade itself."""

from collections.abc import Iterable
from uuid import UUID

import msgspec

from core.database import Transaction
from core.governance.lifecycle.hands import need_other_hands
from core.governance.register import OwnerFacts
from core.identity import people
from plugin_sdk.ports import Actor
from plugin_sdk.problems import Problem


class Signature(msgspec.Struct, frozen=True):
    """Who signed, under the name that they had then."""

    person_id: UUID
    name: str


async def signature(tx: Transaction, actor: Actor, owner: OwnerFacts) -> Signature:
    """Return the signature of a person who may sign away what an app of `owner` does. Raises
    `OwnerDecides` for one who answers for the app, and `Problem` (403, `merge-nobody-signs`) for
    an act that is no person's own."""
    if actor.person_id is None or actor.agent is not None or actor.delegation is not None:
        raise Problem("merge-nobody-signs", status=403)
    await need_other_hands(tx, actor, owner.code, owner.name)
    names = await people.names(tx, [actor.person_id])
    return Signature(actor.person_id, names[actor.person_id])


async def signers(tx: Transaction, ids: Iterable[UUID | None]) -> dict[UUID, str]:
    """Return the names of who checked."""
    return await people.names(tx, [id for id in ids if id is not None])

"""What oversight knows of the hub that it stands in: the policy, the register, and who belongs to
the owner of an app. All is read in the transaction of the unit of work that asks."""

from collections.abc import Collection
from typing import cast
from uuid import UUID

import msgspec
from sqlalchemy import ColumnElement, select
from sqlmodel import col

from core.access.holding import delegation_in_force, post_in_force
from core.access.models import Delegation
from core.database import Transaction
from core.governance.lifecycle.models import Standing
from core.governance.policy import Policy, PolicyError
from core.governance.register import RegisterEntry
from core.governance.service import Governance, NoPolicy
from core.hub import AppHub
from core.hub.unit import Unit
from core.identity.models import OrganizationClosure, Person, Post
from plugin_sdk.manifest_model import Manifest
from plugin_sdk.ports import Hub, Read
from plugin_sdk.problems import Problem


def tx_of(read: Read) -> Transaction:
    """Return the transaction that a unit of work is."""
    return cast("Unit", read).tx


def policy_of(hub: Hub) -> Policy:
    """Return the policy in force. Raises `Problem` (503) without one: nothing can be reviewed."""
    try:
        return _governance(hub, ()).policy()
    except NoPolicy:
        raise Problem("no-policy", status=503) from None
    except PolicyError:
        raise Problem("faulty-policy", status=503) from None


async def register_of(hub: Hub, read: Read) -> dict[str, RegisterEntry]:
    """Return the register by app: what each app last ran with, and those beyond the door."""
    tx = tx_of(read)
    kept = await tx.session.execute(
        select(col(Standing.manifest)).where(col(Standing.manifest).is_not(None))
    )
    manifests = [msgspec.convert(one, Manifest, strict=False) for one in kept.scalars() if one]
    return await _governance(hub, manifests).register(tx)


def _governance(hub: Hub, manifests: Collection[Manifest]) -> Governance:
    services = cast("AppHub", hub).services
    return Governance(services.database, services.settings.grants, lambda: manifests)


async def any_belongs(read: Read, people: Collection[UUID], organization_id: UUID) -> bool:
    """Return whether one of the people holds a post in an organization or below it, their own or
    one that was handed over to them."""
    way = OrganizationClosure
    below = (
        select(col(Post.id))
        .join(Person, col(Person.id) == col(Post.person_id))
        .join(way, col(way.descendant_id) == col(Post.organization_id))
        .where(col(way.ancestor_id) == organization_id, post_in_force(read.now))
    )

    async def holds(posts: ColumnElement[bool]) -> bool:
        found = await tx_of(read).session.execute(below.where(posts).limit(1))
        return found.first() is not None

    handed = select(col(Delegation.post_id)).where(
        col(Delegation.person_id).in_(people), delegation_in_force(read.now)
    )
    return await holds(col(Post.person_id).in_(people)) or await holds(col(Post.id).in_(handed))

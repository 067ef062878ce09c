"""What oversight knows of the hub that it stands in: the policy, the register, and who answers for
an app. All is read in the transaction of the unit of work that asks."""

from collections.abc import Collection
from typing import cast
from uuid import UUID

from core.database import Transaction
from core.governance.lifecycle.hands import answers_for
from core.governance.lifecycle.service import kept_manifests
from core.governance.policy import Policy, PolicyError
from core.governance.register import RegisterEntry
from core.governance.service import Governance, NoPolicy
from core.hub import AppHub
from core.hub.unit import Unit
from core.identity.organizations import organization
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
    manifests = await kept_manifests(tx, ())
    return await _governance(hub, manifests.values()).register(tx)


def _governance(hub: Hub, manifests: Collection[Manifest]) -> Governance:
    services = cast("AppHub", hub).services
    return Governance(services.database, services.settings.grants, lambda: manifests)


async def is_owners(read: Read, organization_id: UUID) -> bool:
    """Return whether an act would be that of the organization which owns an app: done by, or for,
    somebody who holds a post there."""
    owner = await organization(tx_of(read), organization_id)
    return owner is not None and await answers_for(tx_of(read), read.actor, owner.code)

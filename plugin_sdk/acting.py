"""Acting for another: in somebody's post (委托), or for a resident (代办)."""

from datetime import datetime
from uuid import UUID

import msgspec


class Delegated(msgspec.Struct, frozen=True, kw_only=True):
    """Whose post one acts in, by which delegation, with which of its roles (none named: all),
    and until when."""

    id: UUID
    person_id: UUID
    name: str
    until: datetime
    roles: tuple[str, ...] = ()


class Agent(msgspec.Struct, frozen=True, kw_only=True):
    """Who acts for a resident, by which consent, in which apps or permissions, until when.

    The actor is then the resident; the record names the agent as the one who did it.
    """

    consent_id: UUID
    person_id: UUID
    name: str
    post_id: UUID
    organization_id: UUID
    organization_name: str
    scope: tuple[str, ...]
    until: datetime

    def covers(self, permission: str) -> bool:
        """Return whether the consent reaches a full permission key (`hotline.order.file`)."""
        return permission in self.scope or permission.partition(".")[0] in self.scope

    @property
    def apps(self) -> tuple[str, ...]:
        """Return the apps that the consent reaches in whole."""
        return tuple(item for item in self.scope if "." not in item)

"""Domain events of access."""

import msgspec


class RolesChanged(msgspec.Struct, frozen=True):
    """The roles of an app carry other permissions: whatever is cached of anybody is stale."""

    app: str

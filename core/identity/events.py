"""Domain events of identity: other rooms act on them in the same transaction."""

from uuid import UUID

import msgspec


class SessionEnded(msgspec.Struct, frozen=True):
    """A sign-in has ended; whoever holds it decides nothing more."""

    session_id: str


class SessionRenewed(msgspec.Struct, frozen=True):
    """A session goes on under another secret; the one before is worth nothing any more."""

    session_id: str
    new_id: str


class TokenEnded(msgspec.Struct, frozen=True):
    """A token of a person was revoked (`digest`); no program acts by it any more."""

    digest: str


class PersonChanged(msgspec.Struct, frozen=True):
    """A person was disabled, enabled or renamed: what is cached of them is stale."""

    person_id: UUID


class PostEnded(msgspec.Struct, frozen=True):
    """A post has ended: its grants end, its open work is handed over, to a named successor or
    else to the unit."""

    post_id: UUID
    person_id: UUID
    organization_id: UUID
    successor_id: UUID | None = None


class PersonErased(msgspec.Struct, frozen=True):
    """A person who has left is erased: what names them, in any room, becomes a tombstone."""

    person_id: UUID


class TreeChanged(msgspec.Struct, frozen=True):
    """Organizations were moved, renamed or closed: what is cached of them is stale."""


class OrganizationClosed(msgspec.Struct, frozen=True):
    """An organization is no more: what waits for it waits for its successor."""

    organization_id: UUID
    successor_id: UUID | None

"""Who acts: a person in a post, in somebody else's (委托), or for a resident (代办)."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
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


class Bearer(msgspec.Struct, frozen=True, kw_only=True):
    """By which token a program acts (RFC 6750), as far as its scopes reach: a token of this
    person, or of an `application` that acts for itself. `hint` is its last characters;
    `changes` says whether this request may change anything."""

    digest: str
    hint: str
    scopes: tuple[str, ...]
    application: str = ""
    changes: bool


class Audience(StrEnum):
    """Whom an app or a permission is for."""

    STAFF = "staff"
    RESIDENT = "resident"
    ENTERPRISE = "enterprise"


class ScopeKind(StrEnum):
    """How far a grant reaches."""

    OWN = "own"  # rows of the person
    ORGANIZATION = "organization"  # rows of the post's organization
    SUBTREE = "subtree"  # and of all below it
    ALL = "all"
    NAMED = "named"  # the organizations the grant names


class Permit(msgspec.Struct, frozen=True):
    """One grant as a decision sees it: the permission's reach, and until when."""

    grant: str
    role: str
    scope: ScopeKind
    organizations: tuple[UUID, ...] = ()
    starts: datetime | None = None
    ends: datetime | None = None

    def in_force(self, now: datetime) -> bool:
        """Return whether the grant holds at `now`."""
        return (self.starts is None or self.starts <= now) and (
            self.ends is None or now < self.ends
        )


class Actor(msgspec.Struct, frozen=True, kw_only=True):
    """Who acts: a person in one post, or a visitor (`person_id` None), or the system.

    `permits` maps full permission keys (`hotline.order.read`) to the grants behind them; the
    `permission` is what the present route was allowed by. A `delegation` says that the post is
    another's, an `agent` that they act for this resident. The session began at `signed_in_at`;
    `proofs` (RFC 8176) were shown last at `proved_at`. A `public_computer` (公用电脑) keeps
    nothing. With a `bearer` it is no session but a program with a token; an application that
    acts for itself is no person.
    """

    person_id: UUID | None = None
    name: str = ""
    audience: Audience = Audience.RESIDENT
    post_id: UUID | None = None
    post_title: str = ""
    organization_id: UUID | None = None
    organization_name: str = ""
    organization_code: str = ""
    permits: Mapping[str, tuple[Permit, ...]] = {}
    session_id: str | None = None
    csrf: str = ""
    proofs: frozenset[str] = frozenset()
    proved_at: datetime | None = None
    signed_in_at: datetime | None = None
    revocation: int = 0
    permission: str = ""
    system: bool = False
    language: str = "zh-CN"
    elder: bool = False
    public_computer: bool = False
    loaded_at: datetime | None = None
    delegation: Delegated | None = None
    agent: Agent | None = None
    bearer: Bearer | None = None
    owes_password: bool = False

    @property
    def signed_in(self) -> bool:
        """Return whether this is a person who signed in."""
        return self.person_id is not None

    @property
    def real_person_id(self) -> UUID | None:
        """Return who sits there: the agent where one acts for this person."""
        return self.agent.person_id if self.agent else self.person_id

    @property
    def hands(self) -> frozenset[UUID]:
        """Return all whose act this is: the person, their agent, the one who delegated."""
        others = (other.person_id for other in (self.agent, self.delegation) if other)
        return frozenset((*others, *([self.person_id] if self.person_id else ())))

    @property
    def seat(self) -> str:
        """Return as what one acts, as forms carry it: consent, delegation or post."""
        if self.agent is not None:
            return str(self.agent.consent_id)
        return str(self.delegation.id if self.delegation else self.post_id or "")

    def permits_for(self, permission: str, now: datetime) -> tuple[Permit, ...]:
        """Return the grants in force for a full permission key, none if it is not held."""
        return tuple(p for p in self.permits.get(permission, ()) if p.in_force(now))

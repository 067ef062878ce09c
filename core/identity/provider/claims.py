"""What a client is told of a person: the subject, and claims (OpenID Connect Core, section 5)."""

import base64
import hmac
from collections.abc import Collection, Iterable, Mapping
from hashlib import sha256
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select
from sqlmodel import col

from core.database import Transaction
from core.identity.models import LegacyUser, OrganizationRow, Person, Post
from core.identity.provider.models import Client
from core.identity.signing_in import Proof

ONE: Final = "urn:yimen:acr:one-factor"
TWO: Final = "urn:yimen:acr:two-factors"
ACR_VALUES: Final = (TWO, ONE)
"""How well somebody proved who they are, the best first: by two different factors or by one
(authenticator assurance levels 2 and 1 of NIST SP 800-63B-4)."""
ZONE: Final = "Asia/Shanghai"


class Subjects:
    """Makes the subjects of one hub: a person's id, or for a pairwise client what cannot be told
    from that of another sector (Core, section 8.1)."""

    def __init__(self, secret: bytes) -> None:
        self._key = hmac.new(secret, b"yimen pairwise subjects", sha256).digest()

    def of(self, client: Client, person_id: UUID) -> str:
        """Return what a client knows a person by, always the same."""
        if client.subjects != "pairwise":
            return str(person_id)
        told = f"{client.sector}|{person_id}".encode()
        made = hmac.new(self._key, told, sha256).digest()
        return base64.urlsafe_b64encode(made).decode().rstrip("=")


def acr_of(proofs: Iterable[str]) -> str:
    """Return the class of what was proved."""
    return TWO if Proof.TWO in set(proofs) else ONE


def acr_meets(proofs: Iterable[str], wanted: Collection[str]) -> bool:
    """Return whether what was proved is of one of the classes wanted; two factors are one too."""
    got = acr_of(proofs)
    return got in wanted or (got == TWO and ONE in wanted)


async def of_person(
    tx: Transaction, client: Client, person_id: UUID, names: Collection[str]
) -> dict[str, Any]:
    """Return those of the named claims of a person that the hub knows; what it does not know is
    left out (Core, section 5.3.2)."""
    row = Person
    found = await tx.session.execute(
        select(col(row.name), col(row.username), col(row.language), col(row.phone)).where(
            col(row.id) == person_id
        )
    )
    name, username, language, phone = found.one()
    known: dict[str, Any] = {
        "name": name,
        "preferred_username": username,
        "locale": language,
        "zoneinfo": ZONE,
        "phone_number": phone,
    }
    if "posts" in names:
        known["posts"] = await _posts(tx, person_id)
    if "legacy_id" in names and client.app:
        known["legacy_id"] = await _legacy_id(tx, client.app, person_id)
    return {key: value for key, value in known.items() if key in names and value is not None}


def wanted(claims: Mapping[str, Any], place: str, most: Collection[str]) -> dict[str, Any]:
    """Return the claims that the claims parameter asks for in a place (`userinfo`, `id_token`),
    as far as the client may have them (Core, section 5.5)."""
    asked = claims.get(place) or {}
    return {name: how for name, how in asked.items() if name in most}


async def _posts(tx: Transaction, person_id: UUID) -> list[dict[str, str]]:
    found = await tx.session.execute(
        select(col(OrganizationRow.code), col(OrganizationRow.name), col(Post.title))
        .join(OrganizationRow, col(OrganizationRow.id) == col(Post.organization_id))
        .where(
            col(Post.person_id) == person_id,
            col(Post.starts_at) <= tx.now,
            col(Post.ends_at).is_(None) | (col(Post.ends_at) > tx.now),
        )
        .order_by(col(Post.starts_at), col(Post.id))
    )
    return [{"code": code, "organization": name, "title": title} for code, name, title in found]


async def _legacy_id(tx: Transaction, system: str, person_id: UUID) -> str | None:
    found = await tx.session.execute(
        select(col(LegacyUser.legacy_id))
        .where(col(LegacyUser.system) == system, col(LegacyUser.person_id) == person_id)
        .order_by(col(LegacyUser.legacy_id))
        .limit(1)
    )
    return found.scalar_one_or_none()

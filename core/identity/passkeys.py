"""Passkeys (Web Authentication): registered, and asked to sign a challenge.

A challenge is written down when it is made and deleted by whoever answers it, so that each is
answered once, within its time, for what and by whom it was made. A counter that does not rise
tells of a copied key (section 6.1.1 of the standard): it is refused.
"""

import hashlib
import os
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import UUID

import msgspec
from cryptography.exceptions import InvalidSignature
from fido2 import cbor
from fido2.cose import CoseKey
from fido2.server import Fido2Server
from fido2.utils import websafe_decode, websafe_encode
from fido2.webauthn import (
    AuthenticationResponse,
    AuthenticatorData,
    CollectedClientData,
    PublicKeyCredentialDescriptor,
    PublicKeyCredentialRpEntity,
    PublicKeyCredentialType,
    PublicKeyCredentialUserEntity,
    RegistrationResponse,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)
from sqlalchemy import delete, select, update
from sqlmodel import col

from core.database import Transaction
from core.identity.models import Challenge, Passkey, Person
from core.identity.signing_in import FactorError
from plugin_sdk.data import new_id

CHALLENGE_LIFE: Final = timedelta(minutes=5)
MOST: Final = 10
LOOPBACK: Final = ("127.0.0.1", "::1")


class PasskeyFacts(msgspec.Struct, frozen=True):
    """A passkey as it is listed."""

    id: UUID
    name: str
    created_at: datetime
    used_at: datetime | None


class Proved(msgspec.Struct, frozen=True):
    """Whose passkey signed, and whether it asked for the person (a PIN, a finger, a face)."""

    person_id: UUID
    verified: bool


class _Known(msgspec.Struct, frozen=True):
    id: UUID
    person_id: UUID
    public_key: str


class Passkeys:
    """The passkeys of one hub, by the address people open: they hold for no other."""

    def __init__(self, public_url: str, name: str) -> None:
        parts = urlsplit(public_url)
        host = parts.hostname or ""
        self.rp_id = "localhost" if host in LOOPBACK else host
        default = {"http": 80, "https": 443}[parts.scheme]
        port = "" if parts.port in (None, default) else f":{parts.port}"
        self.origin = f"{parts.scheme}://{self.rp_id}{port}"
        self._server = Fido2Server(PublicKeyCredentialRpEntity(id=self.rp_id, name=name))

    @property
    def possible(self) -> bool:
        """Return whether the hub has a name: passkeys hold for names, not for IP addresses."""
        try:
            ip_address(self.rp_id)
        except ValueError:
            return True
        return False

    async def to_register(
        self, tx: Transaction, person_id: UUID, username: str, name: str
    ) -> dict[str, Any]:
        """Return what a browser needs to make a passkey for a person (WebAuthn's JSON).

        Raises `FactorError` for one who has as many as there may be.
        """
        held = await _credentials(tx, person_id)
        if len(held) >= MOST:
            raise FactorError("passkey-many")
        challenge = await _challenge(tx, "register", person_id)
        options, _ = self._server.register_begin(
            PublicKeyCredentialUserEntity(id=person_id.bytes, name=username, display_name=name),
            held,
            resident_key_requirement=ResidentKeyRequirement.PREFERRED,
            user_verification=UserVerificationRequirement.PREFERRED,
            challenge=challenge,
        )
        return dict(options)["publicKey"]  # type: ignore[no-any-return]  # fido2 types it loosely

    async def to_sign(
        self, tx: Transaction, purpose: str, person_id: UUID | None = None
    ) -> dict[str, Any]:
        """Return what a browser needs to ask a passkey: one of the person's, or (nobody is
        known yet) any that names its person and asks for them."""
        held = await _credentials(tx, person_id) if person_id else None
        verification = (
            UserVerificationRequirement.PREFERRED
            if person_id
            else UserVerificationRequirement.REQUIRED
        )
        challenge = await _challenge(tx, purpose, person_id)
        options, _ = self._server.authenticate_begin(held, verification, challenge=challenge)
        return dict(options)["publicKey"]  # type: ignore[no-any-return]  # fido2 types it loosely

    async def take_challenge(
        self, tx: Transaction, purpose: str, person_id: UUID | None, answer: Mapping[str, Any]
    ) -> bytes:
        """Return the challenge that is answered, which is then used up: commit that, whatever
        the answer is worth. Raises `FactorError` for one that is stale, used or another's."""
        challenge = _client_data(answer).challenge
        mine = col(Challenge.person_id) == person_id
        taken = await tx.session.execute(
            delete(Challenge)
            .where(
                col(Challenge.digest) == hashlib.sha256(challenge).hexdigest(),
                col(Challenge.purpose) == purpose,
                col(Challenge.person_id).is_(None) if person_id is None else mine,
                col(Challenge.expires_at) > tx.now,
            )
            .returning(col(Challenge.digest))
        )
        if taken.first() is None:
            raise FactorError("passkey-stale")
        return challenge

    async def register(
        self,
        tx: Transaction,
        person_id: UUID,
        challenge: bytes,
        answer: Mapping[str, Any],
        name: str,
    ) -> bool:
        """Keep a new passkey; return whether it asked for the person. Raises `FactorError`."""
        try:
            made = RegistrationResponse.from_dict(answer)
            data = made.response.attestation_object.auth_data
        except Exception:  # whatever a decoder raises for bytes that are no passkey's
            raise FactorError("passkey-malformed") from None
        self._check(made.response.client_data, "webauthn.create", challenge, data)
        credential = data.credential_data
        if credential is None:
            raise FactorError("passkey-malformed")
        id = websafe_encode(credential.credential_id)
        there = await tx.session.execute(
            select(col(Passkey.id)).where(col(Passkey.credential_id) == id)
        )
        if there.first() is not None:
            raise FactorError("passkey-held")
        if len(await _credentials(tx, person_id)) >= MOST:
            raise FactorError("passkey-many")
        tx.session.add(
            Passkey(
                id=new_id(),
                person_id=person_id,
                credential_id=id,
                public_key=websafe_encode(cbor.encode(dict(credential.public_key))),
                sign_count=data.counter,
                name=name,
                transports=_transports(answer),
                created_at=tx.now,
                used_at=tx.now,
            )
        )
        await tx.session.flush()
        return data.is_user_verified()

    async def prove(
        self,
        tx: Transaction,
        person_id: UUID | None,
        challenge: bytes,
        answer: Mapping[str, Any],
    ) -> Proved:
        """Return who signed the challenge. Without a person the passkey names its own, and must
        have asked for them. Raises `FactorError`."""
        try:
            given = AuthenticationResponse.from_dict(answer)
            data = given.response.authenticator_data
        except Exception:  # whatever a decoder raises for bytes that are no passkey's
            raise FactorError("passkey-malformed") from None
        self._check(given.response.client_data, "webauthn.get", challenge, data)
        known = await _known(tx, websafe_encode(given.raw_id))
        if known is None:
            raise FactorError("passkey-unknown")
        if person_id not in (None, known.person_id):
            raise FactorError("passkey-other")
        named = given.response.user_handle
        if (named or person_id is None) and named != known.person_id.bytes:
            raise FactorError("passkey-other")
        if person_id is None and not data.is_user_verified():
            raise FactorError("passkey-unverified")
        try:
            key = CoseKey.parse(cbor.decode(websafe_decode(known.public_key)))  # type: ignore[arg-type]  # any CBOR
            key.verify(data + given.response.client_data.hash, given.response.signature)
        except InvalidSignature:
            raise FactorError("passkey-signature") from None
        await _count(tx, known.id, data.counter)
        return Proved(known.person_id, data.is_user_verified())

    def _check(
        self, client: CollectedClientData, kind: str, challenge: bytes, data: AuthenticatorData
    ) -> None:
        if client.type != kind or client.challenge != challenge:
            raise FactorError("passkey-stale")
        if client.origin != self.origin or client.cross_origin:
            raise FactorError("passkey-origin")
        if data.rp_id_hash != hashlib.sha256(self.rp_id.encode()).digest():
            raise FactorError("passkey-origin")
        if not data.is_user_present():
            raise FactorError("passkey-unverified")


async def passkeys_of(tx: Transaction, person_id: UUID) -> list[PasskeyFacts]:
    """Return the passkeys of a person, oldest first."""
    found = await tx.session.execute(
        select(col(Passkey.id), col(Passkey.name), col(Passkey.created_at), col(Passkey.used_at))
        .where(col(Passkey.person_id) == person_id)
        .order_by(col(Passkey.id))
    )
    return [PasskeyFacts(*row) for row in found]


async def remove(tx: Transaction, person_id: UUID, id: UUID | None = None) -> int:
    """Remove a passkey of a person, or all of them; return how many were removed."""
    statement = delete(Passkey).where(col(Passkey.person_id) == person_id)
    if id is not None:
        statement = statement.where(col(Passkey.id) == id)
    return len((await tx.session.execute(statement.returning(col(Passkey.id)))).all())


async def rename(tx: Transaction, person_id: UUID, id: UUID, name: str) -> bool:
    """Give a passkey of a person another name; return whether there is one."""
    found = await tx.session.execute(
        update(Passkey)
        .where(col(Passkey.person_id) == person_id, col(Passkey.id) == id)
        .values(name=name)
        .returning(col(Passkey.id))
    )
    return found.first() is not None


async def tidy(tx: Transaction) -> None:
    """Forget challenges that nobody answered."""
    await tx.session.execute(delete(Challenge).where(col(Challenge.expires_at) < tx.now))


async def _challenge(tx: Transaction, purpose: str, person_id: UUID | None) -> bytes:
    challenge = os.urandom(32)
    tx.session.add(
        Challenge(
            digest=hashlib.sha256(challenge).hexdigest(),
            purpose=purpose,
            person_id=person_id,
            expires_at=tx.now + CHALLENGE_LIFE,
        )
    )
    await tx.session.flush()
    return challenge


async def _credentials(tx: Transaction, person_id: UUID) -> Sequence[PublicKeyCredentialDescriptor]:
    found = await tx.session.execute(
        select(col(Passkey.credential_id), col(Passkey.transports)).where(
            col(Passkey.person_id) == person_id
        )
    )
    return [
        PublicKeyCredentialDescriptor.from_dict(
            {
                "type": PublicKeyCredentialType.PUBLIC_KEY,
                "id": id,
                "transports": transports or None,
            }
        )
        for id, transports in found
    ]


async def _known(tx: Transaction, credential_id: str) -> _Known | None:
    found = await tx.session.execute(
        select(col(Passkey.id), col(Passkey.person_id), col(Passkey.public_key))
        .join(Person, col(Person.id) == col(Passkey.person_id))
        .where(col(Passkey.credential_id) == credential_id, col(Person.disabled_at).is_(None))
    )
    row = found.first()
    return _Known(*row) if row else None


async def _count(tx: Transaction, id: UUID, counter: int) -> None:
    """Take note of a passkey's counter. Raises `FactorError` for one that does not rise; most
    passkeys that are kept on several devices have none, and say 0."""
    before = col(Passkey.sign_count)
    counted = await tx.session.execute(
        update(Passkey)
        .where(col(Passkey.id) == id, before < counter if counter else before == 0)
        .values(sign_count=counter, used_at=tx.now)
        .returning(col(Passkey.id))
        .execution_options(synchronize_session=False)
    )
    if counted.first() is None:
        raise FactorError("passkey-rolled-back")


def _client_data(answer: Mapping[str, Any]) -> CollectedClientData:
    try:
        return CollectedClientData(websafe_decode(answer["response"]["clientDataJSON"]))
    except Exception:  # whatever a decoder raises for bytes that are no passkey's
        raise FactorError("passkey-malformed") from None


def _transports(answer: Mapping[str, Any]) -> list[str]:
    given = answer.get("response", {}).get("transports") or []
    known = {"usb", "nfc", "ble", "hybrid", "internal", "smart-card"}
    return sorted(known.intersection(item for item in given if isinstance(item, str)))

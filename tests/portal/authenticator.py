"""A passkey in software, that answers as browsers do (WebAuthn's JSON), and lies where asked."""

import json
import os

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from fido2.cose import ES256
from fido2.utils import sha256, websafe_decode, websafe_encode
from fido2.webauthn import (
    AttestationObject,
    AttestedCredentialData,
    AuthenticatorData,
    CollectedClientData,
)

ORIGIN = "http://localhost"
FLAG = AuthenticatorData.FLAG


class Authenticator:
    """One passkey: its key, its counter, whose it is."""

    def __init__(self, *, counts: bool = True) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.id = os.urandom(16)
        self.counts = counts
        self.counter = 0
        self.user = b""

    def make(self, options, *, origin=ORIGIN, rp_id="localhost"):
        """Return the answer to `navigator.credentials.create`."""
        self.user = websafe_decode(options["user"]["id"])
        client = CollectedClientData.create("webauthn.create", options["challenge"], origin)
        public = ES256.from_cryptography_key(self.key.public_key())
        credential = AttestedCredentialData.create(bytes(16), self.id, public)
        data = AuthenticatorData.create(
            sha256(rp_id.encode()), FLAG.UP | FLAG.UV | FLAG.AT, self._count(), credential
        )
        made = AttestationObject.create("none", data, {})
        return self._answer(client, attestationObject=made, transports=["internal"])

    def sign(self, options, *, origin=ORIGIN, rp_id="localhost", verified=True, user=None):
        """Return the answer to `navigator.credentials.get`."""
        client = CollectedClientData.create("webauthn.get", options["challenge"], origin)
        flags = FLAG.UP | (FLAG.UV if verified else 0)
        data = AuthenticatorData.create(sha256(rp_id.encode()), flags, self._count())
        return self._answer(
            client,
            authenticatorData=data,
            signature=self.key.sign(data + client.hash, ec.ECDSA(SHA256())),
            userHandle=self.user if user is None else user,
        )

    def _count(self):
        self.counter += self.counts
        return self.counter

    def _answer(self, client, *, transports=None, **parts):
        response = {"clientDataJSON": client, **parts}
        written = {name: websafe_encode(bytes(part)) for name, part in response.items()}
        if transports:
            written["transports"] = transports
        id = websafe_encode(self.id)
        answer = {"id": id, "rawId": id, "type": "public-key", "response": written}
        return json.dumps({**answer, "clientExtensionResults": {}})

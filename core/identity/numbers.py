"""Identity numbers at rest: encrypted, and found again by a keyed blind index.

Both keys come from the hub's secret (HKDF, RFC 5869), one for each purpose. The digest tells
whether two numbers are the same and nothing else; without the key it cannot be tried out,
which a plain hash of so few digits could be.
"""

import base64
import hashlib
import hmac
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

VERSION = "1"
NONCE_BYTES = 12


class SealBroken(Exception):
    """What was sealed cannot be opened: it was changed, or sealed with another secret."""


class Numbers:
    """Seals texts and makes their digests, with keys of one hub."""

    def __init__(self, secret: bytes) -> None:
        self._cipher = AESGCM(_key(secret, b"yimen identity numbers: seal"))
        self._index = _key(secret, b"yimen identity numbers: blind index")

    def seal(self, text: str, owner: str) -> str:
        """Return the text encrypted for its owner (AES-256-GCM): elsewhere it cannot be opened."""
        nonce = os.urandom(NONCE_BYTES)
        sealed = self._cipher.encrypt(nonce, text.encode(), owner.encode())
        return f"{VERSION}.{base64.b64encode(nonce + sealed).decode()}"

    def open(self, sealed: str, owner: str) -> str:
        """Return what was sealed. Raises `SealBroken`."""
        version, _, body = sealed.partition(".")
        if version != VERSION:
            raise SealBroken
        try:
            data = base64.b64decode(body, validate=True)
            opened = self._cipher.decrypt(data[:NONCE_BYTES], data[NONCE_BYTES:], owner.encode())
        except (InvalidTag, ValueError):
            raise SealBroken from None
        return opened.decode()

    def digest(self, number: str) -> str:
        """Return the blind index of a normalized number (HMAC-SHA-256, hexadecimal)."""
        return hmac.new(self._index, number.encode(), hashlib.sha256).hexdigest()

    def index(self, app: str, number: str) -> str:
        """Return what one app may keep in place of a normalized number: another for each app."""
        return self.index_of(app, self.digest(number))

    def index_of(self, app: str, digest: str) -> str:
        """Return the same from the number's digest, for which nothing has to be opened."""
        return hmac.new(self._index, f"{app}:{digest}".encode(), hashlib.sha256).hexdigest()


def _key(secret: bytes, purpose: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose).derive(secret)

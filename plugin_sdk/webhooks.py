"""What another system sends us by itself (webhooks): each message signed under a key that both
sides have, over its time, its nonce and its very bytes.

A signature holds for a few minutes. What is sent again within them is for its receiver to know;
whoever sends late signs anew.
"""

import hashlib
import hmac
import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import msgspec

SKEW: Final = timedelta(minutes=5)
"""How far the clock of a signature may be from ours."""
LARGEST: Final = 4096
LEAST_KEY: Final = 32


class Webhook(msgspec.Struct, frozen=True):
    """A kind of message; the names of its headers begin with its `name`."""

    name: str

    @property
    def headers(self) -> tuple[str, str, str]:
        """Return the names of the headers: of the time (seconds since 1970), of the nonce, and of
        the signature."""
        return f"{self.name}-timestamp", f"{self.name}-nonce", f"{self.name}-signature"

    def signed(
        self, key: bytes, said: msgspec.Struct, now: datetime, nonce: str
    ) -> tuple[dict[str, str], bytes]:
        """Return the headers and the body of a message."""
        body = msgspec.json.encode(said, order="deterministic")
        return self.sign(key, body, now, nonce), body

    def sign(self, key: bytes, body: bytes, now: datetime, nonce: str) -> dict[str, str]:
        """Return the headers of a body."""
        stamp = str(int(now.timestamp()))
        given = (stamp, nonce, signature(key, stamp, nonce, body))
        return dict(zip(self.headers, given, strict=True))

    def holds(self, key: bytes, headers: Mapping[str, Any], body: bytes, now: datetime) -> bool:
        """Return whether a message was signed under the key just now."""
        stamp, nonce, given = (str(headers.get(name, "")) for name in self.headers)
        named = stamp.isascii() and stamp.isdecimal() and len(stamp) <= 12
        if not named or not 8 <= len(nonce) <= 64 or len(body) > LARGEST:
            return False
        wanted = signature(key, stamp, nonce, body)
        if not hmac.compare_digest(wanted.encode(), given.encode()):
            return False
        return abs(int(stamp) - now.timestamp()) <= SKEW.total_seconds()


def signature(key: bytes, stamp: str, nonce: str, body: bytes) -> str:
    """Return the HMAC-SHA256 (RFC 2104) of a message: of its time, its nonce and its body."""
    said = b"\n".join((stamp.encode(), nonce.encode(), body))
    return hmac.new(key, said, hashlib.sha256).hexdigest()


def shared_key(named: str | None, own: Path) -> bytes:
    """Return the key in the file that a grant names, else the one that a simulated other side
    keeps in a file of the app's own. Raises `ValueError`."""
    return key_in(Path(named)) if named else kept_key(own)


def key_in(path: Path) -> bytes:
    """Return the key that the other side gave, from a file. Raises `ValueError`."""
    key = path.read_bytes().strip() if path.is_file() else b""
    if len(key) < LEAST_KEY:
        raise ValueError(f"the key file {path.name} lacks a key of {LEAST_KEY} characters")
    return key


def kept_key(path: Path) -> bytes:
    """Return the key in a file of the app's own, made there when it is the first time."""
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # written whole under another name first: a worker that starts beside never reads a part
        part = path.with_name(f"{path.name}.{secrets.token_hex(8)}.part")
        part.touch(mode=0o600)
        part.write_text(secrets.token_hex(32), encoding="ascii")
        with suppress(FileExistsError):
            os.link(part, path)
        part.unlink()
    return path.read_bytes()

"""Signed checkpoints outside the database: how much was sealed, and what its last seal was.

One JSON object a line, each signed with Ed25519 over its canonical form and holding the
digest of the line before, so that no line can be changed, taken out or put in. Kinds:

- `checkpoint`: `size` entries are sealed, `head` is the seal of the last;
- `cut`: entries before `first` are over (retention); `before` is the seal of the last of those;
- `resumed`: the record goes on at `size`, though more was signed: a backup was restored;
- `key`: from here on another key signs; both have signed this line.

Every line repeats what is in force: `size` and `head`, `first` and `before`.
"""

import base64
import contextlib
import fcntl
import hashlib
import json
import os
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from core.audit.canonical import GENESIS

CHECKPOINT: Final = "checkpoint"
CUT: Final = "cut"
RESUMED: Final = "resumed"
KEY: Final = "key"
KINDS: Final = (CHECKPOINT, CUT, RESUMED, KEY)
LONGEST_LINE: Final = 4096


class CheckpointError(Exception):
    """The checkpoints or their key cannot be used; the message says what to do."""


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the book. `number` is its place in the file, from 1; it is not written."""

    kind: str
    size: int
    head: str
    first: int
    before: str
    at: str
    key: str
    previous: str
    reason: str = ""
    next_key: str = ""
    number: int = 0

    def form(self) -> dict[str, Any]:
        """Return what is signed."""
        return {name: getattr(self, name) for name in self.__struct_fields__ if name != "number"}


class BadLine(msgspec.Struct, frozen=True):
    """A line that is not what the key has signed: forged, changed, moved or cut short.

    `why`: `form`, `signature`, `countersignature`, `order` (it does not follow the line before),
    `key` (one that no line introduced), `hub` (the last line is not signed with this hub's key).
    """

    number: int
    why: str


class Book:
    """The file of checkpoints of one hub and the key that signs them."""

    def __init__(self, path: Path, key_path: Path) -> None:
        self.path = path
        self.key_path = key_path

    def append(
        self,
        kind: str,
        *,
        size: int,
        head: str,
        now: datetime,
        cut: tuple[int, str] | None = None,
        reason: str = "",
        new_key: Ed25519PrivateKey | None = None,
    ) -> Line:
        """Sign and add a line, and return it once it is on the disk. A checkpoint of no more
        than was signed adds nothing: the last line is returned. `cut` is the new `first` and
        `before`.

        Blocking. Raises `CheckpointError` when the key is missing or does not fit the book.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(descriptor, "r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)  # let go when the file is closed
            _drop_torn(file)
            last, digest = _last(file)
            key = self._key(may_make=last is None)
            if last is not None and _public(key) != (last.next_key or last.key):
                key = self._promoted(last)
            if kind == CHECKPOINT and last is not None and size <= last.size:
                return last  # another sealer was quicker
            first, before = cut or ((last.first, last.before) if last else (1, GENESIS))
            line = Line(
                kind=kind,
                size=size,
                head=head,
                first=first,
                before=before,
                at=now.astimezone(UTC).isoformat(timespec="microseconds"),
                key=_public(key),
                previous=digest,
                reason=reason,
                next_key=_public(new_key) if new_key else "",
            )
            written = line.form() | {"signature": _sign(key, line)}
            if new_key is not None:
                written["countersignature"] = _sign(new_key, line)
            file.write(_json(written) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        return line

    def lines(self, *, trust: str | None = None) -> Iterator[Line | BadLine]:
        """Yield the lines, each checked: form, signature, and that it follows the one before.

        `trust` is the public key (base64) that must have signed the last line, else the one
        of this hub's key file. Blocking; holds one line at a time.
        """
        if not self.path.exists():
            return
        previous, number, wanted = GENESIS, 0, None
        last: Line | None = None
        with self.path.open("rb") as file:
            while raw := file.readline(LONGEST_LINE + 1):
                number += 1
                if not raw.endswith(b"\n") and len(raw) <= LONGEST_LINE:
                    break  # being written, or torn by a crash: the next to write drops it
                line = _read(raw, number)
                if isinstance(line, BadLine):
                    yield line
                elif line.previous != previous:
                    yield BadLine(number, "order")
                elif wanted is not None and line.key != wanted:
                    yield BadLine(number, "key")
                else:
                    yield line
                if isinstance(line, Line):
                    last, wanted = line, line.next_key or line.key
                previous = hashlib.sha256(raw).hexdigest()
        trust = trust or self.public_key()
        if last is not None and wanted != trust:
            yield BadLine(last.number, "hub")

    def public_key(self) -> str | None:
        """Return the public key (base64) of this hub's key, None when there is no key."""
        return _public(self._key(may_make=False)) if self.key_path.exists() else None

    def last(self) -> Line | None:
        """Return the last line as it stands. Raises `CheckpointError` when it is broken."""
        if not self.path.exists():
            return None
        with self.path.open("rb") as file:
            return _last(file)[0]

    def rotate(self, now: datetime) -> str:
        """Let a new key sign from now on; return it (public, base64). The old one is destroyed:
        what it has signed is checked with its public half, which the book holds.

        Raises `CheckpointError` when nothing was signed yet.
        """
        last = self.last()
        if last is None:
            raise CheckpointError("nothing is signed yet: the key is made with the first seal")
        fresh = Ed25519PrivateKey.generate()
        os.replace(_write_key(self.key_path, fresh), self._next)
        self.append(KEY, size=last.size, head=last.head, now=now, new_key=fresh)
        os.replace(self._next, self.key_path)
        return _public(fresh)

    @property
    def _next(self) -> Path:
        return self.key_path.with_name(f"{self.key_path.name}.next")

    def _promoted(self, last: Line) -> Ed25519PrivateKey:
        """End a rotation that was cut short after its line was written; return the key."""
        key = _load(self._next) if self._next.exists() else None
        if key is None or _public(key) != last.next_key:
            raise CheckpointError(
                f"{self.key_path.name} is not the key that signed {self.path.name}: bring back "
                "the one that was kept with it"
            )
        os.replace(self._next, self.key_path)
        return key

    def _key(self, *, may_make: bool) -> Ed25519PrivateKey:
        if not self.key_path.exists():
            if not may_make:
                raise CheckpointError(
                    f"{self.key_path.name}, the key that signs the record, is missing: bring back "
                    "the one that was kept"
                )
            self.key_path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            part = _write_key(self.key_path, Ed25519PrivateKey.generate())
            with contextlib.suppress(FileExistsError):
                os.link(part, self.key_path)
            part.unlink()
        return _load(self.key_path)


def _load(path: Path) -> Ed25519PrivateKey:
    try:
        key = load_pem_private_key(path.read_bytes(), None)
    except (ValueError, TypeError) as error:
        raise CheckpointError(f"{path.name} cannot be read as a key") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise CheckpointError(f"{path.name} must hold an Ed25519 key")
    return key


def _write_key(path: Path, key: Ed25519PrivateKey) -> Path:
    part = path.with_name(f"{path.name}.{secrets.token_hex(8)}.part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        file.flush()
        os.fsync(file.fileno())
    return part


def _public(key: Ed25519PrivateKey) -> str:
    raw = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return base64.b64encode(raw).decode()


def _sign(key: Ed25519PrivateKey, line: Line) -> str:
    return base64.b64encode(key.sign(_json(line.form()))).decode()


def _signed(public: str, signature: Any, line: Line) -> bool:
    try:
        key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public, validate=True))
        key.verify(base64.b64decode(str(signature), validate=True), _json(line.form()))
    except (InvalidSignature, ValueError):
        return False
    return True


def _read(raw: bytes, number: int) -> Line | BadLine:
    try:
        found = msgspec.json.decode(raw)
        signatures = [found.pop("signature"), found.pop("countersignature", "")]
        line = msgspec.convert(found | {"number": number}, Line)
        if raw[:-1] != _json({**line.form(), "signature": signatures[0]} | _counter(signatures[1])):
            return BadLine(number, "form")
    except (msgspec.MsgspecError, AttributeError, KeyError, TypeError, ValueError):
        return BadLine(number, "form")
    if line.kind not in KINDS or not _signed(line.key, signatures[0], line):
        return BadLine(number, "signature")
    if line.next_key and not _signed(line.next_key, signatures[1], line):
        return BadLine(number, "countersignature")
    return line


def _counter(signature: str) -> dict[str, str]:
    return {"countersignature": signature} if signature else {}


def _drop_torn(file: Any) -> None:
    """Take away a last line that a crash cut short: it was never acknowledged."""
    end = file.seek(0, os.SEEK_END)
    file.seek(max(0, end - LONGEST_LINE))
    tail = file.read()
    if tail and not tail.endswith(b"\n"):
        file.truncate(end - (len(tail) - (tail.rfind(b"\n") + 1)))


def _last(file: Any) -> tuple[Line | None, str]:
    """Return the last whole line and its digest."""
    end = file.seek(0, os.SEEK_END)
    file.seek(max(0, end - 2 * LONGEST_LINE))
    whole = file.read().split(b"\n")[:-1]
    if not whole:
        return None, GENESIS
    raw = whole[-1] + b"\n"
    line = _read(raw, 0)
    if isinstance(line, BadLine):
        raise CheckpointError(
            "the last checkpoint is not what was signed: run 'yimen audit verify'"
        )
    return line, hashlib.sha256(raw).hexdigest()


def _json(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()

"""Passwords at rest: argon2id, the same work and the same words whoever signs in.

What a new password must be stands in `core.identity.password_rules`; here are only the bounds
that hold whatever the rules: 8 characters, and 128, so that a megabyte of password costs nothing.
"""

import asyncio
import hashlib
import unicodedata
from functools import cache
from weakref import WeakKeyDictionary

import msgspec
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

LEAST = 8
MOST = 128

_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
AT_ONCE = 4  # of 19 MiB each, in one event loop
_gates: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = WeakKeyDictionary()


def _place() -> asyncio.Semaphore:
    """Return what lets so many at once; each event loop has its own."""
    return _gates.setdefault(asyncio.get_running_loop(), asyncio.Semaphore(AT_ONCE))


class NewPassword(msgspec.Struct, frozen=True):
    """A password to keep, hashed already: no transaction waits for argon2. `PasswordRules.accept`
    gives it; only accounts that machines invent get theirs from `unchecked`."""

    hash: str


@cache
def _nobody() -> str:
    """Return a hash that no password has; made at the first sign-in, not at every start."""
    return _hasher.hash(hashlib.sha256(b"nobody").hexdigest())


def normalized(password: str) -> str:
    """Return a password as it is hashed and counted: the same keys give the same text whichever
    input method composed it (NFKC, as SP 800-63B has it)."""
    return unicodedata.normalize("NFKC", password)


async def unchecked(password: str) -> NewPassword:
    """Return a password that no rule was asked about: of the demonstration, of tests."""
    return NewPassword(await hash_password(password))


async def hash_password(password: str) -> str:
    """Return the hash to keep. Raises ValueError for a length outside the bounds."""
    text = normalized(password) if len(password) <= MOST else password
    if not LEAST <= len(text) <= MOST:
        raise ValueError(f"a password has {LEAST} to {MOST} characters")
    async with _place():
        return await asyncio.to_thread(_hasher.hash, text)


async def verify_password(kept: str | None, password: str) -> bool:
    """Return whether the password is right. An unknown user costs the same work.

    Hashes of before passwords were normalized are of the text as it was typed: where the two
    differ, both are tried.
    """
    given = password[: MOST + 1]
    texts = list(dict.fromkeys((normalized(given), given)))

    def verify(text: str) -> bool:
        nobody = _nobody()  # whoever signs in: a known name must not be the quicker one
        try:
            return _hasher.verify(kept or nobody, text)
        except (VerificationError, InvalidHashError):
            return False

    async with _place():
        right = [await asyncio.to_thread(verify, text) for text in texts]
    return any(right) and kept is not None and len(password) <= MOST

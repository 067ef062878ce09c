"""Passwords: argon2id, the same work and the same words whoever signs in.

Length alone is asked for (NIST SP 800-63B): 8 characters at least, 128 at most, so that a
megabyte of password costs nothing.
"""

import asyncio
import hashlib
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

LEAST = 8
MOST = 128

_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
_parallel = asyncio.Semaphore(4)  # of 19 MiB each


@cache
def _nobody() -> str:
    """Return a hash that no password has; made at the first sign-in, not at every start."""
    return _hasher.hash(hashlib.sha256(b"nobody").hexdigest())


async def hash_password(password: str) -> str:
    """Return the hash to keep. Raises ValueError for a length outside the bounds."""
    if not LEAST <= len(password) <= MOST:
        raise ValueError(f"a password has {LEAST} to {MOST} characters")
    async with _parallel:
        return await asyncio.to_thread(_hasher.hash, password)


async def verify_password(kept: str | None, password: str) -> bool:
    """Return whether the password is right. An unknown user costs the same work."""

    def verify() -> bool:
        nobody = _nobody()  # whoever signs in: a known name must not be the quicker one
        try:
            return _hasher.verify(kept or nobody, password[: MOST + 1])
        except (VerificationError, InvalidHashError):
            return False

    async with _parallel:
        right = await asyncio.to_thread(verify)
    return right and kept is not None and len(password) <= MOST

"""What is kept of secrets, codes and tokens."""

import hmac
from collections.abc import Iterable
from hashlib import sha256


def secret_digest(secret: str) -> str:
    """Return what is kept of a secret, a code or a token. Each holds 256 bits of chance, so that
    nothing slower is needed (RFC 6819, section 5.1.4.1.3)."""
    return sha256(secret.encode()).hexdigest()


def same_digest(digests: Iterable[str], secret: str) -> bool:
    """Return whether a secret is one of those kept."""
    given = secret_digest(secret)
    return any(hmac.compare_digest(given, kept) for kept in digests)

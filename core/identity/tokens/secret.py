"""How a token is written: `ymt_`, forty characters drawn at random, six that check them.

The prefix and the checksum let a scanner of public code find one that got lost and be sure of
it, and let the hub refuse what was never a token without asking the database.
"""

import re
import secrets
import string
import zlib
from typing import Final

PREFIX: Final = "ymt_"
LETTERS: Final = string.digits + string.ascii_uppercase + string.ascii_lowercase
RANDOM: Final = 40  # characters of 62: 238 bits
CHECK: Final = 6
FORM: Final = re.compile(rf"{PREFIX}[0-9A-Za-z]{{{RANDOM + CHECK}}}")


def make() -> str:
    """Return a new token."""
    body = "".join(secrets.choice(LETTERS) for _ in range(RANDOM))
    return f"{PREFIX}{body}{checksum(body)}"


def checksum(body: str) -> str:
    """Return the CRC-32 (ISO 3309) of a body as six digits to the base of 62."""
    left, digits = zlib.crc32(body.encode()), ""
    for _ in range(CHECK):
        left, digit = divmod(left, len(LETTERS))
        digits = LETTERS[digit] + digits
    return digits


def well_formed(token: str) -> bool:
    """Return whether a text can be a token at all."""
    if not FORM.fullmatch(token):
        return False
    return checksum(token[len(PREFIX) : -CHECK]) == token[-CHECK:]


def hint(token: str) -> str:
    """Return what one tells a token by, once it is no longer shown: its last four characters."""
    return token[-4:]

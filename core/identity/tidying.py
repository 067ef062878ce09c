"""Forgetting what has had its time of signing in."""

from core.database import Transaction
from core.identity import devices, passkeys, phone_codes, sessions, signing_in
from core.identity.tokens import service as tokens


async def tidy(tx: Transaction) -> None:
    """Forget sessions, sign-ins that were not completed, challenges, devices, codes by SMS
    and tokens that are over."""
    for of in (sessions, signing_in, passkeys, devices, phone_codes, tokens):
        await of.tidy(tx)

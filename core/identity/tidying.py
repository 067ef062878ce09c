"""Forgetting what has had its time of signing in."""

from core.database import Transaction
from core.identity import devices, passkeys, phone_codes, sessions, signing_in
from core.identity.tokens import service as tokens
from core.identity.upstream import service as upstream


async def tidy(tx: Transaction) -> None:
    """Forget sessions, sign-ins that were not completed, challenges, devices, codes by SMS
    and tokens that are over, and what upstreams said."""
    for of in (sessions, signing_in, passkeys, devices, phone_codes, tokens, upstream):
        await of.tidy(tx)

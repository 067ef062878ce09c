"""The second factors of a person: an authenticator app, passkeys, and recovery codes beside."""

from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy import select
from sqlmodel import col

from core.database import Transaction
from core.identity import passkeys, recovery_codes, sessions, signing_in, totp
from core.identity.models import Totp
from core.identity.numbers import Numbers
from core.identity.passkeys import PasskeyFacts, passkeys_of


class TotpFacts(msgspec.Struct, frozen=True):
    """An authenticator app as it is listed."""

    created_at: datetime | None
    used_at: datetime | None


class Factors(msgspec.Struct, frozen=True):
    """What a person has set up, and how many recovery codes are unused."""

    totp: TotpFacts | None
    passkeys: list[PasskeyFacts]
    codes: int

    @property
    def any(self) -> bool:
        """Return whether there is a second factor at all."""
        return self.totp is not None or bool(self.passkeys)

    @property
    def last(self) -> bool:
        """Return whether there is one alone."""
        return bool(self.totp) + len(self.passkeys) == 1


async def factors_of(tx: Transaction, person_id: UUID) -> Factors:
    """Return the factors of a person."""
    found = await tx.session.execute(
        select(col(Totp.confirmed_at), col(Totp.used_at)).where(
            col(Totp.person_id) == person_id, col(Totp.confirmed_at).is_not(None)
        )
    )
    app = found.first()
    return Factors(
        totp=TotpFacts(app[0], app[1]) if app else None,
        passkeys=await passkeys_of(tx, person_id),
        codes=await recovery_codes.left(tx, person_id),
    )


async def accept_code(tx: Transaction, numbers: Numbers, person_id: UUID, text: str) -> str | None:
    """Return what a typed code was, of an authenticator app (`totp`) or a recovery code
    (`recovery`), and take it; None for one that is neither, or was taken before."""
    text = "".join(text.split())
    if text.isascii() and text.isdigit() and len(text) == totp.DIGITS:
        return "totp" if await totp.accept(tx, numbers, person_id, text) else None
    return "recovery" if await recovery_codes.use(tx, numbers, person_id, text) else None


async def settle(tx: Transaction, person_id: UUID) -> None:
    """Void the recovery codes of a person whose last factor is gone: they stand in for none."""
    if not await signing_in.has_second_factor(tx, person_id):
        await recovery_codes.remove(tx, person_id)


async def remove_all(tx: Transaction, person_id: UUID) -> int:
    """Remove every factor of a person who lost them; their sign-ins end, what is pending too.

    Return how many factors there were. The password stays: it alone lets them in to set up new
    ones.
    """
    there = await factors_of(tx, person_id)
    await totp.remove(tx, person_id)
    await passkeys.remove(tx, person_id)
    await recovery_codes.remove(tx, person_id)
    await signing_in.forget_pending(tx, person_id)
    await sessions.end_all(tx, person_id)
    return bool(there.totp) + len(there.passkeys)

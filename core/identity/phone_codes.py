"""Codes that are sent to a phone, each bound to what it is for.

A code has six digits, lives five minutes, takes five tries and works once. Who had it gets a
*proof* in its place (256 bits, ten minutes, used once), so that what follows (a choice among
accounts, a new password) can be corrected without another code. A purpose is a word, with the
account it is for where there is one (`recover:zhangsan`): the code of one purpose opens no other.
"""

import hmac
import secrets
from datetime import timedelta
from typing import Final

from sqlalchemy import ColumnElement, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col

from core.database import Transaction
from core.delivery.service import send_sms
from core.identity.models import PhoneCode, PhoneProof
from core.identity.numbers import Numbers
from core.identity.sessions import TOKEN_BYTES, digest
from plugin_sdk.words import HIDDEN

CODE_LIFE: Final = timedelta(minutes=5)
CODE_PAUSE: Final = timedelta(minutes=1)
CODE_TRIES: Final = 5
PROOF_LIFE: Final = timedelta(minutes=10)

REGISTER: Final = "register"
SIGN_IN: Final = "sign-in"


def recover(username: str) -> str:
    """Return the purpose of a code that lets somebody choose another password."""
    return f"recover:{username}"


class CodeTooSoon(ValueError):
    """A code was sent to this phone within the last minute."""


async def send_code(tx: Transaction, numbers: Numbers, phone: str, purpose: str, text: str) -> None:
    """Send a code to a phone; `text` holds `{code}`. An earlier code for the purpose is void.

    Raises `CodeTooSoon` within a minute of the last.
    """
    sent = await tx.session.execute(
        select(col(PhoneCode.sent_at)).where(
            col(PhoneCode.phone) == phone, col(PhoneCode.purpose) == purpose
        )
    )
    last = sent.scalar_one_or_none()
    if last is not None and last > tx.now - CODE_PAUSE:
        raise CodeTooSoon
    code = f"{secrets.randbelow(10**6):06}"
    values = {
        "digest": _digest(numbers, phone, purpose, code),
        "tries": 0,
        "sent_at": tx.now,
        "expires_at": tx.now + CODE_LIFE,
    }
    dialect = sqlite if tx.database.sqlite else postgresql
    await tx.session.execute(
        dialect.insert(PhoneCode)
        .values(phone=phone, purpose=purpose, **values)
        .on_conflict_do_update(index_elements=["phone", "purpose"], set_=values)
    )
    hidden = text.replace("{code}", HIDDEN)
    await send_sms(tx, phone, text.replace("{code}", code), shown=hidden)


async def try_code(tx: Transaction, numbers: Numbers, phone: str, purpose: str, code: str) -> bool:
    """Return whether it is the code of a phone for a purpose. Each try counts: commit whatever
    it says."""
    kept = await tx.session.execute(
        update(PhoneCode)
        .where(
            *_code(phone, purpose),
            col(PhoneCode.expires_at) > tx.now,
            col(PhoneCode.tries) < CODE_TRIES,
        )
        .values(tries=col(PhoneCode.tries) + 1)
        .returning(col(PhoneCode.digest))
        .execution_options(synchronize_session=False)
    )
    expected = kept.scalar_one_or_none()
    given = _digest(numbers, phone, purpose, code)
    return expected is not None and hmac.compare_digest(expected, given)


async def use_code(tx: Transaction, phone: str, purpose: str) -> bool:
    """Use up the code of a phone that was right; return whether it was still there."""
    used = await tx.session.execute(
        delete(PhoneCode).where(*_code(phone, purpose)).returning(col(PhoneCode.phone))
    )
    return used.first() is not None


async def prove(
    tx: Transaction, numbers: Numbers, phone: str, purpose: str, code: str
) -> str | None:
    """Return the proof for a code that is right, which is used up; None for any other. Each try
    counts: commit whatever it says."""
    if not await try_code(tx, numbers, phone, purpose, code) or not await use_code(
        tx, phone, purpose
    ):
        return None
    proof = secrets.token_urlsafe(TOKEN_BYTES)
    tx.session.add(
        PhoneProof(
            digest=digest(proof), phone=phone, purpose=purpose, expires_at=tx.now + PROOF_LIFE
        )
    )
    await tx.session.flush()
    return proof


async def proven(tx: Transaction, proof: str, purpose: str) -> str | None:
    """Return the phone that a proof is of, None when it is over or for something else."""
    found = await tx.session.execute(
        select(col(PhoneProof.phone)).where(*_proof(tx, proof, purpose))
    )
    return found.scalar_one_or_none()


async def use_proof(tx: Transaction, proof: str, purpose: str) -> str | None:
    """Use up a proof; return the phone it is of, None when it is over or for something else."""
    used = await tx.session.execute(
        delete(PhoneProof).where(*_proof(tx, proof, purpose)).returning(col(PhoneProof.phone))
    )
    return used.scalar_one_or_none()


async def tidy(tx: Transaction) -> None:
    """Forget codes and proofs that are over."""
    for row in (PhoneCode, PhoneProof):
        await tx.session.execute(delete(row).where(col(row.expires_at) < tx.now))


def _digest(numbers: Numbers, phone: str, purpose: str, code: str) -> str:
    return numbers.digest(f"{purpose}|{phone}:{code}")


def _code(phone: str, purpose: str) -> tuple[ColumnElement[bool], ...]:
    return (col(PhoneCode.phone) == phone, col(PhoneCode.purpose) == purpose)


def _proof(tx: Transaction, proof: str, purpose: str) -> tuple[ColumnElement[bool], ...]:
    row = PhoneProof
    return (
        col(row.digest) == digest(proof),
        col(row.purpose) == purpose,
        col(row.expires_at) > tx.now,
    )

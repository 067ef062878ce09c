"""Recovery codes: ten that stand in for a lost factor, each once, shown when they are made."""

import secrets
from typing import Final
from uuid import UUID

from sqlalchemy import delete, func, insert, select, update
from sqlmodel import col

from core.database import Transaction
from core.identity.models import RecoveryCode
from core.identity.numbers import Numbers

HOW_MANY: Final = 10
LETTERS: Final = "23456789abcdefghjkmnpqrstuvwxyz"  # none that looks like another
LENGTH: Final = 12  # 59 bits: nobody guesses one, and a keyed digest of it suffices


async def renew(tx: Transaction, numbers: Numbers, person_id: UUID) -> list[str]:
    """Return new codes of a person, in groups of four; those before are void."""
    await remove(tx, person_id)
    codes = ["".join(secrets.choice(LETTERS) for _ in range(LENGTH)) for _ in range(HOW_MANY)]
    await tx.session.execute(
        insert(RecoveryCode),
        [
            {
                "person_id": person_id,
                "digest": _digest(numbers, person_id, code),
                "created_at": tx.now,
            }
            for code in codes
        ],
    )
    return ["-".join(code[at : at + 4] for at in range(0, LENGTH, 4)) for code in codes]


async def use(tx: Transaction, numbers: Numbers, person_id: UUID, text: str) -> bool:
    """Return whether it is an unused code of the person's, and use it up."""
    code = "".join(character for character in text.lower() if character in LETTERS)
    if len(code) != LENGTH:
        return False
    used = await tx.session.execute(
        update(RecoveryCode)
        .where(
            col(RecoveryCode.person_id) == person_id,
            col(RecoveryCode.digest) == _digest(numbers, person_id, code),
            col(RecoveryCode.used_at).is_(None),
        )
        .values(used_at=tx.now)
        .returning(col(RecoveryCode.digest))
        .execution_options(synchronize_session=False)
    )
    return used.first() is not None


async def left(tx: Transaction, person_id: UUID) -> int:
    """Return how many codes of a person are unused."""
    count = await tx.session.execute(
        select(func.count())
        .select_from(RecoveryCode)
        .where(col(RecoveryCode.person_id) == person_id, col(RecoveryCode.used_at).is_(None))
    )
    return int(count.scalar_one())


async def remove(tx: Transaction, person_id: UUID) -> None:
    """Remove all codes of a person."""
    await tx.session.execute(delete(RecoveryCode).where(col(RecoveryCode.person_id) == person_id))


def _digest(numbers: Numbers, person_id: UUID, code: str) -> str:
    return numbers.digest(f"recovery:{person_id}:{code}")

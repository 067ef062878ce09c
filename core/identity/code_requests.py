"""Asking for a code by phone, to sign in or for another password.

Whoever asks is answered before it is known whether the phone is anybody's: what was asked leaves
through the outbox, and only there is it looked up. So a phone, or a phone with a user name, that
is on record and one that is not are the same words after the same work.
"""

import contextlib
from typing import Final
from uuid import UUID

import msgspec
from sqlalchemy import select
from sqlmodel import col

from core.database import Transaction
from core.identity import phone_codes
from core.identity.models import Person
from core.identity.numbers import Numbers
from core.identity.people import USERNAME
from core.jobs import OutboxItem, send_later

KIND: Final = "phone-code"
MOST_ACCOUNTS: Final = 50
NOBODY: Final = "?"


class Account(msgspec.Struct, frozen=True):
    """An account that a phone is of."""

    id: UUID
    username: str
    name: str


async def accounts_of(tx: Transaction, phone: str, *, username: str | None = None) -> list[Account]:
    """Return the accounts in use that a phone is of (or the one of a user name), by user name."""
    statement = (
        select(col(Person.id), col(Person.username), col(Person.name))
        .where(col(Person.phone) == phone, col(Person.disabled_at).is_(None))
        .order_by(col(Person.username))
        .limit(MOST_ACCOUNTS)
    )
    if username is not None:
        statement = statement.where(col(Person.username) == username)
    return [Account(*row) for row in await tx.session.execute(statement)]


async def ask_for_code(
    tx: Transaction, phone: str, text: str, *, username: str | None = None
) -> None:
    """Ask for a code to sign in by a phone, or (of a user name) to choose another password.
    `text` holds `{code}`."""
    if username is not None and not USERNAME.fullmatch(username):
        username = NOBODY  # what was typed there may be a password: it is kept nowhere
    await send_later(tx, KIND, {"phone": phone, "username": username, "text": text})


class CodeRequests:
    """Sends the codes that were asked for, to phones that are on record."""

    def __init__(self, numbers: Numbers) -> None:
        self._numbers = numbers

    async def answer(self, tx: Transaction, item: OutboxItem) -> None:
        """Work off a request: nothing for a phone that is nobody's."""
        phone, username = item.payload["phone"], item.payload["username"]
        if not await accounts_of(tx, phone, username=username):
            return
        purpose = phone_codes.SIGN_IN if username is None else phone_codes.recover(username)
        with contextlib.suppress(phone_codes.CodeTooSoon):  # the one before is on its way
            await phone_codes.send_code(tx, self._numbers, phone, purpose, item.payload["text"])

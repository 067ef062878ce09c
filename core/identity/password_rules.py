"""What a new password must be: two profiles, of which a hub has one (`YIMEN_PASSWORDS`).

`nist` follows NIST SP 800-63B-4, section 3.1.1.2: length alone (15 characters, 8 beside a second
factor), a blocklist, nothing about kinds of characters, no expiry. `mlps` follows GB/T 22239-2019,
8.1.4.1 (等保三级, 身份鉴别), which asks for complexity, regular change and a time-out, and names no
figures: those here are what assessors usually ask for. The two contradict each other, so neither
is a part of the other. Passwords that were set under other rules keep their worth; the rules hold
when one is set (ADR 0021).
"""

import asyncio
import secrets
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from core.identity.passwords import (
    LEAST,
    MOST,
    NewPassword,
    hash_password,
    normalized,
    verify_password,
)

GUESSES: Final = 2e7
"""A password that is found within so many guesses is on the blocklist: four years of guessing
at the pace that the throttle admits for one account from everywhere."""
JUDGED: Final = 32  # characters: what follows makes no password easier, and the estimate slow
PASSWORD_BYTES: Final = 12
WHOLE_NAME: Final = 3  # a shorter user name is in many passwords by chance


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """The rules of a hub. `kinds` of lower case, upper case, digits and others are asked for;
    `earlier` passwords are not taken again; a session ends after `idle` without a request."""

    name: str
    least: int
    least_beside_factor: int
    kinds: int = 1
    days: int | None = None
    earlier: int = 0
    idle: timedelta | None = None

    def length(self, *, beside_factor: bool) -> int:
        """Return the least number of characters."""
        return self.least_beside_factor if beside_factor else self.least

    def due(self, set_at: datetime | None) -> datetime | None:
        """Return when a password that was set then must be changed, None for never."""
        return set_at + timedelta(days=self.days) if self.days and set_at else None


PROFILES: Final = {
    profile.name: profile
    for profile in (
        Profile(name="nist", least=15, least_beside_factor=LEAST),
        Profile(
            name="mlps",
            least=LEAST,
            least_beside_factor=LEAST,
            kinds=3,
            days=90,
            earlier=5,
            idle=timedelta(minutes=30),
        ),
    )
}


class PasswordRefused(ValueError):
    """A password that cannot be taken; `code` names why in the catalogues, with its `params`.

    Codes: `password-short`, `password-long`, `password-kinds`, `password-name`,
    `password-common`, `password-again`.
    """

    def __init__(self, code: str, **params: Any) -> None:
        super().__init__(code)
        self.code = code
        self.params = params


class PasswordRules:
    """The one place that says whether a password may be set."""

    def __init__(self, profile: Profile, words: Iterable[str]) -> None:
        self.profile = profile
        self._words = list(words)
        self._judging = asyncio.Semaphore(1)  # the estimate of some texts takes a second

    def know(self, words: Iterable[str]) -> None:
        """Take note of more words that anybody would try here: the names of apps."""
        self._words += words

    async def invent(self) -> tuple[str, NewPassword]:
        """Return a first password for somebody, and the same to keep: 96 bits of chance, which
        meet any rule (every kind of character is there)."""
        password = f"{secrets.token_urlsafe(PASSWORD_BYTES)}-aB3"
        return password, NewPassword(await hash_password(password))

    async def accept(
        self,
        password: str,
        *,
        username: str,
        about: Iterable[str | None] = (),
        beside_factor: bool = False,
        earlier: Sequence[str] = (),
    ) -> NewPassword:
        """Return the password to keep. Raises `PasswordRefused`.

        `about` is what else is known of the person (name, phone); `earlier` are the hashes that
        `password_changes.kept_of` returns.
        """
        if len(password) > MOST or len(text := normalized(password)) > MOST:
            raise PasswordRefused("password-long", most=MOST)
        least = self.profile.length(beside_factor=beside_factor)
        if len(text) < least:
            raise PasswordRefused("password-short", least=least)
        if kinds_of(text) < self.profile.kinds:
            raise PasswordRefused("password-kinds", kinds=self.profile.kinds)
        folded, name = text.casefold(), username.casefold()
        if self.profile.kinds > 1 and len(name) >= WHOLE_NAME and _named(folded, name):
            raise PasswordRefused("password-name")
        known = [*self._words, username, *(word for word in about if word)]
        async with self._judging:
            guesses = await asyncio.to_thread(_guesses, text, known)
        if guesses < GUESSES:
            raise PasswordRefused("password-common")
        for kept in earlier:
            if await verify_password(kept, password):
                raise PasswordRefused("password-again", n=len(earlier))
        return NewPassword(await hash_password(password))


def kinds_of(text: str) -> int:
    """Return how many kinds of characters there are: lower case, upper case, digits, others."""
    tests = (str.islower, str.isupper, str.isdecimal)
    found = {next((n for n, test in enumerate(tests) if test(c)), len(tests)) for c in text}
    return len(found)


def _named(text: str, name: str) -> bool:
    return name in text or name[::-1] in text


def _guesses(text: str, known: Sequence[str]) -> float:
    from zxcvbn import zxcvbn  # its word lists are read when the first password is set

    ends = (11, 8, 4)  # of a phone, as people write it
    parts = [part for word in known for part in (word, *(word[-n:] for n in ends)) if part]
    return float(zxcvbn(text[:JUDGED], user_inputs=parts)["guesses"])

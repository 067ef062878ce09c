"""Proving who one is with a second factor: what the pages that ask for one have in common."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final
from uuid import UUID

import msgspec
from pydantic import Field

from core import audit
from core.audit import SHELL
from core.database import Transaction
from core.identity import devices, people
from core.identity.factors import Factors, accept_code
from core.identity.signing_in import FactorError, Proof
from core.identity.throttle import PER_NETWORK, WINDOW_SECONDS
from core.messages import service as messages
from plugin_sdk.forms import Form
from plugin_sdk.ports import Actor, To
from plugin_sdk.problems import Invalid, Problem, field_error
from plugin_sdk.views import Phrase
from portal.frames import LONGEST_PATH
from portal.pages.context import AnyRequest, Portal
from portal.pages.signing_in import Entrance

CODES_AN_HOUR: Final = 20
HOUR: Final = 3600


class ProofForm(Form):
    """A code, of an authenticator app or a recovery code; or what a passkey signed (JSON)."""

    code: str = Field(default="", max_length=40)
    passkey: str = Field(default="", max_length=16_000)
    next: str = Field(default="/", max_length=LONGEST_PATH)


class Proved(msgspec.Struct, frozen=True):
    """The transaction in which a factor was proved, whose it is, and what that proves."""

    tx: Transaction
    person_id: UUID
    proofs: tuple[Proof, ...]


class Proving:
    """Checks second factors for the pages that ask for one."""

    def __init__(self, portal: Portal, entrance: Entrance) -> None:
        self._portal = portal
        self._entrance = entrance

    def offered(self, factors: Factors) -> dict[str, Any]:
        """Return what a page that asks for a factor offers."""
        return {
            "totp": factors.totp is not None,
            "passkey": bool(factors.passkeys) and self._portal.services.passkeys.possible,
            "recovery": factors.codes > 0,
        }

    @asynccontextmanager
    async def proved(
        self, request: AnyRequest, person_id: UUID | None, form: ProofForm, purpose: str
    ) -> AsyncIterator[Proved]:
        """Take a factor of a person (None: a passkey that names its own) within the transaction
        that is given: what is opened by it is opened there.

        Raises `Invalid` for one that is not taken, which is recorded, and `Problem` (429).
        """
        services = self._portal.services
        answer = answer_of(form.passkey) if form.passkey else None
        challenge, tries = b"", ""
        try:
            if answer is not None:
                tries = await self._count_passkey(request)
                async with services.database.transaction(write=True) as tx:
                    challenge = await services.passkeys.take_challenge(
                        tx, purpose, person_id, answer
                    )
            elif person_id is not None:
                await self._count(request, person_id)
            async with services.database.transaction(write=True) as tx:
                if answer is not None:
                    key = await services.passkeys.prove(tx, person_id, challenge, answer)
                    await services.shared.take_back(tries)
                    more = (Proof.TWO,) if key.verified else ()
                    yield Proved(tx, key.person_id, (Proof.PASSKEY, *more))
                    return
                if person_id is None or not await self._take(tx, person_id, form.code):
                    raise FactorError("second-code")
                yield Proved(tx, person_id, (Proof.OTP,))
        except FactorError as refused:
            await self.note_refusal(person_id, refused.code)
            field = "passkey" if form.passkey else "code"
            raise Invalid(field_error(field, refused.code)) from None

    async def _take(self, tx: Transaction, person_id: UUID, code: str) -> bool:
        numbers = self._portal.services.numbers
        taken = await accept_code(tx, numbers, person_id, code)
        if taken == "recovery":
            said = Phrase("security.recovery_used")
            await messages.send(tx, SHELL, To(person_id=person_id), said, "/me/security")
        return taken is not None

    async def _count(self, request: AnyRequest, person_id: UUID) -> None:
        """Count a try at a code, which may be guessed; those of strangers apart from those on a
        device of the person's own, so that nobody is kept out."""
        services = self._portal.services
        where = "elsewhere"
        if device := self._entrance.device(request):
            async with self._portal.read() as tx:
                who = await people.person(tx, person_id)
                known = await devices.known(tx, device, who.username) if who else None
                where = str(known or where)
        if await services.shared.hit(f"second-factor:{where}|{person_id}", HOUR) > CODES_AN_HOUR:
            await self.note_refusal(person_id, "too-many")
            raise Problem("sign-in-too-many", status=429, headers={"Retry-After": str(HOUR)})

    async def _count_passkey(self, request: AnyRequest) -> str:
        """Count what a network sends that no passkey has signed: nothing is guessed by it, but
        each is recorded. Return under what, so that a right one is given back."""
        key = f"passkey-tries:{self._portal.network(request)}"
        if await self._portal.services.shared.hit(key, WINDOW_SECONDS) > PER_NETWORK:
            wait = {"Retry-After": str(WINDOW_SECONDS)}
            raise Problem("sign-in-too-many", status=429, headers=wait)
        return key

    async def note_refusal(self, person_id: UUID | None, reason: str) -> None:
        """Record a factor that was not taken: as whom somebody tried, and what was wrong."""
        async with self._portal.services.database.transaction(write=True) as tx:
            await audit.record(
                tx,
                Actor(),
                SHELL,
                "second-factor-refused",
                f"person:{person_id}" if person_id else "person:?",
                outcome="refused",
                facts={"reason": reason},
            )


def answer_of(text: str) -> Mapping[str, Any]:
    """Return what a passkey signed, as a browser writes it (WebAuthn's JSON)."""
    try:
        answer = json.loads(text)
    except (ValueError, RecursionError):
        answer = None
    if not isinstance(answer, dict) or not isinstance(answer.get("response"), dict):
        raise Invalid(field_error("passkey", "passkey-malformed"))
    return answer

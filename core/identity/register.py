"""The register of residents and enterprises: checked numbers, a phone proven by a code, and the
ids under which legacy systems knew people."""

from uuid import UUID

import msgspec
from sqlalchemy import delete, select
from sqlmodel import col

from core.database import Transaction
from core.identity import phone_codes
from core.identity.models import Enterprise, LegacyUser, Person, PersonNumber
from core.identity.numbers import Numbers
from core.identity.passwords import NewPassword
from core.identity.people import add_person
from plugin_sdk.identifiers import (
    IdentifierError,
    mask_identity_number,
    normalize_credit_code,
    normalize_identity_number,
)


class RegisterError(ValueError):
    """What cannot be registered; `code` names the problem in the catalogues.

    Codes: those of `IdentifierError`, `number-taken`, `credit-code-taken`, `code-used`.
    """

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Acceptance(msgspec.Struct, frozen=True):
    """Who answers for a number whose checksum is wrong though it is genuine, and why."""

    by: UUID
    reason: str


class EnterpriseFacts(msgspec.Struct, frozen=True):
    """An enterprise of an agent."""

    code: str
    name: str


async def set_number(
    tx: Transaction,
    numbers: Numbers,
    person_id: UUID,
    text: str,
    *,
    accepted: Acceptance | None = None,
    seen: bool = False,
) -> None:
    """Keep the identity number of a person, in place of another. One that staff have `seen` on
    a card comes before what another account says of itself. Raises `RegisterError`."""
    try:
        number = normalize_identity_number(text, checksum=accepted is None)
    except IdentifierError as error:
        raise RegisterError(error.code) from None
    digest = numbers.digest(number)
    found = await tx.session.execute(
        select(col(PersonNumber.person_id), col(PersonNumber.seen)).where(
            col(PersonNumber.digest) == digest
        )
    )
    owner = found.first()
    if owner is not None and owner[0] != person_id and (owner[1] or not seen):
        raise RegisterError("number-taken")
    await tx.session.execute(
        delete(PersonNumber).where(
            (col(PersonNumber.person_id) == person_id) | (col(PersonNumber.digest) == digest)
        )
    )
    tx.session.add(
        PersonNumber(
            person_id=person_id,
            digest=digest,
            sealed=numbers.seal(number, str(person_id)),
            accepted_by=accepted.by if accepted else None,
            accepted_reason=accepted.reason if accepted else None,
            seen=seen,
            created_at=tx.now,
        )
    )
    await tx.session.flush()


async def number_of(tx: Transaction, numbers: Numbers, person_id: UUID) -> str | None:
    """Return the identity number of a person in clear: for one who gave a reason, audited."""
    sealed = await tx.session.execute(
        select(col(PersonNumber.sealed)).where(col(PersonNumber.person_id) == person_id)
    )
    found = sealed.scalar_one_or_none()
    return numbers.open(found, str(person_id)) if found else None


async def masked_number(tx: Transaction, numbers: Numbers, person_id: UUID) -> str | None:
    """Return the identity number of a person as pages show it."""
    number = await number_of(tx, numbers, person_id)
    return mask_identity_number(number) if number else None


async def person_of_number(tx: Transaction, numbers: Numbers, text: str) -> UUID | None:
    """Return whose identity number it is, None when nobody's."""
    try:
        number = normalize_identity_number(text, checksum=False)
    except IdentifierError:
        return None
    found = await tx.session.execute(
        select(col(PersonNumber.person_id)).where(
            col(PersonNumber.digest) == numbers.digest(number)
        )
    )
    return found.scalar_one_or_none()


async def register_resident(
    tx: Transaction,
    numbers: Numbers,
    *,
    username: str,
    name: str,
    password: NewPassword,
    phone: str,
    number: str,
) -> UUID:
    """Register a resident whose phone was proven (`phone_codes.try_code`); the code is used up.

    Raises `RegisterError` and `PersonError`.
    """
    if not await phone_codes.use_code(tx, phone, phone_codes.REGISTER):
        raise RegisterError("code-used")
    id = await add_person(tx, username, name, password, phone=phone)
    await set_number(tx, numbers, id, number)
    return id


async def register_enterprise(
    tx: Transaction, agent_id: UUID, code: str, name: str, *, accepted: Acceptance | None = None
) -> UUID:
    """Register an enterprise with the agent (经办人) who answers for it. Raises `RegisterError`."""
    try:
        code = normalize_credit_code(code, checksum=accepted is None)
    except IdentifierError as error:
        raise RegisterError(error.code) from None
    taken = await tx.session.execute(select(col(Enterprise.id)).where(col(Enterprise.code) == code))
    if taken.first():
        raise RegisterError("credit-code-taken")
    row = Enterprise(
        code=code,
        name=name,
        agent_id=agent_id,
        accepted_by=accepted.by if accepted else None,
        accepted_reason=accepted.reason if accepted else None,
        created_at=tx.now,
    )
    tx.session.add(row)
    await tx.session.flush()
    return row.id


async def enterprises_of(tx: Transaction, agent_id: UUID) -> list[EnterpriseFacts]:
    """Return the enterprises a person is the agent of, by code."""
    found = await tx.session.execute(
        select(col(Enterprise.code), col(Enterprise.name))
        .where(col(Enterprise.agent_id) == agent_id)
        .order_by(col(Enterprise.code))
    )
    return [EnterpriseFacts(*row) for row in found]


async def legacy_person(tx: Transaction, system: str, legacy_id: str) -> tuple[UUID, str] | None:
    """Return who a legacy system knew under an id, with the user name here; None for nobody."""
    found = await tx.session.execute(
        select(col(Person.id), col(Person.username))
        .join(LegacyUser, col(LegacyUser.person_id) == col(Person.id))
        .where(col(LegacyUser.system) == system, col(LegacyUser.legacy_id) == legacy_id)
    )
    row = found.first()
    return (row[0], row[1]) if row else None


async def legacy_ids(tx: Transaction, person_id: UUID) -> list[tuple[str, str]]:
    """Return the legacy systems that knew a person, each with the id there."""
    found = await tx.session.execute(
        select(col(LegacyUser.system), col(LegacyUser.legacy_id))
        .where(col(LegacyUser.person_id) == person_id)
        .order_by(col(LegacyUser.system), col(LegacyUser.legacy_id))
    )
    return [(system, id) for system, id in found]

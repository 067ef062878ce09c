"""What a row of a file of people would do, as the database stands: the dry run and the import
ask the same, so that what was shown is what is done.

The rule for somebody who is there already, by user name: name and phone follow the file. A post
with the same organization and title is left alone. Who holds one other post moves to the one of
the file (调岗); who holds none gets it; who holds several is refused, since a file cannot say
which of them ends.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import or_, select
from sqlmodel import col

from core.database import Transaction
from core.identity.models import (
    Closing,
    LegacyUser,
    OrganizationRow,
    Person,
    PersonNumber,
    Post,
)
from core.identity.numbers import Numbers
from core.identity.people import USERNAME
from core.identity.people_files import PersonRow, Reason
from core.identity.people_roles import Roles
from plugin_sdk.identifiers import IdentifierError, normalize_identity_number, normalize_phone
from plugin_sdk.ports import Actor

WARNINGS: Final = frozenset({"phone-empty", "name-changes", "phone-changes", "moves"})


class Importer(msgspec.Struct, frozen=True):
    """Who imports, with what they may do now. `may_grant`: they might also grant roles when the
    file was tried; what was shown as refused is not given later. `hands`: whose act it is, to
    none of whom it gives anything."""

    actor: Actor
    may_grant: bool
    hands: frozenset[UUID]


class Plan(msgspec.Struct, frozen=True):
    """What becomes of a row: `does` is `add`, `post`, `move`, `update` or `nothing`."""

    row: PersonRow
    does: str = "nothing"
    reasons: tuple[Reason, ...] = ()
    person_id: UUID | None = None
    post_id: UUID | None = None
    organization_id: UUID | None = None
    phone: str | None = None
    number: str | None = None
    roles: tuple[str, ...] = ()
    legacy: bool = False
    changes: dict[str, str] = {}

    @property
    def outcome(self) -> str:
        """Return `ok`, `warn` or `refused`."""
        if any(reason.code not in WARNINGS for reason in self.reasons):
            return "refused"
        return "warn" if self.reasons else "ok"


class _Known(msgspec.Struct):
    """What the database holds of the rows of a chunk."""

    organizations: dict[str, tuple[UUID, str, bool]]
    people: dict[str, Any]
    posts: dict[UUID, list[Any]]
    owners: dict[str, UUID]
    numbers: dict[UUID, str]
    legacy: dict[tuple[str, str], UUID]
    roles: frozenset[str]
    held: Mapping[UUID, frozenset[str]]
    keeps_phones: bool = False


async def plan(
    tx: Transaction,
    rows: Sequence[PersonRow],
    *,
    numbers: Numbers,
    roles: Roles,
    by: Importer,
) -> list[Plan]:
    """Return what each row would do. A row beyond the reach of who imports does nothing, and says
    nothing of whom it names."""
    known = await _known(tx, rows, numbers, roles)
    may_grant = by.may_grant and roles.may_grant(tx, by.actor)
    units = [_units(row, known) for row in rows]
    everything: frozenset[UUID] = frozenset()
    asked = {everything, *(each for each in units if each is not None)}
    reached = await roles.reached(tx, by.actor, asked)
    known.keeps_phones = everything not in reached
    plans = [
        _plan(row, known, numbers, may_grant=may_grant, hands=by.hands)
        if each is None or each in reached
        else Plan(row, reasons=(*row.faults, Reason("beyond-reach")))
        for row, each in zip(rows, units, strict=True)
    ]
    giving = [item for item in plans if item.roles and item.outcome != "refused"]
    refused = zip(giving, await roles.refused(tx, by.actor, giving), strict=True)
    reasons = {item.row.line: reason for item, reason in refused if reason is not None}
    return [
        msgspec.structs.replace(item, reasons=(*item.reasons, reasons[item.row.line]))
        if item.row.line in reasons
        else item
        for item in plans
    ]


def _units(row: PersonRow, known: _Known) -> frozenset[UUID] | None:
    """Return the organizations that a row has to do with: where it puts somebody, and wherever
    they stand. Empty for somebody there who stands nowhere; None where it is of none."""
    unit, person = known.organizations.get(row.organization), known.people.get(row.username)
    held = [post.organization_id for post in known.posts.get(person.id, [])] if person else []
    if person is not None and not held:
        return frozenset()
    found = frozenset((*held, *([unit[0]] if unit else [])))
    return found or None


def _plan(
    row: PersonRow, known: _Known, numbers: Numbers, *, may_grant: bool, hands: frozenset[UUID]
) -> Plan:
    reasons = list(row.faults)
    if not USERNAME.fullmatch(row.username):
        reasons.append(Reason("username-form"))
    if not row.name:
        reasons.append(Reason("name-empty"))
    phone, number = _phone(row, reasons), _number(row, reasons)
    unit = known.organizations.get(row.organization)
    if unit is None:
        reasons.append(Reason("organization-unknown", {"code": row.organization}))
    elif unit[2]:
        reasons.append(Reason("organization-closed", {"name": unit[1]}))
    if not row.title:
        reasons.append(Reason("title-empty"))
    if bool(row.legacy_system) != bool(row.legacy_id):
        reasons.append(Reason("legacy-half"))
    unknown = [key for key in row.roles if key not in known.roles]
    if unknown:
        reasons.append(Reason("role-unknown", {"roles": "、".join(unknown)}))
    elif row.roles and not may_grant:
        reasons.append(Reason("roles-not-yours"))
    person = known.people.get(row.username)
    person_id = person.id if person else None
    _claims(row, number, person_id, known, numbers, reasons)
    legacy = bool(row.legacy_id) and (row.legacy_system, row.legacy_id) not in known.legacy
    facts: dict[str, Any] = {
        "row": row,
        "person_id": person_id,
        "organization_id": unit[0] if unit else None,
        "phone": phone,
        "number": number if number and person_id not in known.numbers else None,
        "roles": row.roles,
        "legacy": legacy,
    }
    if person is None:
        if not row.phone:
            reasons.append(Reason("phone-empty"))
        return Plan(does="add", reasons=tuple(reasons), **facts)
    if person.disabled_at is not None:
        reasons.append(Reason("disabled"))
    changes = _changes(row, phone, person, reasons)
    if "phone" in changes and known.keeps_phones and (person.phone or person.password_hash):
        reasons.append(Reason("phone-beyond"))  # it would be to sign in as them
    does, post_id = _post(row, facts["organization_id"], known.posts.get(person.id, []), reasons)
    if does == "move" and person_id in hands:
        reasons.append(Reason("not-oneself"))
    if does == "nothing":
        held = known.held.get(post_id, frozenset()) if post_id else frozenset()
        facts["roles"] = tuple(key for key in row.roles if key not in held)
        if changes or facts["number"] or legacy or facts["roles"]:
            does = "update"
    if facts["roles"] and person_id in hands:
        reasons.append(Reason("not-oneself"))
    return Plan(does=does, post_id=post_id, reasons=tuple(reasons), changes=changes, **facts)


def _phone(row: PersonRow, reasons: list[Reason]) -> str | None:
    if not row.phone:
        return None
    try:
        return normalize_phone(row.phone)
    except IdentifierError as error:
        reasons.append(Reason(error.code))
        return None


def _number(row: PersonRow, reasons: list[Reason]) -> str | None:
    if not row.number:
        return None
    try:
        return normalize_identity_number(row.number)
    except IdentifierError as error:
        reasons.append(Reason(error.code, error.params))
        return None


def _claims(
    row: PersonRow,
    number: str | None,
    person_id: UUID | None,
    known: _Known,
    numbers: Numbers,
    reasons: list[Reason],
) -> None:
    """Add a reason for each number or id that belongs to somebody else."""
    if number:
        digest = numbers.digest(number)
        if known.owners.get(digest, person_id) != person_id:
            reasons.append(Reason("number-taken"))
        elif person_id in known.numbers and known.numbers[person_id] != digest:
            reasons.append(Reason("number-differs"))
    owner = known.legacy.get((row.legacy_system, row.legacy_id))
    if row.legacy_id and owner is not None and owner != person_id:
        reasons.append(Reason("legacy-taken", {"system": row.legacy_system, "id": row.legacy_id}))


def _changes(
    row: PersonRow, phone: str | None, person: Any, reasons: list[Reason]
) -> dict[str, str]:
    changes = {}
    if row.name and row.name != person.name:
        changes["name"] = row.name
        reasons.append(Reason("name-changes", {"before": person.name}))
    if phone and phone != person.phone:
        changes["phone"] = phone
        if person.phone:
            reasons.append(Reason("phone-changes"))
    return changes


def _post(
    row: PersonRow, organization_id: UUID | None, held: list[Any], reasons: list[Reason]
) -> tuple[str, UUID | None]:
    for post in held:
        if (post.organization_id, post.title) == (organization_id, row.title):
            return "nothing", post.id
    if not held:
        return "post", None
    if len(held) > 1:
        reasons.append(Reason("several-posts", {"n": len(held)}))
        return "nothing", None
    if organization_id is not None:
        reasons.append(Reason("moves", {"before": f"{held[0].organization} {held[0].title}"}))
    return "move", held[0].id


async def _known(
    tx: Transaction, rows: Sequence[PersonRow], numbers: Numbers, roles: Roles
) -> _Known:
    people = {
        found.username: found
        for found in await tx.session.execute(
            select(
                col(Person.id),
                col(Person.username),
                col(Person.name),
                col(Person.phone),
                col(Person.password_hash),
                col(Person.disabled_at),
            ).where(col(Person.username).in_({row.username for row in rows}))
        )
    }
    ids = [found.id for found in people.values()]
    posts: dict[UUID, list[Any]] = {}
    post: Any
    for post in await tx.session.execute(
        select(
            col(Post.id),
            col(Post.person_id),
            col(Post.organization_id),
            col(Post.title),
            col(OrganizationRow.name).label("organization"),
        )
        .join(OrganizationRow, col(OrganizationRow.id) == col(Post.organization_id))
        .where(
            col(Post.person_id).in_(ids),
            or_(col(Post.ends_at).is_(None), col(Post.ends_at) > tx.now),
        )
        .order_by(col(Post.starts_at))
    ):
        posts.setdefault(post.person_id, []).append(post)
    owners: dict[str, UUID] = {}
    digests: dict[UUID, str] = {}
    for person_id, digest in await tx.session.execute(
        select(col(PersonNumber.person_id), col(PersonNumber.digest)).where(
            or_(
                col(PersonNumber.digest).in_(_digests(rows, numbers)),
                col(PersonNumber.person_id).in_(ids),
            )
        )
    ):
        owners[digest], digests[person_id] = person_id, digest
    return _Known(
        await _organizations(tx, rows),
        people,
        posts,
        owners,
        digests,
        await _legacy(tx, rows),
        await roles.known(tx),
        await roles.held(tx, [post.id for held in posts.values() for post in held])
        if posts
        else {},
    )


def _digests(rows: Sequence[PersonRow], numbers: Numbers) -> list[str]:
    found = (_number(row, []) for row in rows)
    return [numbers.digest(number) for number in found if number]


async def _organizations(
    tx: Transaction, rows: Sequence[PersonRow]
) -> dict[str, tuple[UUID, str, bool]]:
    found = await tx.session.execute(
        select(
            col(OrganizationRow.code),
            col(OrganizationRow.id),
            col(OrganizationRow.name),
            col(Closing.closed_at).is_not(None),
        )
        .outerjoin(Closing, col(Closing.organization_id) == col(OrganizationRow.id))
        .where(col(OrganizationRow.code).in_({row.organization for row in rows}))
    )
    return {code: (id, name, bool(closed)) for code, id, name, closed in found}


async def _legacy(tx: Transaction, rows: Sequence[PersonRow]) -> dict[tuple[str, str], UUID]:
    ids = {row.legacy_id for row in rows if row.legacy_id}
    if not ids:
        return {}
    found = await tx.session.execute(
        select(col(LegacyUser.system), col(LegacyUser.legacy_id), col(LegacyUser.person_id)).where(
            col(LegacyUser.legacy_id).in_(ids),
            col(LegacyUser.system).in_({row.legacy_system for row in rows}),
        )
    )
    return {(system, id): person_id for system, id, person_id in found}

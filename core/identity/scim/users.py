"""Users (RFC 7643, section 4.1) are people: found, brought, changed, let go."""

from collections import defaultdict
from typing import Any
from uuid import UUID

from scim2_models import (
    ForbiddenException,
    InvalidValueException,
    MutabilityException,
    NotFoundException,
    Reference,
    UniquenessException,
)
from sqlalchemy import ColumnElement, and_, exists, func, or_, select, update
from sqlalchemy.orm import aliased
from sqlmodel import col

from core.database import Transaction
from core.identity import people, transfers
from core.identity.models import Passkey, Person, Post, SignInSession
from core.identity.people import PersonError
from core.identity.scim import links
from core.identity.scim.desk import Desk, uuid_of
from core.identity.scim.filters import (
    Test,
    condition,
    one_of,
    storable,
    text,
    yes_or_no,
)
from core.identity.scim.models import ScimUser
from core.identity.scim.resources import Membership, Name, Phone, User
from core.identity.sessions import password_of
from core.identity.upstream.models import UpstreamIdentity
from plugin_sdk.identifiers import IdentifierError, normalize_phone

Changes = dict[str, Any]


def tests(tx: Transaction, desk: Desk) -> dict[str, Test]:
    """Return what each attribute of a user means in SQL."""
    own = aliased(ScimUser)
    external = (
        select(col(own.external_id))
        .where(col(own.client_id) == desk.client, col(own.person_id) == col(Person.id))
        .scalar_subquery()
    )
    held = and_(
        col(Post.person_id) == col(Person.id),
        desk.there(col(Post.organization_id)),
        or_(col(Post.ends_at).is_(None), col(Post.ends_at) > tx.now),
    )
    name, phone = text(col(Person.name)), text(col(Person.phone), exact=True)
    ids = one_of(lambda value: col(Person.id) == uuid_of(value), col(Person.id).is_not(None))
    groups = one_of(
        lambda value: exists().where(held, col(Post.organization_id) == uuid_of(value)),
        exists().where(held),
    )
    return {
        "id": ids,
        "username": text(col(Person.username)),
        "externalid": text(external, exact=True),
        "name": name,
        "name.formatted": name,
        "displayname": name,
        "active": yes_or_no(col(Person.disabled_at).is_(None)),
        "phonenumbers": phone,
        "phonenumbers.value": phone,
        "groups": groups,
        "groups.value": groups,
    }


async def search(
    tx: Transaction,
    desk: Desk,
    filter: str | None,
    *,
    offset: int = 0,
    limit: int = 0,
    lenient: bool = False,
) -> tuple[int, list[User]]:
    """Return how many people match, and a page of them by user name. Raises
    `InvalidFilterException`."""
    where = desk.people(tx)
    if filter:
        where = and_(where, condition(filter, User, tests(tx, desk), lenient=lenient))
    count = await tx.session.execute(select(func.count()).select_from(Person).where(where))
    total = int(count.scalar_one())
    if limit <= 0 or offset >= total:
        return total, []
    return total, await _load(tx, desk, where, offset=offset, limit=limit)


async def get(tx: Transaction, desk: Desk, id: str) -> User:
    """Return a user. Raises `NotFoundException`, alike for one who is beyond reach."""
    person_id = uuid_of(id)
    found = []
    if person_id is not None:
        found = await _load(tx, desk, and_(desk.people(tx), col(Person.id) == person_id))
    if not found:
        raise NotFoundException(detail="There is no such user.")
    return found[0]


async def _load(
    tx: Transaction, desk: Desk, where: ColumnElement[bool], *, offset: int = 0, limit: int = 1
) -> list[User]:
    rows = (
        await tx.session.execute(
            select(
                col(Person.id),
                col(Person.username),
                col(Person.name),
                col(Person.phone),
                col(Person.disabled_at),
                col(Person.created_at),
                col(ScimUser.external_id),
            )
            .outerjoin(
                ScimUser,
                and_(
                    col(ScimUser.person_id) == col(Person.id),
                    col(ScimUser.client_id) == desk.client,
                ),
            )
            .where(where)
            .order_by(col(Person.username))
            .offset(offset)
            .limit(limit)
        )
    ).all()
    memberships: dict[UUID, dict[UUID, str]] = defaultdict(dict)
    for post in await people.posts(tx, [row[0] for row in rows]):
        if post.organization_id in desk.units:
            memberships[post.person_id][post.organization_id] = post.organization
    found = []
    for id, username, name, phone, disabled_at, created_at, external_id in rows:
        user = User(
            id=str(id),
            external_id=external_id,
            user_name=username,
            name=Name(formatted=name),
            display_name=name,
            active=disabled_at is None,
            phone_numbers=[Phone(value=phone)] if phone else None,
            groups=[
                Membership(
                    value=str(unit), ref=Reference(f"{desk.base}/Groups/{unit}"), display=called
                )
                for unit, called in memberships[id].items()
            ]
            or None,
        )
        desk.finish(user, "User", created_at)
        found.append(user)
    return found


async def add(tx: Transaction, desk: Desk, wanted: User) -> UUID:
    """Bring a person, or bring back one that this application let go; return the id. They hold
    no post, and no right, before they are a member of a group. Raises `UniquenessException` and
    `InvalidValueException`."""
    username, name, phone = _username(wanted), _name(wanted), _phone(wanted)
    known = await people.by_username(tx, username)
    if known is not None:
        await _bring_back(tx, desk, known.id, username)
        person_id = known.id
        await _say(people.correct(tx, person_id, name=name))
        if known.disabled and wanted.active is not False:
            await _let_in(tx, desk, person_id)
    else:
        person_id = await _say(people.add_person(tx, username, name, None, phone=phone))
        await links.link(tx, desk.client, links.PERSON, person_id, brought=True)
    await links.keep_external(tx, desk.client, links.PERSON, person_id, wanted.external_id)
    if wanted.active is False and not (known and known.disabled):
        await _keep_out(tx, desk, person_id)
    return person_id


async def change(tx: Transaction, desk: Desk, was: User, wanted: User) -> Changes:
    """Make a person what is wanted of them; return what has changed, nothing where nothing
    has. Raises `ForbiddenException`, `UniquenessException` and `InvalidValueException`."""
    id = UUID(was.id or "")
    changed: Changes = {}
    username, name, phone = _username(wanted), _name(wanted), _phone(wanted)
    if username != was.user_name:
        changed["username"] = username
    if was.name is None or name != was.name.formatted:
        changed["name"] = name
    if phone is not None and not was.phone_numbers:
        if not await _untouched(tx, desk, id):  # with it one could sign in as them
            raise MutabilityException(
                detail="The person signs in already: they give it themselves."
            )
        changed["phone"] = phone
    active = was.active if wanted.active is None else wanted.active
    if changed or active != was.active:
        await desk.must_reach(tx, id)
    if changed:
        await _say(people.correct(tx, id, **changed))
    if active != was.active:
        await (_let_in if active else _keep_out)(tx, desk, id)
        changed["active"] = active
    if wanted.external_id != was.external_id:
        await links.keep_external(tx, desk.client, links.PERSON, id, wanted.external_id)
        changed["external_id"] = True
    return {key: True if key == "phone" else value for key, value in changed.items()}


async def let_go(tx: Transaction, desk: Desk, id: UUID) -> int:
    """Let a person go: they leave office, and are gone for this application; what they did stays
    theirs. Returns how many posts ended. Raises `ForbiddenException`."""
    await desk.must_reach(tx, id)
    await links.link(tx, desk.client, links.PERSON, id)
    ours = await _kept_out_here(tx, desk, id)
    ended = await transfers.leave(tx, id, keep_account=False)
    if ours is not False:
        await _note_kept_out(tx, desk, id)
    await tx.session.execute(
        update(ScimUser)
        .where(col(ScimUser.client_id) == desk.client, col(ScimUser.person_id) == id)
        .values(gone_at=tx.now)
    )
    return ended


async def visible(tx: Transaction, desk: Desk, ids: list[UUID]) -> set[UUID]:
    """Return those of the people whom the application sees."""
    found = await tx.session.execute(
        select(col(Person.id)).where(desk.people(tx), col(Person.id).in_(ids))
    )
    return set(found.scalars())


async def _untouched(tx: Transaction, desk: Desk, id: UUID) -> bool:
    """Return whether this application brought a person who has no way in yet, nor ever came in."""
    if not await links.is_brought(tx, desk.client, links.PERSON, id):
        return False
    if await password_of(tx, id) is not None:
        return False
    came = or_(
        *(
            exists().where(col(table.person_id) == id)
            for table in (Passkey, UpstreamIdentity, SignInSession)
        )
    )
    return not (await tx.session.execute(select(came))).scalar_one()


async def _keep_out(tx: Transaction, desk: Desk, id: UUID) -> None:
    await people.disable(tx, id)
    await links.link(tx, desk.client, links.PERSON, id)
    await _note_kept_out(tx, desk, id)


async def _let_in(tx: Transaction, desk: Desk, id: UUID) -> None:
    """Let a person in again whom this application kept out, and nobody since. Raises
    `ForbiddenException`."""
    if not await _kept_out_here(tx, desk, id):
        raise ForbiddenException(
            detail="The hub's administrator, or another application, keeps this person out: "
            "an administrator lets them in again."
        )
    await people.enable(tx, id)


async def _kept_out_here(tx: Transaction, desk: Desk, id: UUID) -> bool | None:
    """Return whether it is this application that keeps a person out; None where nobody does.
    Whoever keeps them out later does so at another moment."""
    found = await tx.session.execute(
        select(col(Person.disabled_at), col(ScimUser.disabled_at))
        .outerjoin(
            ScimUser,
            and_(col(ScimUser.person_id) == col(Person.id), col(ScimUser.client_id) == desk.client),
        )
        .where(col(Person.id) == id)
    )
    since, ours = found.one()
    return since == ours if since is not None else None


async def _note_kept_out(tx: Transaction, desk: Desk, id: UUID) -> None:
    await tx.session.execute(
        update(ScimUser)
        .where(col(ScimUser.client_id) == desk.client, col(ScimUser.person_id) == id)
        .values(disabled_at=tx.now)
    )


async def _bring_back(tx: Transaction, desk: Desk, person_id: UUID, username: str) -> None:
    held = await people.posts(tx, [person_id])
    back = await tx.session.execute(
        update(ScimUser)
        .where(
            col(ScimUser.client_id) == desk.client,
            col(ScimUser.person_id) == person_id,
            col(ScimUser.gone_at).is_not(None),
        )
        .values(gone_at=None, brought=True)
        .returning(col(ScimUser.person_id))
    )
    if back.first() is None or held:
        raise UniquenessException(attribute="userName", detail=f"{username} is taken.")


async def _say(act: Any) -> Any:
    """Return what an act returns; say in SCIM's words why a person cannot be so."""
    try:
        return await act
    except PersonError as error:
        if error.code == "username-taken":
            raise UniquenessException(attribute="userName", detail="The name is taken.") from None
        said = {
            "username-form": "userName has 2 to 63 characters: a-z, 0-9, dot, line, underscore.",
            "person-name": "name.formatted has 1 to 100 characters that can be printed.",
        }
        raise InvalidValueException(detail=said.get(error.code, error.code)) from None


def _username(wanted: User) -> str:
    given = (wanted.user_name or "").strip().lower()
    if not storable(given):
        raise InvalidValueException(detail="userName has only characters that can be printed.")
    return given


def _name(wanted: User) -> str:
    return ((wanted.name and wanted.name.formatted) or "").strip()


def _phone(wanted: User) -> str | None:
    phones = wanted.phone_numbers or []
    if len(phones) > 1:
        raise InvalidValueException(detail="A person has one phone here.")
    try:
        return normalize_phone(phones[0].value or "") if phones else None
    except IdentifierError:
        raise InvalidValueException(
            detail="The phone is one of China's mainland, such as +8613812345678."
        ) from None

"""People and their posts."""

import re
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy import Select, delete, func, or_, select, update
from sqlmodel import col

from core.database import Transaction
from core.delivery.service import forget_address
from core.identity import devices, sessions
from core.identity.events import PersonChanged, PersonErased, PostEnded
from core.identity.models import (
    Challenge,
    Closing,
    EarlierPassword,
    LegacyUser,
    OrganizationRow,
    Passkey,
    PendingSignIn,
    PeopleImportRow,
    Person,
    PersonNumber,
    PhoneCode,
    PhoneProof,
    Post,
    RecoveryCode,
    Totp,
)
from core.identity.passwords import NewPassword
from core.identity.provider.models import AuthorizationCode, ClientConsent, ClientSignIn
from core.identity.scim.models import ScimUser
from core.identity.tokens import service as tokens
from core.identity.tokens.models import ApiToken
from core.identity.upstream.models import UpstreamIdentity
from plugin_sdk.data import Within

# what is held of a person in rows of its own, and goes with them
HELD = (
    *(PersonNumber, LegacyUser, EarlierPassword),
    *(PendingSignIn, Totp, Passkey, RecoveryCode, Challenge, UpstreamIdentity),
    *(AuthorizationCode, ClientSignIn, ClientConsent),
    *(ApiToken, ScimUser),
)
ERASED = "erased"
ERASED_NAME = "已抹除"
USERNAME = re.compile(r"[a-z0-9][a-z0-9._-]{1,62}")


class PersonError(ValueError):
    """A person or post that cannot be; `code` names the problem in the catalogues."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class PersonFacts(msgspec.Struct, frozen=True):
    """A person as they are listed."""

    id: UUID
    username: str
    name: str
    phone: str | None
    disabled: bool


class PostFacts(msgspec.Struct, frozen=True):
    """A post as it is shown: where, as what, until when."""

    id: UUID
    person_id: UUID
    organization_id: UUID
    organization: str
    title: str
    starts_at: datetime
    ends_at: datetime | None


async def add_person(
    tx: Transaction,
    username: str,
    name: str,
    password: NewPassword | None,
    *,
    phone: str | None = None,
    demonstration: bool = False,
    must_change: bool = False,
) -> UUID:
    """Add a person; return the id. Raises `PersonError` for a name taken or malformed.

    With `must_change` the password is another's gift: they choose their own before anything else.
    """
    await _check(tx, username, name)
    person = Person(
        username=username,
        name=name.strip(),
        phone=phone,
        password_hash=password.hash if password else None,
        password_set_at=tx.now if password else None,
        must_change=must_change,
        demonstration=demonstration,
        created_at=tx.now,
    )
    tx.session.add(person)
    await tx.session.flush()
    return person.id


async def correct(
    tx: Transaction,
    person_id: UUID,
    *,
    username: str | None = None,
    name: str | None = None,
    phone: str | None = None,
) -> None:
    """Correct what a person is called, or give them a phone. Raises `PersonError`."""
    await _check(tx, username, name, but=person_id)
    wanted = {"username": username, "name": name and name.strip(), "phone": phone}
    values = {key: value for key, value in wanted.items() if value is not None}
    if values:
        await tx.session.execute(update(Person).where(col(Person.id) == person_id).values(**values))
        await tx.raise_event(PersonChanged(person_id))


async def _check(
    tx: Transaction, username: str | None, name: str | None, *, but: UUID | None = None
) -> None:
    if username is not None and not USERNAME.fullmatch(username):
        raise PersonError("username-form")
    if name is not None and (not name.strip() or len(name) > 100 or not name.isprintable()):
        raise PersonError("person-name")
    if username is not None:
        taken = await tx.session.execute(
            select(col(Person.id)).where(col(Person.username) == username, col(Person.id) != but)
        )
        if taken.first():
            raise PersonError("username-taken")


async def add_post(tx: Transaction, person_id: UUID, organization_id: UUID, title: str) -> UUID:
    """Let a person take a post; return its id. Raises `PersonError` where nobody works now."""
    closed = await tx.session.execute(
        select(col(Closing.closed_at)).where(col(Closing.organization_id) == organization_id)
    )
    if closed.first():
        raise PersonError("organization-closed")
    post = Post(person_id=person_id, organization_id=organization_id, title=title, starts_at=tx.now)
    tx.session.add(post)
    await tx.session.flush()
    await tx.raise_event(PersonChanged(person_id))
    return post.id


async def end_post(tx: Transaction, post_id: UUID, *, successor_id: UUID | None = None) -> None:
    """End a post: what hangs on it ends in this transaction. Raises `PersonError`.

    Its open work goes to the successor, who has been found to work there; else to the unit.
    """
    found = (
        await tx.session.execute(
            update(Post)
            .where(col(Post.id) == post_id, col(Post.ends_at).is_(None))
            .values(ends_at=tx.now)
            .returning(col(Post.person_id), col(Post.organization_id))
        )
    ).first()
    if found is None:
        raise PersonError("post-unknown")
    person_id, organization_id = found
    await tx.raise_event(PostEnded(post_id, person_id, organization_id, successor_id))
    await tx.raise_event(PersonChanged(person_id))


async def disable(tx: Transaction, person_id: UUID) -> None:
    """Keep a person out: their sessions end, everywhere, and the tokens of their programs."""
    await tx.session.execute(
        update(Person).where(col(Person.id) == person_id).values(disabled_at=tx.now)
    )
    await sessions.end_all(tx, person_id)
    await tokens.revoke_all(tx, person_id)
    await tx.raise_event(PersonChanged(person_id))


async def enable(tx: Transaction, person_id: UUID) -> None:
    """Let a disabled person sign in again."""
    await tx.session.execute(
        update(Person).where(col(Person.id) == person_id).values(disabled_at=None)
    )
    await tx.raise_event(PersonChanged(person_id))


async def erase(tx: Transaction, person_id: UUID) -> PersonFacts:
    """Replace what names a person by a tombstone, here and, by `PersonErased`, in other rooms;
    return who it was. The row stays, since others hold its id.

    Raises `PersonError`: `person-unknown`, or `person-in-office` for one who may still sign in
    or holds a post.
    """
    was = await person(tx, person_id)
    if was is None:
        raise PersonError("person-unknown")
    if not was.disabled or await posts(tx, [person_id]):
        raise PersonError("person-in-office")
    await sessions.forget(tx, person_id)
    await devices.forget_others(tx, person_id, None)
    for held in HELD:
        await tx.session.execute(delete(held).where(col(held.person_id) == person_id))
    if was.phone is not None:
        for code in (PhoneCode, PhoneProof):
            await tx.session.execute(delete(code).where(col(code.phone) == was.phone))
        await forget_address(tx, was.phone)
    nobody = f"{ERASED}-{person_id.hex}"
    await tx.session.execute(
        update(PeopleImportRow)
        .where(col(PeopleImportRow.username) == was.username)
        .values(username=nobody, reasons=[])
    )
    await tx.session.execute(
        update(Person)
        .where(col(Person.id) == person_id)
        .values(
            username=nobody,
            name=ERASED_NAME,
            phone=None,
            password_hash=None,
            password_set_at=None,
        )
    )
    await tx.raise_event(PersonErased(person_id))
    await tx.raise_event(PersonChanged(person_id))
    return was


async def set_preferences(
    tx: Transaction, person_id: UUID, *, language: str | None = None, elder: bool | None = None
) -> None:
    """Keep a person's language or mode of display."""
    values = {
        key: value for key, value in (("language", language), ("elder", elder)) if value is not None
    }
    if values:
        await tx.session.execute(update(Person).where(col(Person.id) == person_id).values(**values))
        await tx.raise_event(PersonChanged(person_id))


async def find(
    tx: Transaction,
    query: str = "",
    *,
    after: str = "",
    limit: int = 50,
    within: Within | None = None,
) -> list[PersonFacts]:
    """Return people whose name, user name or unit holds the query, or whom a legacy system knew
    under that very id; by user name, those after `after`. With `within` those alone who hold a
    post there."""
    statement = select(
        col(Person.id),
        col(Person.username),
        col(Person.name),
        col(Person.phone),
        col(Person.disabled_at).is_not(None),
    ).order_by(col(Person.username))
    if after:
        statement = statement.where(col(Person.username) > after)
    if within is not None:
        statement = statement.where(col(Person.id).in_(posted(within, tx.now)))
    if query:
        statement = statement.where(
            or_(
                col(Person.username).contains(query, autoescape=True),
                col(Person.name).contains(query, autoescape=True),
                col(Person.id).in_(
                    select(col(LegacyUser.person_id)).where(col(LegacyUser.legacy_id) == query)
                ),
                col(Person.id).in_(
                    select(col(Post.person_id))
                    .join(OrganizationRow, col(OrganizationRow.id) == col(Post.organization_id))
                    .where(
                        col(OrganizationRow.name).contains(query, autoescape=True),
                        or_(col(Post.ends_at).is_(None), col(Post.ends_at) > tx.now),
                    )
                ),
            )
        )
    return [PersonFacts(*row) for row in await tx.session.execute(statement.limit(limit))]


def posted(within: Within, now: datetime) -> Select[UUID]:
    """Return a select of the people who hold a post, now or later, `within` some organizations."""
    return select(col(Post.person_id)).where(
        within(col(Post.organization_id)), or_(col(Post.ends_at).is_(None), col(Post.ends_at) > now)
    )


async def person(tx: Transaction, id: UUID) -> PersonFacts | None:
    """Return a person, None if there is none."""
    found = (
        await tx.session.execute(
            select(
                col(Person.id),
                col(Person.username),
                col(Person.name),
                col(Person.phone),
                col(Person.disabled_at).is_not(None),
            ).where(col(Person.id) == id)
        )
    ).first()
    return PersonFacts(*found) if found else None


async def by_username(tx: Transaction, username: str) -> PersonFacts | None:
    """Return the person of a user name, None if there is none."""
    id = await tx.session.execute(select(col(Person.id)).where(col(Person.username) == username))
    found = id.scalar_one_or_none()
    return await person(tx, found) if found else None


async def holder(tx: Transaction, post_id: UUID) -> UUID | None:
    """Return who holds or held a post, None if there is none."""
    found = await tx.session.execute(select(col(Post.person_id)).where(col(Post.id) == post_id))
    return found.scalar_one_or_none()


async def posts(
    tx: Transaction, person_ids: Sequence[UUID], *, ended: bool = False
) -> list[PostFacts]:
    """Return the posts of people, in force (or with `ended` all), oldest first."""
    statement = (
        select(
            col(Post.id),
            col(Post.person_id),
            col(Post.organization_id),
            col(OrganizationRow.name),
            col(Post.title),
            col(Post.starts_at),
            col(Post.ends_at),
        )
        .join(OrganizationRow, col(OrganizationRow.id) == col(Post.organization_id))
        .where(col(Post.person_id).in_(person_ids))
        .order_by(col(Post.starts_at), col(Post.id))
    )
    if not ended:
        statement = statement.where(or_(col(Post.ends_at).is_(None), col(Post.ends_at) > tx.now))
    return [PostFacts(*row) for row in await tx.session.execute(statement)]


async def demonstration_accounts(tx: Transaction) -> int:
    """Return how many accounts of the demonstration county there are."""
    count = await tx.session.execute(
        select(func.count()).select_from(Person).where(col(Person.demonstration))
    )
    return int(count.scalar_one())


async def names(tx: Transaction, ids: Sequence[UUID]) -> dict[UUID, str]:
    """Return the names of people by id."""
    found = await tx.session.execute(
        select(col(Person.id), col(Person.name)).where(col(Person.id).in_(set(ids)))
    )
    return {id: name for id, name in found}

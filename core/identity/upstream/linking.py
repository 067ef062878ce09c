"""Whose account at an upstream is whose here. A link is made by who is signed in to both, and
by nothing else: never because a name, a phone or an e-mail address is the same."""

from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy import delete, exists, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col

from core.database import Transaction
from core.identity.models import Passkey, Person
from core.identity.numbers import Numbers
from core.identity.upstream.models import Upstream, UpstreamIdentity, UpstreamPost
from core.identity.upstream.service import UpstreamError, UpstreamFacts
from plugin_sdk.data import new_id
from plugin_sdk.text import Text


class Linked(msgspec.Struct, frozen=True):
    """An account of an upstream that is a person's here."""

    id: UUID
    person_id: UUID
    usable: bool
    made: bool


class LinkFacts(msgspec.Struct, frozen=True):
    """A link as its owner sees it."""

    id: UUID
    key: str
    name: Text
    shown: str
    linked_at: datetime
    used_at: datetime | None
    open: bool


def digest_of(numbers: Numbers, upstream: UpstreamFacts, subject: str) -> str:
    """Return as what a subject of an upstream is kept: another one for each issuer."""
    return numbers.digest(f"upstream:{upstream.id}:{subject}")


def shown(subject: str) -> str:
    """Return as what a subject is shown: its ends, of a long one."""
    return f"{subject[:2]}***{subject[-2:]}" if len(subject) >= 8 else f"{subject[:1]}***"


async def find(
    tx: Transaction, numbers: Numbers, upstream: UpstreamFacts, subject: str
) -> Linked | None:
    """Return whose account it is here, None when it is nobody's."""
    row = UpstreamIdentity
    found = await tx.session.execute(
        select(col(row.id), col(row.person_id), col(Person.disabled_at).is_(None), col(row.made))
        .join(Person, col(Person.id) == col(row.person_id))
        .where(
            col(row.upstream_id) == upstream.id,
            col(row.subject) == digest_of(numbers, upstream, subject),
        )
    )
    one = found.first()
    return Linked(*one) if one else None


async def link(
    tx: Transaction,
    numbers: Numbers,
    upstream: UpstreamFacts,
    subject: str,
    person_id: UUID,
    *,
    made: bool = False,
) -> None:
    """Link an account to a person. Raises `UpstreamError`: `identity-taken` for another's,
    `identity-held` for a person who has one there already."""
    known = await find(tx, numbers, upstream, subject)
    if known is not None:
        code = "identity-held" if known.person_id == person_id else "identity-taken"
        raise UpstreamError("", code)
    dialect = sqlite if tx.database.sqlite else postgresql
    linked = await tx.session.execute(
        dialect.insert(UpstreamIdentity)
        .values(
            id=new_id(),
            upstream_id=upstream.id,
            subject=digest_of(numbers, upstream, subject),
            shown=shown(subject),
            person_id=person_id,
            made=made,
            linked_at=tx.now,
            used_at=tx.now if made else None,
        )
        .on_conflict_do_nothing()
        .returning(col(UpstreamIdentity.id))
    )
    if linked.first() is None:  # one of its own there already, or another was quicker
        raise UpstreamError("", "identity-held")


async def note_used(tx: Transaction, linked: Linked) -> None:
    """Note that somebody came by a link."""
    await tx.session.execute(
        update(UpstreamIdentity)
        .where(col(UpstreamIdentity.id) == linked.id)
        .values(used_at=tx.now)
        .execution_options(synchronize_session=False)
    )


async def links_of(tx: Transaction, person_id: UUID) -> list[LinkFacts]:
    """Return the links of a person, the one used last first."""
    row = UpstreamIdentity
    found = await tx.session.execute(
        select(
            *(col(row.id), col(Upstream.key), col(Upstream.name_zh), col(Upstream.name_en)),
            *(col(row.shown), col(row.linked_at), col(row.used_at)),
            col(Upstream.disabled_at).is_(None),
        )
        .join(Upstream, col(Upstream.id) == col(row.upstream_id))
        .where(col(row.person_id) == person_id)
        .order_by(col(row.used_at).is_(None), col(row.used_at).desc(), col(row.id))
    )
    return [
        LinkFacts(id, key, Text(zh, en), shown, linked_at, used_at, open)
        for id, key, zh, en, shown, linked_at, used_at, open in found
    ]


async def unlink(tx: Transaction, person_id: UUID, link_id: UUID) -> LinkFacts | None:
    """Take a person's link away; return it, None when there is none. Raises `UpstreamError`
    (`identity-last`) for the only way in that they have."""
    links = await links_of(tx, person_id)
    named = next((one for one in links if one.id == link_id), None)
    if named is None:
        return None
    key = exists().where(col(Passkey.person_id) == person_id)
    own = await tx.session.execute(
        select(
            (col(Person.password_hash).is_not(None)) | (col(Person.phone).is_not(None)) | key
        ).where(col(Person.id) == person_id)
    )
    if len(links) == 1 and not own.scalar_one():
        raise UpstreamError("", "identity-last")
    await tx.session.execute(delete(UpstreamIdentity).where(col(UpstreamIdentity.id) == link_id))
    return named


async def given_posts(tx: Transaction, upstream_id: UUID, post_ids: list[UUID]) -> set[UUID]:
    """Return those of the posts that the rules of an upstream gave."""
    found = await tx.session.execute(
        select(col(UpstreamPost.post_id)).where(
            col(UpstreamPost.upstream_id) == upstream_id, col(UpstreamPost.post_id).in_(post_ids)
        )
    )
    return set(found.scalars())

"""Taking back what an import added, as long as nothing hangs on it; what does is named."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import and_, delete, or_, select
from sqlalchemy.exc import IntegrityError
from sqlmodel import col

from core.database import Transaction
from core.identity.events import PersonChanged
from core.identity.models import (
    Enterprise,
    LegacyUser,
    Person,
    PersonNumber,
    Post,
    SignInSession,
)
from core.identity.people_files import Reason
from core.identity.people_roles import Roles


class Added(msgspec.Struct, frozen=True):
    """What a row of an import added, and what it changed, which is not taken back."""

    does: str = "nothing"
    person_id: UUID | None = None
    post_id: UUID | None = None
    grants: tuple[UUID, ...] = ()
    number: bool = False
    legacy: tuple[str, str] | None = None
    changed: tuple[str, ...] = ()


async def take_back(
    tx: Transaction, added: Sequence[Added], roles: Roles
) -> dict[UUID, list[Reason]]:
    """Remove what was added; return why something of a person stays, by person."""
    left: dict[UUID, list[Reason]] = {}
    hanging = await _hanging(tx, added, roles)
    free = []
    for item in added:
        if item.person_id is None:
            continue
        if item.does == "move":
            left.setdefault(item.person_id, []).append(Reason("kept-move"))
        if item.changed:
            left.setdefault(item.person_id, []).append(Reason("kept-changes"))
        if item.post_id is not None and item.person_id in hanging:
            left.setdefault(item.person_id, []).append(Reason(hanging[item.person_id]))
        else:
            free.append(item)
    try:
        async with tx.session.begin_nested():
            await _remove(tx, free, roles)
    except IntegrityError:  # a room above holds some of it: find out whose
        for item in free:
            try:
                async with tx.session.begin_nested():
                    await _remove(tx, [item], roles)
            except IntegrityError:
                if item.person_id is not None:
                    left.setdefault(item.person_id, []).append(Reason("hangs-elsewhere"))
    return left


async def _remove(tx: Transaction, items: Sequence[Added], roles: Roles) -> None:
    await roles.take_back(tx, [id for item in items for id in item.grants])
    legacy = [item.legacy for item in items if item.legacy]
    numbered = [item.person_id for item in items if item.number]
    posts = [item.post_id for item in items if item.post_id]
    people = [item.person_id for item in items if item.does == "add"]
    if legacy:
        await tx.session.execute(
            delete(LegacyUser).where(
                or_(
                    *(
                        and_(col(LegacyUser.system) == system, col(LegacyUser.legacy_id) == id)
                        for system, id in legacy
                    )
                )
            )
        )
    removals: tuple[tuple[Any, Any, list[Any]], ...] = (
        (PersonNumber, col(PersonNumber.person_id), numbered),
        (Post, col(Post.id), posts),
        (Person, col(Person.id), people),
    )
    for table, column, ids in removals:
        if ids:
            await tx.session.execute(
                delete(table).where(column.in_(ids)),
                execution_options={"synchronize_session": False},
            )
    for item in items:
        if item.does != "add" and item.person_id is not None:
            await tx.raise_event(PersonChanged(item.person_id))


async def _hanging(tx: Transaction, added: Sequence[Added], roles: Roles) -> dict[UUID, str]:
    """Return what hangs on the people and posts that were added, a code each."""
    posts = {item.person_id: item.post_id for item in added if item.person_id and item.post_id}
    new = {item.person_id for item in added if item.does == "add" and item.person_id}
    found: dict[UUID, str] = {}

    async def note(code: str, statement: Any) -> None:
        for id in (await tx.session.execute(statement)).scalars():
            found.setdefault(id, code)

    await note(
        "hangs-sign-in",
        select(col(Person.id)).where(
            col(Person.id).in_(new), col(Person.password_hash).is_not(None)
        ),
    )
    await note(
        "hangs-sign-in",
        select(col(SignInSession.person_id)).where(
            or_(
                col(SignInSession.person_id).in_(new),
                col(SignInSession.post_id).in_(list(posts.values())),
            )
        ),
    )
    await note(
        "hangs-post",
        select(col(Post.person_id)).where(
            col(Post.person_id).in_(new), col(Post.id).not_in(list(posts.values()))
        ),
    )
    await note(
        "hangs-post",  # a post of the import that has ended since: somebody was moved
        select(col(Post.person_id)).where(
            col(Post.id).in_(list(posts.values())), col(Post.ends_at).is_not(None)
        ),
    )
    await note(
        "hangs-number",
        select(col(PersonNumber.person_id)).where(
            col(PersonNumber.person_id).in_(new - {i.person_id for i in added if i.number})
        ),
    )
    await note(
        "hangs-legacy",
        select(col(LegacyUser.person_id)).where(
            col(LegacyUser.person_id).in_(new - {i.person_id for i in added if i.legacy})
        ),
    )
    await note(
        "hangs-enterprise",
        select(col(Enterprise.agent_id)).where(col(Enterprise.agent_id).in_(new)),
    )
    grants = [id for item in added for id in item.grants]
    for id, code in (await roles.hanging(tx, posts, grants)).items():
        found.setdefault(id, code)
    return found

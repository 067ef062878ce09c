"""Drafts: what a person has begun to fill in, theirs alone, bounded in number, size and age."""

from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import ColumnElement, and_, delete, exists, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col

from core.database import Transaction
from core.identity.events import PersonErased, SessionEnded, SessionRenewed
from core.identity.models import SignInSession
from core.identity.sessions import on_public_computer
from core.work.models import DraftRow
from plugin_sdk.drafts import Draft
from plugin_sdk.ports import Actor
from plugin_sdk.problems import Problem
from plugin_sdk.views import Phrase

MOST: Final = 10
MOST_BYTES: Final = 40_000
KEEP: Final = timedelta(days=30)


async def keep_draft(tx: Transaction, person_id: UUID, actor: Actor, draft: Draft) -> None:
    """Keep a draft, or bring it up to date; a person's oldest beyond ten are dropped.

    Raises `Problem` (413) for one that is too large.
    """
    if len(msgspec.json.encode(draft.texts)) > MOST_BYTES:
        raise Problem("draft-too-large", status=413, limit=MOST_BYTES // 1000)
    values: dict[str, Any] = {
        "key": own_key(person_id, draft.key),
        "person_id": person_id,
        "session_id": await on_public_computer(tx, actor.session_id),
        "app": draft.app,
        "form": draft.form,
        "href": draft.href,
        "title": "" if isinstance(draft.title, Phrase) else draft.title,
        "title_key": draft.title.key if isinstance(draft.title, Phrase) else "",
        "lacking": [words.key for words in draft.lacking],
        "texts": dict(draft.texts),
        "saved_at": tx.now,
    }
    dialect = sqlite if tx.database.sqlite else postgresql
    insert = dialect.insert(DraftRow).values(values)
    await tx.session.execute(
        insert.on_conflict_do_update(
            index_elements=["key"], set_={name: insert.excluded[name] for name in values}
        )
    )
    newest = (
        select(col(DraftRow.key))
        .where(col(DraftRow.person_id) == person_id)
        .order_by(col(DraftRow.saved_at).desc(), col(DraftRow.key))
        .limit(MOST)
    )
    await tx.session.execute(
        delete(DraftRow).where(
            col(DraftRow.person_id) == person_id, col(DraftRow.key).not_in(newest)
        )
    )


async def drafts_of(tx: Transaction, actor: Actor) -> list[Draft]:
    """Return a person's drafts, newest first."""
    statement = select(DraftRow).where(_own(tx, actor)).order_by(col(DraftRow.saved_at).desc())
    return [_draft(row) for row in (await tx.session.execute(statement)).scalars()]


async def find_draft(tx: Transaction, actor: Actor, app: str, form: str, key: str) -> Draft | None:
    """Return one of a person's drafts of a form, None when there is none."""
    if actor.person_id is None:
        return None
    statement = select(DraftRow).where(
        _own(tx, actor),
        col(DraftRow.key) == own_key(actor.person_id, key),
        col(DraftRow.app) == app,
        col(DraftRow.form) == form,
    )
    row = (await tx.session.execute(statement)).scalar_one_or_none()
    return _draft(row) if row else None


async def drop_draft(tx: Transaction, key: str) -> None:
    """Drop the draft with a key (its person's before it), if there is one."""
    await tx.session.execute(delete(DraftRow).where(col(DraftRow.key) == key))


async def drop_with_session(tx: Transaction, event: SessionEnded) -> None:
    """Drop what was written in a session on a public computer that has ended."""
    await tx.session.execute(
        delete(DraftRow).where(col(DraftRow.session_id) == event.session_id, ~_session_lasts(tx))
    )


async def go_on_with_session(tx: Transaction, event: SessionRenewed) -> None:
    """Let what was written in a session on a public computer go on with it."""
    await tx.session.execute(
        update(DraftRow)
        .where(col(DraftRow.session_id) == event.session_id)
        .values(session_id=event.new_id)
    )


async def forget_drafts(tx: Transaction, event: PersonErased) -> None:
    """Drop the drafts of a person who is erased."""
    await tx.session.execute(delete(DraftRow).where(col(DraftRow.person_id) == event.person_id))


async def tidy_drafts(tx: Transaction) -> None:
    """Drop what is too old, and what outlived its session on a public computer."""
    await tx.session.execute(
        delete(DraftRow).where(
            or_(
                col(DraftRow.saved_at) < tx.now - KEEP,
                and_(col(DraftRow.session_id).is_not(None), ~_session_lasts(tx)),
            )
        )
    )


def own_key(person_id: UUID, key: str) -> str:
    """Return the key of a draft as a request's is kept: nobody's collides with another's."""
    return f"{person_id}:{key}"


def _session_lasts(tx: Transaction) -> ColumnElement[bool]:
    row = SignInSession
    return exists().where(
        col(row.id) == col(DraftRow.session_id),
        col(row.ended_at).is_(None),
        col(row.expires_at) > tx.now,
    )


def _own(tx: Transaction, actor: Actor) -> ColumnElement[bool]:
    return and_(
        col(DraftRow.person_id) == actor.person_id,
        col(DraftRow.saved_at) >= tx.now - KEEP,
        or_(col(DraftRow.session_id).is_(None), col(DraftRow.session_id) == actor.session_id),
    )


def _draft(row: DraftRow) -> Draft:
    return Draft(
        key=row.key.partition(":")[2],
        app=row.app,
        form=row.form,
        href=row.href,
        title=Phrase(row.title_key) if row.title_key else row.title,
        lacking=tuple(Phrase(key) for key in row.lacking),
        texts=row.texts,
        saved_at=row.saved_at,
    )

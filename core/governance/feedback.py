"""投诉建议: every app has a channel; the app's owner reads and answers it.

A complaint channel inside each app is asked for by 《政务移动互联网应用程序规范化管理办法》
(国办函〔2026〕12号).
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy import select, update
from sqlmodel import col

from core.database import Transaction
from core.governance.models import Feedback
from core.messages.service import send
from core.work.timers import next_number
from plugin_sdk.data import new_id
from plugin_sdk.ports import To
from plugin_sdk.views import Phrase

APP = "yimen"


class FeedbackFacts(msgspec.Struct, frozen=True):
    """A complaint or suggestion as the owner sees it; an anonymous one names nobody."""

    id: UUID
    number: str
    app: str
    place: str
    text: str
    anonymous: bool
    at: datetime
    reply: str | None
    replied_at: datetime | None


async def file_feedback(
    tx: Transaction,
    app: str,
    text: str,
    *,
    place: str = "",
    person_id: UUID | None,
    anonymous: bool,
) -> str:
    """Keep a complaint or suggestion and tell who answers; return its number.

    The person is kept even when they stay anonymous to the owner, so that the reply
    reaches them; no page shows it.
    """
    number = f"TS{await next_number(tx, APP, 'feedback')}"
    tx.session.add(
        Feedback(
            id=new_id(),
            number=number,
            app=app,
            place=place,
            text=text,
            anonymous=anonymous,
            person_id=person_id,
            at=tx.now,
        )
    )
    await tx.session.flush()
    await send(
        tx,
        APP,
        To(permission="yimen.feedback.answer"),
        Phrase("feedback.arrived", {"number": number}),
        "/owner/feedback",
    )
    return number


async def feedback(
    tx: Transaction, *, apps: Sequence[str] | None = None, limit: int = 100
) -> list[FeedbackFacts]:
    """Return complaints and suggestions, unanswered first, then newest."""
    row = Feedback
    statement = (
        select(*(getattr(row, name) for name in FeedbackFacts.__struct_fields__))
        .order_by(col(row.replied_at).is_not(None), col(row.at).desc())
        .limit(limit)
    )
    if apps is not None:
        statement = statement.where(col(row.app).in_(apps))
    return [FeedbackFacts(*values) for values in await tx.session.execute(statement)]


async def app_of(tx: Transaction, id: UUID) -> str | None:
    """Return the app that a complaint is about, None if there is no such complaint."""
    found = await tx.session.execute(select(col(Feedback.app)).where(col(Feedback.id) == id))
    return found.scalar_one_or_none()


async def reply(tx: Transaction, id: UUID, text: str, *, by: UUID) -> bool:
    """Answer a complaint once; return whether it was still unanswered."""
    found = (
        await tx.session.execute(
            update(Feedback)
            .where(col(Feedback.id) == id, col(Feedback.replied_at).is_(None))
            .values(reply=text, replied_at=tx.now, replied_by=by)
            .returning(col(Feedback.person_id), col(Feedback.number))
        )
    ).first()
    if found is None:
        return False
    person_id, number = found
    if person_id is not None:
        await send(
            tx,
            APP,
            To(person_id=person_id),
            Phrase("feedback.answered", {"number": number, "reply": text[:200]}),
            "/feedback",
        )
    return True

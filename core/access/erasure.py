"""What is written of people in words beside their rights, when one of them is erased."""

from typing import Any

from sqlalchemy import or_, update
from sqlmodel import col

from core.access.models import AccessRequest, Consent, Delegation
from core.database import Transaction
from core.identity.events import PersonErased


async def forget_words(tx: Transaction, event: PersonErased) -> None:
    """Blank how a consent was given and why something was asked for or handed over.

    Who held what, and until when, stays: it explains what others did, and names nobody by itself.
    """
    id = event.person_id
    party = or_(col(Delegation.created_by) == id, col(Delegation.person_id) == id)
    words: tuple[tuple[Any, str, Any], ...] = (
        (Consent, "evidence", col(Consent.person_id) == id),
        (AccessRequest, "reason", col(AccessRequest.person_id) == id),
        (Delegation, "reason", party),
    )
    for table, text, whose in words:
        await tx.session.execute(
            update(table)
            .where(whose)
            .values({text: ""})
            .execution_options(synchronize_session=False)
        )

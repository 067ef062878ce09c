"""How often answers were used: per version and day, never per operator."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

import msgspec
from sqlalchemy import case, func, select
from sqlmodel import col

from plugin_sdk.figures import window
from plugin_sdk.ports import Read
from plugin_sdk.views import FigureCard, Phrase
from plugins.hotline.knowledge.models import KnowledgeUse


class Uses(msgspec.Struct, frozen=True):
    """How often a version was used: in all, and lately."""

    total: int = 0
    lately: int = 0


async def uses_of(read: Read, versions: Sequence[UUID], since: date) -> dict[UUID, Uses]:
    """Return how often versions were used, in all and since a day; nothing for those never used."""
    use = KnowledgeUse
    lately = func.sum(case((col(use.day) >= since, 1), else_=0))
    statement = select(col(use.version_id), func.count(), lately).where(
        col(use.version_id).in_(versions)
    )
    found = await read.session.execute(statement.group_by(col(use.version_id)))
    return {id: Uses(total, int(recent)) for id, total, recent in found}


async def days_of(read: Read, version: UUID, since: date) -> list[tuple[date, int]]:
    """Return how often a version was used on each day since one, newest first, days without a use
    left out."""
    use = KnowledgeUse
    statement = select(col(use.day), func.count()).where(
        col(use.version_id) == version, col(use.day) >= since
    )
    found = await read.session.execute(
        statement.group_by(col(use.day)).order_by(col(use.day).desc())
    )
    return [(day, n) for day, n in found]


async def figure(read: Read, first: date, last: date) -> FigureCard:
    """Return how many answers of a period began with the knowledge base, in the whole county."""
    use = KnowledgeUse
    statement = select(func.count()).where(col(use.day) >= first, col(use.day) <= last)
    return FigureCard(
        label=Phrase("hotline.knowledge.figure.label"),
        what=Phrase("hotline.knowledge.figure.what"),
        value=int((await read.session.execute(statement)).scalar_one()),
        window=window(first, last),
    )

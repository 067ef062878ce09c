"""What apps are told of another's life: no more than anybody reads on its page."""

from typing import Final

from sqlalchemy import select
from sqlmodel import col

from core.database import Transaction
from core.governance.lifecycle.models import StepTaken
from core.governance.lifecycle.service import standing
from plugin_sdk.deadlines import local_day
from plugin_sdk.life import Life, LifeStep
from plugin_sdk.manifest_model import Stage
from plugin_sdk.problems import NotFound

UNDECIDED: Final = frozenset({"watch", "review", "keep", "improve"})
"""Stages of an app in use that are between its owner and who reviews it."""
WAY_OUT: Final[tuple[Stage, ...]] = ("sunset", "closed", "archived", "purged")


async def life_of(tx: Transaction, app: str) -> Life | None:
    """Return where an app stands, None for one that is not on the register."""
    try:
        stands = await standing(tx, app)
    except NotFound:
        return None
    row = StepTaken
    taken = await tx.session.execute(
        select(col(row.source), col(row.target), col(row.at))
        .where(col(row.app) == app, col(row.target) != col(row.source))
        .order_by(col(row.at), col(row.id))
    )
    steps: list[LifeStep] = []
    for source, target, at in taken:  # what was undone is no step any more
        if source in WAY_OUT:
            steps = [one for one in steps if _depth(one.stage) <= _depth(target)]
        if target in WAY_OUT and target not in {one.stage for one in steps}:
            steps.append(LifeStep(target, local_day(at)))
    undecided = stands.stage in UNDECIDED
    return Life(
        stage="active" if undecided else stands.stage,
        closes_on=stands.closes_on if stands.stage in WAY_OUT else None,
        steps=tuple(steps),
    )


def _depth(stage: str) -> int:
    """Return how far on the way out a stage is, 0 for one that is not on it."""
    return next((n for n, one in enumerate(WAY_OUT, 1) if one == stage), 0)

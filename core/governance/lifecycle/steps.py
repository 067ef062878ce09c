"""The life cycle as data: every step with its permission, its notice, the door and its way back.

`proposed → filed → trial → active → watch → review → keep | improve | merge | retire → sunset →
closed → archived → purged`; restore leads from `archived`. Beyond `watch` no step is taken by the
hub itself, and none by the owner of the app (design section 8).
"""

from typing import Literal

import msgspec

from core.apps.slots import Mode
from plugin_sdk.manifest_model import Stage

Told = Literal["owner", "everybody"]
DECIDE = "oversight.review.decide"
REVIEW = "oversight.review.open"
IN_USE: tuple[Stage, ...] = ("trial", "active", "watch", "keep", "improve")
BY_ITSELF: tuple[Stage, ...] = ("proposed", "filed", "trial", "active", "watch")
"""Where an app may come without a person's decision."""
CARRIED_OUT: frozenset[str] = frozenset({"archive", "restore", "purge"})
"""Steps that the archive takes when what somebody asked for is done (`core.governance.archive`)."""
OVER: tuple[Stage, ...] = ("closed", "archived", "purged")
HELD: tuple[Stage, ...] = ("review", "merge", "retire", "sunset", "closed", "archived")
"""Where it is being decided on an app, or carried out: nobody gives it another owner meanwhile, so
that those who answered for it cannot become those who decide."""


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """A step. `target` None returns to where the app stood before the step that this one undoes.
    `permission` is the full name; `told` says who gets a notice (`owner`: the unit, `everybody`:
    the public page and the banner too), `door` how the door stands afterwards (None: as it does),
    `back` the verb that undoes it (None: nothing does). `by_review` steps follow from a decision
    on the review alone."""

    verb: str
    sources: tuple[Stage, ...]
    target: Stage | None
    permission: str
    told: Told = "owner"
    door: Mode | None = None
    back: str | None = None
    by_review: bool = False


STEPS: tuple[Step, ...] = (
    Step(verb="file", sources=("proposed",), target="filed", permission="yimen.register.change"),
    Step(verb="try", sources=("filed",), target="trial", permission="yimen.register.change"),
    Step(
        verb="begin",
        sources=("filed", "trial"),
        target="active",
        permission="yimen.register.change",
    ),
    Step(
        verb="watch",
        sources=("trial", "active", "keep", "improve"),
        target="watch",
        permission="yimen.lifecycle.move",
        back="leave",
    ),
    Step(verb="leave", sources=("watch",), target=None, permission="yimen.lifecycle.move"),
    Step(
        verb="review",
        sources=IN_USE,
        target="review",
        permission=REVIEW,
        back="withdraw",
        by_review=True,
    ),
    Step(
        verb="withdraw",
        sources=("review",),
        target=None,
        permission=REVIEW,
        by_review=True,
    ),
    *(
        Step(
            verb=verdict,
            sources=("review",),
            target=verdict,
            permission=DECIDE,
            back="reconsider",
            by_review=True,
        )
        for verdict in ("keep", "improve", "merge", "retire")
    ),
    Step(
        verb="reconsider",
        sources=("keep", "improve", "merge", "retire"),
        target="review",
        permission=DECIDE,
        by_review=True,
    ),
    Step(
        verb="settle",
        sources=("keep", "improve"),
        target="active",
        permission="yimen.lifecycle.move",
    ),
    Step(
        verb="sunset",
        sources=("merge", "retire"),
        target="sunset",
        permission="yimen.lifecycle.move",
        told="everybody",
        door="read_only",
        back="call_off",
    ),
    Step(
        verb="call_off",
        sources=("sunset",),
        target=None,
        permission="yimen.lifecycle.move",
        told="everybody",
        door="open",
    ),
    Step(
        verb="close",
        sources=("sunset",),
        target="closed",
        permission="yimen.lifecycle.move",
        told="everybody",
        door="closed",
        back="reopen",
    ),
    Step(
        verb="reopen",
        sources=("closed",),
        target="sunset",
        permission="yimen.lifecycle.move",
        told="everybody",
        door="read_only",
    ),
    Step(
        verb="archive",
        sources=("closed",),
        target="archived",
        permission="yimen.lifecycle.archive",
        door="closed",
        back="restore",
    ),
    Step(
        verb="restore",
        sources=("archived",),
        target="closed",
        permission="yimen.lifecycle.archive",
        door="closed",
    ),
    Step(verb="purge", sources=("archived",), target="purged", permission="yimen.lifecycle.purge"),
)


def step(verb: str) -> Step:
    """Return a step by its verb. Raises `KeyError`."""
    return _BY_VERB[verb]


def possible(stage: Stage) -> list[Step]:
    """Return the steps that may be taken from a stage, in the order of the life cycle."""
    return [one for one in STEPS if stage in one.sources]


def forward(verb: str) -> list[str]:
    """Return the steps that a step undoes."""
    return [one.verb for one in STEPS if one.back == verb]


_BY_VERB = {one.verb: one for one in STEPS}

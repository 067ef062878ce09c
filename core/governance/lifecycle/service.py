"""Taking the steps of the life cycle. The one place that writes where an app stands."""

import logging
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any

import msgspec
from sqlalchemy import select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col

from core.database import Transaction
from core.governance.lifecycle.models import Standing, StepTaken
from core.governance.lifecycle.steps import BY_ITSELF, CARRIED_OUT, forward, step
from plugin_sdk.data import new_id
from plugin_sdk.deadlines import local_day
from plugin_sdk.manifest_model import Manifest, Stage
from plugin_sdk.ports import Actor
from plugin_sdk.problems import Conflict, Denied, NotFound
from plugin_sdk.views import Phrase

logger = logging.getLogger(__name__)

DECLARABLE: tuple[Stage, ...] = ("proposed", "filed", "trial", "active")
"""What an owner may say of its own app; the rest is governance's to say."""


class StandingFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Where an app stands (`core.governance.lifecycle.models.Standing`)."""

    app: str
    stage: Stage
    since: date
    version: int
    review: str | None = None
    successor: str | None = None
    announced: datetime | None = None
    closes_on: date | None = None


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """One step that was taken, as it is shown."""

    verb: str
    source: str
    target: str
    at: datetime
    name: str
    unit: str
    reason: str
    facts: dict[str, Any]


_COLUMNS = (
    col(Standing.app),
    col(Standing.stage),
    col(Standing.since),
    col(Standing.version),
    col(Standing.review),
    col(Standing.successor),
    col(Standing.announced),
    col(Standing.closes_on),
)


async def standings(tx: Transaction) -> dict[str, StandingFacts]:
    """Return where every app stands that governance knows."""
    return {row[0]: _facts(row) for row in await tx.session.execute(select(*_COLUMNS))}


async def standing(tx: Transaction, app: str) -> StandingFacts:
    """Return where an app stands. Raises `NotFound`."""
    found = await tx.session.execute(select(*_COLUMNS).where(col(Standing.app) == app))
    row = found.first()
    if row is None:
        raise NotFound
    return _facts(row)


def _facts(row: Any) -> StandingFacts:
    names = StandingFacts.__struct_fields__
    return StandingFacts(**dict(zip(names, row, strict=True)))


async def taken(tx: Transaction, app: str) -> list[Taken]:
    """Return the steps of an app, newest first."""
    row = StepTaken
    found = await tx.session.execute(
        select(
            col(row.verb),
            col(row.source),
            col(row.target),
            col(row.at),
            col(row.name),
            col(row.unit),
            col(row.reason),
            col(row.facts),
        )
        .where(col(row.app) == app)
        .order_by(col(row.at).desc(), col(row.id).desc())
    )
    return [Taken(**dict(zip(Taken.__struct_fields__, values, strict=True))) for values in found]


async def introduce(tx: Transaction, manifests: Iterable[Manifest]) -> None:
    """Give every app that is new its standing, from what its manifest says as far as an owner
    may say it, and keep what each runs with now."""
    found = await tx.session.execute(select(col(Standing.app), col(Standing.manifest)))
    known = {app: kept for app, kept in found}
    for manifest in manifests:
        app, kept = manifest.identity.id, msgspec.json.decode(msgspec.json.encode(manifest))
        if app not in known:
            await enter(tx, app, manifest.lifecycle.stage, manifest.lifecycle.since)
        if known.get(app) != kept:
            await tx.session.execute(
                update(Standing).where(col(Standing.app) == app).values(manifest=kept)
            )


async def kept_manifests(tx: Transaction) -> dict[str, Manifest]:
    """Return what every app behind the door last ran with, also those whose package is gone. What
    cannot be read any more, from before the words of manifests changed, is passed by."""
    found = {}
    for app, kept in await tx.session.execute(select(col(Standing.app), col(Standing.manifest))):
        if kept is not None:
            try:
                found[app] = msgspec.convert(kept, Manifest, strict=False)
            except msgspec.ValidationError:
                logger.warning("what %s last ran with cannot be read any more", app)
    return found


async def enter(tx: Transaction, app: str, stage: Stage, since: date) -> bool:
    """Put an app on the register that is not on it; return whether it was new. What an owner may
    not say of its own app is read as `active`."""
    dialect = sqlite if tx.database.sqlite else postgresql
    entered = await tx.session.execute(
        dialect.insert(Standing)
        .values(
            app=app,
            stage=stage if stage in DECLARABLE else "active",
            since=since,
            version=1,
        )
        .on_conflict_do_nothing()
        .returning(col(Standing.app))
    )
    return entered.first() is not None


async def take(
    tx: Transaction,
    app: str,
    verb: str,
    by: Actor | None,
    *,
    version: int | None = None,
    reason: str = "",
    name: str = "",
    unit: str = "",
    facts: Mapping[str, Any] | None = None,
    **values: Any,
) -> StandingFacts:
    """Take a step of an app's life; return where it stands. Its door is set by who calls this.

    `by` is who takes it, with `name` and `unit` as they are then. `values` are further columns
    of the standing (`successor`, `closes_on`, `review`); with `version` nobody may have moved
    the app since it was read. Whether the actor may, and is not the owner, the caller has asked.
    Raises `NotFound`, `Conflict` for a step that is not possible from where the app stands, and
    `Denied` where no person takes it: beyond `watch` nothing moves by itself.
    """
    one = step(verb)
    here = await standing(tx, app)
    if here.stage not in one.sources:
        raise Conflict("lifecycle-elsewhere", app=app, stage=Phrase(f"stage.{here.stage}"))
    if version is not None and version != here.version:
        raise Conflict("lifecycle-moved", app=app, stage=Phrase(f"stage.{here.stage}"))
    target: Any = one.target or await _where_from(tx, app, verb) or "active"
    free = target in BY_ITSELF or verb in CARRIED_OUT
    if not free and (by is None or by.person_id is None):
        raise Denied(one.permission)
    moved = await tx.session.execute(
        update(Standing)
        .where(col(Standing.app) == app, col(Standing.version) == here.version)
        .values(
            stage=target,
            since=local_day(tx.now),
            version=here.version + 1,
            **values,
        )
        .returning(*_COLUMNS)
    )
    row = moved.first()
    if row is None:
        raise Conflict("lifecycle-moved", app=app, stage=Phrase(f"stage.{here.stage}"))
    now = _facts(row)
    tx.session.add(
        StepTaken(
            id=new_id(),
            app=app,
            verb=verb,
            source=here.stage,
            target=target,
            at=tx.now,
            person_id=by.person_id if by else None,
            name=name,
            unit=unit,
            reason=reason,
            facts=dict(facts or {}),
        )
    )
    await tx.session.flush()
    return now


async def _where_from(tx: Transaction, app: str, verb: str) -> str | None:
    """Return where an app stood before it took the step that this one undoes. What lies between
    (a review that was withdrawn, a closing that was taken back) changes nothing of that."""
    row = StepTaken
    found = await tx.session.execute(
        select(col(row.source))
        .where(col(row.app) == app, col(row.verb).in_(forward(verb)))
        .order_by(col(row.at).desc(), col(row.id).desc())
        .limit(1)
    )
    return found.scalar_one_or_none()

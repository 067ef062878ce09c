"""An old app's data in its successor: counted and digested on both sides, or signed away."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

import msgspec
from sqlalchemy import delete, select, update
from sqlmodel import col

from core.database import Transaction
from core.governance.lifecycle.obstacles import Obstacle
from core.governance.merging.models import Reconciled
from core.governance.merging.rows import UNSIGNED, put
from core.governance.merging.signing import Signature
from plugin_sdk.problems import NotFound
from plugin_sdk.tallies import CASES, Tally
from plugin_sdk.views import Phrase, Words

SHOWN: Final = 12
"""So many characters of a digest are shown: enough to compare with a printed one."""


class KindFacts(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of data (`core.governance.merging.models.Reconciled`)."""

    kind: str
    old_rows: int
    old_digest: str
    new_rows: int | None = None
    new_digest: str | None = None
    at: datetime
    checked_by: UUID | None = None
    waiver: str = ""
    waived_name: str = ""
    waived_at: datetime | None = None

    def standing(self, fresh: datetime) -> Literal["waived", "equal", "old", "unequal"]:
        """Return how it stands; `fresh` is the first moment of which a comparison still counts."""
        if self.waiver:
            return "waived"
        if (self.old_rows, self.old_digest) != (self.new_rows, self.new_digest):
            return "unequal"
        return "equal" if self.at >= fresh else "old"

    @property
    def label(self) -> Words:
        """Return what the kind is called."""
        return Phrase("merge.kind.cases") if self.kind == CASES else self.kind


async def kinds(tx: Transaction, app: str, successor: str) -> list[KindFacts]:
    """Return the kinds of data of an app that were compared with its successor's."""
    names = KindFacts.__struct_fields__
    found = await tx.session.execute(
        select(*(col(getattr(Reconciled, name)) for name in names))
        .where(col(Reconciled.app) == app, col(Reconciled.successor) == successor)
        .order_by(col(Reconciled.kind))
    )
    return [KindFacts(**dict(zip(names, row, strict=True))) for row in found]


async def compare(
    tx: Transaction,
    app: str,
    successor: str,
    old: Sequence[Tally] | None,
    new: Sequence[Tally],
    by: UUID | None,
) -> None:
    """Keep what both sides hold. `old` None: the old app is elsewhere, and what was entered of it
    last is compared again, with the date that it had."""
    known = {one.kind: one for one in await kinds(tx, app, successor)}
    there = {one.kind: one for one in new}
    if old is None:
        for kind in known:
            await _change(tx, app, successor, kind, **_of(successor, there.get(kind)))
        return
    for tally in old:
        await _write(tx, app, successor, tally, there.get(tally.kind), by)
    gone = known.keys() - {tally.kind for tally in old}
    await tx.session.execute(
        delete(Reconciled).where(col(Reconciled.app) == app, col(Reconciled.kind).in_(gone))
    )


async def enter(
    tx: Transaction,
    app: str,
    successor: str,
    old: Tally,
    new: Sequence[Tally],
    by: UUID | None,
) -> None:
    """Keep what an app that is elsewhere said of a kind of its data, beside what its successor
    holds of it."""
    there = next((one for one in new if one.kind == old.kind), None)
    await _write(tx, app, successor, old, there, by)


async def waive(
    tx: Transaction, app: str, successor: str, kind: str, reason: str, by: Signature
) -> None:
    """Sign that a kind of data is not carried over, and why. Raises `NotFound`."""
    await _change(
        tx,
        app,
        successor,
        kind,
        waiver=reason,
        waived_by=by.person_id,
        waived_name=by.name,
        waived_at=tx.now,
    )


async def withdraw(tx: Transaction, app: str, successor: str, kind: str) -> None:
    """Take a waiver back. Raises `NotFound`."""
    await _change(tx, app, successor, kind, **UNSIGNED)


async def unequal(tx: Transaction, app: str, successor: str, fresh: datetime) -> list[Obstacle]:
    """Return what is still to be reconciled."""
    href = f"/governance/apps/{app}/merge#data"
    every = await kinds(tx, app, successor)
    if not every:
        return [Obstacle(key="data", said=Phrase("merge.obstacle.no_data"), href=href)]
    return [
        Obstacle(key=f"data:{one.kind}", said=_said(one, how), href=href)
        for one in every
        if (how := one.standing(fresh)) not in ("waived", "equal")
    ]


def _said(one: KindFacts, how: str) -> Phrase:
    name = how
    if how == "unequal" and one.new_rows is None:
        name = "no_rows"
    elif how == "unequal" and one.old_rows == one.new_rows:
        name = "other_rows"
    facts = {"kind": one.label, "old": one.old_rows, "new": one.new_rows or 0, "at": one.at}
    return Phrase(f"merge.obstacle.data_{name}", facts)


async def _write(
    tx: Transaction, app: str, successor: str, old: Tally, new: Tally | None, by: UUID | None
) -> None:
    known = {one.kind for one in await kinds(tx, app, successor)}
    await put(
        tx,
        Reconciled,
        {"app": app, "kind": old.kind},
        # what was signed for another successor does not count for this one
        **({} if old.kind in known else UNSIGNED),
        old_rows=old.rows,
        old_digest=old.digest,
        at=tx.now,
        checked_by=by,
        **_of(successor, new),
    )


def _of(successor: str, new: Tally | None) -> dict[str, Any]:
    return {
        "successor": successor,
        "new_rows": new.rows if new else None,
        "new_digest": new.digest if new else None,
    }


async def _change(tx: Transaction, app: str, successor: str, kind: str, **values: Any) -> None:
    row = Reconciled
    found = await tx.session.execute(
        update(row)
        .where(col(row.app) == app, col(row.kind) == kind, col(row.successor) == successor)
        .values(**values)
        .returning(col(row.kind))
    )
    if found.first() is None:
        raise NotFound

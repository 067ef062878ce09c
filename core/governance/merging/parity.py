"""The functions of an old app in its successor: chosen, seen to answer, or signed away."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any, Final, Literal
from uuid import UUID

import msgspec
from sqlalchemy import delete, select, update
from sqlmodel import col

from core.database import Transaction
from core.governance.lifecycle.obstacles import Obstacle
from core.governance.merging.functions import fits, inventory, places
from core.governance.merging.models import Parity
from core.governance.merging.rows import UNSIGNED, put
from core.governance.merging.signing import Signature
from core.usage import figures
from core.usage.models import KINDS
from plugin_sdk.problems import Invalid, NotFound, field_error
from plugin_sdk.text import Text
from plugin_sdk.views import Phrase

Proof = Literal["", "probe", "use"]
UNPROVEN: Final[dict[str, Any]] = {"proof": "", "status": None, "answered_at": None}
LONGEST: Final = 300
"""Characters of a route or of an address that is tried."""


class FunctionFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one function (`core.governance.merging.models.Parity`). `was` is the route
    that it had in the old app, `listed` whether the app's inventory has it."""

    function: str
    name: Text
    was: str | None = None
    listed: bool = True
    route: str = ""
    example: str = ""
    proof: Proof = ""
    status: int | None = None
    answered_at: datetime | None = None
    checked_by: UUID | None = None
    waiver: str = ""
    waived_name: str = ""
    waived_at: datetime | None = None

    def standing(self, fresh: datetime) -> Literal["waived", "proven", "old", "open", "unplaced"]:
        """Return how it stands; `fresh` is the first moment of which a proof still counts."""
        if self.waiver:
            return "waived"
        if not self.route:
            return "unplaced"
        if not self.proof or self.answered_at is None:
            return "open"
        return "proven" if self.answered_at >= fresh else "old"


_KEPT = tuple(
    name for name in FunctionFacts.__struct_fields__ if name not in ("name", "was", "listed")
)


async def functions(tx: Transaction, app: str, successor: str) -> list[FunctionFacts]:
    """Return the functions of an app in the order of its inventory, then those that were added;
    what was found of another successor does not count."""
    found = await tx.session.execute(
        select(*(col(getattr(Parity, name)) for name in _KEPT))
        .where(col(Parity.app) == app, col(Parity.successor) == successor)
        .order_by(col(Parity.function))
    )
    kept = {row[0]: dict(zip(_KEPT, row, strict=True)) for row in found}
    listed = await inventory(tx, app)
    return [
        *(
            FunctionFacts(**{"function": key, **kept.pop(key, {})}, name=one.name, was=one.route)
            for key, one in listed.items()
        ),
        *(
            FunctionFacts(**values, name=Text(key, key), listed=False)
            for key, values in kept.items()
        ),
    ]


async def function(tx: Transaction, app: str, successor: str, key: str) -> FunctionFacts:
    """Return one function. Raises `NotFound`."""
    for one in await functions(tx, app, successor):
        if one.function == key:
            return one
    raise NotFound


async def begin(tx: Transaction, app: str, successor: str, proposals: Mapping[str, str]) -> None:
    """Begin to collect evidence of an app's merge into a successor. What has no place yet is given
    that which is proposed for it; what was found of another successor is void."""
    await tx.session.execute(
        delete(Parity).where(col(Parity.app) == app, col(Parity.successor) != successor)
    )
    for one in await functions(tx, app, successor):
        if one.route or one.waiver:
            continue
        route = proposals.get(one.function, "")
        example = route.partition(" ")[2] if route.startswith("GET ") and not places(route) else ""
        values = {"route": route, "example": example, "checked_by": None, **UNPROVEN, **UNSIGNED}
        await put(tx, Parity, {"app": app, "function": one.function}, successor=successor, **values)


async def add(tx: Transaction, app: str, successor: str, name: str) -> None:
    """Add a function that the inventory lacks."""
    known = {one.function for one in await functions(tx, app, successor)}
    if name in known:
        raise Invalid(field_error("name", "merge-there-already"))
    await put(
        tx,
        Parity,
        {"app": app, "function": name},
        successor=successor,
        route="",
        example="",
        checked_by=None,
        **UNPROVEN,
        **UNSIGNED,
    )


async def choose(
    tx: Transaction,
    app: str,
    successor: str,
    key: str,
    *,
    route: str,
    example: str,
    routes: frozenset[str],
) -> None:
    """Say by which route of the successor a function is served now; `example` is an address of it
    (a path below the app) that can be called. A proof of another route, and a waiver, are void.

    Raises `NotFound`, `Invalid` for a route that the successor does not have, and for an example
    that is not one of it.
    """
    one = await function(tx, app, successor, key)
    if route not in routes:
        raise Invalid(field_error("route", "merge-no-route"))
    if not route.startswith("GET "):
        example = ""
    elif not example and not places(route):
        example = route.partition(" ")[2]
    if example and not fits(route, example):
        raise Invalid(field_error("example", "merge-no-example"))
    same = (one.route, one.example) == (route, example)
    await put(
        tx,
        Parity,
        {"app": app, "function": key},
        successor=successor,
        route=route,
        example=example,
        **({} if same and one.proof else {**UNPROVEN, "checked_by": None}),
        **UNSIGNED,
    )


async def waive(
    tx: Transaction, app: str, successor: str, key: str, reason: str, by: Signature
) -> None:
    """Sign that a function goes without a successor, and why. Raises `NotFound`."""
    one = await function(tx, app, successor, key)
    await put(
        tx,
        Parity,
        {"app": app, "function": key},
        successor=successor,
        route=one.route,
        example=one.example,
        **(UNPROVEN if one.waiver or not one.proof else {}),
        waiver=reason,
        waived_by=by.person_id,
        waived_name=by.name,
        waived_at=tx.now,
    )


async def withdraw(tx: Transaction, app: str, successor: str, key: str) -> None:
    """Take a waiver back; a function that was added and is served by nothing is forgotten."""
    one = await function(tx, app, successor, key)
    this = (col(Parity.app) == app, col(Parity.function) == key)
    if one.listed or one.route:
        await tx.session.execute(update(Parity).where(*this).values(**UNSIGNED))
    else:
        await tx.session.execute(delete(Parity).where(*this))


async def answered(
    tx: Transaction,
    app: str,
    successor: str,
    one: FunctionFacts,
    proof: Proof,
    by: UUID | None,
    status: int | None = None,
) -> None:
    """Keep what a check of a function found: that its route answered (`proof`), or with '' that it
    did not. What was chosen anew while it was looked at is not touched."""
    values: dict[str, Any] = {"proof": proof, "status": status, "checked_by": by}
    values["answered_at"] = tx.now if proof else None
    await tx.session.execute(
        update(Parity)
        .where(
            col(Parity.app) == app,
            col(Parity.function) == one.function,
            col(Parity.successor) == successor,
            col(Parity.route) == one.route,
            col(Parity.example) == one.example,
        )
        .values(**values)
    )


async def used(
    tx: Transaction, successor: str, routes: Iterable[str], since: date, until: date
) -> frozenset[str]:
    """Return which routes of an app were answered to people in these days; how often is not said.

    A demonstration's acts and the hub's own probes are not counted (`core.usage.capture`).
    """
    wanted, at = set(routes), KINDS.index("answered")
    if not wanted:
        return frozenset()
    cells = await figures.cells_of(tx, successor, since, until)
    return frozenset(
        cell.feature for cell in cells if cell.feature in wanted and cell.counts[at] > 0
    )


async def unproven(tx: Transaction, app: str, successor: str, fresh: datetime) -> list[Obstacle]:
    """Return what is still to be shown of functions."""
    page = f"/governance/apps/{app}/merge"
    every = await functions(tx, app, successor)
    if not every:
        said = Phrase("merge.obstacle.no_functions")
        return [Obstacle(key="functions", said=said, href=f"{page}#functions")]
    return [
        Obstacle(
            key=f"function:{one.function}",
            said=Phrase(
                f"merge.obstacle.{how}",
                {"function": one.name, "route": one.route, "at": one.answered_at},
            ),
            href=f"{page}#functions",
        )
        for one in every
        if (how := one.standing(fresh)) not in ("waived", "proven")
    ]


async def successor_of(tx: Transaction, app: str) -> str | None:
    """Return into which app the evidence of an app was last collected, None for none."""
    found = await tx.session.execute(
        select(col(Parity.successor)).where(col(Parity.app) == app).limit(1)
    )
    return found.scalar_one_or_none()

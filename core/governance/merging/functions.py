"""The functions of an old app, and those of its successor that are like them."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec
from rapidfuzz import fuzz
from sqlalchemy import select
from sqlmodel import col

from core.apps.slots import Instance
from core.database import Transaction
from core.governance.declared import restored
from core.governance.lifecycle.models import Standing
from core.governance.models import RegisteredApp
from core.governance.policy import Duplicate
from core.governance.rules_alike import comparable
from plugin_sdk.manifest_model import Function

_PLACE: Final = re.compile(r"\{(\w+)(?::[^}]*)?\}")


async def inventory(tx: Transaction, app: str) -> dict[str, Function]:
    """Return the functions that an app serves, by their Chinese names: those of the manifest that
    it last ran with, or those that were declared of an app beyond the door. What was given up
    when the app itself replaced another is not among them."""
    kept = await tx.session.execute(select(col(Standing.manifest)).where(col(Standing.app) == app))
    manifest = kept.scalar_one_or_none()
    if manifest:
        every = msgspec.convert(manifest["porting"].get("functions", ()), tuple[Function, ...])
    else:
        found = await tx.session.execute(
            select(col(RegisteredApp.declared)).where(col(RegisteredApp.app) == app)
        )
        declared = found.scalar_one_or_none()
        names = restored(declared).functions if declared else ()
        every = tuple(Function(name=name, old=name.zh) for name in names)
    return {one.name.zh: one for one in every if one.waiver is None}


def routes_of(instance: Instance) -> frozenset[str]:
    """Return the routes that an app serves, as usage counts them (`GET /orders/{number}`): its
    handlers, and of an app elsewhere the table of its manifest."""
    manifest = instance.app.manifest
    return frozenset(
        (
            *(
                f"{method} {_plain(path)}"
                for handler in instance.handlers
                for path in handler.paths
                for method in handler.http_methods
            ),
            *(_plain(rule.route) for rule in (manifest.porting.routes if manifest else ())),
        )
    )


def proposed(
    old: Mapping[str, Function],
    new: Iterable[Function],
    routes: frozenset[str],
    rule: Duplicate,
) -> dict[str, str]:
    """Return for each old function the route of the successor whose function is most like it, by
    the comparison that finds 同质化; nothing for one that is like none."""
    served = [
        (comparable(one.name, rule), _plain(one.route))
        for one in new
        if one.route and _plain(one.route) in routes
    ]
    found = {}
    for key, function in old.items():
        name = comparable(function.name, rule)
        alike = [(fuzz.ratio(name, other), route) for other, route in served]
        best = max(alike, default=(0.0, ""), key=lambda one: one[0])
        if best[0] >= rule.alike * 100:
            found[key] = best[1]
    return found


def fits(route: str, address: str) -> bool:
    """Return whether an address (a path below the app, perhaps with a query) is one of a route."""
    path = address.partition("?")[0]
    pattern = "".join(
        "[^/]+" if n % 2 else re.escape(part)
        for n, part in enumerate(_PLACE.split(route.partition(" ")[2]))
    )
    return re.fullmatch(pattern, path) is not None


def places(path: str) -> Sequence[Any]:
    """Return the names of the segments that a pattern leaves open, in their order."""
    return _PLACE.findall(path)


def filled(path: str, example: str, target: str) -> str | None:
    """Return the target of an old link for an example of its path; None where it is none."""
    pattern = "".join(
        f"(?P<{part}>[^/]+)" if n % 2 else re.escape(part)
        for n, part in enumerate(_PLACE.split(path))
    )
    found = re.fullmatch(pattern, example)
    if found is None:
        return None
    return _PLACE.sub(lambda place: found[place[1]], target)


def _plain(route: str) -> str:
    return _PLACE.sub(r"{\1}", route)

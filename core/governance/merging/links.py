"""Where the old links of an app lead once it is closed: chosen, tried, and handed to its door."""

import re
from datetime import datetime
from typing import Final

import msgspec
from sqlalchemy import delete, select, update
from sqlmodel import col

from core.database import Transaction
from core.governance.lifecycle.obstacles import Obstacle
from core.governance.merging import parity
from core.governance.merging.functions import filled, fits, places
from core.governance.merging.models import OldLink
from core.governance.merging.rows import put
from plugin_sdk.problems import Invalid, field_error
from plugin_sdk.views import Phrase

MOST: Final = 200
"""Old links of an app."""
_PATH: Final = re.compile(r"/|(/([A-Za-z0-9_~-][A-Za-z0-9._~-]*|\{[a-z_]+\}))+/?")
_TARGET: Final = re.compile(r"(/[A-Za-z0-9_~{}-][A-Za-z0-9._~{}-]*)*/?")


class LinkFacts(msgspec.Struct, frozen=True):
    """One old link (`core.governance.merging.models.OldLink`)."""

    path: str
    target: str
    example: str
    status: int | None
    tested_at: datetime | None

    @property
    def address(self) -> str:
        """Return where the example leads."""
        return filled(self.path, self.example or self.path, self.target) or self.target

    def works(self, fresh: datetime) -> bool:
        """Return whether it was tried, led somewhere, and not before `fresh`."""
        return leads(self.status) and self.tested_at is not None and self.tested_at >= fresh


def leads(status: int | None) -> bool:
    """Return whether an answer shows something, or leads on."""
    return status is not None and 200 <= status < 400


async def links(tx: Transaction, app: str) -> list[LinkFacts]:
    """Return the old links of an app in the order in which they are tried: what names more of a
    path before what leaves it open."""
    found = await tx.session.execute(
        select(*(col(getattr(OldLink, name)) for name in LinkFacts.__struct_fields__)).where(
            col(OldLink.app) == app
        )
    )
    every = (LinkFacts(*row) for row in found)
    return sorted(
        every, key=lambda one: ([part[:1] == "{" for part in one.path.split("/")], one.path)
    )


async def links_of(tx: Transaction, app: str) -> list[tuple[str, str]]:
    """Return where each old path leads, in the order in which they are tried: what the door of the
    app is given when it closes (`AppRuntime.links`). A target is an address of the hub."""
    return [(one.path, one.target) for one in await links(tx, app)]


async def add(
    tx: Transaction,
    app: str,
    successor: str,
    *,
    path: str,
    target: str,
    example: str,
    routes: frozenset[str],
) -> None:
    """Let an old path (below the app) lead to an address of the successor. `{name}` in both is a
    segment that is carried over, for which `example` (an old path) stands when it is tried.

    Raises `Invalid` for what is no path, for a target that is no page of the successor, and for
    an example that is not one of the path.
    """
    if not _PATH.fullmatch(path) or len(set(places(path))) < len(places(path)):
        raise Invalid(field_error("path", "merge-no-path"))
    start = f"/apps/{successor}"
    below = target.removeprefix(start)
    open_places = set(places(path))
    if not target.startswith(f"{start}/") or not _TARGET.fullmatch(below):
        raise Invalid(field_error("target", "merge-no-target"))
    if not set(places(below)) <= open_places or "{" in re.sub(r"\{[a-z_]+\}", "", below):
        raise Invalid(field_error("target", "merge-other-places"))
    tried = re.sub(r"\{[a-z_]+\}", "x", below)
    if not any(route.startswith("GET ") and fits(route, tried) for route in routes):
        raise Invalid(field_error("target", "merge-no-route"))
    if open_places and not example:
        raise Invalid(field_error("example", "missing"))
    if example and filled(path, example, target) is None:
        raise Invalid(field_error("example", "merge-no-example"))
    known = await links(tx, app)
    if len(known) >= MOST and path not in {one.path for one in known}:
        raise Invalid(field_error("path", "merge-too-many"))
    await put(
        tx,
        OldLink,
        {"app": app, "path": path},
        target=target,
        example=example,
        status=None,
        tested_at=None,
    )


async def remove(tx: Transaction, app: str, path: str) -> None:
    """Let an old path lead nowhere."""
    await tx.session.execute(
        delete(OldLink).where(col(OldLink.app) == app, col(OldLink.path) == path)
    )


async def tested(tx: Transaction, app: str, one: LinkFacts, status: int | None) -> None:
    """Keep what the target of a link answered; what was changed meanwhile is not touched."""
    await tx.session.execute(
        update(OldLink)
        .where(
            col(OldLink.app) == app,
            col(OldLink.path) == one.path,
            col(OldLink.target) == one.target,
            col(OldLink.example) == one.example,
        )
        .values(status=status, tested_at=tx.now)
    )


async def missing(tx: Transaction, app: str, successor: str) -> dict[str, str]:
    """Return the old pages that have no link yet, with the target that the function's new page
    proposes: those of functions that are not signed away."""
    known = {one.path for one in await links(tx, app)}
    found: dict[str, str] = {}
    for one in await parity.functions(tx, app, successor):
        method, _, path = (one.was or "").partition(" ")
        if method != "GET" or path in known or one.waiver:
            continue
        new_method, _, new = one.route.partition(" ")
        fit = new_method == "GET" and set(places(new)) <= set(places(path))
        found[path] = f"/apps/{successor}{new}" if fit else ""
    return found


async def untested(tx: Transaction, app: str, successor: str, fresh: datetime) -> list[Obstacle]:
    """Return which old pages lead nowhere, and which links are still to be tried."""
    href = f"/governance/apps/{app}/merge#links"
    lost = await missing(tx, app, successor)
    said = {
        **{path: Phrase("merge.obstacle.link_missing", {"path": path}) for path in lost},
        **{
            one.path: Phrase(f"merge.obstacle.link_{_how(one)}", {"path": one.path})
            for one in await links(tx, app)
            if not one.works(fresh) or not one.target.startswith(f"/apps/{successor}/")
        },
    }
    return [Obstacle(key=f"link:{path}", said=words, href=href) for path, words in said.items()]


def _how(one: LinkFacts) -> str:
    if one.tested_at is None:
        return "untested"
    return "old" if leads(one.status) else "failed"

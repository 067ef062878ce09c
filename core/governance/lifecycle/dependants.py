"""Which apps rely on which: those that hear its events, those whose functions lead to it, and those
whose successor it is."""

import re
from collections.abc import Mapping
from typing import Final, Literal

import msgspec
from sqlalchemy import select
from sqlmodel import col

from core.apps.supervisor import Apps
from core.database import Transaction
from core.governance.lifecycle.models import Standing
from core.governance.lifecycle.steps import OVER
from core.governance.register import RegisterEntry
from plugin_sdk.text import Text

Way = Literal["hears", "leads", "follows"]
_THERE: Final = re.compile(r"/apps/([a-z0-9-]+)/")


class Dependant(msgspec.Struct, frozen=True):
    """An app that relies on another, and how."""

    app: str
    names: Text
    way: Way


async def dependants(
    tx: Transaction, apps: Apps, register: Mapping[str, RegisterEntry]
) -> dict[str, list[Dependant]]:
    """Return for each app those that rely on it, in the order of the register; an app that is over
    relies on none."""
    row = Standing
    going = await tx.session.execute(
        select(col(row.app), col(row.successor)).where(col(row.stage).not_in(OVER))
    )
    follows = {app: successor for app, successor in going if successor}
    found: dict[str, list[Dependant]] = {}
    for name, entry in sorted(register.items()):
        if entry.stage in OVER:
            continue
        manifest = apps.manifest(name)
        events = manifest.events.consumed if manifest else ()
        ways: dict[Way, set[str]] = {
            "hears": {event.partition(".")[0] for event in events},
            "leads": {app for f in entry.functions for app in _THERE.findall(f.route or "")},
            "follows": {follows[name]} if name in follows else set(),
        }
        for way, others in ways.items():
            for other in others - {name}:
                found.setdefault(other, []).append(Dependant(name, entry.names, way))
    return found

"""Work at the archive in a process of its own, which kills itself (kill -9) at a named point."""

import asyncio
import os
import shutil
import signal
from collections.abc import Callable
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NoReturn

from core import bundles
from core.apps.registry import load_apps
from core.database import Database
from core.governance.archive import archiving, bundle, destroying, phases, returning
from core.governance.archive.desk import Desk
from portal.testing.apps import GRANTS, good_app

POINTS: dict[str, tuple[Any, str, int]] = {
    "between two tables": (bundles, "keep", 2),
    "before it has its name": (bundle, "sync", 1),
    "before written is said": (Desk, "finish", 1),
    "while it is tried": (archiving, "compared", 3),
    "when tables are dropped": (archiving, "_archived", 1),
    "before files are cleared": (archiving, "discard", 1),
    "when rows are back": (returning, "_returned", 1),
    "when half the bundle is gone": (shutil, "rmtree", 1),
    "before destroyed is said": (destroying, "take", 1),
}
"""What is called there, and at which call the process dies."""


def work_until(point: str, url: str, home: Path) -> int:
    """Go on with the good app in a process that dies at a point; return how it ended: -9."""
    context = get_context("forkserver")
    context.set_forkserver_preload([__name__])
    process = context.Process(target=_work, args=(point, url, home))
    process.start()
    process.join(120)
    assert process.exitcode is not None, "it hangs"
    return process.exitcode


def _work(point: str, url: str, home: Path) -> None:
    place, name, call = POINTS[point]
    setattr(place, name, _dying(getattr(place, name), call))
    asyncio.run(_go_on(url, home))


def _dying(real: Callable[..., Any], call: int) -> Callable[..., Any]:
    calls = 0

    def called(*args: Any, **named: Any) -> Any:
        nonlocal calls
        calls += 1
        return die() if calls == call else real(*args, **named)

    return called


def die() -> NoReturn:
    """End this process as a failing machine would."""
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("still alive")


async def _go_on(url: str, home: Path) -> None:
    database = Database(url)
    try:
        desk = Desk(database, home, load_apps([good_app()], GRANTS), lambda: 120)
        await phases.run(desk, "good")
    finally:
        await database.close()

"""Watching apps while they are loaded: one that blocks there must not hold the start for ever.

Nothing but the end of its process ends an import that never returns. So the process says in
its log which app it was, leaves a note and ends; whoever starts next refuses that app by the
note, without importing it, until its package has changed since. Where the import never lets
go of the interpreter either, the interpreter's own timer leaves the note without the log.
"""

import faulthandler
import logging
import os
import secrets
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from core.apps.watchdog import EXIT, LAST_RESORT, alive, read_stack

logger = logging.getLogger(__name__)

LOOK_SECONDS = 0.25
SUFFIX = ".import"


class ImportWatch:
    """Watches the apps that this process loads, one after another, `seconds` for each.

    It is entered by the thread that loads. `end` ends the process.
    """

    def __init__(
        self, notes: Path, *, seconds: float, end: Callable[[int], object] = os._exit
    ) -> None:
        self._notes = notes
        self._seconds = seconds
        self._end = end
        self._app = ""
        self._until = 0.0
        self._done = threading.Event()
        self._file: IO[str] | None = None
        self._loader = threading.get_ident()
        self._left = _left(notes)

    def __enter__(self) -> Self:
        """Begin watching."""
        self._notes.mkdir(parents=True, exist_ok=True)
        path = self._notes / f"{os.getpid()}-{secrets.token_hex(4)}{SUFFIX}"
        self._file = path.open("w", encoding="utf-8")
        self._until = time.monotonic() + self._seconds
        threading.Thread(target=self._watch, name="imports", daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End watching: what was noted so far is forgotten."""
        self._done.set()
        faulthandler.cancel_dump_traceback_later()
        if self._file is not None:
            self._file.close()
            Path(self._file.name).unlink(missing_ok=True)
            self._file = None

    def now(self, app: str) -> None:
        """Take note that an app is loaded from now on."""
        if self._file is None:
            return
        self._app, self._until = app, time.monotonic() + self._seconds
        self._file.seek(0)
        self._file.truncate()
        self._file.write(f"{self._loader:x}\n{app}\n")
        self._file.flush()
        faulthandler.dump_traceback_later(self._seconds * LAST_RESORT, file=self._file, exit=True)

    def blocked(self, app: str, folder: Path) -> str | None:
        """Return where an app stood still when it was loaded before, None if it did not or if
        its package has changed since; then the notes of it are forgotten."""
        where = None
        for path, named, line in self._left:
            if named != app:
                continue
            if _changed(folder) > path.stat().st_mtime:
                path.unlink(missing_ok=True)
            else:
                where = f"{line}; it is tried again once its package changes"
        return where

    def _watch(self) -> None:
        while not self._done.wait(LOOK_SECONDS):
            if time.monotonic() < self._until or self._file is None:
                continue
            logger.critical(
                "the app %s stood still for %g s while it was loaded: this process ends, and "
                "the next one starts without it",
                self._app,
                self._seconds,
            )
            faulthandler.cancel_dump_traceback_later()
            faulthandler.dump_traceback(self._file)
            self._end(EXIT)
            return


def _left(notes: Path) -> list[tuple[Path, str, str]]:
    """Return the notes of processes that ended while they loaded an app: file, app, where."""
    found = []
    for path in sorted(notes.glob(f"*{SUFFIX}")):
        if alive(path):
            continue
        try:
            _, app, *stack = path.read_text(encoding="utf-8", errors="replace").split("\n")
        except (OSError, ValueError):
            app, stack = "", []
        if app and any(stack):  # else it was ended by something else
            found.append((path, app, _where(path)))
        else:
            path.unlink(missing_ok=True)
    return found


def _where(path: Path) -> str:
    frames = read_stack(path)
    return f"stood still in {frames[0][2]}, line {frames[0][1]}" if frames else "stood still"


def _changed(folder: Path) -> float:
    """Return when a file of a package was last changed, or put where it is."""
    return max(
        max(status.st_mtime, status.st_ctime)
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and (status := path.stat())
    )

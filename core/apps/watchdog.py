"""Naming the app that blocks the event loop, and replacing the worker.

A thread watches the loop's pulse. When it stops, the thread looks at what the loop's own
thread is executing, leaves a note that names the app, and ends the process; the server
starts another worker, which reads the note and quarantines the app. Nothing else can end
a call that never yields.
"""

import asyncio
import json
import logging
import os
import secrets
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path

logger = logging.getLogger(__name__)

EXIT = 70
PULSE_SECONDS = 0.25


class Watchdog:
    """Watches one worker's loop. `folders` maps an app to the folder of its package."""

    def __init__(
        self,
        notes: Path,
        folders: Mapping[str, Path],
        *,
        seconds: float,
        end: Callable[[int], object] = os._exit,
    ) -> None:
        self._notes = notes
        self._folders = {app: str(folder) + os.sep for app, folder in folders.items()}
        self._seconds = seconds
        self._end = end
        self._pulse = time.monotonic()
        self._stopped = threading.Event()
        self._loop_thread = 0
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin watching the loop of the calling thread."""
        self._loop_thread = threading.get_ident()
        self._pulse = time.monotonic()
        self._task = asyncio.create_task(self._beat(), name="watchdog-pulse")
        threading.Thread(target=self._watch, name="watchdog", daemon=True).start()

    def close(self) -> None:
        """Stop watching."""
        self._stopped.set()
        if self._task:
            self._task.cancel()

    async def _beat(self) -> None:
        while True:
            self._pulse = time.monotonic()
            await asyncio.sleep(PULSE_SECONDS)

    def _watch(self) -> None:
        while not self._stopped.wait(PULSE_SECONDS):
            silent = time.monotonic() - self._pulse
            if silent < self._seconds:
                continue
            app, where = self._culprit()
            logger.critical("the event loop stood still for %.1f s in %s", silent, where)
            if app is not None:
                leave_note(self._notes, app, where)
            self._end(EXIT)
            return

    def _culprit(self) -> tuple[str | None, str]:
        frame = sys._current_frames().get(self._loop_thread)
        stack = traceback.extract_stack(frame) if frame else []
        for entry in reversed(stack):
            for app, folder in self._folders.items():
                if entry.filename.startswith(folder):
                    return app, f"{app}: {entry.name}, line {entry.lineno}"
        return None, stack[-1].name if stack else "unknown"


def leave_note(notes: Path, app: str, where: str) -> None:
    """Write down that an app must be quarantined; it survives the process."""
    notes.mkdir(parents=True, exist_ok=True)
    path = notes / f"{int(time.time())}-{secrets.token_hex(4)}.json"
    temporary = path.with_suffix(".part")
    temporary.write_text(json.dumps({"app": app, "where": where}), encoding="utf-8")
    os.replace(temporary, path)


def read_notes(notes: Path) -> list[tuple[Path, str, str]]:
    """Return the notes that were left: file, app, where."""
    found = []
    for path in sorted(notes.glob("*.json")) if notes.is_dir() else []:
        try:
            note = json.loads(path.read_text(encoding="utf-8"))
            found.append((path, str(note["app"]), str(note["where"])))
        except (OSError, ValueError, KeyError, TypeError):
            logger.warning("the note %s cannot be read", path.name)
    return found

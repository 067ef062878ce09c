"""Naming the app that blocks the event loop, and replacing the worker.

A thread watches the loop's pulse. When it stops, the thread looks at what the loop's own
thread is executing, leaves a note that names the app, and ends the process; the server
starts another worker. Whichever worker reads the note first quarantines the app. Nothing
else can end a call that never yields.

A call that never lets go of the interpreter (a hopeless regular expression) stops that
thread too; then the interpreter's own timer, which needs no lock, writes down every stack
and ends the process.
"""

import asyncio
import faulthandler
import json
import logging
import os
import re
import secrets
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO

logger = logging.getLogger(__name__)

EXIT = 70
PULSE_SECONDS = 0.25
LAST_RESORT = 1.2  # of the watchdog's own seconds
_FRAME = re.compile(r'^  File "(.*)", line (\d+) in (.*)$')


class Watchdog:
    """Watches one worker's loop. `folders` maps an app to the folder of its package;
    `serving` names the app whose request the loop is at, when no frame tells."""

    def __init__(
        self,
        notes: Path,
        folders: Mapping[str, Path],
        *,
        seconds: float,
        serving: Callable[[asyncio.Task[object]], str | None] = lambda task: None,
        end: Callable[[int], object] = os._exit,
    ) -> None:
        self._notes = notes
        self._folders = folders
        self._seconds = seconds
        self._serving = serving
        self._end = end
        self._pulse = 0
        self._stopped = threading.Event()
        self._loop_thread = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None
        self._stack: IO[str] | None = None

    def start(self) -> None:
        """Begin watching the loop of the calling thread."""
        self._loop_thread = threading.get_ident()
        self._loop = asyncio.get_running_loop()
        if self._end is os._exit:
            self._notes.mkdir(parents=True, exist_ok=True)
            path = self._notes / f"{os.getpid()}-{secrets.token_hex(4)}.stack"
            self._stack = path.open("w", encoding="utf-8")
            self._stack.write(f"{self._loop_thread:x}\n")
            self._stack.flush()
        self._task = asyncio.create_task(self._beat(), name="watchdog-pulse")
        threading.Thread(target=self._watch, name="watchdog", daemon=True).start()

    def close(self) -> None:
        """Stop watching."""
        self._stopped.set()
        if self._task:
            self._task.cancel()
        if self._stack is not None:
            faulthandler.cancel_dump_traceback_later()
            self._stack.close()
            Path(self._stack.name).unlink(missing_ok=True)
            self._stack = None

    async def _beat(self) -> None:
        while True:
            self._pulse += 1
            if self._stack is not None:
                faulthandler.dump_traceback_later(
                    self._seconds * LAST_RESORT, file=self._stack, exit=True
                )
            await asyncio.sleep(PULSE_SECONDS)

    def _watch(self) -> None:
        seen, silent, before = -1, 0.0, time.monotonic()
        while not self._stopped.wait(PULSE_SECONDS):
            now = time.monotonic()
            if self._pulse != seen:
                seen, silent = self._pulse, 0.0
            else:  # a machine that stood still altogether is nobody's fault: one step at most
                silent += min(now - before, 2 * PULSE_SECONDS)
            before = now
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
        frames = [(entry.filename, entry.lineno or 0, entry.name) for entry in reversed(stack)]
        named = name_of(frames, self._folders)
        if named is not None:
            return named
        where = frames[0][2] if frames else "unknown"
        task = asyncio.current_task(self._loop)
        app = self._serving(task) if task is not None else None
        return app, f"{app}: {where}" if app else where


def name_of(
    frames: list[tuple[str, int, str]], folders: Mapping[str, Path]
) -> tuple[str, str] | None:
    """Return the app whose code is innermost in a stack (file, line, name), and where."""
    for file, line, name in frames:
        for app, folder in folders.items():
            if file.startswith(str(folder) + os.sep):
                return app, f"{app}: {name}, line {line}"
    return None


def leave_note(notes: Path, app: str, where: str) -> None:
    """Write down that an app must be quarantined; it survives the process."""
    notes.mkdir(parents=True, exist_ok=True)
    path = notes / f"{int(time.time())}-{secrets.token_hex(4)}.json"
    temporary = path.with_suffix(".part")
    temporary.write_text(json.dumps({"app": app, "where": where}), encoding="utf-8")
    os.replace(temporary, path)


def read_notes(notes: Path, folders: Mapping[str, Path]) -> list[tuple[Path, str, str]]:
    """Return the notes that were left: file, app, where."""
    if not notes.is_dir():
        return []
    found = []
    for path in sorted(notes.glob("*.json")):
        try:
            note = json.loads(path.read_text(encoding="utf-8"))
            found.append((path, str(note["app"]), str(note["where"])))
        except FileNotFoundError:  # another worker has read it
            continue
        except (OSError, ValueError, KeyError, TypeError):
            logger.warning("the note %s cannot be read", path.name)
    for path in sorted(notes.glob("*.stack")):
        if not alive(path):
            named = name_of(read_stack(path), folders)
            if named is not None:
                found.append((path, *named))
            else:
                path.unlink(missing_ok=True)
    return found


def alive(path: Path) -> bool:
    """Return whether the process that a note is of (`<pid>-….…`) is still there."""
    number = path.name.partition("-")[0]
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return False
    except (OSError, ValueError):
        return True
    return True


def read_stack(path: Path) -> list[tuple[str, int, str]]:
    """Return what the last resort wrote of the thread that the first line names: file, line
    and name, the innermost first; nothing when it cannot be read."""
    try:
        thread, _, dump = path.read_text(encoding="utf-8", errors="replace").partition("\n")
    except OSError:
        return []
    frames: list[tuple[str, int, str]] = []
    ours = False
    for line in dump.splitlines():
        if line.startswith(("Thread ", "Current thread ")):
            ours = thread.zfill(16) in line
        elif ours and (match := _FRAME.match(line)):
            frames.append((match[1], int(match[2]), match[3]))
    return frames

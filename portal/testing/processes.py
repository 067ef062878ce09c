"""Starting a throw-away server: its folder, its unprivileged user, its process, its port.

Nothing is installed, no user is added and no folder outside a temporary one is touched.
Run as root, a server runs as ``nobody``, and its programs are copied to the temporary
folder when that user cannot reach where they are installed.
"""

from __future__ import annotations

import importlib.util
import json
import os
import pwd
import select
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Self, TypeVar

T = TypeVar("T")

_KEEPER = Path(__file__).with_name("keeper.py")
_TRIES = 3
_READY_SECONDS = 20.0

MEMORY = Path("/dev/shm")  # noqa: S108
"""Where there is room: a copy of a database is two thousand files, which cost a disk thirty times
as much as memory, and the more the more of them are written at once."""
ROOM = 3 * 2**30  # bytes; PostgreSQL's log alone may take one


class EngineUnavailable(Exception):
    """A server cannot be had here; the text says why, in one line."""


class Folder:
    """A temporary folder that the server's user may reach, and that user."""

    def __init__(self) -> None:
        self.user: int | None = None
        self.group: int | None = None
        if os.geteuid() == 0:
            try:
                nobody = pwd.getpwnam("nobody")
            except KeyError:
                raise EngineUnavailable("run as root, and there is no user nobody") from None
            self.user, self.group = nobody.pw_uid, nobody.pw_gid
        self.path = Path(tempfile.mkdtemp(prefix="yimen-test-", dir=self._parent()))
        self._own(self.path)

    def _parent(self) -> Path:
        if MEMORY.is_dir() and self.reaches(MEMORY) and _roomy(MEMORY):
            return MEMORY
        for parent in (Path(tempfile.gettempdir()), Path("/tmp"), Path("/var/tmp")):  # noqa: S108
            if parent.is_dir() and self.reaches(parent):
                return parent
        raise EngineUnavailable("run as root, and user nobody reaches no temporary folder")

    def reaches(self, path: Path) -> bool:
        """Say whether the server's user can read ``path``, by its mode and its parents'."""
        if self.user is None:
            return True
        enough = 0o5 if path.is_dir() or os.access(path, os.X_OK) else 0o4
        path = path.resolve()
        reachable = all(parent.stat().st_mode & 0o1 for parent in path.parents)
        return reachable and path.stat().st_mode & enough == enough

    def programs(self, site: Path, parts: list[str]) -> Path:
        """Return where the server's user finds ``parts``: in ``site``, or copied from there."""
        if all(self.reaches(site / part) for part in parts):
            return site
        copies = self.path / "programs"
        for part in parts:
            target = copies / part
            target.parent.mkdir(parents=True, exist_ok=True)
            if (site / part).is_dir():
                shutil.copytree(site / part, target)
            else:
                shutil.copy2(site / part, target)
        self._own(copies)
        for path in copies.rglob("*"):
            self._own(path)
        return copies

    def write(self, name: str, content: str) -> str:
        """Write a file that only the server's user reads; return its path."""
        path = self.path / name
        path.touch(mode=0o600)
        path.write_text(content)
        self._own(path)
        return str(path)

    def _own(self, path: Path) -> None:
        if self.user is not None and self.group is not None:
            os.chown(path, self.user, self.group)

    def remove(self) -> None:
        """Remove the folder and all in it."""
        shutil.rmtree(self.path, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is not None:
            self.remove()


class Process:
    """A server process and the keeper that ends it with us."""

    def __init__(
        self, folder: Folder, prepare: list[list[str]], serve: list[str], stop_signal: int
    ) -> None:
        self._log = folder.path / "log"
        self._pid: int | None = None
        self._said = ""
        kept = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
        spec = {
            "parent": os.getpid(),
            "folder": str(folder.path),
            "prepare": prepare,
            "serve": serve,
            "stop_signal": int(stop_signal),
            "user": folder.user,
            "group": folder.group,
            "environment": {name: os.environ[name] for name in kept if name in os.environ},
        }
        self._keeper = subprocess.Popen(
            [sys.executable, "-I", "-S", str(_KEEPER), json.dumps(spec)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,  # a Ctrl-C in the terminal is for the tests, not for servers
        )

    def wait_until(self, ready: Callable[[], bool]) -> None:
        """Return once ``ready()``; raises `EngineUnavailable` with the server's own words."""
        output = self._keeper.stdout
        assert output is not None
        deadline = time.monotonic() + _READY_SECONDS
        while time.monotonic() < deadline:
            readable, _, _ = select.select([output], [], [], 0.01)
            if readable:
                words = os.read(output.fileno(), 4096).decode()
                self._said += words
                if not words or "exited" in self._said:
                    break
                self._pid = int(self._said)
            elif self._pid is not None and ready():
                return
        reason = _reason_in(self._log)
        self.end()
        raise EngineUnavailable(reason)

    def send(self, number: int) -> None:
        """Send a signal to the server."""
        if self._pid is None:
            raise RuntimeError("the server is not running")
        os.kill(self._pid, number)

    def end(self) -> None:
        """End the server and remove its folder; more than once does no harm."""
        self._pid = None
        for pipe in (self._keeper.stdin, self._keeper.stdout):
            if pipe is not None:
                pipe.close()
        self._keeper.wait()


def _roomy(memory: Path) -> bool:
    """Say whether servers may keep their files there, and run the programs copied there."""
    there = os.statvfs(memory)
    return not there.f_flag & os.ST_NOEXEC and there.f_bavail * there.f_frsize >= ROOM


def with_new_port(start: Callable[[int], T]) -> T:
    """Return ``start(port)``; another process may take the port first, so try again."""
    problem = EngineUnavailable("not tried")
    for _ in range(_TRIES):
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            port = listener.getsockname()[1]
        try:
            return start(port)
        except EngineUnavailable as unavailable:
            problem = unavailable
            if "in use" not in str(unavailable):
                break
    raise problem


def site_of(package: str) -> Path:
    """Return the folder that ``package`` is installed in; raises `EngineUnavailable`."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        name = package.replace("_", "-")
        raise EngineUnavailable(f"the package {name} is not installed (make test installs it)")
    return Path(spec.origin).parent.parent


def _reason_in(log: Path) -> str:
    """Return the line of the server's log that says why it did not start."""
    lines: list[str] = []
    with suppress(OSError):
        lines = [line.strip() for line in log.read_text(errors="replace").splitlines()]
    lines = [line for line in lines if line and not line.startswith("***")]  # Valkey's frame
    words = ("in use", "FATAL", "error", "Permission")
    telling = [line for word in words for line in lines if word in line]
    return (telling or lines[-1:] or ["it did not start, and left no message"])[0]

"""Keeps one throw-away server running for exactly as long as the process that asked for it.

``engines.py`` runs this file as a program of its own (``python -I -S keeper.py SPEC``) and
holds its standard input open. When that pipe closes, or the asking process is gone for any
reason (``kill -9`` included), the keeper ends the server and removes its folder. It tells
the asking process on standard output, one line each: the server's process id, and
``exited`` when the server (or a command before it) ended by itself.
"""

import json
import os
import select
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from typing import Any, NoReturn

_PR_SET_PDEATHSIG = 1
_WATCH_SECONDS = 0.2
_STOP_SECONDS = 5.0


def main(spec: dict[str, Any]) -> None:
    """Run ``spec["prepare"]`` commands, then the ``spec["serve"]`` command, until told to end."""
    for end_signal in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(end_signal, _leave)
    server: subprocess.Popen[bytes] | None = None
    try:
        with open(os.path.join(spec["folder"], "log"), "ab") as log:
            server = _start(spec, log)
        _tell("exited" if server is None else str(server.pid))
        _wait_for_the_end(spec["parent"], server)
    finally:
        for later in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            signal.signal(later, signal.SIG_IGN)
        if server is not None:
            _end(server, spec["stop_signal"])
        shutil.rmtree(spec["folder"], ignore_errors=True)


def _start(spec: dict[str, Any], log: Any) -> subprocess.Popen[bytes] | None:
    """Return the running server, or None when a command before it failed."""
    how: dict[str, Any] = {
        "stdin": subprocess.DEVNULL,
        "stdout": log,
        "stderr": log,
        "cwd": spec["folder"],
        "env": spec["environment"],
    }
    if spec["user"] is not None:
        how.update(user=spec["user"], group=spec["group"], extra_groups=[])
    try:
        for command in spec["prepare"]:
            subprocess.run(command, check=True, **how)

        prctl = _parent_death_signal()

        def end_with_me() -> None:
            if prctl is not None:
                prctl(_PR_SET_PDEATHSIG, spec["stop_signal"])

        # The keeper has one thread, so a function between fork and exec is safe here.
        return subprocess.Popen(spec["serve"], preexec_fn=end_with_me, **how)
    except (OSError, subprocess.SubprocessError) as problem:
        log.write(f"{problem}\n".encode())
        return None


def _parent_death_signal() -> Callable[[int, int], object] | None:
    """Return Linux's ``prctl``, looked up before the fork: the child may not reach Python."""
    if sys.platform != "linux":
        return None
    import ctypes

    prctl: Callable[[int, int], object] = ctypes.CDLL(None).prctl
    return prctl


def _wait_for_the_end(parent: int, server: subprocess.Popen[bytes] | None) -> None:
    """Return once standard input is closed or the asking process is gone."""
    told = server is None
    while os.getppid() == parent:
        readable, _, _ = select.select([0], [], [], _WATCH_SECONDS)
        if readable and not os.read(0, 64):
            return
        if not told and server is not None and server.poll() is not None:
            told = True
            _tell("exited")


def _end(server: subprocess.Popen[bytes], stop_signal: int) -> None:
    """Stop the server, a paused one too, and wait until it is gone."""
    if server.poll() is not None:
        return
    server.send_signal(stop_signal)
    server.send_signal(signal.SIGCONT)
    try:
        server.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def _tell(line: str) -> None:
    try:
        os.write(1, f"{line}\n".encode())
    except BrokenPipeError:
        return


def _leave(*_: object) -> NoReturn:
    raise SystemExit(1)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))

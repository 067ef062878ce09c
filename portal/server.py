"""Serving: a parent that opens the sockets and keeps its workers alive, granian in each.

Granian's own parent ends the whole hub when one worker ends twice within 5.5 seconds, which
is just what a blocking app does to it; so the parent is ours. It opens one listening socket
for each worker and keeps it open while that worker is replaced: who connects meanwhile
waits, and is not refused. It loads the code once, so that a worker is there in a moment.
"""

import asyncio
import contextlib
import importlib
import logging
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

from granian.constants import Interfaces
from granian.net import SocketHolder  # type: ignore[attr-defined]  # it has no typed name
from granian.server.embed import Server

from core.settings import Settings
from portal.assembly import StartRefused, Yimen

logger = logging.getLogger(__name__)

REFUSED = 78  # the worker must not start as things are (EX_CONFIG)
BACKLOG = 1024
STOP_SECONDS = 15.0
SOONEST = 0.1
LATEST = 5.0


def application() -> Yimen:
    """Return the hub of a production worker, from the environment."""
    return Yimen(Settings.from_environment())


def demonstration() -> Yimen:
    """Return the hub of the embedded demonstration, from the environment."""
    return Yimen(Settings.from_environment(mode="demonstration"))


class AddressTaken(Exception):
    """Something else listens where the hub should."""


def serve(settings: Settings, target: str) -> int:
    """Serve the hub that `target` (`module:function`) makes until a signal ends it; return
    the exit status. Raises `AddressTaken`."""
    return _Parent(settings, target).run()


class _Worker:
    """One place among the workers: its socket, and the process that serves it now."""

    def __init__(self, listener: socket.socket) -> None:
        self.listener = listener
        self.pid = 0
        self.ready = False
        self.was_ready = False
        self.failures = 0
        self.due = 0.0
        self.news = -1

    def hear(self) -> None:
        """Take note when the process says that it serves."""
        if self.news >= 0 and not self.ready:
            with contextlib.suppress(BlockingIOError):
                if os.read(self.news, 1):
                    self.ready = self.was_ready = True
                    self.failures = 0

    def ended(self, code: int) -> None:
        """Take note that the process is gone: the next comes at once, or, when this one ended
        itself before it ever served, after a pause that grows."""
        self.hear()
        if self.ready or code < 0:  # a signal: somebody else ended it
            self.failures, pause = 0, 0.0 if self.ready else SOONEST
        else:
            pause = min(SOONEST * 2**self.failures, LATEST)
            self.failures += 1
        self.due = time.monotonic() + pause
        self.pid, self.ready = 0, False
        os.close(self.news)
        self.news = -1


class _Parent:
    def __init__(self, settings: Settings, target: str) -> None:
        self._settings = settings
        self._target = target
        self._stopping = False
        self._workers: list[_Worker] = []
        self._line = (-1, -1)

    def run(self) -> int:
        self._settings.home.mkdir(parents=True, exist_ok=True)
        module, _, name = self._target.partition(":")
        make: Callable[[], Yimen] = getattr(importlib.import_module(module), name)
        self._workers = [_Worker(listener) for listener in _listeners(self._settings)]
        self._line = os.pipe()  # it closes when this process ends, however it ends
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._stop)
        status = 0
        try:
            while not self._stopping:
                for worker in self._workers:
                    worker.hear()
                    if not worker.pid and time.monotonic() >= worker.due:
                        self._spawn(worker, make)
                status = self._reap()
                time.sleep(0.02)
        finally:
            self._end()
        return status

    def _stop(self, *_: object) -> None:
        self._stopping = True

    def _spawn(self, worker: _Worker, make: Callable[[], Yimen]) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        worker.news, tell = os.pipe()
        os.set_blocking(worker.news, False)
        pid = os.fork()
        if pid == 0:
            os.close(self._line[1])
            for other in self._workers:
                if other is not worker:
                    other.listener.close()
            _work(make, worker.listener, self._settings, tell, self._line[0])
        os.close(tell)
        worker.pid = pid

    def _reap(self) -> int:
        """Take note of the workers that ended; return a status when the hub must end too."""
        for worker in self._workers:
            if not worker.pid:
                continue
            pid, code = os.waitpid(worker.pid, os.WNOHANG)
            if not pid:
                continue
            ended = os.waitstatus_to_exitcode(code)
            never = not any(other.was_ready for other in self._workers)
            worker.ended(ended)
            if ended == REFUSED and never:
                self._stopping = True
                return 1
            if not self._stopping:
                logger.error("worker %d ended (%d) and is replaced", pid, ended)
        return 0

    def _end(self) -> None:
        until = time.monotonic() + STOP_SECONDS
        self._signal(signal.SIGTERM)
        while any(worker.pid for worker in self._workers):
            if time.monotonic() > until:
                self._signal(signal.SIGKILL)
            self._reap()
            time.sleep(0.02)
        for worker in self._workers:
            worker.listener.close()
        for end in self._line:
            os.close(end)

    def _signal(self, number: int) -> None:
        for worker in self._workers:
            if worker.pid:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(worker.pid, number)


def _listeners(settings: Settings) -> Iterator[socket.socket]:
    address = (settings.host, settings.port)
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family) as alone:  # sockets that share a port would not notice another
        alone.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            alone.bind(address)
            alone.listen(1)
        except OSError as error:
            raise AddressTaken(
                f"nothing can be served at {settings.host}:{settings.port}: {error.strerror}"
            ) from error
    for _ in range(settings.workers):
        listener = socket.socket(family)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
        yield listener


class _Granian(Server):
    """Granian on a socket that is open already."""

    def __init__(self, hub: Yimen, listener: socket.socket, settings: Settings) -> None:
        super().__init__(
            hub,
            address=settings.host,
            port=settings.port,
            interface=Interfaces.ASGINL,  # the hub is started before, and closed after it
            websockets=False,
            backlog=BACKLOG,
            log_enabled=False,
        )
        self._descriptor = os.dup(listener.fileno())

    def _init_shared_socket(self) -> None:
        opened: Any = SocketHolder
        parts: Any = self  # granian's stubs know sockets that it opens itself, and no others
        parts._ssp, parts._sfd = None, self._descriptor
        parts._shd = opened(self._descriptor, False, BACKLOG)


def _work(
    make: Callable[[], Yimen], listener: socket.socket, settings: Settings, tell: int, line: int
) -> NoReturn:
    """Be a worker: serve until told to stop or until the parent is gone, then leave."""
    code = 1
    try:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # of a terminal: the parent passes it on
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, lambda *_: os._exit(0))  # until it serves
        threading.Thread(target=_end_with_parent, args=(line,), daemon=True).start()
        import uvloop

        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            code = runner.run(_serve(make, listener, settings, tell))
    except Exception:
        logger.exception("the worker ended")
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


async def _serve(
    make: Callable[[], Yimen], listener: socket.socket, settings: Settings, tell: int
) -> int:
    hub = make()
    try:
        await hub.start()
    except StartRefused as refusal:
        sys.stderr.write(f"the hub does not start: {refusal}\n")
        return REFUSED
    server = _Granian(hub, listener, settings)
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, server.stop)
    loop.call_soon(os.write, tell, b"r")
    await server.serve()
    await hub.close()
    return 0


def _end_with_parent(line: int) -> None:
    os.read(line, 1)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(STOP_SECONDS)
    os._exit(1)

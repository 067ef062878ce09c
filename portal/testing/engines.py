"""The pytest plugin that gives the tests their engines: SQLite, PostgreSQL, Valkey.

With pytest-xdist the controller starts each server once and the workers share it; without,
a server starts when the first test asks for it. The environment variables
``YIMEN_TEST_POSTGRES`` and ``YIMEN_TEST_REDIS`` point the tests at servers of one's own.
A test whose server cannot be had is skipped, and one line at the end says why; where
``CI=true`` it fails.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
import sqlite3
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Generic, NoReturn, Protocol, TypeVar

import pytest

from portal.testing.processes import EngineUnavailable
from portal.testing.servers import Postgres, Valkey, call_prepare, run_apart

if TYPE_CHECKING:
    from xdist.workermanage import WorkerController

__all__ = [
    "EngineUnavailable",
    "EnginesPlugin",
    "Postgres",
    "Valkey",
    "engine_kind",
    "fresh_database_url",
    "fresh_redis_url",
    "missing",
    "own_valkey",
    "postgres_server",
    "prepare_template",
    "pytest_configure",
    "run_apart",
    "valkey_server",
]

Prepare = Callable[[str], object]


class Server(Protocol):
    """What both servers have: an address and an end."""

    url: str

    def stop(self) -> None:
        """End the server."""


S = TypeVar("S", bound=Server)


class Engine(Generic[S]):
    """One server of this run: found, started at most once, or known to be missing."""

    def __init__(
        self, name: str, start: Callable[[], S], at: Callable[[str], S], variable: str
    ) -> None:
        """``start`` makes a server, ``at`` speaks to the one at an address given elsewhere."""
        self.name = name
        self._start = start
        self._at = at
        self._variable = variable
        self._server: S | None = None
        self.shared = False
        self.problem = ""

    def get(self) -> S | None:
        """Return the server, started now if need be, or None with `problem` set."""
        if self._server is None and not self.problem:
            if address := os.environ.get(self._variable):
                self.given({"url": address})
            else:
                try:
                    self._server = self._start()
                except EngineUnavailable as unavailable:
                    self.problem = str(unavailable)
        return self._server

    def given(self, handed: dict[str, str]) -> None:
        """Take what the controller (or the developer) says instead of starting a server."""
        self.problem = handed.get("problem", "")
        if "url" in handed:
            self._server = self._at(handed["url"])
            self.shared = True

    def handed(self) -> dict[str, str]:
        """Return what a worker needs to know: the address, or why there is none."""
        server = self.get()
        return {"problem": self.problem} if server is None else {"url": server.url}

    def stop(self) -> None:
        """End the server if this process started it."""
        if self._server is not None and not self.shared:
            self._server.stop()
        self._server = None


class EnginesPlugin:
    """The servers of one run, in the controller, in a worker or without workers."""

    def __init__(self, config: pytest.Config) -> None:
        """Take the addresses from the controller when this is a worker."""
        self.postgres = Engine("PostgreSQL", Postgres.start, Postgres, "YIMEN_TEST_POSTGRES")
        self.valkey = Engine("Valkey", Valkey.start, Valkey, "YIMEN_TEST_REDIS")
        self.worker = getattr(config, "workerinput", None)
        self.run = secrets.token_hex(4)
        self.number = 0
        self.skipped: Counter[str] = Counter()
        self._sqlite: dict[Prepare, Path] = {}
        self._postgres: dict[Prepare, str] = {}
        if self.worker is not None:
            handed = self.worker["yimen_engines"]
            self.run = handed["run"]
            self.number = int(self.worker["workerid"].removeprefix("gw"))
            self.postgres.given(handed["postgres"])
            self.valkey.given(handed["valkey"])

    @property
    def prefix(self) -> str:
        """How the names of this run's databases begin."""
        return f"yimen_test_{self.run}_"

    def sqlite_template(self, prepare: Prepare, folder: pytest.TempPathFactory) -> Path:
        """Return an SQLite file that ``prepare`` has filled, made once in a run: one worker makes
        it, the others wait."""
        if prepare not in self._sqlite:
            shared = folder.getbasetemp()
            if self.worker is not None:
                shared = shared.parent
            file = shared / f"template_{_name_of(prepare)}.sqlite3"
            with file.with_suffix(".lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                if not file.exists():
                    begun = file.with_suffix(".begun")
                    begun.unlink(missing_ok=True)  # of one that failed
                    call_prepare(prepare, sqlite_url(begun))
                    with closing(sqlite3.connect(begun)) as connection:
                        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                    begun.rename(file)
            self._sqlite[prepare] = file
        return self._sqlite[prepare]

    def postgres_template(self, prepare: Prepare, server: Postgres) -> str:
        """Return the name of a database that ``prepare`` has filled, made once in a run."""
        if prepare not in self._postgres:
            name = f"{self.prefix}template_{_name_of(prepare)}"
            self._postgres[prepare] = server.prepared(name, prepare)
        return self._postgres[prepare]

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: WorkerController) -> None:
        """Start both servers, before the first worker, and hand it their addresses."""
        with ThreadPoolExecutor(2) as both:
            postgres, valkey = both.submit(self.postgres.handed), both.submit(self.valkey.handed)
        node.workerinput["yimen_engines"] = {
            "run": self.run,
            "postgres": postgres.result(),
            "valkey": valkey.result(),
        }

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count the tests that were skipped for want of something."""
        if report.skipped and isinstance(report.longrepr, tuple):
            reason = report.longrepr[2].removeprefix("Skipped: ")
            if reason.startswith("needs "):
                self.skipped[reason] += 1

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Let a run on CI fail that lacked a server."""
        lacking = self.postgres.problem or self.valkey.problem
        if lacking and on_ci() and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say in one line each what could not be had."""
        for engine in (self.postgres, self.valkey):
            if engine.problem:
                outcome = "CI=true, so the run fails" if on_ci() else "tests that need it skip"
                line = f"{engine.name} could not be started: {engine.problem} ({outcome})"
                terminalreporter.write_line(line, yellow=True)
        for reason, count in sorted(self.skipped.items()):
            terminalreporter.write_line(f"{count} skipped: {reason}", yellow=True)

    def pytest_unconfigure(self) -> None:
        """End what was started; in a server of one's own, drop what this run left behind."""
        if self.worker is None:
            server = self.postgres.get() if self.postgres.shared else None
            if server is not None:
                server.drop_databases(self.prefix)
        self.postgres.stop()
        self.valkey.stop()


_PLUGIN = "yimen-engines"


def pytest_configure(config: pytest.Config) -> None:
    """Register the plugin with its state; called by pytest in every process of a run."""
    config.pluginmanager.register(EnginesPlugin(config), _PLUGIN)


def on_ci() -> bool:
    """Say whether this run may skip nothing."""
    return os.environ.get("CI", "").lower() in {"1", "true"}


def missing(what: str, why: str) -> NoReturn:
    """End a test that needs ``what``: skipped with the reason, or failed where ``CI=true``."""
    reason = f"needs {what}: {why}"
    if on_ci():
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def _plugin(config: pytest.Config) -> EnginesPlugin:
    plugin = config.pluginmanager.get_plugin(_PLUGIN)
    assert isinstance(plugin, EnginesPlugin)
    return plugin


def _name_of(prepare: Prepare) -> str:
    """Return the same short name of what fills a template in every worker of a run."""
    which = f"{prepare.__module__}.{getattr(prepare, '__qualname__', prepare)}"
    return f"{zlib.crc32(which.encode()):08x}"


def _server(engine: Engine[S]) -> S:
    return engine.get() or missing(engine.name, engine.problem)


@pytest.fixture(scope="session")
def postgres_server(pytestconfig: pytest.Config) -> Postgres:
    """The PostgreSQL of this run, shared by its workers."""
    return _server(_plugin(pytestconfig).postgres)


@pytest.fixture(scope="session")
def valkey_server(pytestconfig: pytest.Config) -> Valkey:
    """The Valkey of this run, shared by its workers; see `fresh_redis_url` and `own_valkey`."""
    return _server(_plugin(pytestconfig).valkey)


@pytest.fixture
def own_valkey() -> Iterator[Valkey]:
    """A Valkey for one test alone, which it may pause, restart and stop."""
    try:
        server = Valkey.start()
    except EngineUnavailable as unavailable:
        missing("Valkey", str(unavailable))
    yield server
    server.stop()


@pytest.fixture(scope="session", params=["embedded", "production"])
def engine_kind(request: pytest.FixtureRequest) -> str:
    """Run the test on both engines: ``embedded`` (SQLite), ``production`` (PostgreSQL)."""
    return str(request.param)


@pytest.fixture(scope="session")
def prepare_template() -> Prepare | None:
    """Override this to fill the database that each test's own is copied from.

    Returns a function that takes the SQLAlchemy address of an empty database; it may be
    ``async``, and leaves no connection open.
    """
    return None


@pytest.fixture
def fresh_database_url(
    engine_kind: str,
    prepare_template: Prepare | None,
    request: pytest.FixtureRequest,
    tmp_path: Path,
) -> Iterator[str]:
    """The address of a new database for this test, a copy of the template, dropped after it."""
    plugin = _plugin(request.config)
    if engine_kind == "embedded":
        file = tmp_path / "yimen.sqlite3"
        if prepare_template is not None:
            folder = request.getfixturevalue("tmp_path_factory")
            shutil.copyfile(plugin.sqlite_template(prepare_template, folder), file)
        yield sqlite_url(file)
        return
    server: Postgres = request.getfixturevalue("postgres_server")
    template = plugin.postgres_template(prepare_template, server) if prepare_template else None
    name = f"{plugin.prefix}{secrets.token_hex(6)}"
    yield server.create_database(name, template)
    server.drop_database(name)


@pytest.fixture
def fresh_redis_url(pytestconfig: pytest.Config, valkey_server: Valkey) -> str:
    """The address of an emptied numbered database of this worker's own in the shared Valkey.

    Channels (publish and subscribe) are not divided by it: name them per test, or take
    `own_valkey`.
    """
    import redis

    url = valkey_server.database_url(_plugin(pytestconfig).number)
    with redis.Redis.from_url(url) as client:
        client.flushdb()
    return url


def sqlite_url(file: Path) -> str:
    """Return the SQLAlchemy address of an SQLite file."""
    return f"sqlite+aiosqlite:///{file}"

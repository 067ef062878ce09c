"""Real workers: several processes that serve one hub, and what is left when one ends."""

import asyncio
import contextlib
import http.client
import os
import re
import signal
import socket
import sys
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date, timedelta
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID

import httpx
import pytest
from sqlalchemy import func, select, update
from sqlmodel import col

from core.access.grants import define_roles, grant, shell_roles
from core.apps.migrations import migrate
from core.apps.registry import installed, load_apps
from core.apps.supervisor import roles_of
from core.database import Database
from core.governance.lifecycle.models import Standing
from core.identity.organizations import by_code
from core.identity.people import add_person, add_post
from core.jobs import PeriodicJob
from core.usage import gaps
from core.usage.figures import by_app
from core.usage.measures import Window
from core.usage.models import UsageEffect
from core.work.calendar import enter_notice
from plugin_sdk.deadlines import local_day
from plugin_sdk.ports import ScopeKind
from plugin_sdk.times import SHANGHAI
from plugins.hotline.imports import COLUMNS
from plugins.hotline.models import Order, OrderEntry
from portal.commands.base import with_hub
from portal.demo import cast, county
from portal.testing.apps import GRANTS, good_app
from portal.testing.apps.good.models import Item, Notice
from portal.testing.hub import PASSWORD, ROOT, quick
from portal.testing.served import prepare

TRIALS = int(os.environ.get("YIMEN_REVOCATION_TRIALS", "10"))

pytestmark = pytest.mark.timeout(max(120, TRIALS))

APPS = "good,blocking"
JSON = {"accept": "application/json"}


async def fill_for_production(url: str) -> None:
    """A county, one administrator and one resident: nobody of the demonstration."""
    database = Database(url)
    try:
        apps = [*load_apps(installed(), ROOT / "manifests"), *load_apps([good_app()], GRANTS)]
        await migrate(database, apps)
        async with database.transaction(write=True) as tx:
            await county.build(tx, county.directory(villages=False))
            await define_roles(tx, "yimen", shell_roles())
            for app in apps:
                if app.manifest is not None:
                    await define_roles(tx, app.id, roles_of(app.manifest))
            await add_person(tx, "resident", "居民", quick(PASSWORD))
            sealer = await add_person(tx, "sealer", "盖章", quick(PASSWORD))
            keeper = await add_person(tx, "keeper", "管理", quick(PASSWORD))
            unit = await by_code(tx, cast.COUNTY)
            assert unit is not None
            post = await add_post(tx, keeper, unit.id, "系统管理员")
            await grant(tx, post, "yimen.administrator", ScopeKind.ALL, granted_by=None)
            # of another unit than the one that answers for the good app
            governor = await add_person(tx, "governor", "治理", quick(PASSWORD))
            centre = await by_code(tx, cast.CENTRE)
            assert centre is not None
            post = await add_post(tx, governor, centre.id, "治理专员")
            await grant(tx, post, "yimen.governance", ScopeKind.ALL, granted_by=None)
            await add_post(tx, sealer, unit.id, "盖章员")
    finally:
        await database.close()


@pytest.fixture(scope="session")
def prepare_template():
    """Fill the database as a production hub has it."""
    return fill_for_production


class Served:
    """A server with its workers, in processes of its own."""

    def __init__(self, process, port: int, log: Path, database_url: str) -> None:
        self.process = process
        self.url = f"http://127.0.0.1:{port}"
        self.log = log
        self.database_url = database_url
        self.clients: list[httpx.AsyncClient] = []
        self.addresses: dict[str, str] = {}

    def workers(self) -> list[int]:
        """Return the processes that serve now."""
        path = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(pid) for pid in path.read_text().split()]

    def said(self) -> str:
        return self.log.read_text(errors="replace")

    async def ready(self, seconds: float = 40) -> None:
        """Wait until it serves."""
        async with asyncio.timeout(seconds), httpx.AsyncClient() as client:
            while True:
                assert self.process.returncode is None, self.said()
                with contextlib.suppress(httpx.HTTPError):
                    if (await client.get(f"{self.url}/readyz")).status_code == 200:
                        return
                await asyncio.sleep(0.05)

    async def client_as(self, username: str) -> httpx.AsyncClient:
        client = httpx.AsyncClient(base_url=self.url, timeout=30, headers=JSON)
        self.clients.append(client)
        answer = await client.post("/sign-in", json={"username": username, "password": PASSWORD})
        assert answer.status_code == 200, answer.text
        return client

    async def rows(self, model) -> int:
        database = Database(self.database_url)
        try:
            async with database.migration() as connection:  # which sees all rows
                return (
                    await connection.execute(select(func.count()).select_from(model))
                ).scalar_one()
        finally:
            await database.close()

    async def stop(self) -> int:
        """Let it end as an administrator would."""
        if self.process.returncode is None:
            self.process.terminate()
            async with asyncio.timeout(25):
                await self.process.wait()
        return self.process.returncode


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@pytest.fixture
def environment(tmp_path):
    """What a server is given: nothing of the developer's own."""
    kept = ("PATH", "LANG", "LD_LIBRARY_PATH", "VIRTUAL_ENV")
    home = tmp_path / "hub"
    prepare(home, ROOT / "manifests")
    return {
        **{name: os.environ[name] for name in kept if name in os.environ},
        "YIMEN_HOME": str(home),
        "YIMEN_SECRET": "of-this-test-alone-and-long-enough",
        "YIMEN_TEST_APPS": APPS,
        "YIMEN_TEST_CLAIM": "5",
        "PYTHONUNBUFFERED": "1",
    }


@asynccontextmanager
async def serving(environment, tmp_path, database_url, redis_url, workers) -> AsyncIterator[Served]:
    port = free_port()
    log = tmp_path / "served.log"
    more = {"YIMEN_PORT": str(port), "YIMEN_WORKERS": str(workers)}
    if database_url:
        more["YIMEN_DATABASE_URL"] = database_url
    if redis_url:
        more["YIMEN_REDIS_URL"] = redis_url
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "portal.testing.served",
            cwd=ROOT,
            env={**environment, **more},
            stdout=output,
            stderr=output,
        )
    served = Served(process, port, log, database_url)
    served.addresses = {name: more[name] for name in more if name.endswith("_URL")}
    try:
        yield served
    finally:
        for client in served.clients:
            await client.aclose()
        if process.returncode is None:
            with contextlib.suppress(FileNotFoundError):
                left = served.workers()
                process.kill()
                for pid in left:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
            await process.wait()


@pytest.fixture
async def served(environment, tmp_path, fresh_database_url, engine_kind, request):
    """A server on each engine: two workers on PostgreSQL and Valkey, one on SQLite."""
    production = engine_kind == "production"
    redis_url = request.getfixturevalue("fresh_redis_url") if production else None
    count = 2 if production else 1
    async with serving(environment, tmp_path, fresh_database_url, redis_url, count) as server:
        await server.ready()
        yield server


production = pytest.mark.parametrize("engine_kind", ["production"], indirect=True)


async def until(found, seconds: float = 30) -> None:
    """Wait until something has happened in the server's processes."""
    async with asyncio.timeout(seconds):
        while not await found():  # noqa: ASYNC110  (nothing tells what a process did)
            await asyncio.sleep(0.05)


async def until_all_serve(served: Served, count: int) -> None:
    async def all_serve() -> bool:
        return len(served.workers()) >= count

    await until(all_serve)


# --- a body over the bound -----------------------------------------------------------


@pytest.mark.parametrize("declared", [True, False])
async def test_who_sends_too_much_hears_why(served, declared):
    """A client that sends all before it listens, as most do, gets the answer."""

    def send() -> tuple[int, str | None]:
        connection = http.client.HTTPConnection(urlsplit(served.url).netloc, timeout=30)
        size = 40 * 1024 * 1024
        headers = {"content-type": "application/json"}
        if declared:
            headers["content-length"] = str(size)
        parts = (b"a" * 65536 for _ in range(size // 65536))
        with contextlib.closing(connection):
            connection.request("POST", "/sign-in", parts, headers, encode_chunked=not declared)
            answer = connection.getresponse()
            return answer.status, answer.getheader("content-type")

    status, kind = await asyncio.to_thread(send)
    assert (status, kind) == (413, "application/problem+json")


# --- what is revoked ---------------------------------------------------------------------


class Doors:
    """Connections of one person, kept open, so that every worker holds some of them."""

    COUNT = 8

    def __init__(self, served: Served, signed_in: httpx.AsyncClient) -> None:
        self._clients = [
            httpx.AsyncClient(
                base_url=served.url, timeout=30, cookies=signed_in.cookies, headers=JSON
            )
            for _ in range(self.COUNT)
        ]
        served.clients += self._clients
        self.path = f"/apps/good/items/{UUID(int=0)}/seal"

    async def allowed(self, at: int) -> bool:
        """Ask for what a right is needed; nothing is there, so that an allow changes nothing."""
        answer = await self._clients[at].post(self.path, json={})
        assert answer.status_code in (403, 404), answer.text
        return answer.status_code == 404

    async def all(self) -> list[bool]:
        return await asyncio.gather(*(self.allowed(at) for at in range(self.COUNT)))


@production
@pytest.mark.parametrize("redis", ["there", "away"])
async def test_what_one_worker_has_revoked_no_worker_allows(
    environment, tmp_path, fresh_database_url, own_valkey, redis
):
    environment = {**environment, "YIMEN_TEST_LEASE": "0.2"} if redis == "away" else environment
    async with serving(environment, tmp_path, fresh_database_url, own_valkey.url, 2) as served:
        await served.ready()
        await until_all_serve(served, 2)
        keeper, sealer = [await served.client_as(name) for name in ("keeper", "sealer")]
        people = (await keeper.get("/admin/people?q=sealer")).json()["people"]
        page = next(one["href"] for one in people if one["username"] == "sealer")
        doors = Doors(served, sealer)
        if redis == "away":
            own_valkey.stop()
        given = {"username": "sealer", "role": "good.keeper", "scope": "all"}
        late = 0
        over = False
        returned: float | None = None

        async def ask(at: int) -> None:
            nonlocal late
            while not over:
                begun = time.monotonic()
                if await doors.allowed(at) and returned is not None and begun > returned:
                    late += 1

        asking = [asyncio.create_task(ask(at)) for at in range(2)]
        try:
            for _ in range(TRIALS):
                returned = None
                answer = await keeper.post("/admin/grants", json=given)
                assert answer.status_code == 201, answer.text
                assert all(await doors.all()), "what is given is had on every worker"
                (held,) = (await keeper.get(page)).json()["grants"]
                answer = await keeper.post(f"/admin/grants/{held['id']}/withdraw", json={})
                assert answer.status_code == 200, answer.text
                returned = time.monotonic()
                late += sum(await doors.all())
        finally:
            over = True
            await asyncio.gather(*asking)
        assert late == 0


# --- (a) disabling under load ------------------------------------------------------------


@production
async def test_a_disable_is_acknowledged_by_both_and_loses_no_request(served):
    keeper = await served.client_as("keeper")
    csrf = (await keeper.post("/sign-in", json={"username": "keeper", "password": PASSWORD})).json()
    client = await served.client_as("resident")
    await until_acknowledged_by(keeper, 2)
    answers: Counter[int] = Counter()
    stop = asyncio.Event()

    async def load(kind: int) -> None:
        while not stop.is_set():
            if kind % 3 == 0:
                answer = await client.post("/apps/good/items", json={"title": "under load"})
            elif kind % 3 == 1:
                answer = await client.get("/apps/good/wait/30")
            else:
                answer = await client.get("/apps/good/items")
            answers[answer.status_code] += 1

    loads = [asyncio.create_task(load(number)) for number in range(9)]
    for act, state in (("disable", "disabled"), ("enable", "enabled")):
        await asyncio.sleep(1)
        changed = await keeper.post(
            f"/admin/apps/good/{act}", json={"_csrf": csrf["csrf"], "reason": "检修"}
        )
        assert changed.status_code == 200, changed.text
        told = changed.json()
        assert (told["applied"], told["workers"]) == (2, 2), state
        if act == "disable":
            statuses = {(await client.get("/apps/good/items")).status_code for _ in range(10)}
            assert statuses == {503}, "no worker lets anybody in once both have said so"
    await asyncio.sleep(0.5)
    stop.set()
    await asyncio.gather(*loads)  # raises when a request was lost
    assert set(answers) <= {200, 201, 503}, answers
    assert sum(answers.values()) > 200
    assert answers[200]
    assert answers[503]
    assert await served.rows(Item) == answers[201]
    assert await served.stop() == 0


async def until_acknowledged_by(keeper: httpx.AsyncClient, workers: int) -> None:
    async with asyncio.timeout(20):
        while True:
            apps = (await keeper.get("/admin/apps")).json()["apps"]
            good = next(app for app in apps if app["id"] == "good")
            if (good["applied"], good["workers"]) == (workers, workers):
                return
            await asyncio.sleep(0.1)


@production
async def test_a_step_of_an_apps_life_is_followed_by_every_worker(served):
    """Sunset, closing, and back: each is answered once both workers follow, what had begun ends,
    and the other apps notice nothing."""
    keeper, governor, resident = [
        await served.client_as(name) for name in ("keeper", "governor", "resident")
    ]
    await until_acknowledged_by(keeper, 2)
    closes_on = await decide_to_retire(served, "good")
    doors = [
        httpx.AsyncClient(base_url=served.url, timeout=30, cookies=resident.cookies, headers=JSON)
        for _ in range(Doors.COUNT)
    ]
    served.clients += doors
    made = 0

    async def take(verb, **form):
        answer = await governor.post(
            f"/governance/apps/good/life/{verb}", json={"reason": "并入热线", **form}
        )
        assert answer.status_code == 200, answer.text
        told = answer.json()
        assert (told["applied"], told["workers"]) == (2, 2), verb

    async def answered(method, **more):
        asked = (door.request(method, "/apps/good/items", **more) for door in doors)
        return {answer.status_code for answer in await asyncio.gather(*asked)}

    async def sending():
        nonlocal made
        found = await answered("POST", json={"title": "又一件"})
        made += len(doors) if found == {201} else 0
        return found

    others: Counter[tuple[str, int]] = Counter()
    stop, begun, let_go = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def use(address):
        async with httpx.AsyncClient(
            base_url=served.url, timeout=30, cookies=resident.cookies, headers=JSON
        ) as own:
            while not stop.is_set():
                others[address, (await own.get(address)).status_code] += 1

    async def slowly():
        yield b'{"title": '
        begun.set()
        await let_go.wait()
        yield '"开始得早"}'.encode()

    loads = [
        asyncio.create_task(use(address))
        for address in ("/apps/hotline/orders", "/work", "/about/good", "/apps/hotline/orders/new")
    ]
    assert await sending() == {201}
    write = asyncio.create_task(
        resident.post(
            "/apps/good/items", content=slowly(), headers={"content-type": "application/json"}
        )
    )
    await begun.wait()
    await asyncio.sleep(0.5)  # it is with its worker
    sunset = asyncio.create_task(take("sunset", closes_on=closes_on))
    await asyncio.sleep(0.5)
    let_go.set()
    assert (await write).status_code == 201, "what had begun is let end"
    made += 1
    await sunset
    assert (await sending(), await answered("GET")) == ({409}, {200})
    await announced_long_ago(served, "good")
    await take("close")
    assert (await sending(), await answered("GET")) == ({410}, {410})
    await take("reopen")
    assert (await sending(), await answered("GET")) == ({409}, {200})
    await take("call_off")
    assert await sending() == {201}
    stop.set()
    await asyncio.gather(*loads)
    assert {status for _, status in others} == {200}, others
    assert len(others) == 4
    assert sum(others.values()) > 40
    assert await served.rows(Item) == made


async def decide_to_retire(served: Served, app: str) -> str:
    """Bring an app to where a review has decided that it goes; return a day on which it may close,
    in a year whose calendar is known whenever this runs."""
    database = Database(served.database_url)
    try:
        async with database.transaction(write=True) as tx:
            day = local_day(tx.now) + timedelta(days=35)
            fixed = [date(day.year, *on) for on in ((1, 1), (5, 1), (10, 1), (10, 2), (10, 3))]
            while day in fixed or day.weekday() > 4:
                day += timedelta(days=1)
            await enter_notice(tx, day.year, fixed, [])
            await tx.session.execute(
                update(Standing).where(col(Standing.app) == app).values(stage="retire")
            )
            return str(day)
    finally:
        await database.close()


async def announced_long_ago(served: Served, app: str) -> None:
    """Let the day of an app's closing have come."""
    database = Database(served.database_url)
    try:
        async with database.transaction(write=True) as tx:
            await tx.session.execute(
                update(Standing).where(col(Standing.app) == app).values(closes_on=local_day(tx.now))
            )
    finally:
        await database.close()


@production
async def test_a_command_is_no_worker_while_it_runs(served, environment, monkeypatch):
    """Else the page shows one too many, and a revocation waits for who decides nothing."""
    keeper = await served.client_as("keeper")
    await until_acknowledged_by(keeper, 2)
    for name, value in (environment | served.addresses).items():
        monkeypatch.setenv(name, value)
    started, seen = threading.Event(), threading.Event()

    async def act(hub):
        started.set()
        await asyncio.to_thread(seen.wait, 20)

    command = asyncio.create_task(asyncio.to_thread(with_hub, act))
    assert await asyncio.to_thread(started.wait, 20)
    for _ in range(10):
        (good,) = [
            app for app in (await keeper.get("/admin/apps")).json()["apps"] if app["id"] == "good"
        ]
        assert (good["applied"], good["workers"]) == (2, 2)
        await asyncio.sleep(0.1)
    seen.set()
    await command


async def test_a_second_server_without_redis_is_told_what_to_do(
    environment, tmp_path, fresh_database_url
):
    (tmp_path / "beside").mkdir()
    async with (
        serving(environment, tmp_path, fresh_database_url, None, 1) as first,
        serving(environment, tmp_path / "beside", fresh_database_url, None, 1) as second,
    ):
        ended = [
            asyncio.create_task(server.process.wait(), name=name)
            for name, server in (("first", first), ("second", second))
        ]
        (refused,), _ = await asyncio.wait(ended, timeout=60, return_when=asyncio.FIRST_COMPLETED)
        one, other = (first, second) if refused.get_name() == "first" else (second, first)
        assert one.process.returncode == 1
        assert "set the same YIMEN_REDIS_URL for both" in one.said()
        await other.ready()
        assert await other.stop() == 0


# --- (b) an app that blocks --------------------------------------------------------------


@pytest.mark.parametrize("way", ["sleep", "spin", "hold"])
async def test_an_app_that_blocks_is_named_and_its_worker_replaced(served, engine_kind, way):
    client = await served.client_as("resident")
    before = served.workers()
    acknowledged: list[str] = []
    lost = 0
    stop = asyncio.Event()

    async def write(number: int) -> None:
        nonlocal lost
        made = 0
        async with httpx.AsyncClient(
            base_url=served.url, cookies=client.cookies, timeout=15
        ) as own:
            while not stop.is_set():
                made += 1
                try:
                    answer = await own.post("/apps/good/items", json={"title": f"{number}-{made}"})
                except httpx.HTTPError:
                    lost += 1
                    continue
                if answer.status_code == 201:
                    acknowledged.append(answer.json()["id"])
                else:
                    assert answer.status_code in (503, 504), answer.text
                await asyncio.sleep(0.1)

    writers = [asyncio.create_task(write(number)) for number in range(4)]
    await asyncio.sleep(0.3)

    async def block() -> str:
        async with httpx.AsyncClient(base_url=served.url, timeout=60) as own:
            with contextlib.suppress(httpx.HTTPError):
                return str((await own.get(f"/apps/blocking/{way}")).status_code)
        return "cut"

    blocked = asyncio.create_task(block())
    quarantined = False
    async with asyncio.timeout(60), httpx.AsyncClient(base_url=served.url, timeout=2) as own:
        while not quarantined:
            with contextlib.suppress(httpx.HTTPError):
                answer = await own.get("/apps/blocking/")
                quarantined = answer.status_code == 503 and "quarantined" in answer.text
            await asyncio.sleep(0.1)
    assert await blocked == "cut"
    await until_all_serve(served, len(before))
    await asyncio.sleep(0.5)
    stop.set()
    await asyncio.gather(*writers)
    left = set(before) & set(served.workers())
    assert len(left) == len(before) - 1, "one worker was replaced, and no other"
    assert re.search(r"the app blocking is quarantined: blocking: ", served.said())
    assert await served.rows(Item) >= len(acknowledged)
    listed = {item["id"] for item in (await client.get("/apps/good/items")).json()}
    assert set(acknowledged) <= listed, "an acknowledged write was lost"
    if engine_kind == "production":
        assert lost <= 4, "only what its own worker was serving is cut"


# --- (c) workers that are killed ---------------------------------------------------------


@production
async def test_fifty_kills_lose_no_acknowledged_write_and_repeat_no_effect(served):
    client = await served.client_as("resident")
    acknowledged: dict[str, str] = {}
    sent = 0
    stop = asyncio.Event()

    async def write(number: int) -> None:
        nonlocal sent
        made = 0
        async with httpx.AsyncClient(base_url=served.url, cookies=client.cookies, timeout=5) as own:
            while not stop.is_set():
                made += 1
                sent += 1
                acknowledged[f"{number}-{made}"] = await taken(own, f"{number}-{made}")
                await asyncio.sleep(0.05)

    async def taken(own: httpx.AsyncClient, title: str) -> str:
        """Send it with its key until it is acknowledged; return the item's id."""
        for _ in range(100):
            try:
                answer = await own.post(
                    "/apps/good/items",
                    json={"title": title},
                    headers={"idempotency-key": f"write-{title}"},
                )
            except httpx.HTTPError:
                await asyncio.sleep(0.05)
                continue
            if answer.status_code in (200, 201):
                return str(answer.json()["id"])
            assert answer.status_code in (503, 504), answer.text
            await asyncio.sleep(0.05)
        raise AssertionError(f"{title} was never taken")

    writers = [asyncio.create_task(write(number)) for number in range(4)]
    killed = 0
    async with asyncio.timeout(60):
        while killed < 50:
            await asyncio.sleep(0.25 if killed % 5 else 0.9)
            workers = served.workers()
            if workers:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(workers[killed % len(workers)], signal.SIGKILL)
                    killed += 1
    await served.ready()
    await asyncio.sleep(0.5)
    stop.set()
    await asyncio.gather(*writers)
    assert len(acknowledged) == sent
    assert len(set(acknowledged.values())) == sent
    items = (await client.get("/apps/good/items")).json()
    assert Counter(item["title"] for item in items) == Counter(dict.fromkeys(acknowledged, 1))
    assert {item["id"] for item in items} == set(acknowledged.values())
    assert await effects(served) == sent, "an effect was lost or repeated"

    async def all_told() -> bool:  # what a killed worker had claimed is taken over
        return await served.rows(Notice) >= sent

    await until(all_told, 40)
    assert await served.rows(Notice) == sent, "an event did its work more than once"
    assert await served.stop() == 0


async def effects(served: Served) -> int:
    database = Database(served.database_url)
    try:
        async with database.transaction() as tx:
            statement = select(func.count()).where(col(UsageEffect.app) == "good")
            return (await tx.session.execute(statement)).scalar_one()
    finally:
        await database.close()


async def test_a_kill_takes_a_second_of_counts_and_leaves_a_gap(served):
    client = await served.client_as("resident")
    answered: list[float] = []
    ends = time.monotonic() + 4
    while time.monotonic() < ends:
        assert (await client.get("/apps/good/items")).status_code == 200
        answered.append(time.monotonic())
    killed = time.monotonic()
    for pid in served.workers():
        os.kill(pid, signal.SIGKILL)
    await served.ready()
    older = sum(at <= killed - 1.5 for at in answered)
    assert older > 20

    async def gap_shows() -> bool:
        database = Database(served.database_url)
        try:
            async with database.transaction(write=True) as tx:  # it runs each half minute
                await tx.session.execute(
                    update(PeriodicJob)
                    .where(col(PeriodicJob.name) == "core.usage-gaps")
                    .values(next_at=tx.now)
                )
                day = tx.now.astimezone(SHANGHAI).date()
                found = await gaps.within(tx, Window(day, day))
                unknown = await gaps.missing(tx, Window(day, day))  # it may come in between
                figures = await by_app(tx, day, day)
        finally:
            await database.close()
        assert {gap.cause for gap in found} <= {"died"}
        counted = sum(row.answered for row in figures if row.app == "good")
        assert counted <= len(answered)
        if not found or counted < older:
            return False
        assert unknown.minutes > 0 or unknown.days
        return True

    await until(gap_shows, 40)


async def test_a_server_that_is_killed_leaves_no_worker(served):
    workers = served.workers()
    assert workers
    served.process.kill()

    async def all_gone() -> bool:
        return all(zombie(pid) for pid in workers)

    await until(all_gone)


def zombie(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    return True


async def test_what_had_begun_is_answered_when_the_server_is_told_to_stop(served):
    client = await served.client_as("resident")
    begun = [asyncio.create_task(client.get("/apps/good/wait/800")) for _ in range(6)]
    await asyncio.sleep(0.3)
    assert await served.stop() == 0
    assert {answer.status_code for answer in await asyncio.gather(*begun)} == {200}


# --- (d) what must not start -------------------------------------------------------------


async def refused(environment, tmp_path, database_url, redis_url, workers) -> tuple[int, str]:
    async with serving(environment, tmp_path, database_url, redis_url, workers) as server:
        async with asyncio.timeout(40):
            await server.process.wait()
        return server.process.returncode, server.said()


async def test_several_workers_without_redis_do_not_start(environment, tmp_path):
    status, said = await refused(environment, tmp_path, "", None, 2)
    assert status == 1
    assert "several workers need YIMEN_REDIS_URL" in said
    assert "Traceback" not in said


@production
async def test_a_production_hub_with_accounts_of_the_demonstration_does_not_start(
    environment, tmp_path, fresh_database_url, fresh_redis_url
):
    database = Database(fresh_database_url)
    async with database.transaction(write=True) as tx:
        await add_person(tx, "operator", "话务", quick(PASSWORD), demonstration=True)
    await database.close()
    status, said = await refused(environment, tmp_path, fresh_database_url, fresh_redis_url, 2)
    assert status == 1
    assert "accounts of the demonstration" in said
    assert "Traceback" not in said


async def test_a_hub_that_was_not_migrated_does_not_start(environment, tmp_path):
    status, said = await refused(environment, tmp_path, "", None, 1)
    assert status == 1
    assert "run 'yimen migrate' first" in said


@production
async def test_an_address_that_is_taken_is_said(environment, tmp_path, fresh_database_url):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "portal.testing.served",
            cwd=ROOT,
            env={
                **environment,
                "YIMEN_PORT": str(port),
                "YIMEN_DATABASE_URL": fresh_database_url,
            },
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            _, said = await asyncio.wait_for(process.communicate(), 40)
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
    assert process.returncode == 1
    assert f"127.0.0.1:{port}" in said.decode()


async def test_an_app_that_blocks_at_import_holds_no_start(
    environment, tmp_path, fresh_database_url, engine_kind, request
):
    on_production = engine_kind == "production"
    redis_url = request.getfixturevalue("fresh_redis_url") if on_production else None
    more = {"YIMEN_TEST_APPS": "good,blocking-import", "YIMEN_TEST_IMPORT": "8"}
    async with serving(
        {**environment, **more}, tmp_path, fresh_database_url, redis_url, 2 if on_production else 1
    ) as server:
        await server.ready(80)
        client = await server.client_as("resident")
        assert (await client.get("/apps/good/items")).status_code == 200
        assert (await client.get("/apps/blocking-import/")).status_code == 503
    assert "the app blocking-import stood still for 8 s while it was loaded" in server.said()
    assert "the app blocking-import is refused: import-blocked" in server.said()


ROWS = 60


@pytest.mark.timeout(240)  # five processes one after the other
async def test_an_import_that_is_killed_at_any_row_equals_an_unbroken_one(
    environment, tmp_path, fresh_database_url
):
    source = tmp_path / "export.csv"
    lines = [
        f"{n},UU{n},标题{n},2019/4/25 9:32:09,内容{n},答复{n},2019/5/10 14:56:53"
        for n in range(1000, 1000 + ROWS)
    ]
    source.write_text("\n".join([",".join(COLUMNS), *lines]), encoding="utf-8-sig")
    command = Path(sys.executable).with_name("yimen")
    database = Database(fresh_database_url)

    async def begin():
        return await asyncio.create_subprocess_exec(
            str(command),
            *("app", "import", "hotline", str(source)),
            cwd=ROOT,
            env={**environment, "YIMEN_DATABASE_URL": fresh_database_url},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )

    async def read(*columns):
        found = [tuple(row) for row in await look.execute(select(*columns))]
        await look.rollback()
        return found

    watching = contextlib.AsyncExitStack()
    look = await watching.enter_async_context(database.migration(write=False))  # it sees all rows
    try:
        async with database.transaction(write=True) as tx:  # somebody must receive the orders
            unit = await by_code(tx, cast.COUNTY)
            assert unit is not None
            person = await add_person(tx, "dispatcher", "派单", None)
            post = await add_post(tx, person, unit.id, "派单员")
            await grant(tx, post, "hotline.dispatcher", ScopeKind.ALL, granted_by=None)
        for wanted in (1, 17, 41):
            process = await begin()
            async with asyncio.timeout(60):
                while len(await read(col(Order.id))) < wanted and process.returncode is None:  # noqa: ASYNC110  (nothing tells what a process did)
                    await asyncio.sleep(0.002)
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            said, _ = await process.communicate()
            assert process.returncode == -signal.SIGKILL, said.decode()
            orders, steps = await read(col(Order.id)), await read(col(OrderEntry.id))
            assert wanted <= len(orders) < ROWS
            assert len(steps) == 2 * len(orders), "an order came with its timeline, or not at all"
        for added in (True, False):
            process = await begin()
            said, _ = await process.communicate()
            assert process.returncode == 0, said.decode()
            assert ("added 0," not in said.decode()) == added
            orders = await read(col(Order.number), col(Order.title), col(Order.text))
            assert sorted(orders) == [
                (f"L{n}", f"标题{n}", f"内容{n}") for n in range(1000, 1000 + ROWS)
            ]
            assert len(await read(col(OrderEntry.id))) == 2 * ROWS
    finally:
        await watching.aclose()
        await database.close()

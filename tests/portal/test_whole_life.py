"""The whole life of two apps, from a finding to a destroyed bundle: a small old app that is merged
into the hotline, and the hotline itself, merged into another by what is signed away. Nothing is
lost, and the others never notice."""

import asyncio
import contextlib
import io
from datetime import datetime, timedelta
from typing import Any

import pytest
from msgspec import structs
from PIL import Image
from sqlalchemy import inspect, select
from sqlmodel import col

from core import bundles
from core.access.grants import grant
from core.access.models import Grant
from core.apps import hooks
from core.apps.registry import declared
from core.files.models import FileRow
from core.files.service import content_of
from core.governance.merging.functions import inventory
from core.work.models import Series
from plugin_sdk.deadlines import local_day
from plugin_sdk.ports import ScopeKind
from plugin_sdk.tallies import CASES
from portal import probe
from tests.portal.governed import govern
from tests.portal.old_app import answer_letter, carry_over, with_mailbox, write_letters

OTHERS = (
    ("supervisor", "/apps/supervision/findings"),
    ("supervisor", "/apps/supervision/tasks"),
    ("leader", "/apps/village-affairs/"),
    ("leader", "/work"),
)
ORDER = {"kind": "help", "text": "路灯不亮"}
SEE = "查看来信与办理经过"
MORNING = datetime.fromisoformat("2026-03-02T09:00+08:00")
MERGE = "/governance/apps/mailbox/merge"
WAIVED = "统一受理，不再单设"


def picture(colour):
    out = io.BytesIO()
    Image.new("RGB", (40, 30), colour).save(out, "JPEG")
    return out.getvalue()


class County:
    """A county at work: who retires apps, and who goes on using the others meanwhile."""

    def __init__(self, hub, folder):
        self.hub = hub
        self.folder = folder
        self.answers = []
        self._clients = {}
        self._turns = [asyncio.Lock() for _ in OTHERS]

    async def client(self, role):
        if role not in self._clients:
            self._clients[role] = await self.hub.client_as(role)
        return self._clients[role]

    async def move(self, **by):
        """Let time pass; everybody signs in again, and what is due happens. Who is at something
        is waited for: a session that is weeks old by the time it is looked at is refused."""
        async with contextlib.AsyncExitStack() as still:
            for turn in self._turns:
                await still.enter_async_context(turn)
            self.hub.clock.move(**by)
            self._clients.clear()
        await self.hub.settle()

    def day(self, days=0):
        return str(local_day(self.hub.clock()) + timedelta(days=days))

    @contextlib.asynccontextmanager
    async def under_load(self):
        """Let people go on with the other apps all the while; not one of them sees an error."""
        stop = asyncio.Event()

        async def use(turn, role, address):
            while not stop.is_set():
                async with turn:
                    answer = await (await self.client(role)).get(address)
                self.answers.append((address, answer.status_code))
                await asyncio.sleep(0.1)

        async def follow():
            while not stop.is_set():
                await self.hub.hub.apps.follow()
                await asyncio.sleep(0.1)

        for instance in self.hub.hub.apps.instances.values():  # a busy machine is no slow app
            instance.limits = structs.replace(instance.limits, timeout_seconds=300.0)
        for role, _ in OTHERS:
            await self.client(role)
        using = [
            asyncio.create_task(follow()),
            *(
                asyncio.create_task(use(turn, *other))
                for turn, other in zip(self._turns, OTHERS, strict=True)
            ),
        ]
        try:
            yield
        finally:
            stop.set()
            await asyncio.gather(*using)
        assert len(self.answers) >= len(OTHERS)
        assert {status for _, status in self.answers} <= {200, 303}, set(self.answers)

    async def step(self, app, verb, by="governance", status=200, **form):
        """Take a step of an app's life, having noted what stands in the way."""
        at = f"/governance/apps/{app}/life"
        staff = await self.client(by)
        if verb != "purge":
            shown = (await staff.get(f"{at}/{verb}")).json().get("hidden", {})
            form = {"reason": "按治理决定办理", "noted": True, **shown, **form}
        answer = await staff.post(f"{at}/{verb}", json=form)
        assert answer.status_code == status, answer.text
        await self.hub.hub.apps.follow()
        return answer.json()

    async def stage(self, app):
        view = await (await self.client("governance")).get(f"/governance/apps/{app}/life")
        assert view.status_code == 200, view.text
        return view.json()["state"]

    async def review(self, app, verdict, owner="owner", **decision):
        """Review an app: its owner consents, and the decider decides."""
        staff = await self.client("governance")
        opened = await staff.post(
            "/apps/oversight/reviews", json={"app": app, "cause": "与热线重复"}
        )
        assert opened.status_code == 201, opened.text
        at = f"/apps/oversight/reviews/{opened.json()['number']}"
        for role, verb, form in (
            (owner, "consent", {"text": "同意"}),
            ("decider", verdict, {"reason": "功能已由后继应用承担", **decision}),
        ):
            who = await self.client(role)
            version = (await staff.get(at)).json()["version"]
            answer = await who.post(f"{at}/{verb}", json={"version": version, **form})
            assert answer.status_code == 200, answer.text
        return at

    async def archived(self, app):
        """Let the archive do what was asked for; return how it stands."""
        self.hub.clock.move(minutes=2)  # every worker has drained by then
        facts = await self.hub.hub.archives.run(app)
        await self.hub.hub.apps.follow()
        return facts

    async def kept(self, app):
        """Return everything that an app has: each row's digest by table, each file's content,
        numbers, and who holds its roles."""
        package = self.hub.hub.apps.instances[app].app.plugin.__name__
        found: dict[str, Any] = {}
        async with self.hub.services.database.migration(write=False) as connection:
            for table in sorted(declared(package), key=lambda one: one.name):
                found[table.name] = await bundles.digest(connection, table)
        async with self.hub.services.database.transaction() as tx:
            files = await tx.session.execute(
                select(col(FileRow.id), col(FileRow.subject), col(FileRow.sha256))
                .where(col(FileRow.app) == app)
                .order_by(col(FileRow.id))
            )
            found["files"] = [tuple(row) for row in files]
            numbers = await tx.session.execute(
                select(col(Series.name), col(Series.day), col(Series.last))
                .where(col(Series.app) == app)
                .order_by(col(Series.name), col(Series.day))
            )
            found["numbers"] = [tuple(row) for row in numbers]
            grants = await tx.session.execute(
                select(col(Grant.role), col(Grant.post_id))
                .where(col(Grant.role).startswith(f"{app}."))
                .order_by(col(Grant.role), col(Grant.post_id))
            )
            found["grants"] = [tuple(row) for row in grants]
        return found

    def contents(self, kept):
        """Return whether the content of each file is on the disk."""
        folder = self.hub.hub.settings.home / "files"
        return {name: content_of(folder, name).is_file() for _, _, name in kept["files"]}

    async def tables(self, prefix):
        async with self.hub.services.database.migration(write=False) as connection:
            names = await connection.run_sync(lambda sync: inspect(sync).get_table_names())
        return {name for name in names if name.startswith(prefix)}

    async def prove(self, *numbers):
        """Prove that the hotline does what the mailbox did, has what it had, and is led to."""
        at, staff = MERGE, await self.client("governance")
        assert await carry_over(self.hub, self.folder) == ["added"] * len(numbers)
        resident, operator = await self.client("resident"), await self.client("operator")
        filed = (await resident.post("/apps/hotline/orders", json=ORDER)).json()["number"]
        answer = {"version": 1, "text": "已修好"}
        await operator.post(f"/apps/hotline/orders/{filed}/answer", json=answer)
        await self.hub.services.count_usage()
        first = f"/orders/L{numbers[0]}"
        for act, form in (
            ("place", {"function": "居民网上提交来信", "route": "POST /orders"}),
            (
                "place",
                {
                    "function": "查看来信与办理经过",
                    "route": "GET /orders/{number}",
                    "example": first,
                },
            ),
            ("place", {"function": "来信列表与筛选", "route": "GET /orders"}),
            ("place", {"function": "答复来信", "route": "POST /orders/{number}/answer"}),
            ("waiver", {"function": "选择收信领导", "reason": WAIVED}),
            (
                "link",
                {
                    "path": "/letters/{number}",
                    "target": "/apps/hotline/orders/L{number}",
                    "example": f"/letters/{numbers[0]}",
                },
            ),
            ("link", {"path": "/letters", "target": "/apps/hotline/orders"}),
            ("reconcile", {}),
            ("check", {}),
        ):
            done = await staff.post(f"{at}/{act}", json=form)
            assert done.status_code == 200, (act, done.text)
        assert (await staff.get(at)).json()["obstacles"] == [], "the gate is open"

    async def sign_away(self, app):
        """Give every function of an app up by name, and leave its data to the archive."""
        staff = await self.client("governance")
        async with self.hub.services.database.transaction() as tx:
            functions = await inventory(tx, app)
        for act, form in (
            *(("waiver", {"function": name, "reason": WAIVED}) for name in functions),
            ("reconcile", {}),
            ("waiver", {"kind": CASES, "reason": "随档案保存，不迁移"}),
        ):
            done = await staff.post(f"/governance/apps/{app}/merge/{act}", json=form)
            assert done.status_code == 200, (act, done.text)

    @staticmethod
    def rows(kept):
        beside = ("files", "numbers", "grants")
        return [found for name, found in kept.items() if name not in beside]

    async def to_the_archive(self, app, prefix):
        """Take an app from its decision into the archive; return what it had."""
        await self.step(app, "sunset", closes_on=self.day(42))
        resident = await self.client("resident")
        refused = await resident.post(f"/apps/{app}/", json={})
        assert refused.status_code == 409, "nothing is written any more"
        assert "sunset" in refused.headers
        assert (await resident.get(f"/about/{app}")).status_code == 200
        await self.step(app, "close", status=409)
        await self.move(days=43)
        if app == "mailbox":  # its old links are to lead to the hotline, on that day too
            blocked = await self.step(app, "close", status=409)
            assert "须重新检查" in blocked["detail"]
            checked = await (await self.client("governance")).post(f"{MERGE}/check", json={})
            assert checked.status_code == 200, checked.text
        await self.step(app, "close")
        before = await self.kept(app)
        await self.step(app, "archive")
        done = await self.archived(app)
        assert (done.phase, done.fault) == ("stored", None)
        assert await self.tables(prefix) == set(), "dropped"
        assert await self.stage(app) == "archived"
        return before, done

    async def back_again(self, app, before):
        """Bring an app back, and find everything as it was."""
        await self.step(app, "restore")
        done = await self.archived(app)
        assert (done.phase, done.fault) == ("restored", None)
        assert await self.stage(app) == "closed"
        assert await self.kept(app) == before
        assert all(self.contents(before).values())

    async def destroyed(self, app, prefix):
        """Archive once more, and let two people destroy the bundle when its time is over."""
        await self.step(app, "archive")
        done = await self.archived(app)
        await self.step(app, "purge", by="decider", status=409, sha256=done.sha256)
        await self.move(days=(done.keep_until - local_day(self.hub.clock())).days)
        await self.step(app, "purge", by="decider", sha256=done.sha256)
        await self.step(app, "purge", by="decider", status=409, sha256=done.sha256)
        await self.step(app, "purge", by="inspector", sha256=done.sha256)
        gone = await self.archived(app)
        assert (gone.phase, gone.sha256) == ("destroyed", done.sha256), "the checksum stays"
        assert not (self.hub.hub.settings.home / "archive" / done.folder).exists()
        assert await self.stage(app) == "purged"
        assert await self.tables(prefix) == set()


@pytest.fixture(autouse=True)
def patience(monkeypatch):
    """A busy machine is neither a page that does not answer nor an app that does not."""
    monkeypatch.setattr(probe, "SECONDS", 60.0)
    monkeypatch.setattr(probe, "ALL_SECONDS", 300.0)
    monkeypatch.setattr(hooks, "HOOK_SECONDS", 60.0)


async def let(hub, role, key):
    """Let somebody of the cast hold a role too."""
    post = (await hub.actor(role)).post_id
    async with hub.services.database.transaction(write=True) as tx:
        await grant(tx, post, key, ScopeKind.ALL, granted_by=None)


async def county_of(hub, folder):
    hub.clock.stand(MORNING)
    await govern(hub)
    await let(hub, "inspector", "yimen.second_approver")
    await let(hub, "governance", "hotline.leader")
    return County(hub, folder)


@pytest.mark.timeout(400)
async def test_a_small_old_app_is_merged_and_ends_with_nothing_lost(make_hub, tmp_path):
    hub = await with_mailbox(make_hub)
    county = await county_of(hub, tmp_path)
    await let(hub, "unit", "oversight.owner")
    photo = {"files": {"photos": ("灯.jpg", picture("green"), "image/jpeg")}}
    first, second = await write_letters(hub, ["路灯不亮", "井盖松动"], **photo)
    for number in (first, second):
        await answer_letter(hub, number)
    async with county.under_load():
        await county.review("mailbox", "merge", owner="unit", successor="hotline")
        shut = await county.step("mailbox", "sunset", status=409, closes_on=county.day(42))
        assert shut["type"].endswith("lifecycle-blocked"), "the gate of the merge is closed"
        await county.prove(first, second)
        before, done = await county.to_the_archive("mailbox", "mailbox_")
        assert done.rows >= sum(rows for rows, _ in county.rows(before))
        assert done.files == len({sha for _, _, sha in before["files"]}) == 1, (
            "one content, kept once"
        )
        # who comes by an old link finds the letter where it is now
        resident = await county.client("resident")
        led = await resident.get(f"/apps/mailbox/letters/{first}")
        assert (led.status_code, led.headers["location"]) == (
            *(308, f"/apps/hotline/orders/L{first}"),
        )
        gone = await resident.post("/apps/mailbox/letters", json={"text": "还在吗"})
        assert (gone.status_code, gone.json()["successor"]) == (410, "hotline")
        await county.back_again("mailbox", before)
        await county.destroyed("mailbox", "mailbox_")
        about = await (await county.client("resident")).page("/about/mailbox")
        assert about.status_code == 200
    seen = await (await county.client("leader")).get(f"/apps/hotline/orders/L{first}")
    assert seen.status_code == 200, "the successor has what the old app had"


@pytest.mark.timeout(400)
async def test_the_hotline_ends_with_nothing_lost(make_hub, tmp_path):
    hub = await make_hub()
    county = await county_of(hub, tmp_path)
    resident = await county.client("resident")
    number = ""
    for n in range(3):
        filed = await resident.post(
            "/apps/hotline/orders",
            data={**ORDER, "text": f"第{n}盏灯不亮", "_csrf": resident.csrf},
            files={"photos": ("灯.jpg", picture(("red", "green", "blue")[n]), "image/jpeg")},
        )
        assert filed.status_code == 201, filed.text
        number = filed.json()["number"]
    async with county.under_load():
        await county.review("hotline", "merge", successor="supervision")
        shut = await county.step("hotline", "sunset", status=409, closes_on=county.day(42))
        assert shut["type"].endswith("lifecycle-blocked"), "the gate of the merge is closed"
        await county.sign_away("hotline")
        before, done = await county.to_the_archive("hotline", "hotline_")
        assert done.files == len(before["files"]) == 3
        assert before["numbers"], "the series of numbers"
        assert before["grants"], "who holds its roles"
        leader = await county.client("leader")
        assert (await leader.get(f"/apps/hotline/orders/{number}")).status_code == 410
        await county.back_again("hotline", before)
        # taken back into use, it goes on where it was
        await county.step("hotline", "reopen")
        await county.step("hotline", "call_off")
        await hub.set_state("hotline", "enabled")
        county._clients.clear()
        mine = await county.client("resident")
        assert (await mine.get(f"/apps/hotline/orders/{number}")).status_code == 200
        filed = await mine.post("/apps/hotline/orders", json={**ORDER, "text": "又一盏灯不亮"})
        assert filed.status_code == 201, filed.text
        assert filed.json()["number"] > number, "numbers go on"
        await county.to_the_archive("hotline", "hotline_")
        await county.step("hotline", "restore")
        await county.archived("hotline")
        await county.destroyed("hotline", "hotline_")

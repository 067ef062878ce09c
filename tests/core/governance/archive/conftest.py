"""A closed app with something of everything, and a desk at which it is archived."""

import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import insert, inspect, select, update
from sqlmodel import col

from core import bundles
from core.access.grants import grant, grants
from core.apps import runtime
from core.apps.models import AppRuntime
from core.apps.registry import load_apps
from core.database import Database, Transaction, core_metadata
from core.files.models import FileRow
from core.files.service import content_of
from core.governance.archive import phases, service
from core.governance.archive.describing import note_tables
from core.governance.archive.desk import Desk
from core.governance.archive.models import Archive
from core.governance.archive.service import ArchiveFacts
from core.governance.archive.shell import KEPT
from core.governance.lifecycle.models import Standing
from core.governance.lifecycle.service import introduce
from core.identity.models import Person, Post
from core.work.models import DraftRow, PinRow, Series, Timer, WorkItem
from plugin_sdk.data import new_id
from plugin_sdk.ports import Actor, ScopeKind
from portal.testing.apps import GRANTS, good_app
from portal.testing.apps.good.models import Item, Notice, Tally
from portal.testing.hub import MovedClock
from tests.core.apps.conftest import fill_with_good

APP = "good"
ITEMS = 1_203  # more than are read at once
OWN_TABLES = ("good_item", "good_tally", "good_notice")
SHARED, OWN = b"of two apps", b"of this app alone"


@pytest.fixture(scope="session")
def prepare_template() -> Callable[[str], Awaitable[None]]:
    """The county of the tests of apps, with the good app's tables."""
    return fill_with_good


class Office:
    """A hub's database with a closed app, and who may do what with it."""

    def __init__(self, url: str, home: Path) -> None:
        self.clock = MovedClock()
        self.database = Database(url, clock=self.clock)
        self.home = home
        self.apps = load_apps([good_app()], GRANTS)
        self.desk = Desk(self.database, home, self.apps, lambda: 120)
        self.people: dict[str, Actor] = {}

    def write(self) -> Any:
        return self.database.transaction(write=True)

    async def fill(self) -> None:
        """Close the app, with rows of every kind in its tables and in the shell's."""
        (app,) = self.apps
        async with self.write() as tx:
            await runtime.introduce(tx, [(APP, True), ("hotline", True)])
            assert app.manifest is not None
            await introduce(tx, [app.manifest])
            await note_tables(tx, self.apps)
            await tx.session.execute(
                update(Standing).where(col(Standing.app) == APP).values(stage="closed")
            )
            await runtime.change(tx, APP, mode="closed", successor="hotline")
            found = await tx.session.execute(select(col(Person.username), col(Person.id)))
            for name, id in found:
                self.people[name] = Actor(person_id=id, name=name, organization_name="某局")
        await self._rows()

    async def _rows(self) -> None:
        async with (
            self.database.migration() as connection,
            self.database.transaction_on(connection) as tx,
        ):
            unit, post = await self._unit(tx)
            items = [
                {"id": new_id(), "organization_id": unit, "title": f"第{n}件", "sealed": n % 2 == 0}
                for n in range(ITEMS)
            ]
            await tx.session.execute(insert(Item), items)
            await tx.session.execute(insert(Tally), [{"id": new_id(), "at": tx.now}])
            await tx.session.execute(insert(Notice), [{"id": new_id(), "item_id": new_id()}])
            for at, (owner, content) in enumerate(((APP, SHARED), (APP, OWN), ("hotline", SHARED))):
                await self._file(tx, owner, content, at)
            resident = self.people["resident"].person_id
            assert resident is not None
            tx.session.add_all(
                [
                    Series(app=APP, name="no", day="20260101", last=41),
                    Timer(app=APP, kind="due", subject="item:1", at=tx.now),
                    WorkItem(app=APP, subject="item:1", label_key="x", href="/x", opened_at=tx.now),
                    WorkItem(
                        app="hotline", subject="o:1", label_key="x", href="/x", opened_at=tx.now
                    ),
                    _draft("kept", resident, None, tx.now),
                    _draft("of a session", resident, "s", tx.now),
                    PinRow(
                        person_id=resident, href="/apps/good/items", name="我的", pinned_at=tx.now
                    ),
                    PinRow(person_id=resident, href="/apps/goods/x", name="别的", pinned_at=tx.now),
                ]
            )
            await tx.session.flush()
            await grant(tx, post, "good.keeper", ScopeKind.ALL)

    async def _unit(self, tx: Transaction) -> tuple[UUID, UUID]:
        found = await tx.session.execute(
            select(col(Post.organization_id), col(Post.id)).where(
                col(Post.person_id) == self.people["unit"].person_id
            )
        )
        unit, post = found.one()
        return unit, post

    async def _file(self, tx: Transaction, app: str, content: bytes, n: int) -> None:
        name = hashlib.sha256(content).hexdigest()
        path = content_of(self.home / "files", name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        row = FileRow(
            app=app,
            subject=f"item:{n}",
            name="图.jpg",
            media_type="image/jpeg",
            size=len(content),
            sha256=name,
            created_at=tx.now,
        )
        tx.session.add(row)

    def actor(self, name: str) -> Actor:
        return self.people[name]

    async def ask(self, by: str = "governance") -> ArchiveFacts:
        async with self.write() as tx:
            return await service.ask(tx, APP, self.actor(by), "用得少")

    async def ask_restore(self, by: str = "governance") -> ArchiveFacts:
        async with self.write() as tx:
            return await service.ask_restore(tx, APP, self.actor(by), "还要用")

    async def approve(self, by: str, checksum: str) -> ArchiveFacts:
        async with self.write() as tx:
            return await service.approve(tx, APP, self.actor(by), checksum)

    async def run(self) -> ArchiveFacts:
        """Carry out what was asked for; return how the archive then stands."""
        found = await phases.run(self.desk, APP)
        assert found is not None
        return found

    async def keep_no_longer(self) -> None:
        """Let the time that the bundle is kept be over."""
        async with self.write() as tx:
            await tx.session.execute(update(Archive).values(keep_until=date(2020, 1, 1)))

    async def facts(self) -> ArchiveFacts:
        found = await self.desk.facts(APP)
        assert found is not None
        return found

    async def stage(self) -> str:
        async with self.database.transaction() as tx:
            found = await tx.session.execute(
                select(col(Standing.stage)).where(col(Standing.app) == APP)
            )
            return str(found.scalar_one())

    async def stored(self) -> bool:
        async with self.database.transaction() as tx:
            found = await tx.session.execute(
                select(col(AppRuntime.stored)).where(col(AppRuntime.app) == APP)
            )
            return bool(found.scalar_one())

    async def tables(self) -> set[str]:
        """The tables of the app that are there, its history's among them."""
        async with self.database.migration(write=False) as connection:
            names = await connection.run_sync(lambda sync: inspect(sync).get_table_names())
        return {name for name in names if name.startswith(("good_", "alembic_good"))}

    async def held(self) -> dict[str, Any]:
        """Digests of all that the archive takes, and what lies on the disk."""
        async with self.database.migration(write=False) as connection:
            there = await self.tables()
            own = [name for name in OWN_TABLES if name in there]
            found: dict[str, Any] = {
                name: await bundles.digest(connection, Item.metadata.tables[name]) for name in own
            }
            for held in KEPT:
                table = core_metadata.tables[held.table]
                found[held.table] = await bundles.digest(
                    connection, table, where=held.of(table, APP)
                )
        async with self.database.transaction() as tx:
            found["grants"] = await grants(tx, role="good.keeper")
        found["contents"] = self.contents()
        return found

    def contents(self) -> set[bytes]:
        return {path.read_bytes() for path in (self.home / "files").rglob("*") if path.is_file()}

    def bundle(self, facts: ArchiveFacts) -> Path:
        return self.home / "archive" / facts.folder


def _draft(key: str, person: UUID, session: str | None, now: Any) -> DraftRow:
    return DraftRow(
        key=key,
        person_id=person,
        session_id=session,
        app=APP,
        form="item",
        href="/apps/good/items/new",
        title_key="x",
        texts={"title": "写了一半"},
        saved_at=now - timedelta(hours=1),
    )


@pytest.fixture
async def office(fresh_database_url: str, tmp_path: Path) -> AsyncIterator[Office]:
    """Return a hub's database with a closed app that was lived in."""
    made = Office(fresh_database_url, tmp_path / "home")
    await made.fill()
    yield made
    await made.database.close()

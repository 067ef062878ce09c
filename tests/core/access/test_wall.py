"""The second wall, with the first taken away: what PostgreSQL itself lets a transaction see."""

import contextlib
from uuid import uuid4

import msgspec
import pytest
from sqlalchemy import bindparam, func, select
from sqlalchemy.exc import DBAPIError
from sqlmodel import col

from core.access import wall
from core.access.grants import grant, withdraw
from core.access.loading import load_actor
from core.database import MIGRATION
from core.hub import Unit
from core.identity.arrivals import DirectoryRow, import_directory
from core.identity.organizations import by_code
from core.identity.people import add_person, add_post
from plugin_sdk.ports import Actor, ScopeKind
from tests.core.access.test_scope import reaches, worlds
from tests.core.conftest import Undone, explore
from tests.core.probe import APP, Petition


@pytest.fixture
def engine_kind():
    """SQLite has no such wall."""
    return "production"


async def visible(tx):
    """What a statement sees that neither `rows` nor the guard has looked at."""
    connection = await tx.session.connection()
    await connection.execution_options(**{MIGRATION: True})
    found = await connection.exec_driver_sql("SELECT id FROM probe_petition")
    await connection.execution_options(**{MIGRATION: None})
    return {row[0] for row in found}


async def kept(shell, *codes, person=None):
    async with shell.hub.work(shell.hub.system("test")) as work:
        rows = [
            Petition(organization_id=await shell.organization(code), person_id=person, title=code)
            for code in codes
        ]
        for row in rows:
            await work.add(row)
    return {row.title: row.id for row in rows}


async def test_a_transaction_that_says_nothing_sees_nothing(shell):
    rows = await kept(shell, "T1")
    async with shell.read() as tx:
        assert await visible(tx) == set()
    async with shell.hub.read(shell.hub.system("test")) as read:
        assert await visible(read.tx) == set(rows.values())


async def test_the_wall_is_the_union_of_all_scopes(shell):
    async def check(world):
        with contextlib.suppress(Undone):
            async with shell.write() as tx:
                await compare(tx, world)
                raise Undone

    async def compare(tx, world):
        prefix = uuid4().hex[:12]
        lines = [
            DirectoryRow(f"{prefix}{n}", "名", "unit", "" if up is None else f"{prefix}{up}", n)
            for n, up in enumerate(world.above)
        ]
        await import_directory(tx, lines)
        units = [unit.id for line in lines if (unit := await by_code(tx, line.code))]
        me = await add_person(tx, prefix, "我", None)
        post = await add_post(tx, me, units[world.post], "岗")
        for scope, named in world.grants:
            chosen = [units[n] for n in named]
            await grant(tx, post, "probe.reader", scope, granted_by=None, organizations=chosen)
        rows = {}
        async with shell.hub.within(tx, shell.hub.system("test")) as work:
            for petition in world.petitions:
                at, mine = petition
                row = Petition(organization_id=units[at], person_id=me if mine else uuid4())
                await work.add(row)
                rows[row.id] = petition
        reading = Unit(
            APP,
            await load_actor(tx, me, "我", post),
            shell.hub.pages,
            freshness=shell.services.freshness,
        )
        reading.enter(tx)
        await reading.stand()
        # a resident's own rows are theirs whatever their post: probe.citizen reaches them
        given = [*world.grants, (ScopeKind.OWN, [])]
        assert await visible(tx) == {
            id
            for id, petition in rows.items()
            if any(reaches(world, scope, named, petition) for scope, named in given)
        }

    await explore(worlds(), check, 25)


async def test_a_connection_keeps_nothing_of_the_transaction_before(shell):
    staff = await shell.staff("staff", "T1", "probe.reader", ScopeKind.ALL)
    rows = await kept(shell, "T1", "T2")
    actor = await staff.actor()
    for ending in ("committed", "rolled back", "failed"):
        with contextlib.suppress(Undone):
            async with shell.hub.work(actor) as work:
                assert await visible(work.tx) == set(rows.values())
                if ending == "rolled back":
                    raise Undone
        if ending == "failed":
            with contextlib.suppress(Exception):
                async with shell.hub.read(actor) as read:
                    await read.session.execute(select(func.sqrt(-1)))
        for _ in range(3):
            async with shell.read() as tx:
                assert await visible(tx) == set()


async def test_a_migration_sees_all_and_leaves_no_door_open(shell):
    rows = await kept(shell, "T1", "U1")
    async with shell.database.migration() as connection:
        found = await connection.exec_driver_sql("SELECT id FROM probe_petition")
        assert {row[0] for row in found} == set(rows.values())
        await connection.rollback()
        found = await connection.exec_driver_sql("SELECT id FROM probe_petition")
        assert len(list(found)) == len(rows)
    async with shell.read() as tx:
        assert await visible(tx) == set()


async def test_a_grant_that_was_withdrawn_is_withdrawn_here_too(shell):
    staff = await shell.staff("staff", "T1", "probe.reader", ScopeKind.ORGANIZATION)
    rows = await kept(shell, "T1", "T2")
    async with shell.hub.read(await staff.actor()) as read:
        assert await visible(read.tx) == {rows["T1"]}
    async with shell.write() as tx:
        await withdraw(tx, staff.given)
    async with shell.hub.read(await staff.actor()) as read:
        assert await visible(read.tx) == set()


async def test_past_the_scope_is_past_the_wall_for_that_statement_alone(shell):
    staff = await shell.staff("staff", "T1", "probe.reader")
    rows = await kept(shell, "T1", "T2")
    async with shell.hub.read(await staff.actor()) as read:
        beyond = read.beyond_scope(Petition, col(Petition.id), reason="a test")
        assert set((await read.session.execute(beyond)).scalars()) == set(rows.values())
        assert await visible(read.tx) == {rows["T1"]}


async def test_a_statement_past_the_wall_that_fails_leaves_it_shut(shell):
    staff = await shell.staff("staff", "T1", "probe.reader")
    rows = await kept(shell, "T1", "T2")
    async with shell.hub.read(await staff.actor()) as read:
        beyond = read.beyond_scope(Petition, col(Petition.id), reason="a test")
        with pytest.raises(DBAPIError):  # the driver refuses it, and the transaction goes on
            await read.session.execute(
                beyond.where(col(Petition.title) == bindparam("x")), {"x": 1}
            )
        assert await visible(read.tx) == {rows["T1"]}


async def test_what_is_written_may_go_to_another_unit(shell):
    staff = await shell.staff("staff", "T1", "probe.writer")
    far = await shell.organization("T2")
    async with shell.hub.work(await staff.actor("probe.write")) as work:
        placed = Petition(organization_id=far, title="placed")
        await work.add(placed, placed=True)
        here = Petition(organization_id=await shell.organization("T1"), title="here")
        await work.add(here)
        assert await visible(work.tx) == {here.id}
        here.organization_id = far
        await work.session.flush()
        assert await visible(work.tx) == set()
    async with shell.hub.read(shell.hub.system("test")) as read:
        assert await visible(read.tx) == {placed.id, here.id}


async def test_another_app_has_another_reach(shell):
    staff = await shell.staff("staff", "T1", "probe.reader", ScopeKind.ALL)
    await kept(shell, "T1")
    reach = wall.envelope(await staff.actor(), "other", shell.clock())
    assert reach == wall.NOTHING
    async with shell.read() as tx:
        await wall.stand(tx, reach)
        assert await visible(tx) == set()


async def test_a_wall_that_was_torn_down_or_is_another_is_missing(shell):
    async with shell.database.migration() as connection:

        async def missing():
            return await connection.run_sync(wall.missing, [Petition])

        assert await missing() == []
        await connection.run_sync(wall.build, [Petition])
        for harm in (
            "ALTER TABLE probe_petition NO FORCE ROW LEVEL SECURITY",
            "ALTER TABLE probe_petition DISABLE ROW LEVEL SECURITY",
            "DROP POLICY yimen_wall ON probe_petition",
            "COMMENT ON POLICY yimen_wall ON probe_petition IS 'of another time'",
        ):
            await connection.exec_driver_sql(harm)
            assert await missing() == ["probe_petition"], harm
            await connection.run_sync(wall.build, [Petition])
            assert await missing() == []
        assert not await connection.run_sync(wall.climbs)


def test_the_condition_is_the_models_own():
    said = wall.condition(Petition)
    assert "probe_petition.person_id = (SELECT" in said
    assert "probe_petition.organization_id" in said


def test_a_visitor_reaches_nothing():
    assert wall.envelope(Actor(), APP, msgspec.UNSET) == wall.NOTHING  # type: ignore[arg-type]

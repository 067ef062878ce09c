"""The scope guard: no statement touches a scoped table but through rows() and the unit."""

import subprocess
import sys
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import (
    Column,
    MetaData,
    String,
    Table,
    bindparam,
    column,
    delete,
    exists,
    func,
    insert,
    inspect,
    literal,
    literal_column,
    select,
    table,
    text,
    union_all,
    update,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import aliased, joinedload, selectinload, subqueryload
from sqlmodel import col

from core.access.guard import ScopeViolation
from plugin_sdk.ports import ScopeKind
from plugin_sdk.problems import Denied, NotFound
from tests.core.probe import Note, Petition

P: Any = Petition
N: Any = Note
T: Any = inspect(Petition).local_table
other: Any = aliased(Petition)

READS = {
    "the model": lambda w: select(Petition),
    "a column": lambda w: select(col(Petition.title)),
    "the bare table": lambda w: select(T),
    "a bare column": lambda w: select(T.c.title),
    "a count": lambda w: select(func.count()).select_from(T),
    "an alias": lambda w: select(other.title),
    "a core alias": lambda w: select(T.alias().c.title),
    "a join": lambda w: select(N.text).join(Petition, col(Petition.id) == N.petition_id),
    "a join of relationship": lambda w: select(Note).join(N.petition),
    "a condition": lambda w: select(N.text).where(col(N.petition_id) == Petition.id),
    "a subquery": lambda w: select(select(T.c.title).subquery()),
    "a cte": lambda w: select(select(T.c.title).cte()),
    "a scalar subquery": lambda w: select(select(func.count(T.c.id)).scalar_subquery()),
    "exists": lambda w: select(N.text).where(exists().where(T.c.title == "secret")),
    "in a subquery": lambda w: select(N.text).where(col(N.petition_id).in_(select(T.c.id))),
    "a union": lambda w: union_all(select(T.c.title), select(N.text)),
    "a union of rows": lambda w: union_all(w.rows(Petition, T.c.title), select(T.c.title)),
    "an order": lambda w: select(N.text).order_by(
        select(T.c.title).where(T.c.id == N.petition_id).scalar_subquery()
    ),
    "text": lambda w: text("select title from probe_petition"),
    "textual columns": lambda w: text("select title from probe_petition").columns(column("title")),
    "text in a select": lambda w: select(text("title from probe_petition")),
    "text in a condition": lambda w: select(N.text).where(text("1=1")),
    "a literal column": lambda w: select(literal_column("(select title from probe_petition)")),
    "a table by its name": lambda w: select(column("title")).select_from(table("probe_petition")),
    "a table made by hand": lambda w: select(
        Table("probe_petition", MetaData(), Column("title", String)).c.title
    ),
    "an eager join": lambda w: select(Note).options(joinedload(N.petition)),
    "rows joined to itself": lambda w: w.rows(Petition).join(
        other, other.organization_id != Petition.organization_id
    ),
    "rows beside an alias": lambda w: w.rows(Petition, Petition.id, other.title).where(
        other.id != Petition.id
    ),
    "rows that ask of others": lambda w: w.rows(Petition).where(
        exists().where(col(Petition.title) == "secret").correlate(None)
    ),
    "rows that ask of all": lambda w: w.rows(Petition).where(
        exists(select(literal(1)).where(col(Petition.title) == "secret").correlate(None))
    ),
    "rows with a subquery of all": lambda w: w.rows(
        Petition, Petition.id, select(func.max(T.c.title)).scalar_subquery()
    ),
    "rows of a subquery joined": lambda w: w.rows(Petition, Petition.id).where(
        col(Petition.title).in_(
            select(T.c.title).join(Note, col(N.petition_id) == T.c.id).correlate(None)
        )
    ),
    "rows with a derived table": lambda w: w.rows(Petition, Petition.id).join(
        (sub := select(T.c.title, T.c.id).subquery()), sub.c.id != Petition.id
    ),
}
WRITES = {
    "update": lambda: update(Petition).values(title="x"),
    "update of the table": lambda: update(T).values(title="x"),
    "delete": lambda: delete(Petition),
    "insert": lambda: insert(Petition).values(title="x"),
    "insert from select": lambda: insert(Note).from_select(["text"], select(T.c.title)),
    "update from": lambda: update(Note).values(text=T.c.title).where(N.petition_id == T.c.id),
    "update by a subquery": lambda: update(Note).values(
        text=select(T.c.title).limit(1).scalar_subquery()
    ),
    "delete by a subquery": lambda: delete(Note).where(col(N.petition_id).in_(select(T.c.id))),
    "bulk update": lambda: update(T).where(T.c.id == bindparam("b_id")).values(title="x"),
}


@pytest.fixture
async def staff(shell):
    return await shell.staff("staff", "U1", "probe.writer", ScopeKind.SUBTREE)


@pytest.fixture
async def kept(shell):
    """One petition within the staff's scope, one outside, a note on each."""
    ids: list[UUID] = []
    async with shell.hub.work(shell.hub.system("test")) as work:
        for code, title in (("U1", "mine"), ("V11", "secret")):
            petition = Petition(organization_id=await shell.organization(code), title=title)
            await work.add(petition)
            await work.add(Note(petition_id=petition.id, text=f"on {title}"))
            ids.append(petition.id)
    return ids


@pytest.mark.parametrize("what", READS)
async def test_a_scoped_table_is_read_through_rows_alone(shell, staff, kept, what):
    actor = await staff.actor()
    async with shell.hub.read(actor) as read:
        with pytest.raises(ScopeViolation):
            await read.session.execute(READS[what](read))


@pytest.mark.parametrize("load", [selectinload, subqueryload])
async def test_a_relationship_leads_past_no_scope(shell, staff, kept, load):
    async with shell.hub.read(await staff.actor()) as read:
        with pytest.raises(ScopeViolation):
            await read.session.execute(select(Note).options(load(N.petition)))


async def test_what_was_compiled_before_is_refused_again(shell, staff, kept):
    for _ in range(3):
        async with shell.hub.read(await staff.actor()) as read:
            with pytest.raises(ScopeViolation):
                await read.session.execute(select(col(Petition.title)))
            found = await read.session.execute(read.rows(Petition, col(Petition.title)))
            assert found.scalars().all() == ["mine"]


@pytest.mark.parametrize("what", WRITES)
async def test_a_scoped_table_is_written_through_the_unit_alone(shell, staff, kept, what):
    params = [{"b_id": kept[0]}, {"b_id": kept[1]}] if what == "bulk update" else None
    async with shell.hub.work(await staff.actor("probe.write")) as work:
        with pytest.raises(ScopeViolation):
            await work.session.execute(WRITES[what](), params)


@pytest.mark.parametrize("sql", ["select title from probe_petition", "drop table probe_note"])
async def test_driver_sql_is_refused(shell, staff, kept, sql):
    async with shell.hub.read(await staff.actor()) as read:
        connection = await read.session.connection()
        with pytest.raises(ScopeViolation):
            await connection.exec_driver_sql(sql)


async def test_tables_are_changed_by_migrations_alone(shell, staff):
    table: Any = inspect(Note).local_table
    async with shell.hub.work(await staff.actor("probe.write")) as work:
        connection = await work.session.connection()
        with pytest.raises(ScopeViolation):
            await connection.run_sync(table.drop)


async def test_the_session_gets_and_merges_nothing_by_itself(shell, staff, kept):
    async with shell.hub.read(await staff.actor()) as read:
        with pytest.raises(ScopeViolation):
            await read.session.get(Petition, kept[1])
        with pytest.raises(ScopeViolation):
            await read.session.merge(Petition(id=kept[1], organization_id=kept[0], title="x"))


async def test_rows_join_what_is_in_nobodys_scope(shell, staff, kept):
    async with shell.hub.read(await staff.actor()) as read:
        joined = read.rows(Petition, col(Note.text)).join(
            Note, col(Note.petition_id) == Petition.id
        )
        assert (await read.session.execute(joined)).scalars().all() == ["on mine"]
        counted = read.rows(Petition, func.count())
        assert (await read.session.execute(counted)).scalar_one() == 1
        noted = read.rows(Petition, col(Petition.title)).where(
            select(N.id).where(col(Note.petition_id) == Petition.id).exists()
        )
        assert (await read.session.execute(noted)).scalars().all() == ["mine"]
        few = (
            read.rows(Petition, col(Petition.title), func.count("*"))
            .group_by(col(Petition.title))
            .order_by("title")
            .limit(5)
        )
        assert (await read.session.execute(few)).all() == [("mine", 1)]


async def test_what_is_in_nobodys_scope_is_read_plainly(shell, staff, kept):
    async with shell.hub.read(await staff.actor()) as read:
        found = await read.session.execute(select(func.count()).select_from(Note))
        assert found.scalar_one() == 2


async def test_reading_beyond_the_scope_is_named_and_recorded(shell, staff, kept):
    from core import audit

    async with shell.hub.read(await staff.actor()) as read:
        past = read.beyond_scope(Petition, col(Petition.title), reason="a count for the county")
        assert sorted((await read.session.execute(past)).scalars()) == ["mine", "secret"]
    async with shell.read() as tx:
        (entry,) = await audit.search(tx, app="probe")
    assert (entry.act, entry.subject) == ("read-beyond-scope", "probe_petition")
    assert entry.facts == {"reason": "a count for the county"}


async def test_a_row_is_added_through_the_unit(shell, staff):
    actor = await staff.actor("probe.write")
    async with shell.hub.work(actor) as work:
        petition = Petition(organization_id=actor.organization_id, title="new")
        await work.add(petition)
    async with shell.hub.read(actor) as read:
        assert await read.holds("write", petition)


async def test_a_row_added_past_the_unit_is_refused(shell, staff):
    actor = await staff.actor("probe.write")
    async with shell.hub.work(actor) as work:
        work.session.add(Petition(organization_id=actor.organization_id))
        with pytest.raises(ScopeViolation):
            await work.session.flush()
        work.session.expunge_all()
    with pytest.raises(ScopeViolation):  # at the end, too
        async with shell.hub.work(actor) as work:
            work.session.add(Petition(organization_id=actor.organization_id))


async def test_a_row_is_not_added_outside_the_scope_unless_it_is_placed_there(shell, staff):
    actor = await staff.actor("probe.write")
    elsewhere = await shell.organization("V11")
    with pytest.raises(Denied):
        async with shell.hub.work(actor) as work:
            await work.add(Petition(organization_id=elsewhere))
    async with shell.hub.work(actor) as work:
        await work.add(Petition(organization_id=elsewhere, title="placed"), placed=True)
    async with shell.hub.work(shell.hub.system("test")) as work:
        found = await work.session.execute(work.rows(Petition, col(Petition.title)))
        assert found.scalars().all() == ["placed"]


async def test_a_row_is_changed_and_deleted_once_it_was_got(shell, staff, kept):
    actor = await staff.actor("probe.write")
    async with shell.hub.work(actor) as work:
        row = await work.get(Petition, kept[0], permission="write")
        row.title = "changed"
    async with shell.hub.work(actor) as work:
        row = await work.get(Petition, kept[0])
        assert row.title == "changed"
        await work.session.execute(delete(Note))
        await work.session.delete(row)
    async with shell.hub.read(actor) as read:
        assert await read.fetch(read.rows(Petition, col(Petition.title)), str) == []


async def test_a_row_out_of_scope_looks_absent(shell, staff, kept):
    actor = await staff.actor("probe.write")
    for id in (kept[1], kept[1].__class__(int=5)):
        with pytest.raises(NotFound):
            async with shell.hub.work(actor) as work:
                await work.get(Petition, id)


async def test_a_row_that_was_only_read_is_not_changed(shell, staff, kept):
    async with shell.hub.work(await staff.actor("probe.write")) as work:
        row = (await work.session.execute(work.rows(Petition))).scalar_one()
        row.title = "changed"
        with pytest.raises(ScopeViolation):
            await work.session.flush()
        work.session.expunge_all()


async def test_a_flush_that_failed_or_wrote_nothing_leaves_the_guard_awake(shell, staff, kept):
    actor = await staff.actor("probe.write")
    async with shell.hub.work(actor) as work:
        row = await work.get(Petition, kept[0])
        row.title = row.title  # dirty without a change
        await work.session.flush()
        with pytest.raises(ScopeViolation):
            await work.session.execute(select(Petition))
    async with shell.hub.work(actor) as work:
        with pytest.raises(IntegrityError):
            async with work.session.begin_nested():
                await work.add(
                    Petition(id=kept[0], organization_id=actor.organization_id), placed=True
                )
        with pytest.raises(ScopeViolation):
            await work.session.execute(select(Petition))


async def test_units_one_after_another_in_one_transaction_check_each_their_own(shell, kept):
    system, unit = shell.hub.system("event"), await shell.organization("U1")
    async with shell.write() as tx:
        for title in ("first", "second"):
            async with shell.hub.within(tx, system) as work:
                await work.add(Petition(organization_id=unit, title=title))
        with pytest.raises(ScopeViolation):
            await tx.session.execute(select(Petition))


def test_a_model_is_scoped_whatever_was_imported_first():
    order = "import plugins.hotline.models as app, core.access.guard, plugin_sdk.data as data"
    asks = "raise SystemExit(not data.scoped(app.Order.__table__))"
    assert subprocess.run([sys.executable, "-c", f"{order}; {asks}"], check=False).returncode == 0

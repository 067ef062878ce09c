"""Imports of people: tried, brought in by chunks, repeated, interrupted, taken back."""

from collections import Counter
from datetime import timedelta

import msgspec
import pytest
from sqlalchemy import func, select
from sqlmodel import col

from core.access.delegation import delegate, revoke
from core.access.grants import RoleDefinition, define_roles, withdraw
from core.access.loading import load_actor, load_delegated
from core.access.models import Grant
from core.identity import people, people_imports, people_reports
from core.identity.models import LegacyUser, PeopleImportRow, Person, PersonNumber, Post
from core.identity.numbers import Numbers, SealBroken
from core.identity.people import PersonError
from core.identity.people_files import read_people
from core.identity.people_imports import ImportRefused
from core.work.items import open_item
from plugin_sdk.ports import Actor, ScopeKind, To
from plugin_sdk.text import Text
from plugin_sdk.views import Phrase
from tests.core.conftest import READER, WRITER
from tests.core.identity.county import as_csv, build_units, person

CONSOLE = Actor(system=True)
ADMINISTRATOR = "yimen.administrator"
TABLES = (Person, Post, PersonNumber, LegacyUser, Grant)


@pytest.fixture
async def county(shell):
    async with shell.write() as tx:
        await build_units(tx, 7)
    return shell


async def registrar(shell):
    """Return a role that administers people and grants nothing."""
    role = RoleDefinition("probe.registrar", Text("录", "Registrar"), ("yimen.people.manage",))
    async with shell.write() as tx:
        await define_roles(tx, "probe", [READER, WRITER, role])
    return role.key


def some(n, role=""):
    return [person(i, role=role, units=7) for i in range(n)]


async def sizes(shell):
    async with shell.read() as tx:
        return [
            (await tx.session.execute(select(func.count()).select_from(table))).scalar_one()
            for table in TABLES
        ]


async def tried(shell, rows, by=CONSOLE):
    imports = shell.services.people_imports
    read = read_people("a.csv", as_csv(rows))
    return await imports.tried(read, by=by)


async def kept(shell, rows, by=CONSOLE):
    plans = await tried(shell, rows, by)
    return await shell.services.people_imports.keep("a.csv", "d", plans, by=by)


async def bring_in(shell, rows, by=CONSOLE):
    imports = shell.services.people_imports
    id = await kept(shell, rows, by)
    async with shell.write() as tx:
        await imports.start(tx, id, by=by)
    await relay(shell)
    return id


async def relay(shell):
    while await shell.services.jobs.relay():
        pass


async def roll_back(shell, id):
    async with shell.write() as tx:
        await shell.services.people_imports.roll_back(tx, id)
    await relay(shell)


async def report(shell, id):
    async with shell.read() as tx:
        return [row async for row in people_reports.all_rows(tx, id)]


async def outcomes(shell, id):
    return Counter((row.outcome, row.does) for row in await report(shell, id))


async def found(shell, username):
    async with shell.read() as tx:
        (one,) = [p for p in await people.find(tx, username) if p.username == username]
        return one, await people.posts(tx, [one.id])


def codes(plan):
    return [reason.code for reason in plan.reasons]


async def test_a_dry_run_changes_nothing_and_says_what_would_be(county):
    rows = [*some(3), [*person(3)[:4], "NONE", *person(3)[5:]]]
    before = await sizes(county)
    plans = await tried(county, rows)
    assert [plan.outcome for plan in plans] == ["ok", "ok", "ok", "refused"]
    assert codes(plans[3]) == ["organization-unknown"]
    assert await sizes(county) == before


async def test_an_import_adds_once_whatever_is_run_again(county, monkeypatch):
    monkeypatch.setattr(people_imports, "CHUNK", 4)
    rows = some(10, role="probe.reader")
    id = await bring_in(county, rows)
    assert await outcomes(county, id) == {("ok", "add"): 10}
    assert await sizes(county) == [10, 10, 10, 10, 10]
    again = await bring_in(county, rows)
    assert await outcomes(county, again) == {("ok", "nothing"): 10}
    assert await sizes(county) == [10, 10, 10, 10, 10]
    one, (post,) = await found(county, "p00003")
    assert (one.name, one.phone, post.title) == (rows[3][1], "+8613800000003", rows[3][5])
    async with county.read() as tx:
        assert await people.posts(tx, [one.id], ended=True) == [post]
        job = await people_reports.standing(tx, id)
        assert job is not None
        assert job.state == "done"
        sealed = await tx.session.execute(select(col(PeopleImportRow.sealed)))
        assert set(sealed.scalars()) == {None}
    async with county.write() as tx:
        with pytest.raises(ImportRefused):
            await county.services.people_imports.start(tx, id, by=CONSOLE)


async def test_a_file_in_disorder_is_brought_in_by_its_lines(county, monkeypatch):
    monkeypatch.setattr(people_imports, "CHUNK", 2)
    rows = some(5)
    rows[1] = ["", *rows[1][1:]]
    rows[4] = [rows[0][0], *rows[4][1:]]
    id = await bring_in(county, rows)
    assert [row.outcome for row in await report(county, id)] == [
        "ok",
        "refused",
        "ok",
        "ok",
        "refused",
    ]
    assert (await sizes(county))[0] == 3


async def test_an_interrupted_import_is_gone_on_with(county, monkeypatch):
    monkeypatch.setattr(people_imports, "CHUNK", 3)
    imports = county.services.people_imports
    whole, calls = imports._apply, []

    async def breaks(tx, plans, by):
        calls.append(1)
        done = await whole(tx, plans, by)
        if len(calls) == 2:
            raise ZeroDivisionError
        return done

    monkeypatch.setattr(imports, "_apply", breaks)
    id = await bring_in(county, some(8))
    assert (await sizes(county))[0] == 3  # the chunk that broke left nothing
    async with county.read() as tx:
        job = await people_reports.standing(tx, id)
        assert job is not None
        assert (job.state, job.done) == ("running", 3)
        assert await people_reports.unfinished(tx, "d") == job
    county.clock.move(hours=1)
    await relay(county)
    assert await outcomes(county, id) == {("ok", "add"): 8}
    assert (await sizes(county))[0] == 8


async def test_changed_rows_update_and_move_by_the_rule(county):
    await bring_in(county, some(4, role="probe.reader"))
    first, (old,) = await found(county, "p00000")
    second, _ = await found(county, "p00001")
    await county.post(second.id, "U1")
    token = await county.sign_in(first.id)
    rows = some(4, role="probe.reader")
    rows[0][4] = "D003"
    rows[1][5] = "局长"
    rows[2][1] = "改名"
    id = await bring_in(county, rows)
    made = {row.username: row for row in await report(county, id)}
    assert (made["p00000"].does, made["p00000"].outcome) == ("move", "warn")
    assert [r["code"] for r in made["p00001"].reasons] == ["several-posts"]
    assert (made["p00002"].does, made["p00002"].outcome) == ("update", "warn")
    assert made["p00003"].does == "nothing"
    _, (post,) = await found(county, "p00000")
    assert (post.organization, post.id != old.id) == ("单位3", True)
    actor = await county.of_session(token)
    assert actor.post_id == post.id
    assert "probe.read" in actor.permits
    assert (await found(county, "p00002"))[0].name == "改名"


REFUSALS = {
    "a checksum": (3, "990000196001010001", "identity-number-checksum"),
    "a number of another": (3, person(1)[3], "number-taken"),
    "another number": (3, person(5000)[3], "number-differs"),
    "a legacy id of another": (8, person(1)[8], "legacy-taken"),
    "half a legacy id": (7, "", "legacy-half"),
    "an unknown role": (6, "probe.none", "role-unknown"),
    "a role of everybody": (6, "probe.citizen", "role-unknown"),
    "a phone": (2, "12345", "phone-short"),
}


async def test_a_row_that_cannot_be_taken_says_why(county):
    await bring_in(county, some(2))
    for what, (at, value, code) in REFUSALS.items():
        row = person(0, units=7)
        row[at] = value
        (plan,) = await tried(county, [row])
        assert (plan.outcome, codes(plan)) == ("refused", [code]), what
    closed = person(0, units=7)
    one, _ = await found(county, closed[0])
    async with county.write() as tx:
        await people.disable(tx, one.id)
    (plan,) = await tried(county, [closed])
    assert (plan.outcome, codes(plan)) == ("refused", ["disabled"])


async def test_nobody_imports_roles_without_the_right_or_for_themselves(county):
    clerk = await (await county.staff("clerk", "C", await registrar(county), ScopeKind.ALL)).actor()
    (plan,) = await tried(county, some(1, role="probe.reader"), clerk)
    assert codes(plan) == ["roles-not-yours"]
    (plan,) = await tried(county, some(1), Actor())
    assert codes(plan) == ["beyond-reach"]
    await bring_in(county, some(1))
    one, _ = await found(county, "p00000")
    chief = await county.staff("chief", "C", ADMINISTRATOR, ScopeKind.ALL)
    me = msgspec.structs.replace(await chief.actor(), person_id=one.id)
    (plan,) = await tried(county, some(1, role="probe.reader"), me)
    assert codes(plan) == ["not-oneself"]


async def test_roles_are_imported_by_who_may_give_them_and_no_further(county):
    bureau = await county.staff("bureau", "U1", ADMINISTRATOR)
    await county.grant(bureau.post, "probe.reader")
    by = await bureau.actor()
    rows = some(4)
    for row, unit, role in zip(
        rows,
        ("D000", "U1", "U1", "U1"),
        (ADMINISTRATOR, "probe.reader", "probe.writer", "probe.reader"),
        strict=True,
    ):
        row[4], row[6] = unit, role
    refused = [["beyond-reach"], [], ["roles-beyond"], []]
    assert [codes(plan) for plan in await tried(county, rows, by)] == refused
    id = await bring_in(county, rows, by)
    made = await report(county, id)
    assert [[r["code"] for r in row.reasons] for row in made] == refused
    async with county.read() as tx:
        given = await tx.session.execute(
            select(col(Grant.role)).where(col(Grant.granted_by) == bureau.person)
        )
        assert list(given.scalars()) == ["probe.reader"] * 2


async def test_an_import_gives_what_its_importer_may_give_at_that_moment(county, monkeypatch):
    monkeypatch.setattr(people_imports, "CHUNK", 2)
    chief = await county.staff("chief", "C", ADMINISTRATOR, ScopeKind.ALL)
    id = await kept(county, some(4, role="probe.reader"), await chief.actor())
    imports = county.services.people_imports
    async with county.write() as tx:
        await imports.start(tx, id, by=await chief.actor(), queue=False)
        assert await imports.advance(tx, id)
    async with county.write() as tx:
        await withdraw(tx, chief.given)
    async with county.write() as tx:
        await imports.advance(tx, id)
    assert [row.outcome for row in await report(county, id)] == ["ok", "ok", "refused", "refused"]


async def test_an_import_is_of_who_starts_it_and_gives_what_both_may(county):
    chief = await county.staff("chief", "C", ADMINISTRATOR, ScopeKind.ALL)
    clerk = await county.staff("clerk", "C", await registrar(county), ScopeKind.ALL)
    by = {"chief": await chief.actor(), "clerk": await clerk.actor(), "console": CONSOLE}
    imports, made = county.services.people_imports, {}
    for n, (tries, starts) in enumerate(
        [("chief", "clerk"), ("clerk", "chief"), ("console", "chief")]
    ):
        id = await kept(county, [person(n, role="probe.reader", units=7)], by[tries])
        async with county.write() as tx:
            await imports.start(tx, id, by=by[starts])
        await relay(county)
        made[tries, starts] = [r["code"] for r in (await report(county, id))[0].reasons]
        async with county.read() as tx:
            job = await people_reports.standing(tx, id)
        assert job is not None
        assert job.created_by == by[starts].person_id
    assert made == {
        ("chief", "clerk"): ["roles-not-yours"],
        ("clerk", "chief"): ["roles-not-yours"],
        ("console", "chief"): [],
    }
    async with county.read() as tx:
        given = await tx.session.execute(
            select(col(Grant.granted_by)).where(col(Grant.role) == "probe.reader")
        )
        assert list(given.scalars()) == [chief.person]


async def test_nobody_whose_act_an_import_is_gets_anything_by_it(county):
    """Who tried it, who started it, and who delegated to either, though it has ended since."""
    await bring_in(county, some(4))
    held = [await found(county, f"p{n:05}") for n in range(4)]
    tries, giver, starts, _ = [(who.id, posts[0].id) for who, posts in held]
    for _, post in (tries, giver, starts):
        await county.grant(post, ADMINISTRATOR, ScopeKind.ALL)
    async with county.write() as tx:
        handed = await delegate(
            tx,
            giver[1],
            tries[0],
            by=giver[0],
            starts_at=tx.now,
            ends_at=tx.now + timedelta(days=1),
            reason="r",
        )
        by = await load_delegated(tx, tries[0], "x", handed, generation=0)
        assert by is not None
    rows = some(4, role="probe.reader")
    expected = [["not-oneself"], ["not-oneself"], [], []]
    assert [codes(plan) for plan in await tried(county, rows, by)] == expected
    for row in rows:
        row[5] = "局长"
    id = await kept(county, rows, by)
    async with county.write() as tx:
        await revoke(tx, handed, by=giver[0])
        starter = await load_actor(tx, starts[0], "x", starts[1])
        await county.services.people_imports.start(tx, id, by=starter)
    await relay(county)
    made = [[r["code"] for r in row.reasons] for row in await report(county, id)]
    assert made == [["moves", "not-oneself", "not-oneself"]] * 3 + [["moves"]]


KEPT_APART = RoleDefinition(
    "probe.auditor", Text("核", "Auditor"), ("probe.read",), excludes=("probe.writer",)
)


async def test_roles_that_nobody_holds_together_are_not_imported_together(county):
    async with county.write() as tx:
        await define_roles(tx, "probe", [READER, WRITER, KEPT_APART])
    await bring_in(county, some(2, role="probe.writer"))
    rows = some(3, role="probe.auditor")
    rows[1][5] = "局长"  # the post with the other role ends
    rows[2][6] = "probe.auditor、probe.writer"
    expected = [["roles-exclude"], ["moves"], ["roles-exclude"]]
    assert [codes(plan) for plan in await tried(county, rows)] == expected
    made = await report(county, await bring_in(county, rows))
    assert [[r["code"] for r in row.reasons] for row in made] == expected


async def test_a_row_that_is_refused_late_holds_up_no_other(county):
    """The post is delegated to somebody who holds a role that the new one excludes; a unit
    closes when the rows have been planned."""
    async with county.write() as tx:
        await define_roles(tx, "probe", [READER, WRITER, KEPT_APART])
    await bring_in(county, some(3, role="probe.reader"))
    giver, (post,) = await found(county, "p00000")
    taker = await county.staff("taker", "U1", "probe.writer")
    async with county.write() as tx:
        await delegate(
            tx,
            post.id,
            taker.person,
            by=giver.id,
            starts_at=tx.now,
            ends_at=tx.now + timedelta(days=1),
            reason="r",
        )
    rows = some(4, role="probe.auditor")
    rows[0][1] = "改名"
    id = await bring_in(county, rows)
    assert [row.outcome for row in await report(county, id)] == ["refused", "ok", "ok", "ok"]
    assert [r["code"] for r in (await report(county, id))[0].reasons][-1] == "roles-exclude"
    assert (await found(county, "p00000"))[0].name == giver.name  # whole or not at all
    async with county.read() as tx:
        job = await people_reports.standing(tx, id)
    assert job is not None
    assert job.state == "done"


async def test_a_unit_that_closes_meanwhile_refuses_its_rows_alone(county, monkeypatch):
    await bring_in(county, some(2))
    imports = county.services.people_imports
    whole = imports._changed

    async def closes(tx, item, by):
        if item.row.username == "p00000":
            raise PersonError("organization-closed")
        return await whole(tx, item, by)

    monkeypatch.setattr(imports, "_changed", closes)
    rows = some(2)
    for row in rows:
        row[5] = "局长"
    made = await report(county, await bring_in(county, rows))
    assert [row.outcome for row in made] == ["refused", "warn"]
    assert [r["code"] for r in made[0].reasons] == ["moves", "changed-meanwhile"]


async def test_an_import_is_taken_back_but_for_what_something_hangs_on(county, monkeypatch):
    monkeypatch.setattr(people_imports, "CHUNK", 3)
    already = await county.person("p00009")
    before = await sizes(county)
    id = await bring_in(county, some(10, role="probe.reader"))
    held = {name: await found(county, name) for name in ("p00000", "p00001", "p00002", "p00003")}
    await county.sign_in(held["p00000"][0].id)
    await county.grant(held["p00001"][1][0].id, "probe.writer")
    await county.post(held["p00002"][0].id, "U1")
    async with county.write() as tx:
        to = To(person_id=held["p00003"][0].id)
        await open_item(tx, "probe", "s", to, "t", "/x", label=Phrase("l"), due_at=None)
    await roll_back(county, id)
    kept = {row.username: row for row in await report(county, id) if row.outcome == "kept"}
    assert {name: [r["code"] for r in row.reasons] for name, row in kept.items()} == {
        "p00000": ["hangs-sign-in"],
        "p00001": ["hangs-grant"],
        "p00002": ["hangs-post"],
        "p00003": ["hangs-work"],
        "p00009": ["kept-changes"],
    }
    people_left, posts, numbers, legacy, grants = await sizes(county)
    assert people_left == before[0] + 4
    assert (posts, numbers, legacy, grants) == (5, 4, 4, 5)
    async with county.read() as tx:
        assert await people.posts(tx, [already]) == []
    async with county.write() as tx:
        with pytest.raises(ImportRefused):
            await county.services.people_imports.roll_back(tx, id)
    assert await outcomes(county, await bring_in(county, some(10, role="probe.reader")))


async def test_what_another_table_holds_stays_alone(county):
    id = await bring_in(county, some(3))
    one, _ = await found(county, "p00001")
    staff = await county.staff("staff", "U1")
    async with county.write() as tx:  # a reference that no room was asked about
        tx.session.add(
            Grant(
                post_id=staff.post,
                role="probe.reader",
                scope="own",
                granted_by=one.id,
                created_at=tx.now,
            )
        )
        await tx.session.flush()
    await roll_back(county, id)
    kept = [row for row in await report(county, id) if row.outcome == "kept"]
    assert [(r.username, r.reasons[0]["code"]) for r in kept] == [("p00001", "hangs-elsewhere")]
    assert (await sizes(county))[0] == 2


async def test_a_file_that_was_tried_and_never_imported_is_forgotten(county):
    imports = county.services.people_imports
    id = await kept(county, some(2))
    await imports.tidy()
    assert len(await report(county, id)) == 2
    county.clock.move(days=8)
    await imports.tidy()
    assert await report(county, id) == []


async def test_identity_numbers_are_nowhere_in_clear(county):
    await kept(county, some(2))
    await bring_in(county, some(2))
    number = person(1)[3]
    async with county.read() as tx:
        rows = list((await tx.session.execute(select(PersonNumber))).scalars())
        lines = list((await tx.session.execute(select(PeopleImportRow))).scalars())
        tx.session.expunge_all()  # so that they are not expired
    assert len(lines) == 4
    assert all(row.sealed for row in rows)
    assert number not in repr([row.model_dump() for row in [*rows, *lines]])
    numbers = county.services.numbers
    assert {numbers.open(row.sealed, str(row.person_id)) for row in rows} == {
        person(0)[3],
        number,
    }
    assert {row.digest for row in rows} == {numbers.digest(person(0)[3]), numbers.digest(number)}
    assert Numbers(b"another").digest(number) not in {row.digest for row in rows}
    for other, owner in ((rows[0].sealed, str(rows[1].person_id)), (rows[0].sealed[:-4], "x")):
        with pytest.raises(SealBroken):
            numbers.open(other, owner)
    with pytest.raises(SealBroken):
        Numbers(b"another").open(rows[0].sealed, str(rows[0].person_id))

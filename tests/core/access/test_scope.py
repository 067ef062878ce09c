"""Scopes against a naive oracle: own, organization, subtree, all, named."""

import contextlib
from typing import Any
from uuid import uuid4

import msgspec
from hypothesis import strategies as st
from sqlmodel import col

from core.access.decisions import decide_row, explain
from core.access.grants import grant
from core.access.loading import load_actor
from core.hub import Unit
from core.identity.arrivals import DirectoryRow, import_directory
from core.identity.organizations import by_code
from core.identity.people import add_person, add_post
from plugin_sdk.ports import Permit, ScopeKind
from tests.core.conftest import Undone, explore
from tests.core.probe import APP, Petition


class World(msgspec.Struct, frozen=True):
    """Random units (each below an earlier one or at the top), grants and petitions."""

    above: list[int | None]
    post: int
    grants: list[tuple[ScopeKind, list[int]]]
    petitions: list[tuple[int, bool]]  # of which unit, filed by the actor


@st.composite
def worlds(draw):
    size = draw(st.integers(1, 8))
    unit = st.integers(0, size - 1)
    above = [None, *(draw(st.none() | st.integers(0, n - 1)) for n in range(1, size))]
    scope = st.sampled_from([k for k in ScopeKind if k is not ScopeKind.NAMED])
    given: Any = st.tuples(scope, st.just([])) | st.tuples(
        st.just(ScopeKind.NAMED), st.lists(unit, min_size=1, max_size=3, unique=True)
    )
    return World(
        above=above,
        post=draw(unit),
        grants=draw(st.lists(given, max_size=3)),
        petitions=draw(st.lists(st.tuples(unit, st.booleans()), max_size=8)),
    )


def below(world, unit):
    found = {unit}
    for n, parent in enumerate(world.above):  # parents come first
        if parent in found:
            found.add(n)
    return found


def reaches(world, scope, named, petition):
    unit, mine = petition
    if scope is ScopeKind.OWN:
        return mine
    reached = {
        ScopeKind.ORGANIZATION: {world.post},
        ScopeKind.SUBTREE: below(world, world.post),
        ScopeKind.ALL: set(range(len(world.above))),
        ScopeKind.NAMED: set(named),
    }
    return unit in reached[scope]


async def test_rows_decisions_and_explanations_agree_with_the_oracle(shell):
    async def check(world):
        with contextlib.suppress(Undone):
            async with shell.write() as tx:
                await compare(tx, world)
                raise Undone

    async def compare(tx, world):
        prefix = uuid4().hex[:12]
        await import_directory(
            tx,
            [
                DirectoryRow(f"{prefix}{n}", "名", "unit", "" if up is None else f"{prefix}{up}", n)
                for n, up in reversed(list(enumerate(world.above)))
            ],
        )
        codes = [f"{prefix}{n}" for n in range(len(world.above))]
        units = [unit.id for code in codes if (unit := await by_code(tx, code))]
        me = await add_person(tx, prefix, "我", None)
        post = await add_post(tx, me, units[world.post], "岗")
        for scope, named in world.grants:
            await grant(
                tx,
                post,
                "probe.reader",
                scope,
                granted_by=None,
                organizations=[units[n] for n in named],
            )
        rows = []
        async with shell.hub.within(tx, shell.hub.system("test")) as work:
            for unit, mine in world.petitions:
                row = Petition(organization_id=units[unit], person_id=me if mine else uuid4())
                await work.add(row)
                rows.append(row)
        actor = await load_actor(tx, me, "我", post)
        actor = msgspec.structs.replace(actor, permission="probe.read")
        reading = Unit(APP, actor, shell.hub.pages, freshness=shell.services.freshness)
        reading.enter(tx)
        await reading.stand()
        found = set((await tx.session.execute(reading.rows(Petition, col(Petition.id)))).scalars())
        for row, petition in zip(rows, world.petitions, strict=True):
            expected = any(reaches(world, scope, named, petition) for scope, named in world.grants)
            assert (row.id in found) == expected
            permit = await decide_row(tx, actor, "probe.read", row)
            assert (permit is not None) == expected
            assert await reading.holds("read", row) == await reading.holds("read", row) == expected
            why = await explain(tx, actor, "probe.read", row)
            assert (why.allowed, why.permit) == (expected, permit)
            if not expected:
                assert why.missing == ("out-of-scope" if world.grants else "not-granted")
            if permit is not None:  # the one grant that is named reaches it by itself
                named = [units.index(id) for id in permit.organizations]
                assert reaches(world, permit.scope, named, petition)
        assert found <= {row.id for row in rows}

    await explore(worlds(), check, 25)


async def test_moving_a_subtree_changes_reach_and_touches_no_row(shell):
    """A move is a change of the tree alone (its command comes with the identity issue)."""
    from sqlalchemy import delete, insert

    from core.identity.models import OrganizationClosure

    staff = await shell.staff("boss", "T1", "probe.reader", ScopeKind.SUBTREE)
    ids = {code: await shell.organization(code) for code in ("C", "T1", "T2", "V11", "V21")}
    async with shell.hub.work(shell.hub.system("test")) as work:
        for code in ("V11", "V21"):
            await work.add(Petition(organization_id=ids[code], title=code))

    async def seen():
        async with shell.hub.read(await staff.actor()) as read:
            found = await read.session.execute(read.rows(Petition, col(Petition.title)))
            return sorted(found.scalars())

    assert await seen() == ["V11"]
    async with shell.write() as tx:
        closure = OrganizationClosure
        await tx.session.execute(
            delete(closure).where(
                col(closure.ancestor_id) == ids["T2"], col(closure.descendant_id) == ids["V21"]
            )
        )
        await tx.session.execute(
            insert(closure).values(ancestor_id=ids["T1"], descendant_id=ids["V21"], depth=1)
        )
    assert await seen() == ["V11", "V21"]


def test_a_scope_holds_from_its_start_until_its_end():
    from datetime import UTC, datetime, timedelta

    start = datetime(2026, 1, 1, tzinfo=UTC)
    permit = Permit("g", "r", ScopeKind.ALL, (), start, start + timedelta(days=1))
    assert not permit.in_force(start - timedelta(microseconds=1))
    assert permit.in_force(start)
    assert permit.in_force(start + timedelta(hours=23))
    assert not permit.in_force(start + timedelta(days=1))

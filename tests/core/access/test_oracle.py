"""Decision and explanation against a naive oracle, over random small worlds.

The oracle knows nothing of SQL, leases or permits: it walks over plain lists. `YIMEN_ORACLE_CASES`
sets how many cases are compared (a case: one actor, one permission, one row, at one moment).
"""

import contextlib
import os
from collections.abc import Iterator
from datetime import timedelta
from itertools import product
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import strategies as st
from sqlalchemy import delete, insert, select, update
from sqlmodel import col

from core.access import wall
from core.access.decisions import Reached, decide, decide_row, explain, weigh
from core.access.holders import who_may
from core.access.loading import load_actor, load_delegated, load_on_behalf
from core.access.models import Consent, Delegation, Grant
from core.access.scope import reach
from core.identity.models import Person, Post
from plugin_sdk.data import new_id
from plugin_sdk.ports import ScopeKind
from tests.core.conftest import TREE, Undone, explore
from tests.core.probe import Petition

CASES = int(os.environ.get("YIMEN_ORACLE_CASES", "1500"))
HOUR = timedelta(hours=1)
CODES = [code for code, _, _ in TREE]
ABOVE = {code: above for code, _, above in TREE}
ROLES = {
    "probe.reader": {"probe.read"},
    "probe.writer": {"probe.read", "probe.write"},
    "yimen.grid_worker": {"yimen.behalf.act"},
}
CITIZEN = {"probe.file", "probe.mine"}
PERMISSIONS = ["probe.read", "probe.write", "probe.file", "probe.mine", "yimen.behalf.act"]
BOTH = (True, False)
PEOPLE = range(3)
POSTS = range(4)

since = st.sampled_from([-2, -1, 0, 1])
until = st.sampled_from([1, 2, 3, -1])
perhaps_since = st.sampled_from([None, None, -1, 0, 1])
perhaps_until = st.sampled_from([None, None, 1, 2, 3, -1])


class G(msgspec.Struct, frozen=True):
    """A grant as the oracle knows it; times are hours from now."""

    post: int
    role: str
    scope: str
    named: tuple[int, ...]
    starts: int | None
    ends: int | None
    revoked: bool


class D(msgspec.Struct, frozen=True):
    """A delegation."""

    post: int
    to: int
    roles: tuple[str, ...]
    starts: int
    ends: int
    revoked: bool


class C(msgspec.Struct, frozen=True):
    """A consent."""

    resident: int
    agent: int
    scope: tuple[str, ...]
    starts: int
    ends: int
    revoked: bool


class World(msgspec.Struct, frozen=True):
    """Everything that a decision rests on."""

    posts: tuple[tuple[int, int, int | None], ...]  # person, organization, ends
    disabled: tuple[bool, ...]
    grants: tuple[G, ...]
    delegations: tuple[D, ...]
    consents: tuple[C, ...]
    rows: tuple[tuple[int, int], ...]  # organization, person
    moment: int


organizations = st.integers(0, len(CODES) - 1)
people, posts = st.integers(0, len(PEOPLE) - 1), st.integers(0, len(POSTS) - 1)
often_no = st.sampled_from([False, False, False, True])
grants = st.tuples(
    posts,
    st.sampled_from(list(ROLES)),
    st.sampled_from([str(kind) for kind in ScopeKind]),
    st.lists(organizations, max_size=2, unique=True).map(tuple),
    perhaps_since,
    perhaps_until,
    often_no,
).map(lambda v: G(*v))
delegations = st.tuples(
    posts,
    people,
    st.lists(st.sampled_from(list(ROLES)), max_size=2, unique=True).map(tuple),
    since,
    until,
    often_no,
).map(lambda v: D(*v))
consents = st.tuples(
    people,
    people,
    st.lists(st.sampled_from(["probe", "probe.file", "probe.mine", "other"]), max_size=2).map(
        tuple
    ),
    since,
    until,
    often_no,
).map(lambda v: C(*v))
worlds = st.tuples(
    st.tuples(*(st.tuples(people, organizations, perhaps_until) for _ in POSTS)),
    st.tuples(*(often_no for _ in PEOPLE)),
    st.lists(grants, min_size=2, max_size=6).map(tuple),
    st.lists(delegations, min_size=1, max_size=3).map(tuple),
    st.lists(consents, min_size=1, max_size=2).map(tuple),
    st.lists(st.tuples(organizations, people), min_size=2, max_size=3).map(tuple),
    st.integers(0, 2),
).map(lambda v: worker_in(World(*v)))


def worker_in(world: World) -> World:
    """Let who holds the first post act for residents, in every second world: chance alone
    seldom brings grant, post and consent together."""
    if world.moment % 2:
        return world
    given = G(0, "yimen.grid_worker", "organization", (), None, None, False)
    first = msgspec.structs.replace(world.consents[0], agent=world.posts[0][0])
    if world.moment == 0 and first.resident != first.agent:  # and let them do something
        first = msgspec.structs.replace(first, scope=("probe",), starts=-1, ends=2, revoked=False)
    return msgspec.structs.replace(
        world, grants=(given, *world.grants), consents=(first, *world.consents[1:])
    )


# --- the oracle: plain Python over the world ----------------------------------------------


def runs(starts: int | None, ends: int | None, moment: int) -> bool:
    return (starts is None or starts <= moment) and (ends is None or moment < ends)


def below(code: str, top: str) -> bool:
    while code:
        if code == top:
            return True
        code = ABOVE[code]
    return False


class Seat(msgspec.Struct, frozen=True):
    """One way in which somebody can act."""

    kind: str  # resident | post | delegated | behalf
    person: int
    post: int | None = None
    by: int | None = None  # the delegation or consent


def seats(world: World) -> Iterator[Seat]:
    for person in PEOPLE:
        if world.disabled[person]:
            continue
        yield Seat("resident", person)
        for n, (holder, _, ends) in enumerate(world.posts):
            if holder == person and runs(None, ends, 0):
                yield Seat("post", person, n)
                for c, consent in enumerate(world.consents):
                    if consent.agent == person:
                        yield Seat("behalf", person, n, c)
        for n, item in enumerate(world.delegations):
            if item.to == person:
                yield Seat("delegated", person, item.post, n)


def stands(world: World, seat: Seat) -> bool:
    """Whether somebody could sit there at loading (hour 0)."""
    if seat.kind == "delegated":
        item = world.delegations[seat.by or 0]
        holder, _, ends = world.posts[item.post]
        return (
            not item.revoked
            and runs(item.starts, item.ends, 0)
            and runs(None, ends, 0)
            and not world.disabled[holder]
        )
    if seat.kind == "behalf":
        consent = world.consents[seat.by or 0]
        return (
            not consent.revoked
            and runs(consent.starts, consent.ends, 0)
            and consent.resident != consent.agent
            and not world.disabled[consent.resident]
            and bool(granted(world, seat.post, "yimen.behalf.act", 0))
        )
    return True


def granted(world: World, post: int | None, permission: str, moment: int) -> list[G]:
    if post is None or not runs(None, world.posts[post][2], moment):
        return []
    return [
        g
        for g in world.grants
        if g.post == post
        and permission in ROLES[g.role]
        and not g.revoked
        and runs(g.starts, g.ends, moment)
    ]


def oracle(world: World, seat: Seat, permission: str, row: tuple[int, int] | None) -> bool:
    """Whether the act is allowed at the world's moment to an actor loaded at hour 0."""
    moment = world.moment
    if not stands(world, seat):
        return False
    if seat.kind == "behalf":
        consent = world.consents[seat.by or 0]
        acting = granted(world, seat.post, "yimen.behalf.act", 0)
        last = max(99 if end(world, g) is None else end(world, g) or 0 for g in acting)
        return (
            permission in CITIZEN
            and (permission in consent.scope or "probe" in consent.scope)
            and moment < min(consent.ends, last)
            and (row is None or row[1] == consent.resident)
        )
    if permission in CITIZEN and (row is None or row[1] == seat.person):
        return True
    held = granted(world, seat.post, permission, moment)
    if seat.kind == "delegated":
        item = world.delegations[seat.by or 0]
        held = [
            g
            for g in held
            if moment < item.ends and g.scope != "own" and (not item.roles or g.role in item.roles)
        ]
    if row is None:
        return bool(held)
    own = CODES[world.posts[seat.post][1]] if seat.post is not None else ""
    return any(reaches(g, seat.person, own, row) for g in held)


def end(world: World, g: G) -> int | None:
    ends = [e for e in (g.ends, world.posts[g.post][2]) if e is not None]
    return min(ends) if ends else None


def reaches(g: G, person: int, own: str, row: tuple[int, int]) -> bool:
    where = CODES[row[0]]
    return {
        "own": row[1] == person,
        "organization": where == own,
        "subtree": below(where, own),
        "all": True,
        "named": row[0] in g.named,
    }[g.scope]


# --- the same world in the database --------------------------------------------------------


class Built:
    """The ids of a world, and its actors as the code loads them."""

    def __init__(self, shell: Any) -> None:
        self.shell = shell
        self.people: list[UUID] = []
        self.posts: list[UUID] = []
        self.units: list[UUID] = []

    async def found(self) -> None:
        """Make the people and posts that every world moves about."""
        self.units = [await self.shell.organization(code) for code in CODES]
        self.people = [await self.shell.person(f"p{n}0") for n in PEOPLE]
        self.posts = [await self.shell.post(self.people[0], "C") for _ in POSTS]

    async def build(self, tx: Any, world: World) -> list[Petition]:
        """Write the world into a transaction; return its rows."""
        now, run = tx.now, tx.session.execute

        def at(n: int | None) -> Any:
            return None if n is None else now + n * HOUR

        for id, gone in zip(self.people, world.disabled, strict=True):
            values: Any = {"disabled_at": now if gone else None}
            await run(update(Person).where(col(Person.id) == id).values(values))
        for id, (person, unit, ends) in zip(self.posts, world.posts, strict=True):
            values = {
                "person_id": self.people[person],
                "organization_id": self.units[unit],
                "starts_at": now - 9 * HOUR,
                "ends_at": at(ends),
            }
            await run(update(Post).where(col(Post.id) == id).values(values))
        for table in (Grant, Delegation, Consent):
            await run(delete(table))
        self.grants = [new_id() for _ in world.grants]
        for id, g in zip(self.grants, world.grants, strict=True):
            await run(
                insert(Grant).values(
                    id=id,
                    post_id=self.posts[g.post],
                    role=g.role,
                    scope=g.scope,
                    organizations=[str(self.units[n]) for n in g.named],
                    starts_at=at(g.starts),
                    ends_at=at(g.ends),
                    created_at=now,
                    revoked_at=now if g.revoked else None,
                )
            )
        self.delegations = [new_id() for _ in world.delegations]
        for id, d in zip(self.delegations, world.delegations, strict=True):
            await run(
                insert(Delegation).values(
                    id=id,
                    post_id=self.posts[d.post],
                    person_id=self.people[d.to],
                    roles=list(d.roles),
                    starts_at=at(d.starts),
                    ends_at=at(d.ends),
                    reason="",
                    created_by=self.people[0],
                    created_at=now,
                    revoked_at=now if d.revoked else None,
                )
            )
        self.consents = [new_id() for _ in world.consents]
        for id, c in zip(self.consents, world.consents, strict=True):
            await run(
                insert(Consent).values(
                    id=id,
                    person_id=self.people[c.resident],
                    agent_id=self.people[c.agent],
                    scope=list(c.scope),
                    given="phone",
                    evidence="",
                    starts_at=at(c.starts),
                    ends_at=at(c.ends),
                    recorded_by=self.people[0],
                    created_at=now,
                    revoked_at=now if c.revoked else None,
                )
            )
        rows = [
            Petition(organization_id=self.units[unit], person_id=self.people[person], title="")
            for unit, person in world.rows
        ]
        for row in rows:
            await run(insert(Petition).values(row.model_dump()))
        return rows

    async def actor(self, tx: Any, seat: Seat) -> Any:
        """Return who sits there as the code loads them, None when it says nobody can."""
        person = self.people[seat.person]
        if seat.kind == "delegated":
            id = self.delegations[seat.by or 0]
            return await load_delegated(tx, person, "x", id, generation=0)
        post = None if seat.post is None else self.posts[seat.post]
        actor = await load_actor(tx, person, "x", post, generation=0)
        if seat.kind == "behalf":
            return await load_on_behalf(tx, actor, self.consents[seat.by or 0])
        return actor


@pytest.mark.timeout(0 if CASES > 10_000 else 120)
async def test_decision_and_explanation_equal_a_naive_oracle(shell):
    built = Built(shell)
    await built.found()
    compared = dict.fromkeys(product(("resident", "post", "delegated", "behalf"), BOTH), 0)
    missing: set[str] = set()

    async def check(world: World) -> None:
        with contextlib.suppress(Undone):
            async with shell.database.transaction(
                write=True, options={"yimen_scoped_tables": frozenset({"probe_petition"})}
            ) as tx:
                rows = await built.build(tx, world)
                await wall.stand(tx, wall.EVERYTHING)  # the first wall is what is tried here
                for seat in seats(world):
                    actor = await built.actor(tx, seat)
                    assert (actor is not None) == stands(world, seat), seat
                    if actor is not None:
                        await compare(tx, world, seat, actor, rows)
                await holders(tx, world)
                raise Undone

    async def compare(tx: Any, world: World, seat: Seat, actor: Any, rows: Any) -> None:
        loaded = tx.now
        tx.now = loaded + world.moment * HOUR
        known: Reached = {}
        for permission in PERMISSIONS:
            permits = actor.permits_for(permission, tx.now)
            seen = await tx.session.execute(
                select(col(Petition.id))
                .where(reach(Petition, actor, permits))
                .execution_options(yimen_scoped_tables=frozenset({"probe_petition"}))
            )
            visible = set(seen.scalars())
            for row, of in zip((None, *rows), (None, *world.rows), strict=True):
                expected = oracle(world, seat, permission, of)
                if row is None:
                    decided = decide(actor, permission, tx.now)
                else:
                    decided = await decide_row(tx, actor, permission, row)
                    by_known = await decide_row(tx, actor, permission, row, known=known)
                    assert by_known == decided
                    assert (row.id in visible) == expected, (seat, permission, of)
                assert (decided is not None) == expected, (seat, permission, of)
                compared[seat.kind, expected] += 1
                why = await (explain if row is None else weigh)(tx, actor, permission, row)
                assert (why.allowed, why.permit) == (expected, decided)
                if not expected:
                    missing.add(why.missing)
        tx.now = loaded

    async def holders(tx: Any, world: World) -> None:
        """Who may do it, as the page says, are just those who can."""
        for permission in ("probe.read", "probe.write"):
            said = {holder.person_id for holder in await who_may(tx, permission, limit=None)}
            now = World(**{**msgspec.structs.asdict(world), "moment": 0})
            true = {
                built.people[seat.person]
                for seat in seats(world)
                if seat.kind in ("post", "delegated") and oracle(now, seat, permission, None)
            }
            assert said == true, permission

    rounds = 0
    while sum(compared.values()) < CASES:
        rounds += 1
        assert rounds < 10_000
        await explore(worlds, check, max(5, min(200, CASES // 100)))
    assert min(compared.values()) > 0
    assert missing == {"not-granted", "not-in-force", "out-of-scope", "not-consented"}

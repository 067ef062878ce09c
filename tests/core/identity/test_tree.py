"""The tree: its closure equals a naive one whatever was imported, moved and closed."""

import asyncio
import contextlib
from typing import Any
from uuid import uuid4

import msgspec
import pytest
from hypothesis import strategies as st
from sqlalchemy import func, select
from sqlmodel import col

from core.identity import arrivals, people, tree
from core.identity.arrivals import DirectoryRow, OrganizationError, import_directory
from core.identity.models import Arriving, OrganizationClosure, OrganizationRow
from core.identity.organizations import subtree
from core.identity.tree import TreeError
from core.work.items import inbox, open_item
from plugin_sdk.ports import ScopeKind, To
from plugin_sdk.views import Phrase
from tests.core.conftest import Undone, explore
from tests.core.probe import Petition


def naive(parents):
    pairs = set()
    for code in parents:
        up, depth = code, 0
        while up:
            pairs.add((up, code, depth))
            up, depth = parents[up], depth + 1
    return pairs


async def closure_of(tx, prefix):
    """What the closure says of the organizations whose codes begin so, and their parents."""
    rows = (
        await tx.session.execute(
            select(
                col(OrganizationRow.id), col(OrganizationRow.code), col(OrganizationRow.parent_id)
            ).where(col(OrganizationRow.code).startswith(prefix))
        )
    ).all()
    codes = {id: code for id, code, _ in rows}
    pairs = await tx.session.execute(
        select(
            col(OrganizationClosure.ancestor_id),
            col(OrganizationClosure.descendant_id),
            col(OrganizationClosure.depth),
        ).where(col(OrganizationClosure.descendant_id).in_(codes))
    )
    return (
        {(codes[above], codes[id], depth) for above, id, depth in pairs},
        {code: codes.get(parent) for _, code, parent in rows},
        {code: id for id, code in codes.items()},
    )


ACTS = st.one_of(
    st.tuples(st.just("import"), st.lists(st.integers(0, 30), min_size=1, max_size=6)),
    st.tuples(st.just("move"), st.integers(0, 30), st.none() | st.integers(0, 30)),
    st.tuples(st.just("close"), st.integers(0, 30), st.none() | st.integers(0, 30)),
)


async def test_the_closure_is_a_naive_one_after_any_acts(shell, monkeypatch):
    monkeypatch.setattr(arrivals, "CHUNK", 2)
    monkeypatch.setattr(arrivals, "RANGE", 3)
    acted = {"import": 0, "move": 0, "close": 0}

    async def check(acts):
        with contextlib.suppress(Undone):
            async with shell.write() as tx:
                await try_out(tx, acts)
                raise Undone

    async def try_out(tx, acts):
        prefix = uuid4().hex[:12]
        parents: dict[str, str | None] = {}
        closed: set[str] = set()
        ids: dict[str, Any] = {}

        def below(code, above):
            while code:
                if code == above:
                    return True
                code = parents[code]
            return False

        for act, *args in acts:
            known = sorted(parents)
            if act == "import":
                rows: list[DirectoryRow] = []
                for n in args[0]:
                    code = f"{prefix}{len(parents) + len(rows):03}"
                    choice = [*known, *(row.code for row in rows), ""]
                    rows.append(DirectoryRow(code, "名", "unit", choice[n % len(choice)]))
                assert await import_directory(tx, rows[::-1]) == (len(rows), 0)
                parents.update({row.code: row.parent_code or None for row in rows})
            elif known:
                code = known[args[0] % len(known)]
                other = None if args[1] is None else known[args[1] % len(known)]
                open_ones = [c for c in known if parents[c] == code and c not in closed]
                bad = {code, other} & closed or (other and below(other, code))
                if act == "move":
                    bad = bad or parents[code] == other
                    change = tree.move(tx, ids[code], ids[other] if other else None)
                else:
                    bad = bad or (other is None and open_ones)
                    change = tree.close(tx, ids[code], ids[other] if other else None, reason="撤并")
                if bad:
                    with pytest.raises(TreeError):
                        await change
                    continue
                await change
                if act == "close":
                    closed.add(code)
                    parents.update(dict.fromkeys(open_ones, other))
                if other or act == "move":
                    parents[code] = other
            acted[act] += 1
            pairs, kept, ids = await closure_of(tx, prefix)
            assert kept == parents
            assert pairs == naive(parents)

    await explore(st.lists(ACTS, min_size=2, max_size=9), check, 60)
    assert all(acted.values())


async def test_two_moves_at_once_make_no_circle(shell):
    first, second = await shell.organization("T1"), await shell.organization("T2")

    async def attempt(id, parent):
        async with shell.write() as tx:
            await tree.move(tx, id, parent)

    found = await asyncio.gather(
        attempt(first, second), attempt(second, first), return_exceptions=True
    )
    assert sorted(str(one) for one in found) == ["None", "tree-circle"]


async def test_scoped_reads_and_actors_follow_a_move_at_once(shell):
    head = await shell.staff("head", "T2", "probe.reader", ScopeKind.SUBTREE)
    token = await shell.sign_in(head.person)
    village = await shell.organization("V11")

    async with shell.hub.work(shell.hub.system("test")) as work:
        await work.add(Petition(title="of the village", organization_id=village), placed=True)

    async def seen():
        actor = await shell.services.actors.of_token(token)
        actor = msgspec.structs.replace(actor, permission="probe.read")
        async with shell.hub.read(actor) as read:
            return list((await read.session.execute(read.rows(Petition, Petition.title))).scalars())

    assert await seen() == []
    before = await shell.services.actors.of_token(token)
    async with shell.write() as tx:
        await tree.move(tx, village, await shell_unit(tx, "T2"))
    assert await seen() == ["of the village"]
    after = await shell.services.actors.of_token(token)
    assert after.revocation > before.revocation  # it was loaded anew
    assert shell.services._names == {}


async def shell_unit(tx, code):
    found = await tx.session.execute(
        select(col(OrganizationRow.id)).where(col(OrganizationRow.code) == code)
    )
    return found.scalar_one()


async def test_a_merged_village_hands_people_and_work_to_its_successor(shell):
    clerk = await shell.staff("clerk", "V11", "probe.writer")
    old, new = await shell.organization("V11"), await shell.organization("V12")
    town = await shell.organization("T1")
    async with shell.write() as tx:
        to = To(organization_id=old)
        await open_item(
            tx, "probe", "of the village", to, "t", "/x", label=Phrase("l"), due_at=None
        )
        await tree.close(tx, old, new, reason="并村")
    async with shell.read() as tx:
        (post,) = await people.posts(tx, [clerk.person])
        assert (post.organization_id, post.title) == (new, "岗")
        assert await tree.closings(tx, [old, new]) == {old: new}
        below = await tx.session.execute(subtree([new]))
        assert set(below.scalars()) == {old, new}
        below = await tx.session.execute(subtree([town]))
        assert old in set(below.scalars())
    actor = await shell.actor(clerk.person, post.id)
    assert actor.permits_for("probe.write", shell.database.clock()) == ()
    async with shell.read() as tx:
        assert [item.subject for item in await inbox(tx, actor)] == ["of the village"]
    async with shell.write() as tx:
        with pytest.raises(people.PersonError, match="organization-closed"):
            await people.add_post(tx, clerk.person, old, "岗")
        for change in (tree.move(tx, old, town), tree.close(tx, old, None, reason="x")):
            with pytest.raises(TreeError, match="tree-closed"):
                await change


async def test_without_a_successor_nothing_may_be_left(shell):
    await shell.staff("clerk", "V21")
    for code, word in (("T1", "tree-children"), ("V21", "tree-posts")):
        id = await shell.organization(code)
        async with shell.write() as tx:
            with pytest.raises(TreeError, match=word):
                await tree.close(tx, id, None, reason="撤销")
    id = await shell.organization("V12")
    async with shell.write() as tx:
        await tree.close(tx, id, None, reason="撤销")
        with pytest.raises(TreeError, match="tree-unknown"):
            await tree.move(tx, uuid4(), id)


async def test_an_import_leaves_nothing_beside_the_tree(shell):
    async with shell.write() as tx:
        await import_directory(tx, [DirectoryRow("X", "名", "unit", "C")])
        with pytest.raises(OrganizationError):
            await import_directory(tx, [DirectoryRow("Y", "名", "unit", "nowhere")])
        await import_directory(tx, [DirectoryRow("Z", "名", "unit", "X")])
    async with shell.read() as tx:
        left = await tx.session.execute(select(func.count()).select_from(Arriving))
        assert left.scalar_one() == 0


async def test_a_tree_that_is_too_deep_is_refused(shell):
    rows = [DirectoryRow(f"n{n}", "名", "unit", f"n{n - 1}" if n else "") for n in range(150)]
    async with shell.write() as tx:
        with pytest.raises(OrganizationError, match="deeper"):
            await import_directory(tx, rows)

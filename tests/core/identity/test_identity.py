"""People, posts and the directory, its closure against a naive oracle."""

import contextlib
from uuid import uuid4

import pytest
from hypothesis import strategies as st
from sqlalchemy import func, select
from sqlmodel import col

from core.identity import passwords, people, sessions
from core.identity.arrivals import (
    DirectoryRow,
    OrganizationError,
    import_directory,
    read_directory,
)
from core.identity.models import OrganizationClosure, OrganizationRow, SignInSession
from core.identity.organizations import add_unit, by_code, children, names, organization, regions
from core.identity.people import PersonError
from tests.core.conftest import TREE, Undone, explore


async def size(shell):
    async with shell.read() as tx:
        count = await tx.session.execute(select(func.count()).select_from(OrganizationRow))
        return count.scalar_one()


@st.composite
def forests(draw):
    above = [
        draw(st.none() | st.integers(0, n - 1)) if n else None
        for n in range(draw(st.integers(1, 12)))
    ]
    order = draw(st.permutations(range(len(above))))
    cut = draw(st.integers(0, len(above)))
    return above, order, cut


async def test_the_closure_is_every_ancestor_of_everything(shell):
    async def check(forest):
        with contextlib.suppress(Undone):
            async with shell.write() as tx:
                await compare(tx, *forest)
                raise Undone

    async def compare(tx, above, order, cut):
        prefix = uuid4().hex[:12]

        def row(n):
            parent = above[n]
            return DirectoryRow(
                f"{prefix}{n}", f"名{n}", "unit", "" if parent is None else f"{prefix}{parent}", n
            )

        # the first part in order of the tree, so that its parents are there; the rest in any
        first = [row(n) for n in range(cut)]
        assert await import_directory(tx, first) == (cut, 0)
        rows = [row(n) for n in order]
        assert await import_directory(tx, rows) == (len(above) - cut, cut)
        assert await import_directory(tx, rows) == (0, len(above))
        found = [await by_code(tx, f"{prefix}{n}") for n in range(len(above))]
        ids = {unit.id: n for n, unit in enumerate(found) if unit}
        closure = await tx.session.execute(
            select(
                col(OrganizationClosure.ancestor_id),
                col(OrganizationClosure.descendant_id),
                col(OrganizationClosure.depth),
            ).where(col(OrganizationClosure.descendant_id).in_(ids))
        )
        expected = set()
        for n in range(len(above)):
            up, depth = n, 0
            while up is not None:
                expected.add((up, n, depth))
                up, depth = above[up], depth + 1
        assert {(ids[a], ids[d], depth) for a, d, depth in closure} == expected

    await explore(forests(), check, 30)


BAD = {
    "an unknown parent": ([("a", "a", "unit", "nowhere")], "not in the directory"),
    "a circle": ([("a", "a", "unit", "b"), ("b", "b", "unit", "a")], "below itself"),
    "its own parent": ([("a", "a", "unit", "a")], "below itself"),
    "other facts": ([("a", "a", "unit", "C"), ("a", "b", "unit", "C")], "otherwise"),
}


@pytest.mark.parametrize("what", BAD)
async def test_a_directory_that_cannot_be_is_taken_not_even_in_part(shell, what):
    rows, word = BAD[what]
    good = [("x", "x", "unit", "C"), ("y", "y", "unit", "x")]
    lines = [DirectoryRow(*row, n) for n, row in enumerate([*good, *rows], start=2)]

    async def act():
        async with shell.write() as tx:
            await import_directory(tx, lines)

    with pytest.raises(OrganizationError, match=word):
        await act()
    assert await size(shell) == len(TREE)
    async with shell.write() as tx:  # the error comes before the first write
        with pytest.raises(OrganizationError):
            await import_directory(tx, lines)
    assert await size(shell) == len(TREE)


async def test_a_code_given_twice_alike_is_one(shell):
    row = DirectoryRow("a", "甲", "unit", "C", 2)
    async with shell.write() as tx:
        assert await import_directory(tx, [row, row]) == (1, 1)


async def test_a_long_chain_upside_down_is_taken(shell):
    rows = [DirectoryRow(f"n{n}", "名", "unit", f"n{n - 1}" if n else "") for n in range(60)]
    async with shell.write() as tx:
        assert await import_directory(tx, rows[::-1]) == (60, 0)
        count = await tx.session.execute(
            select(func.count())
            .select_from(OrganizationClosure)
            .where(col(OrganizationClosure.depth) == 59)
        )
        assert count.scalar_one() == 1


async def test_the_tree_is_read(shell):
    async with shell.write() as tx:
        county = await by_code(tx, "C")
        assert county is not None
        assert [c.code for c in await children(tx, county.id)] == ["T1", "T2", "U1"]
        assert [c.code for c in await children(tx, None)] == ["C"]
        town = await by_code(tx, "T1")
        assert town is not None
        assert await organization(tx, town.id) == town
        assert [r.code for r in await regions(tx, county.id)] == ["C", "T1", "T2"]
        assert [r.code for r in await regions(tx, town.id)] == ["T1"]
        assert await names(tx, [town.id]) == {town.id: "名T1"}
        assert await names(tx, []) == {}
        added = await add_unit(tx, "U9", "新局", "unit", "C")
        assert (await organization(tx, added)) is not None
        with pytest.raises(OrganizationError, match="taken"):
            await add_unit(tx, "U9", "新局", "unit", "C")
        with pytest.raises(OrganizationError):
            await add_unit(tx, "U10", "新局", "unit", "nowhere")


GOOD = "code,name,level,parent_code\n1,一,county,\n"
FILES = {
    "a column missing": (b"code,name\n1,a\n", "missing"),
    "no code": (GOOD.encode() + b",x,unit,1\n", ":3"),
    "a code of other signs": (GOOD.encode() + "一二,x,unit,1\n".encode(), ":3"),
    "no name": (GOOD.encode() + b"2,,unit,1\n", "name"),
    "a name of control characters": (GOOD.encode() + b"2,a\x1bb,unit,1\n", "name"),
    "a level that is none": (GOOD.encode() + b"2,x,galaxy,1\n", "level"),
    "a short row": (GOOD.encode() + b"2\n", "name"),
    "not utf-8": (GOOD.encode() + b"2,\xff\xfe,unit,1\n", "UTF-8"),
    "nothing": (b"", "missing"),
    "an open quote": (GOOD.encode() + b'2,"x,unit,1\n', "name|table|level"),
}


@pytest.mark.parametrize("what", FILES)
def test_a_file_that_cannot_be_read_is_refused_with_its_line(tmp_path, what):
    content, word = FILES[what]
    path = tmp_path / "directory.csv"
    path.write_bytes(content)
    with pytest.raises(OrganizationError, match=word):
        list(read_directory(path))


def test_a_file_with_a_mark_at_its_start_is_read(tmp_path):
    path = tmp_path / "directory.csv"
    path.write_bytes(b"\xef\xbb\xbf" + GOOD.encode())
    (row,) = read_directory(path)
    assert (row.code, row.name, row.line) == ("1", "一", 2)


async def test_people_that_cannot_be_are_refused(shell):
    await shell.person("taken")
    async with shell.write() as tx:
        for username, name, code in (
            ("taken", "名", "username-taken"),
            ("A", "名", "username-form"),
            ("a b", "名", "username-form"),
            ("", "名", "username-form"),
            ("fine", " ", "person-name"),
            ("fine", "a\nb", "person-name"),
            ("fine", "名" * 101, "person-name"),
        ):
            with pytest.raises(PersonError, match=code):
                await people.add_person(tx, username, name, None)


async def test_a_post_ends_once(shell):
    staff = await shell.staff("staff", "U1")
    async with shell.write() as tx:
        await people.end_post(tx, staff.post)
        with pytest.raises(PersonError):
            await people.end_post(tx, staff.post)
        assert await people.posts(tx, [staff.person]) == []
        (post,) = await people.posts(tx, [staff.person], ended=True)
        assert (post.organization, post.ends_at) == ("名U1", tx.now)


async def test_people_are_found_by_part_of_a_name(shell):
    for name in ("ming", "wang", "wan_g"):
        await shell.person(name)
    async with shell.read() as tx:
        assert [p.username for p in await people.find(tx, "an")] == ["wan_g", "wang"]
        assert [p.username for p in await people.find(tx, "_")] == ["wan_g"]
        assert await people.find(tx, "%") == []
        assert len(await people.find(tx)) == 3


async def test_a_disabled_person_is_told_nothing_until_enabled(shell):
    person = await shell.person("someone")
    token = await shell.sign_in(person)
    actors = shell.services.actors
    assert (await actors.of_token(token)).signed_in
    async with shell.write() as tx:
        await people.disable(tx, person)
        found = await sessions.credentials(tx, "someone")
        assert found is not None
        assert not found.usable
    assert not (await actors.of_token(token)).signed_in
    async with shell.write() as tx:
        await people.enable(tx, person)
    assert not (await actors.of_token(token)).signed_in  # its sessions stay ended
    assert (await actors.of_token(await shell.sign_in(person))).signed_in


async def test_what_a_person_prefers_is_had_at_once(shell):
    person = await shell.person("someone")
    token = await shell.sign_in(person)
    actors = shell.services.actors
    assert (await actors.of_token(token)).language == "zh-CN"
    async with shell.write() as tx:
        await people.set_preferences(tx, person, language="en", elder=True)
    actor = await actors.of_token(token)
    assert (actor.language, actor.elder) == ("en", True)


async def test_passwords_are_argon2id_and_bounded():
    kept = await passwords.hash_password("correct horse")
    assert kept.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert await passwords.verify_password(kept, "correct horse")
    assert not await passwords.verify_password(kept, "correct hors")
    assert not await passwords.verify_password(None, "correct horse")
    assert not await passwords.verify_password("not a hash", "correct horse")
    for password in ("short", "a" * 129):
        with pytest.raises(ValueError, match="8 to 128"):
            await passwords.hash_password(password)
    longest = "a" * 128
    kept = await passwords.hash_password(longest)
    assert await passwords.verify_password(kept, longest)
    assert not await passwords.verify_password(kept, longest + "a")


async def test_a_password_is_the_same_however_it_was_typed():
    wide, plain = "ｍｉｌｋ 山水 cafe\u0301", "milk 山水 café"
    assert await passwords.verify_password(await passwords.hash_password(wide), plain)
    assert await passwords.verify_password(await passwords.hash_password(plain), wide)
    before = passwords._hasher.hash(wide)  # as it was kept before passwords were normalized
    assert await passwords.verify_password(before, wide)
    assert not await passwords.verify_password(before, plain)


async def test_sign_ins_are_forgotten_a_week_after_their_time(shell):
    person = await shell.person("one")
    tokens = [await shell.sign_in(person, seconds) for seconds in (3600, 3600, 30 * 86400)]
    async with shell.write() as tx:
        await sessions.end(tx, sessions.digest(tokens[0]))

    async def kept():
        await shell.services.jobs.run_due()
        async with shell.read() as tx:
            found = set((await tx.session.execute(select(col(SignInSession.id)))).scalars())
        return [sessions.digest(token) in found for token in tokens]

    assert await kept() == [True, True, True]
    shell.clock.move(days=7)
    assert await kept() == [True, True, True]
    shell.clock.move(hours=2)
    assert await kept() == [False, False, True]
    assert (await shell.services.actors.of_token(tokens[2])).person_id == person
    assert not (await shell.services.actors.of_token(tokens[0])).signed_in

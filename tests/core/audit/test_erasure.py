"""An erased person is no more in the record, and its seals stay valid."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update
from sqlmodel import col

from core.audit.erasure import EraseRefused
from core.audit.models import AuditEntry
from core.hub import personal
from core.identity import people
from plugin_sdk.ports import Actor
from tests.core.audit.conftest import Record, unguarded

ADMINISTRATOR = Actor(name="管理员", system=True)
HALF_A_YEAR = timedelta(days=181)


@pytest.fixture
async def left(shell):
    """A record of somebody who has left half a year ago, with acts of others between."""
    record = Record(shell)
    record.people = [
        await shell.person("zhang"),
        await shell.person("li"),
        await shell.person("wang"),
    ]
    await record.add(24)
    async with shell.write() as tx:
        from core import audit

        await audit.record(tx, Actor(), "yimen", "sign-in-refused", "username:zhang")
        await audit.record(tx, Actor(), "yimen", "disabled", f"person:{record.people[0]}")
        await people.disable(tx, record.people[0])
    await record.seal()
    shell.clock.move(days=HALF_A_YEAR.days)
    await record.add(0)
    return record


async def erase(record, person=None):
    async with record.shell.write() as tx:
        who = person or record.people[0]
        return await personal.erase(tx, ADMINISTRATOR, who, reason="本人申请")


async def everything(record):
    async with record.shell.read() as tx:
        found = await tx.session.execute(select(AuditEntry))
        return [entry.model_dump() for entry in found.scalars()]


async def test_nothing_names_them_any_more_and_the_seals_hold(left):
    assert str(left.people[0]) in str(await everything(left))
    done = await erase(left)
    assert done.entries > 10
    rows = str(await everything(left))
    assert str(left.people[0]) not in rows
    assert "zhang" not in rows
    assert str(left.people[1]) in rows
    await left.seal()
    assert await left.faults() == []


async def test_the_person_is_a_tombstone_that_cannot_sign_in(left):
    await erase(left)
    async with left.shell.read() as tx:
        who = await people.person(tx, left.people[0])
    assert who is not None
    assert who.username == f"erased-{left.people[0].hex}"
    assert (who.name, who.phone, who.disabled) == ("已抹除", None, True)


async def test_who_may_still_sign_in_or_was_seen_lately_is_kept(left):
    with pytest.raises(people.PersonError, match="in-office"):
        await erase(left, left.people[1])
    async with left.shell.write() as tx:
        await people.disable(tx, left.people[1])
    await erase(left, left.people[1])  # nothing of them is younger than half a year

    await left.add(4)
    async with left.shell.write() as tx:
        await people.disable(tx, left.people[2])
    with pytest.raises(EraseRefused, match="not-sealed"):
        await erase(left, left.people[2])
    await left.seal()
    with pytest.raises(EraseRefused, match="too-early") as early:
        await erase(left, left.people[2])
    assert early.value.until > left.shell.clock() + timedelta(days=179)
    async with left.shell.read() as tx:
        who = await people.person(tx, left.people[2])
    assert who is not None
    assert who.username == "wang"  # nothing was half done


async def test_a_second_erasure_of_another_part_of_the_same_entry(left):
    """Somebody acted for somebody else: either may be erased, in any order."""
    await erase(left)
    async with left.shell.write() as tx:
        for id in left.people[1:]:
            await people.disable(tx, id)
    for id in left.people[1:]:
        await erase(left, id)
    await left.seal()
    assert await left.faults() == []
    rows = await everything(left)
    assert not {row["person_id"] for row in rows} & set(left.people)
    assert any(set(row["erased"] or ()) == {"who", "behalf"} for row in rows)


async def test_what_was_erased_cannot_be_filled_in_or_extended(left):
    await erase(left)
    await left.seal()
    place = col(AuditEntry.sequence)
    rows = [row for row in await everything(left) if row["sequence"]]
    erased = next(row for row in rows if "who" in (row["erased"] or ()))
    whole = next(row for row in rows if not row["erased"] and row["person_id"])
    note = erased["erased"]["who"]
    async with unguarded(left) as tx:
        for values, where in (
            ({"person_id": left.people[1]}, erased),
            ({"erased": {"who": {**note, "commitment": "0" * 64}}}, erased),
            ({"person_id": None, "post_id": None, "erased": {"who": note}}, whole),
        ):
            save = await tx.session.begin_nested()
            await tx.session.execute(
                update(AuditEntry).where(place == where["sequence"]).values(**values)
            )
            assert await left.faults(tx) != [], values
            await save.rollback()
        assert await left.faults(tx) == []

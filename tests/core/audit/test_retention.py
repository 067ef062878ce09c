"""What is over is cut from the front, signed and recorded; the rest still verifies."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update
from sqlmodel import col

from core import audit
from core.audit import retention
from core.audit.models import AuditEntry
from tests.core.audit.conftest import unguarded

HALF_A_YEAR = timedelta(days=180)


async def places(record):
    async with record.shell.read() as tx:
        found = await tx.session.scalars(
            select(col(AuditEntry.sequence)).order_by(col(AuditEntry.sequence))
        )
        return list(found)


@pytest.fixture
async def aged(record):
    """A record of which the first five entries are older than half a year."""
    await record.add(5)
    await record.seal()
    record.shell.clock.move(days=200)
    await record.add(4)
    await record.seal()
    return record


async def test_what_is_over_is_cut_and_the_rest_verifies(aged):
    assert await retention.cut(aged.sealer, HALF_A_YEAR) == 5
    await aged.seal()
    assert await places(aged) == [6, 7, 8, 9, 10]
    assert await aged.faults() == []
    assert (aged.verdict.first, aged.verdict.checked) == (6, 5)
    async with aged.shell.read() as tx:
        (entry,) = await audit.search(tx, app="yimen")
    assert (entry.act, entry.subject) == ("record-cut", "record:1-5")


async def test_nothing_is_cut_twice_or_too_early(aged):
    assert await retention.cut(aged.sealer, timedelta(days=300)) == 0
    assert await retention.cut(aged.sealer, HALF_A_YEAR) == 5
    lines = aged.book.path.read_bytes()
    assert await retention.cut(aged.sealer, HALF_A_YEAR) == 0
    assert aged.book.path.read_bytes() == lines


async def test_the_last_signed_entry_stays_whatever_its_age(aged):
    aged.shell.clock.move(days=400)
    assert await retention.cut(aged.sealer, HALF_A_YEAR) == 8
    await aged.seal()
    assert await places(aged) == [9, 10]
    assert await aged.faults() == []


async def test_an_entry_of_a_wrong_clock_keeps_what_follows_it(record):
    ahead = record.shell.clock() + timedelta(days=150)
    async with record.shell.database.transaction(write=True, now=ahead) as tx:
        from plugin_sdk.ports import Actor

        await audit.record(tx, Actor(), "probe", "made", "ahead")
    await record.seal()
    await record.add(3)
    await record.seal()
    record.shell.clock.move(days=200)
    assert await retention.cut(record.sealer, HALF_A_YEAR) == 0
    record.shell.clock.move(days=150)
    assert await retention.cut(record.sealer, HALF_A_YEAR) == 3


async def test_a_cut_that_was_killed_is_told_and_ended_by_the_next(aged, monkeypatch):
    async def killed(*_):
        raise RuntimeError("killed")

    with monkeypatch.context() as patch:
        patch.setattr(retention, "alone", _second(killed))
        with pytest.raises(RuntimeError):
            await retention.cut(aged.sealer, HALF_A_YEAR)
    assert ("before-first", 1) in await aged.faults()
    assert await retention.cut(aged.sealer, HALF_A_YEAR) == 5
    assert await aged.faults() == []


async def test_a_signed_cut_whose_transaction_was_lost_is_ended_by_the_next(aged, monkeypatch):
    append = aged.book.append

    def appends_and_dies(*args, **more):
        append(*args, **more)
        raise RuntimeError("killed")

    with monkeypatch.context() as patch:
        patch.setattr(aged.book, "append", appends_and_dies)
        with pytest.raises(RuntimeError):
            await retention.cut(aged.sealer, HALF_A_YEAR)
    assert len(await places(aged)) == 9
    assert await retention.cut(aged.sealer, HALF_A_YEAR) == 5
    assert await aged.faults() == []


async def test_after_a_cut_changes_are_found_at_the_new_front_too(aged):
    await retention.cut(aged.sealer, HALF_A_YEAR)
    async with unguarded(aged) as tx:
        await tx.session.execute(
            update(AuditEntry).where(col(AuditEntry.sequence) == 6).values(act="forged")
        )
    assert await aged.faults() == [("edited", 6)]


def _second(fails):
    """Return what does nothing the first time and then fails."""
    calls = []

    async def call(tx):
        calls.append(tx)
        if len(calls) > 1:
            await fails()

    return call

"""Transactions: all or nothing, what follows a commit, and writers beside one another."""

import asyncio

import pytest
from sqlalchemy import func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlmodel import col

from core.database import Database, WriteInRead, WriteInWrite
from core.identity.events import PersonChanged
from core.identity.models import Person
from tests.core.probe import Record


def row(what):
    return insert(Record).values(what=what)


async def count(shell):
    async with shell.read() as tx:
        return (await tx.session.execute(select(func.count()).select_from(Record))).scalar_one()


async def test_a_transaction_is_committed_at_its_end(shell):
    async with shell.write() as tx:
        await tx.session.execute(row("a"))
    assert await count(shell) == 1


async def test_an_exception_leaves_nothing_and_calls_nothing(shell):
    called = []

    async def act():
        async with shell.write() as tx:
            await tx.session.execute(row("a"))
            tx.after_commit(lambda: called.append(1))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await act()
    assert await count(shell) == 0
    assert called == []


async def test_an_error_says_nothing_of_what_a_statement_held(shell):
    said = []
    for _ in range(2):
        try:
            async with shell.write() as tx:
                phone = "+8613812345678"
                tx.session.add(Person(username="twice", name="x", phone=phone, created_at=tx.now))
        except IntegrityError as error:
            said.append(str(error))
    (text,) = said
    assert "phone" in text
    assert "13812345678" not in text


async def test_what_follows_a_commit_sees_what_was_committed(shell):
    seen = []

    async def look():
        seen.append(await count(shell))

    async with shell.write() as tx:
        await tx.session.execute(row("a"))
        tx.after_commit(look)
        assert seen == []
    assert seen == [1]


async def test_one_that_fails_after_the_commit_does_not_keep_the_others_from_it(shell):
    seen = []

    def fail():
        raise ZeroDivisionError

    async def act():
        async with shell.write() as tx:
            await tx.session.execute(row("a"))
            tx.after_commit(fail)
            tx.after_commit(lambda: seen.append(1))

    with pytest.raises(ZeroDivisionError):
        await act()
    assert seen == [1]
    assert await count(shell) == 1


async def test_nothing_follows_a_transaction_for_reading(shell):
    async with shell.read() as tx:
        with pytest.raises(WriteInRead):
            tx.after_commit(lambda: None)


async def test_a_write_where_it_would_be_lost_is_refused(shell):
    async with shell.read() as tx:
        with pytest.raises(WriteInRead):
            await tx.session.execute(row("lost"))
    async with shell.read() as tx:
        tx.session.add(Record(what="lost"))
        with pytest.raises(WriteInRead):
            await tx.session.flush()
    assert await count(shell) == 0


async def test_the_time_is_one_throughout(shell):
    async with shell.write() as tx:
        before = tx.now
        await asyncio.sleep(0.002)
        assert tx.now == before


async def test_writers_beside_one_another_all_succeed(shell):
    async with shell.write() as tx:
        await tx.session.execute(row("0"))

    async def one():
        async with shell.write() as tx:
            found = await tx.session.execute(select(col(Record.what)).with_for_update())
            number = int(found.scalar_one())
            await asyncio.sleep(0.001)
            await tx.session.execute(update(Record).values(what=str(number + 1)))

    await asyncio.gather(*(one() for _ in range(20)))
    async with shell.read() as tx:
        assert (await tx.session.execute(select(col(Record.what)))).scalar_one() == "20"


async def test_two_processes_that_read_before_they_write_do_not_fail(shell, fresh_database_url):
    other = Database(fresh_database_url)  # a pool of its own, as another process has
    try:

        async def one(database):
            for _ in range(5):
                async with database.transaction(write=True) as tx:
                    await tx.session.execute(select(func.count()).select_from(Record))
                    await asyncio.sleep(0.002)
                    await tx.session.execute(row("x"))

        await asyncio.gather(one(shell.database), one(other))
    finally:
        await other.close()
    assert await count(shell) == 10


async def test_readers_are_not_kept_by_a_writer(shell):
    async with shell.write() as tx:
        await tx.session.execute(row("a"))
        assert await asyncio.wait_for(count(shell), 2) == 0


async def test_a_write_inside_a_write_is_refused_rather_than_waiting_for_itself(shell):
    async with shell.write():
        with pytest.raises(WriteInWrite):
            async with shell.write():
                pass
    async with shell.write() as tx:
        tx.after_commit(lambda: _write_again(shell))
    assert await count(shell) == 1


async def _write_again(shell):
    async with shell.write() as tx:
        await tx.session.execute(row("after"))


async def test_a_task_of_its_own_may_write_beside_the_transaction_it_began_in(shell):
    async with shell.write():
        task = asyncio.create_task(_write_again(shell))
    await task
    assert await count(shell) == 1


async def test_domain_events_are_handled_in_the_transaction_that_raises_them(shell):
    async def handler(tx, event):
        await tx.session.execute(row(str(event.person_id)))

    shell.database.on(PersonChanged, handler)
    person = await shell.person("someone")

    async def act():
        async with shell.write() as tx:
            await tx.raise_event(PersonChanged(person))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await act()
    assert await count(shell) == 0
    async with shell.write() as tx:
        await tx.raise_event(PersonChanged(person))
    assert await count(shell) == 1


async def test_a_handler_that_fails_undoes_the_act(shell):
    async def handler(tx, event):
        raise ZeroDivisionError

    person = await shell.person("someone")
    shell.database.on(PersonChanged, handler)

    async def act():
        async with shell.write() as tx:
            await tx.session.execute(update(Person).values(name="changed"))
            await tx.raise_event(PersonChanged(person))

    with pytest.raises(ZeroDivisionError):
        await act()
    async with shell.read() as tx:
        assert (await tx.session.execute(select(col(Person.name)))).scalar_one() == "someone"


async def test_writers_beyond_the_pool_wait_their_turn(shell):
    async def one(n):
        async with shell.write() as tx:
            await tx.session.execute(row(str(n)))
            async with shell.read() as beside:  # what a unit of work looks up beside its own
                await beside.session.execute(select(func.count()).select_from(Record))

    await asyncio.wait_for(asyncio.gather(*(one(n) for n in range(60))), 20)
    assert await count(shell) == 60

"""The leased cache: warm without a question, and never after a revocation has returned."""

import asyncio
import os
import time

import pytest
from redis.asyncio import Redis
from redis.asyncio.client import Pipeline
from sqlalchemy import event, select
from sqlmodel import col

from core.access.actors import VISITOR, Actors
from core.access.decisions import decide
from core.access.grants import RoleDefinition, define_roles, grant, withdraw
from core.access.models import Grant, Revocation
from core.identity import sessions
from core.identity.people import add_post, disable, end_post
from core.shared_state import LocalState
from core.work.items import inbox, open_item
from plugin_sdk.ports import ScopeKind, To
from plugin_sdk.problems import Denied
from plugin_sdk.text import Text
from plugin_sdk.views import Phrase
from tests.core.conftest import WRITER
from tests.core.probe import Petition

TRIALS = int(os.environ.get("YIMEN_REVOCATION_TRIALS", "40"))


class Asked:
    """What the present task asks of database and Redis."""

    def __init__(self, shell, monkeypatch):
        self.what: list[object] = []
        task = asyncio.current_task()

        def heard(what):
            if asyncio.current_task() is task:
                self.what.append(what)

        def statement(connection, cursor, sql, *more):
            heard(sql)

        event.listen(shell.database.engine.sync_engine, "before_cursor_execute", statement)
        for kind, name in ((Redis, "execute_command"), (Pipeline, "execute")):
            before = getattr(kind, name)

            def told(this, *args, _before=before, **more):
                heard(args)
                return _before(this, *args, **more)

            monkeypatch.setattr(kind, name, told)


async def allowed(shell, token, permission="probe.read"):
    actor = await shell.services.actors.of_token(token)
    return decide(actor, permission, shell.database.clock()) is not None


async def someone(shell, role="probe.reader", scope=ScopeKind.ALL):
    staff = await shell.staff("someone", "U1", role, scope)
    return staff, await shell.sign_in(staff.person)


async def test_a_warm_lease_asks_nobody(make_shell, monkeypatch):
    shell = await make_shell(background=True)
    _, token = await someone(shell)
    assert await allowed(shell, token)
    asked = Asked(shell, monkeypatch)
    for _ in range(50):
        assert await allowed(shell, token)
    assert asked.what == []


async def test_without_a_lease_the_database_is_asked(make_shell, monkeypatch):
    shell = await make_shell(background=True)
    _, token = await someone(shell)
    await shell.services.actors.close()
    asked = Asked(shell, monkeypatch)
    assert await allowed(shell, token)
    assert asked.what


async def test_a_lease_runs_by_the_monotonic_clock(make_shell, monkeypatch):
    shell = await make_shell(background=True, lease_seconds=2.0)
    _, token = await someone(shell)
    actors = shell.services.actors
    assert await allowed(shell, token)
    await asyncio.sleep(0)
    async with actors._busy:
        actors._task.cancel()  # a worker that hangs renews nothing
    asked = Asked(shell, monkeypatch)
    shell.clock.move(hours=-5)  # the wall clock says nothing about it
    assert await allowed(shell, token)
    assert asked.what == []
    real = time.monotonic
    monkeypatch.setattr(time, "monotonic", lambda: real() + 2.1)
    shell.clock.move(hours=5)
    assert await allowed(shell, token)
    assert asked.what


async def test_a_cached_session_ends_at_its_time(make_shell):
    shell = await make_shell(background=True)
    staff, _ = await someone(shell)
    token = await shell.sign_in(staff.person, seconds=60)
    assert await allowed(shell, token)
    shell.clock.move(seconds=61)
    assert (await shell.services.actors.of_token(token)) == VISITOR


async def test_a_session_nobody_opened_is_the_visitor(shell):
    for token in ("", "x", "0" * 200, "中"):
        assert await shell.services.actors.of_token(token) == VISITOR


REVOCATIONS = {
    "the grant": lambda tx, staff, token: withdraw(tx, staff.given),
    "the person": lambda tx, staff, token: disable(tx, staff.person),
    "the post": lambda tx, staff, token: end_post(tx, staff.post),
    "the session": lambda tx, staff, token: sessions.end(tx, sessions.digest(token)),
    "the secret": lambda tx, staff, token: sessions.renew(tx, sessions.digest(token), ["pwd"]),
    "all sessions": lambda tx, staff, token: sessions.end_all(tx, staff.person),
    "the role": lambda tx, staff, token: define_roles(
        tx, "probe", [RoleDefinition("probe.reader", Text("阅", "R"), ()), WRITER]
    ),
}


@pytest.mark.parametrize("what", REVOCATIONS)
async def test_what_is_revoked_is_refused_at_the_next_request_everywhere(make_shell, what):
    first = await make_shell(background=True)
    workers = [first]
    if first.services.settings.redis_url:
        workers.append(await make_shell(background=True))
    staff, token = await someone(first)
    for worker in workers:
        assert await allowed(worker, token)
        assert await allowed(worker, token)
    async with first.write() as tx:
        await REVOCATIONS[what](tx, staff, token)
    for worker in workers:
        assert not await allowed(worker, token)


async def test_what_is_given_is_had_at_the_next_request(make_shell):
    shell = await make_shell(background=True)
    staff = await shell.staff("someone", "U1")
    token = await shell.sign_in(staff.person)
    assert not await allowed(shell, token)
    await shell.grant(staff.post, "probe.reader", ScopeKind.ALL)
    assert await allowed(shell, token)


async def revoke_and_ask(first, second, trials):
    """Give and take a right again and again while a worker asks; return the allows that
    began after a revocation had returned."""
    staff = await first.staff("someone", "U1")
    token = await first.sign_in(staff.person)
    late = 0
    over = False
    returned: float | None = None

    async def ask():
        nonlocal late
        while not over:
            begun = time.monotonic()
            right = await allowed(second, token)
            if right and returned is not None and begun > returned:
                late += 1
            await asyncio.sleep(0)

    asking = [asyncio.create_task(ask()) for _ in range(2)]
    try:
        for _ in range(trials):
            returned = None
            async with first.write() as tx:
                given = await grant(tx, staff.post, "probe.reader", ScopeKind.ALL, granted_by=None)
            until = time.monotonic() + 5
            while not await allowed(second, token):
                assert time.monotonic() < until
                await asyncio.sleep(0)
            async with first.write() as tx:
                await withdraw(tx, given)
            returned = time.monotonic()
            late += await allowed(second, token)
            await asyncio.sleep(0)
    finally:
        over = True
        await asyncio.gather(*asking)
    return late


@pytest.mark.parametrize("engine_kind", ["production"], indirect=True)
async def test_no_worker_allows_what_another_has_revoked(make_shell):
    first, second = [await make_shell(background=True) for _ in range(2)]
    assert await revoke_and_ask(first, second, TRIALS) == 0


@pytest.mark.parametrize("engine_kind", ["production"], indirect=True)
async def test_no_worker_allows_it_while_redis_is_away(make_shell, own_valkey):
    first, second = [
        await make_shell(background=True, redis_url=own_valkey.url, lease_seconds=0.05)
        for _ in range(2)
    ]
    own_valkey.stop()
    assert await revoke_and_ask(first, second, TRIALS) == 0


@pytest.mark.parametrize("engine_kind", ["production"], indirect=True)
async def test_no_worker_allows_it_that_cannot_be_heard(make_shell, own_valkey, fresh_redis_url):
    """The one that revokes reaches Redis and sees itself alone; the other's Redis is away."""
    second = await make_shell(background=True, redis_url=own_valkey.url, lease_seconds=0.2)
    first = await make_shell(background=True, redis_url=fresh_redis_url, lease_seconds=0.2)
    own_valkey.stop()
    await asyncio.sleep(0.3)  # its last lease
    assert await revoke_and_ask(first, second, TRIALS) == 0


@pytest.mark.parametrize("engine_kind", ["production"], indirect=True)
async def test_a_redis_that_has_forgotten_the_workers_hides_no_lease(make_shell, own_valkey):
    first, second = [
        await make_shell(background=True, redis_url=own_valkey.url, lease_seconds=2.0)
        for _ in range(2)
    ]
    staff, token = await someone(first)
    assert await allowed(second, token)
    second.services.shared._tasks[0].cancel()  # no heartbeat brings it back
    async with second.services.actors._busy:
        second.services.actors._task.cancel()  # nor the renewal: its lease still runs
    own_valkey.restart()
    heard = [await first.services.shared.acknowledge("access", 0) for _ in range(5)]
    assert heard[-1]
    async with asyncio.timeout(60), first.write() as tx:  # the other never says that it knows
        await withdraw(tx, staff.given)
    assert not await allowed(second, token)


async def test_one_transaction_that_revokes_much_is_waited_for_once(make_shell, monkeypatch):
    shell = await make_shell(background=True)
    waits = []

    async def until_known(self, generation):
        waits.append(generation)

    staff, _ = await someone(shell)
    for _ in range(4):
        await shell.sign_in(staff.person)
    monkeypatch.setattr(Actors, "_until_known", until_known)
    async with shell.write() as tx:
        await disable(tx, staff.person)
    async with shell.read() as tx:
        last = (await tx.session.execute(select(col(Revocation.generation)))).scalars().all()
    assert waits == [max(last)]


async def test_what_was_loaded_while_a_revocation_was_read_is_not_kept(make_shell, monkeypatch):
    shell = await make_shell(background=True)
    staff, token = await someone(shell)
    import core.access.actors as actors
    from core.access.loading import load_session as before

    async def slow(tx, session_id, profile):
        found = await before(tx, session_id, profile)  # as it was
        monkeypatch.setitem(actors.LOADERS, actors.SESSION, before)
        async with asyncio.timeout(10):
            await asyncio.create_task(take())  # and is no more
        return found

    async def take():
        async with shell.write() as tx:
            await withdraw(tx, staff.given)

    monkeypatch.setitem(actors.LOADERS, actors.SESSION, slow)
    await shell.services.actors.of_token(token)
    assert not await allowed(shell, token)


async def test_a_first_renewal_keeps_nothing_from_before_it(make_shell):
    first = await make_shell()
    second = await make_shell()
    staff, token = await someone(first)
    assert await allowed(second, token)  # loaded without a lease
    async with first.write() as tx:
        await withdraw(tx, staff.given)
    await second.services.actors.renew()
    assert not await allowed(second, token)


async def test_a_write_is_refused_whose_right_was_revoked_after_its_actor_was_loaded(shell):
    staff, token = await someone(shell, "probe.writer")
    actor = await shell.of_session(token, "probe.write")
    unit = await shell.organization("U1")

    async def write(actor):
        async with shell.hub.work(actor) as work:
            await work.add(Petition(organization_id=unit, title="late"))

    await write(actor)
    async with shell.write() as tx:
        await withdraw(tx, staff.given)
    with pytest.raises(Denied) as refused:
        await write(actor)
    assert refused.value.params["reason"] == "revoked"
    again = await shell.grant(staff.post, "probe.writer", ScopeKind.ALL)
    await write(actor)  # held again: by another grant, as the database has it now
    async with shell.write() as tx:
        await withdraw(tx, again)
        await sessions.end(tx, sessions.digest(token))
    with pytest.raises(Denied) as refused:
        await write(actor)
    assert refused.value.params["reason"] == "signed-out"
    async with shell.hub.work(shell.hub.system("count")) as work:
        assert len(await work.fetch(work.rows(Petition, col(Petition.title)), str)) == 2


async def test_a_revocation_between_two_statements_of_a_loading_is_seen_by_the_write(
    shell, monkeypatch
):
    """The session is read, then ends, then the rest is read: the write must still refuse."""
    import core.access.loading as loading

    _, token = await someone(shell, "probe.writer")
    before = loading.load_actor

    async def slow(tx, *args, **more):
        async def end():
            async with shell.write() as other:
                await sessions.end(other, sessions.digest(token))

        if not shell.database.sqlite:  # there one snapshot holds for the whole loading
            await asyncio.create_task(end())
        found = await before(tx, *args, **more)
        if shell.database.sqlite:
            await asyncio.create_task(end())
        return found

    monkeypatch.setattr(loading, "load_actor", slow)
    actor = await shell.of_session(token, "probe.write")
    monkeypatch.setattr(loading, "load_actor", before)
    with pytest.raises(Denied):
        async with shell.hub.work(actor):
            pass


async def test_switching_the_post_elsewhere_refuses_what_began_in_the_first(shell):
    staff, token = await someone(shell, "probe.writer")
    second = await shell.post(staff.person, "T1")
    actor = await shell.of_session(token, "probe.write")
    async with shell.write() as tx:
        assert await sessions.switch_post(tx, sessions.digest(token), staff.person, second)
        assert not await sessions.switch_post(tx, sessions.digest(token), staff.person, staff.given)
    with pytest.raises(Denied):
        async with shell.hub.work(actor):
            pass


async def test_a_post_that_ends_takes_grants_and_work_with_it_in_one_transaction(shell):
    staff, token = await someone(shell, "probe.writer")
    unit = await shell.organization("U1")
    other = await shell.post(staff.person, "T1")
    async with shell.write() as tx:
        for subject, to in (
            ("of the post", To(person_id=staff.person, organization_id=unit)),
            ("of the person", To(person_id=staff.person)),
        ):
            await open_item(tx, "probe", subject, to, subject, "/x", label=Phrase("l"), due_at=None)

    async def act(fail):
        async with shell.write() as tx:
            await end_post(tx, staff.post)
            if fail:
                raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await act(True)
    async with shell.read() as tx:
        assert (await tx.session.execute(select(col(Grant.revoked_at)))).scalar_one() is None
        assert len(await inbox(tx, await staff.actor())) == 2
    await act(False)
    async with shell.read() as tx:
        assert (await tx.session.execute(select(col(Grant.revoked_at)))).scalar_one() is not None
        left = await shell.actor(staff.person, other)
        assert [i.subject for i in await inbox(tx, left)] == ["of the person"]
    colleague = await shell.staff("colleague", "U1")
    async with shell.read() as tx:
        found = await inbox(tx, await colleague.actor())
        assert [i.subject for i in found] == ["of the post"]
    actor = await shell.of_session(token)
    assert (actor.post_id, actor.permits_for("probe.write", shell.database.clock())) == (None, ())


async def test_a_revocation_that_is_rolled_back_revokes_nothing(make_shell):
    shell = await make_shell(background=True)
    staff, token = await someone(shell)

    async def act():
        async with shell.write() as tx:
            await withdraw(tx, staff.given)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await act()
    assert await allowed(shell, token)


def test_a_lease_ends_before_its_worker_is_taken_for_dead(shell):
    with pytest.raises(ValueError, match="lease"):
        Actors(shell.database, LocalState(), lease_seconds=3)


async def test_a_new_post_is_told(make_shell):
    shell = await make_shell(background=True)
    person = await shell.person("new")
    token = await shell.sign_in(person)
    actor = await shell.services.actors.of_token(token)
    assert (actor.post_id, actor.csrf) == (None, sessions.csrf_token(token))
    unit = await shell.organization("U1")
    async with shell.write() as tx:
        post = await add_post(tx, person, unit, "岗")
        assert await sessions.switch_post(tx, sessions.digest(token), person, post)
    again = await shell.services.actors.of_token(token)
    assert (again.post_id, again.organization_code) == (post, "U1")

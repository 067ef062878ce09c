"""Acting for a resident: within the consent, on the record, over at once."""

from datetime import timedelta

import pytest

from core import audit
from core.access import behalf, delegation
from core.access.decisions import decide, explain
from core.access.grants import GrantError, RoleDefinition, define_roles, withdraw
from core.identity import sessions
from core.identity.people import disable, end_post
from core.work.items import inbox, open_item
from plugin_sdk.ports import Actor, Audience, ScopeKind, To
from plugin_sdk.problems import Denied
from plugin_sdk.text import Text
from plugin_sdk.views import Phrase
from tests.core.probe import Petition

MONTH = timedelta(days=30)


class Case:
    """A grid worker with a session, a resident, and the consent between them."""

    def __init__(self, shell):
        self.shell = shell

    async def begin(self, scope=("probe",), **more):
        shell = self.shell
        self.worker = await shell.staff("worker", "T1", "yimen.grid_worker")
        self.resident = await shell.person("resident")
        self.token = await shell.sign_in(self.worker.person, seconds=10**7)
        self.consent = await self.record(scope=scope, **more)
        assert await self.act() is not None
        return self

    async def record(self, scope=("probe",), **more):
        async with self.shell.write() as tx:
            values = {
                "agent_id": self.worker.person,
                "given": "in-person",
                "evidence": "11月24日在家中,邻居在场",
                "ends_at": tx.now + MONTH,
                "by": self.worker.person,
                **more,
            }
            return await behalf.record_consent(tx, self.resident, scope=scope, **values)

    async def act(self, consent=None):
        worker = await self.shell.of_session(self.token)
        async with self.shell.write() as tx:
            return await behalf.begin(tx, worker, consent or self.consent)

    async def actor(self, permission=""):
        return await self.shell.of_session(self.token, permission)

    async def acts(self):
        """Whether the session acts for the resident now, through the cache."""
        actor = await self.shell.services.actors.of_token(self.token)
        now = self.shell.database.clock()
        return actor.agent is not None and decide(actor, "probe.file", now) is not None


async def test_the_actor_is_the_resident_and_the_record_names_both(shell):
    case = await Case(shell).begin()
    actor = await case.actor("probe.file")
    assert (actor.person_id, actor.audience) == (case.resident, Audience.RESIDENT)
    assert (actor.post_id, actor.organization_id, actor.name) == (None, None, "resident")
    assert (actor.real_person_id, actor.agent.name) == (case.worker.person, "worker")
    assert actor.hands == {case.resident, case.worker.person}
    assert actor.seat == str(case.consent)
    unit = await shell.organization("T1")
    async with shell.hub.work(actor) as work:
        await work.add(Petition(organization_id=unit, person_id=case.resident, title="theirs"))
        work.audit("filed", "petition:1")
    async with shell.hub.work(actor) as work:
        own = Petition(organization_id=unit, person_id=case.worker.person, title="mine")
        with pytest.raises(Denied):
            await work.add(own)
        work.session.expunge_all()
        await work.session.rollback()
    async with shell.read() as tx:
        (entry,) = await audit.search(tx, behalf_of_id=case.resident)
    assert (entry.person_id, entry.behalf_of_id) == (case.worker.person, case.resident)
    assert (entry.organization_id, entry.act) == (unit, "filed")
    async with shell.write() as tx:
        assert await behalf.finish(tx, actor)
    again = await case.actor()
    assert (again.person_id, again.post_id) == (case.worker.person, case.worker.post)
    async with shell.write() as tx:
        assert not await behalf.finish(tx, again)


async def test_only_what_was_consented_to_is_done_and_nothing_of_the_post(shell):
    case = await Case(shell).begin(scope=("probe.file",))
    await shell.grant(case.worker.post, "probe.writer", ScopeKind.ALL)
    actor = await case.actor()
    assert set(actor.permits) == {"probe.file"}
    async with shell.read() as tx:
        assert (await explain(tx, actor, "probe.file")).allowed
        for permission in ("probe.mine", "probe.write", "yimen.behalf.act"):
            assert (await explain(tx, actor, permission)).missing == "not-consented"
        why = await explain(tx, actor, "probe.file")
        assert why.permit is not None
        assert why.permit.ends == actor.agent.until


@pytest.mark.parametrize(("scope", "seen"), [("probe", ["probe"]), ("probe.file", [])])
async def test_work_that_waits_is_seen_in_the_apps_consented_to_in_whole(shell, scope, seen):
    case = await Case(shell).begin(scope=(scope,))
    async with shell.write() as tx:
        for app in ("probe", "other"):
            to = To(person_id=case.resident)
            await open_item(tx, app, app, to, app, "/x", label=Phrase("l"), due_at=None)
    async with shell.read() as tx:
        assert [i.subject for i in await inbox(tx, await case.actor())] == seen


async def by_resident(tx, case):
    await behalf.revoke_consent(tx, case.consent, by=Actor(person_id=case.resident))


async def by_worker(tx, case):
    await behalf.revoke_consent(tx, case.consent, by=Actor(person_id=case.worker.person))


ENDINGS = {
    "the resident": by_resident,
    "the worker": by_worker,
    "their grant": lambda tx, case: withdraw(tx, case.worker.given),
    "their post": lambda tx, case: end_post(tx, case.worker.post),
    "the worker is disabled": lambda tx, case: disable(tx, case.worker.person),
    "the resident is disabled": lambda tx, case: disable(tx, case.resident),
    "the session": lambda tx, case: sessions.end(tx, sessions.digest(case.token)),
    "the audience": lambda tx, case: define_roles(
        tx, "probe", [RoleDefinition("probe.citizen", Text("居", "C"), (), Audience.RESIDENT)]
    ),
}


@pytest.mark.parametrize("what", ENDINGS)
async def test_it_is_over_at_the_next_request_everywhere(make_shell, what):
    first = await make_shell(background=True)
    workers = [first]
    if first.services.settings.redis_url:
        workers.append(await make_shell(background=True))
    case = await Case(first).begin()
    began = await case.actor("probe.file")
    for worker in workers:
        case.shell = worker
        assert await case.acts()
    case.shell = first
    async with first.write() as tx:
        await ENDINGS[what](tx, case)
    for worker in workers:
        case.shell = worker
        assert not await case.acts()
    with pytest.raises(Denied):
        async with first.hub.work(began):
            pass


async def test_it_ends_by_itself(make_shell):
    shell = await make_shell(background=True)
    case = await Case(shell).begin()
    assert await case.acts()
    shell.clock.move(days=31)
    assert not await case.acts()
    actor = await shell.services.actors.of_token(case.token)
    assert (actor.person_id, actor.post_id) == (case.worker.person, case.worker.post)


async def test_a_consent_is_for_whom_it_names_and_begun_from_ones_own_post(shell):
    case = await Case(shell).begin()
    async with shell.write() as tx:
        assert await behalf.begin(tx, await case.actor(), case.consent) is None  # twice
        await behalf.finish(tx, await case.actor())
    other = await shell.staff("other", "T1", "yimen.grid_worker")
    token = await shell.sign_in(other.person)
    stranger = await shell.of_session(token)
    resident = await shell.of_session(await shell.sign_in(case.resident))
    async with shell.write() as tx:
        assert await behalf.begin(tx, stranger, case.consent) is None
        assert await behalf.begin(tx, resident, case.consent) is None
        assert await behalf.usable(tx, stranger) == []
        with pytest.raises(GrantError, match="consent-unknown"):
            await behalf.revoke_consent(tx, case.consent, by=stranger)
    unit = await shell.organization("T1")
    shared = await case.record(agent_id=None, organization_id=unit)
    async with shell.write() as tx:
        assert [item.id for item in await behalf.usable(tx, stranger)] == [shared]
        assert await behalf.begin(tx, stranger, shared) is not None
    boss = await shell.staff("boss", "T1", "yimen.grid_worker")
    async with shell.write() as tx:
        id = await delegation.delegate(
            tx,
            boss.post,
            case.worker.person,
            by=boss.person,
            starts_at=tx.now,
            ends_at=tx.now + MONTH,
            reason="x",
        )
        await delegation.act_in(tx, sessions.digest(case.token), case.worker.person, id)
    assert await case.act() is None  # the resident consented to the worker


async def test_consents_that_cannot_be_are_refused(shell):
    case = await Case(shell).begin()
    now = shell.database.clock()

    async def refused(code, **more):
        with pytest.raises(GrantError, match=code):
            await case.record(**more)

    await refused("consent-agent", agent_id=None)
    await refused("consent-agent", organization_id=await shell.organization("T1"))
    await refused("consent-oneself", agent_id=case.resident)
    await refused("consent-agent", agent_id=await shell.person("nobody"))
    await refused("consent-given", given="guessed")
    await refused("consent-given", given="online")  # only the resident gives it so
    await refused("consent-given", evidence="  ")
    await refused("consent-scope", scope=())
    await refused("consent-over", ends_at=now)
    await refused("consent-long", ends_at=now + timedelta(days=400))
    async with shell.write() as tx:
        await disable(tx, case.resident)
    await refused("consent-person")


async def test_a_resident_sees_who_may_act_and_what_was_done(shell):
    case = await Case(shell).begin()
    async with shell.read() as tx:
        (listed,) = await behalf.of_person(tx, case.resident)
        assert (listed.agent, listed.in_force(tx.now)) == ("worker", True)
    async with shell.write() as tx:
        await audit.record(tx, await case.actor(), "probe", "asked", "petition:2")
    async with shell.write() as tx:
        await by_resident(tx, case)
    async with shell.read() as tx:
        (listed,) = await behalf.of_person(tx, case.resident)
        assert not listed.in_force(tx.now)
        assert [e.act for e in await audit.search(tx, behalf_of_id=case.resident)] == ["asked"]
        assert await audit.search(tx, behalf_of_id=case.worker.person) == []


async def test_the_same_is_consented_to_once_and_twenty_things_at_most(shell):
    case = await Case(shell).begin()
    unit = await shell.organization("T1")
    with pytest.raises(GrantError, match="consent-twice"):
        await case.record()
    await case.record(agent_id=None, organization_id=unit)
    with pytest.raises(GrantError, match="consent-twice"):
        await case.record(agent_id=None, organization_id=unit)
    for n in range(2, behalf.MOST_OPEN):
        await case.record(scope=[f"probe.p{n}"])
    with pytest.raises(GrantError, match="consent-many"):
        await case.record(scope=["probe.more"])
    worker = await shell.of_session(case.token)
    async with shell.write() as tx:
        await behalf.revoke_consent(tx, case.consent, by=worker)
    await case.record()

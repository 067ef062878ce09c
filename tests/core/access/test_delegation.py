"""Acting in another's post: never more than held, never in a circle, over at once."""

from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import event

from core import audit
from core.access import delegation
from core.access.decisions import decide, explain, explain_person
from core.access.grants import GrantError, RoleDefinition, define_roles, withdraw
from core.access.holders import people_of, who_may
from core.identity import sessions
from core.identity.people import disable, end_post
from core.messages import service as messages
from core.work.items import inbox, open_item
from plugin_sdk.ports import ScopeKind, To
from plugin_sdk.problems import Conflict, Denied, NotFound
from plugin_sdk.text import Text
from plugin_sdk.views import Phrase
from tests.core.conftest import READER, WRITER
from tests.core.probe import Petition

WEEK = timedelta(days=7)


async def hand_over(shell, giver, taker, *, after=timedelta(), lasts=WEEK, **more):
    async with shell.write() as tx:
        return await delegation.delegate(
            tx,
            giver.post,
            taker.person,
            by=giver.person,
            starts_at=tx.now + after,
            ends_at=tx.now + after + lasts,
            reason="出差",
            **more,
        )


async def pair(shell, role="probe.writer", scope=ScopeKind.SUBTREE):
    """A chief in the county with a role, and a deputy in a unit without one."""
    chief = await shell.staff("chief", "C", role, scope)
    deputy = await shell.staff("deputy", "U1")
    return chief, deputy


async def act_in(shell, taker, token, id):
    async with shell.write() as tx:
        return await delegation.act_in(tx, sessions.digest(token), taker.person, id)


async def allowed(shell, token, permission="probe.write"):
    actor = await shell.services.actors.of_token(token)
    return decide(actor, permission, shell.database.clock()) is not None


async def test_who_takes_a_post_acts_in_it_with_its_grants_and_says_so(shell):
    chief, deputy = await pair(shell)
    token = await shell.sign_in(deputy.person)
    id = await hand_over(shell, chief, deputy)
    assert not await allowed(shell, token)  # until they change to it
    assert await act_in(shell, deputy, token, id)
    actor = await shell.of_session(token, "probe.write")
    assert (actor.person_id, actor.post_id) == (deputy.person, chief.post)
    assert actor.organization_code == "C"
    assert actor.delegation.person_id == chief.person
    assert actor.delegation.name == "chief"
    assert actor.hands == {chief.person, deputy.person}
    (permit,) = actor.permits["probe.write"]
    assert (permit.grant, permit.ends) == (str(chief.given), actor.delegation.until)
    async with shell.hub.work(actor) as work:
        below = await shell.organization("V11")
        await work.add(Petition(organization_id=below, title="below"))
        work.audit("wrote", "petition:1")
    async with shell.read() as tx:
        (entry,) = await audit.search(tx, subject="petition:1")
    assert (entry.person_id, entry.delegation_id) == (deputy.person, id)
    assert entry.granted_by == str(chief.given)
    # the giver keeps their own access, and the taker their own post
    assert decide(await chief.actor(), "probe.write", shell.database.clock())
    async with shell.write() as tx:
        assert await sessions.switch_post(tx, sessions.digest(token), deputy.person, deputy.post)
    assert (await shell.of_session(token)).delegation is None


async def test_some_roles_alone_are_handed_over_and_never_what_is_the_givers_own(shell):
    chief, deputy = await pair(shell)
    await shell.grant(chief.post, "probe.reader", ScopeKind.ALL)
    id = await hand_over(shell, chief, deputy, roles=["probe.reader"])
    token = await shell.sign_in(deputy.person)
    await act_in(shell, deputy, token, id)
    actor = await shell.of_session(token)
    assert "probe.write" not in actor.permits
    assert [p.role for p in actor.permits["probe.read"]] == ["probe.reader"]
    own = await shell.staff("own", "T1", "probe.writer", ScopeKind.OWN)
    with pytest.raises(GrantError, match="delegation-empty"):
        await hand_over(shell, own, deputy)
    await shell.grant(own.post, "probe.reader")
    second = await hand_over(shell, own, deputy)
    await act_in(shell, deputy, token, second)
    assert "probe.write" not in (await shell.of_session(token)).permits
    with pytest.raises(GrantError, match="role-unknown"):
        await hand_over(
            shell, chief, await shell.staff("third", "T1"), roles=["yimen.administrator"]
        )


LOSSES = {
    "the delegation": lambda tx, chief, deputy, given: delegation.revoke(
        tx, given, by=chief.person
    ),
    "by the taker": lambda tx, chief, deputy, given: delegation.revoke(tx, given, by=deputy.person),
    "the giver's grant": lambda tx, chief, deputy, given: withdraw(tx, chief.given),
    "the giver's post": lambda tx, chief, deputy, given: end_post(tx, chief.post),
    "the giver": lambda tx, chief, deputy, given: disable(tx, chief.person),
    "the taker": lambda tx, chief, deputy, given: disable(tx, deputy.person),
    "the role": lambda tx, chief, deputy, given: define_roles(
        tx, "probe", [READER, RoleDefinition("probe.writer", Text("办", "W"), ())]
    ),
}


@pytest.mark.parametrize("what", LOSSES)
async def test_what_the_giver_loses_the_taker_loses_at_the_next_request_everywhere(
    make_shell, what
):
    first = await make_shell(background=True)
    workers = [first]
    if first.services.settings.redis_url:
        workers.append(await make_shell(background=True))
    chief, deputy = await pair(first)
    token = await first.sign_in(deputy.person)
    id = await hand_over(first, chief, deputy)
    await act_in(first, deputy, token, id)
    began = await first.of_session(token, "probe.write")
    for worker in workers:
        assert await allowed(worker, token)
    async with first.write() as tx:
        await LOSSES[what](tx, chief, deputy, id)
    for worker in workers:
        assert not await allowed(worker, token)
    with pytest.raises(Denied):  # nor what had begun before
        async with first.hub.work(began):
            pass


async def test_it_begins_and_ends_by_itself_and_the_session_goes_on_in_ones_own_post(make_shell):
    shell = await make_shell(background=True)
    chief, deputy = await pair(shell)
    token = await shell.sign_in(deputy.person, seconds=30 * 24 * 3600)
    id = await hand_over(shell, chief, deputy, after=timedelta(days=1))
    assert not await act_in(shell, deputy, token, id)
    shell.clock.move(days=1, seconds=1)
    assert await act_in(shell, deputy, token, id)
    assert await allowed(shell, token)
    opened = (await shell.services.actors.of_token(token)).seat
    shell.clock.move(days=7)
    assert not await allowed(shell, token)
    actor = await shell.services.actors.of_token(token)
    assert (actor.post_id, actor.delegation) == (deputy.post, None)
    assert actor.seat != opened  # a form that was open is refused: it belongs to the other post


async def test_a_warm_delegate_asks_nobody(make_shell):
    shell = await make_shell(background=True)
    chief, deputy = await pair(shell)
    token = await shell.sign_in(deputy.person)
    await act_in(shell, deputy, token, await hand_over(shell, chief, deputy))
    assert await allowed(shell, token)
    async with shell.services.actors._busy:
        shell.services.actors._task.cancel()
    asked = []
    event.listen(
        shell.database.engine.sync_engine,
        "before_cursor_execute",
        lambda connection, cursor, sql, *more: asked.append(sql),
    )
    for _ in range(20):
        assert await allowed(shell, token)
    assert asked == []


async def test_only_ones_own_post_is_handed_over_to_another_for_a_time(shell):
    chief, deputy = await pair(shell)
    third = await shell.staff("third", "T1")
    nobody = await shell.person("nobody")
    await hand_over(shell, chief, deputy)

    async def refused(code, giver, taker, by=None, **more):
        async with shell.write() as tx:
            values = {"starts_at": tx.now, "ends_at": tx.now + WEEK, "reason": "x", **more}
            with pytest.raises(GrantError, match=code):
                await delegation.delegate(tx, giver.post, taker, by=by or giver.person, **values)

    now = shell.database.clock()
    await refused("post-unknown", chief, third.person, by=deputy.person)  # no chains
    await refused("delegate-oneself", chief, chief.person)
    await refused("delegate-unknown", chief, nobody)
    await refused("delegation-over", chief, third.person, ends_at=now)
    await refused("delegation-long", chief, third.person, ends_at=now + timedelta(days=400))
    await refused("delegation-empty", third, deputy.person)
    async with shell.write() as tx:
        with pytest.raises(GrantError, match="delegation-unknown"):
            await delegation.revoke(tx, chief.post, by=chief.person)
    id = await hand_over(shell, chief, third)
    async with shell.write() as tx:
        with pytest.raises(GrantError, match="delegation-unknown"):  # nor by who has no part in it
            await delegation.revoke(tx, id, by=deputy.person)
        await delegation.revoke(tx, id, by=deputy.person, anyones=True)


async def test_circles_are_refused_where_they_share_a_moment(shell):
    a, b, c = [await shell.staff(name, "U1", "probe.reader") for name in ("aa", "bb", "cc")]
    day = timedelta(days=1)
    await hand_over(shell, a, b)
    with pytest.raises(GrantError, match="delegation-circle"):
        await hand_over(shell, b, a)
    await hand_over(shell, b, a, after=WEEK, lasts=day)  # one after the other is no circle
    await hand_over(shell, b, c, after=2 * day)
    with pytest.raises(GrantError, match="delegation-circle"):
        await hand_over(shell, c, a, after=3 * day)
    with pytest.raises(GrantError, match="delegation-circle"):  # it closes only later
        await hand_over(shell, c, a)
    await hand_over(shell, c, a, lasts=day)


@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(0, 8), st.integers(1, 5)),
        max_size=8,
    )
)
@settings(max_examples=300, deadline=None)
def test_the_circle_that_is_looked_for_is_the_one_there_is(edges):
    """At every moment: what `reached` finds equals a walk of every path."""

    person = [UUID(int=n) for n in range(4)]

    def walks(start, held, seen=()):
        yield start
        for one, other in held:
            if one == start and other not in seen:
                yield from walks(other, held, (*seen, other))

    for moment in range(14):
        held = [
            (person[a], person[b])
            for a, b, since, lasts in edges
            if since <= moment < since + lasts
        ]
        for start in person:
            assert delegation.reached(held, start) == set(walks(start, held))


async def test_two_that_close_a_circle_at_once_are_not_both_taken(make_shell):
    import asyncio

    shells = [await make_shell() for _ in range(2)]
    a, b = [await shells[0].staff(name, "U1", "probe.reader") for name in ("aa", "bb")]
    outcome = await asyncio.gather(
        hand_over(shells[0], a, b), hand_over(shells[1], b, a), return_exceptions=True
    )
    assert sorted(isinstance(found, GrantError) for found in outcome) == [False, True]


async def test_work_and_notices_of_the_post_come_to_who_acts_in_it(shell):
    chief, deputy = await pair(shell)
    unit = await shell.organization("C")
    token = await shell.sign_in(deputy.person)
    id = await hand_over(shell, chief, deputy)
    async with shell.write() as tx:
        for subject, to in (
            ("unit", To(organization_id=unit, permission="probe.write")),
            ("unit, not held", To(organization_id=unit, permission="probe.other")),
            ("chief there", To(person_id=chief.person, organization_id=unit)),
            ("chief at home", To(person_id=chief.person)),
            ("deputy", To(person_id=deputy.person)),
        ):
            await open_item(tx, "probe", subject, to, subject, "/x", label=Phrase("l"), due_at=None)
            await messages.send(tx, "probe", to, Phrase(subject), "/x")
    async with shell.read() as tx:
        before = await inbox(tx, await shell.of_session(token))
        assert {item.subject for item in before} == {"deputy"}
    await act_in(shell, deputy, token, id)
    async with shell.read() as tx:
        found = await inbox(tx, await shell.of_session(token))
        assert {item.subject for item in found} == {"unit", "chief there", "deputy"}
        kept = await inbox(tx, await chief.actor())
        assert {item.subject for item in kept} == {"unit", "chief there", "chief at home"}
        assert await people_of(tx, unit, None) == {chief.person, deputy.person}
        assert await people_of(tx, None, None) == set()
    await shell.services.jobs.relay()
    async with shell.read() as tx:
        told = {n.key for n in await messages.inbox(tx, deputy.person)}
    assert told == {"unit", "chief there", "deputy"}


async def test_with_some_roles_alone_comes_what_waits_for_who_holds_them(shell):
    chief, deputy = await pair(shell)
    await shell.grant(chief.post, "probe.reader")
    unit = await shell.organization("C")
    token = await shell.sign_in(deputy.person)
    await act_in(
        shell, deputy, token, await hand_over(shell, chief, deputy, roles=["probe.reader"])
    )
    async with shell.write() as tx:
        for subject, to in (
            ("read", To(organization_id=unit, permission="probe.read")),
            ("write", To(organization_id=unit, permission="probe.write")),
            ("anybody there", To(organization_id=unit)),
            ("chief there", To(person_id=chief.person, organization_id=unit)),
            ("deputy", To(person_id=deputy.person)),
        ):
            await open_item(tx, "probe", subject, to, subject, "/x", label=Phrase("l"), due_at=None)
            await messages.send(tx, "probe", to, Phrase(subject), "/x")
    async with shell.read() as tx:
        found = await inbox(tx, await shell.of_session(token))
        assert {item.subject for item in found} == {"read", "deputy"}
        assert await people_of(tx, unit, None) == {chief.person}
    await shell.services.jobs.relay()
    async with shell.read() as tx:
        told = {n.key for n in await messages.inbox(tx, deputy.person)}
    assert told == {"read", "deputy"}


async def test_who_may_and_why_name_both(shell):
    chief, deputy = await pair(shell)
    id = await hand_over(shell, chief, deputy)
    token = await shell.sign_in(deputy.person)
    await act_in(shell, deputy, token, id)
    async with shell.read() as tx:
        own, handed = await who_may(tx, "probe.write")
        assert (own.person_id, own.delegated_by) == (chief.person, None)
        assert (handed.person_id, handed.delegated_by) == (deputy.person, "chief")
        assert handed.ends_at is not None
        why = await explain(tx, await shell.of_session(token), "probe.write")
        assert why.permit is not None
        assert why.permit.grant == str(chief.given)
        found = {w: d.allowed for w, d in await explain_person(tx, "deputy", "probe.write")}
    assert found == {"名U1 岗": False, "名C 岗 (chief)": True, "-": False}


async def test_an_object_that_is_moved_out_of_the_scope_is_gone_between_two_pages(shell):
    chief, deputy = await pair(shell, "probe.writer", ScopeKind.ORGANIZATION)
    token = await shell.sign_in(deputy.person)
    await act_in(shell, deputy, token, await hand_over(shell, chief, deputy))
    actor = await shell.of_session(token, "probe.read")
    here, there = [await shell.organization(code) for code in ("C", "U1")]
    rows = [Petition(organization_id=here, title=f"p{n}") for n in range(3)]
    async with shell.hub.work(shell.hub.system("fill")) as work:
        for row in rows:
            await work.add(row)
    async with shell.hub.read(actor) as read:
        first = await read.fetch(read.rows(Petition, Petition.title).limit(2), str)
        assert len(first) == 2
    async with shell.hub.work(shell.hub.system("move")) as work:
        (await work.get(Petition, rows[2].id)).organization_id = there
    async with shell.hub.read(actor) as read:
        statement = read.rows(Petition, Petition.title).offset(2)
        assert await read.fetch(statement, str) == []
    with pytest.raises(NotFound):
        async with shell.hub.work(actor) as work:
            await work.get(Petition, rows[2].id)


async def test_a_right_that_goes_between_two_pages_shows_no_second(make_shell):
    shell = await make_shell(background=True)
    chief, deputy = await pair(shell)
    token = await shell.sign_in(deputy.person)
    id = await hand_over(shell, chief, deputy)
    await act_in(shell, deputy, token, id)
    assert await allowed(shell, token, "probe.read")
    async with shell.write() as tx:
        await delegation.revoke(tx, id, by=chief.person)
    actor = await shell.services.actors.of_token(token)
    async with shell.hub.read(actor) as read:
        assert await read.fetch(read.rows(Petition, Petition.title, permission="read"), str) == []


EXCLUDING = [
    RoleDefinition("probe.reader", Text("出纳", "Cashier"), ("probe.read",), None),
    RoleDefinition(
        "probe.writer", Text("会计", "Accountant"), ("probe.write",), None, ("probe.reader",)
    ),
]


async def test_nobody_holds_two_roles_that_exclude_one_another(shell):
    async with shell.write() as tx:
        await define_roles(tx, "probe", EXCLUDING)
        assert not await define_roles(tx, "probe", EXCLUDING)
    staff = await shell.staff("staff", "U1", "probe.reader")
    other = await shell.post(staff.person, "T1")
    for post in (staff.post, other):  # in any post
        with pytest.raises(Conflict) as refused:
            await shell.grant(post, "probe.writer")
        assert refused.value.code == "roles-exclude"
        assert refused.value.params["name_en"] == "Accountant, Cashier"
        assert refused.value.params["name_zh"] == "会计、出纳"
    writer = await shell.staff("writer", "U1", "probe.writer")
    with pytest.raises(Conflict):  # by any delegation, whoever hands over
        await hand_over(shell, writer, staff)
    with pytest.raises(Conflict):
        await hand_over(shell, staff, writer)
    third = await shell.staff("third", "U1")
    await hand_over(shell, writer, third)
    with pytest.raises(Conflict):  # by a grant to oneself afterwards
        await shell.grant(third.post, "probe.reader")
    fourth, fifth = await shell.staff("fourth", "U1"), await shell.staff("fifth", "U1")
    await shell.grant(fourth.post, "yimen.owner")
    await hand_over(shell, fourth, fifth)
    await shell.grant(fifth.post, "probe.reader")
    with pytest.raises(Conflict):  # by a grant to the post that was handed over
        await shell.grant(fourth.post, "probe.writer")
    async with shell.write() as tx:
        await withdraw(tx, staff.given)
    await shell.grant(staff.post, "probe.writer")
    async with shell.write() as tx:
        await define_roles(tx, "probe", [READER, WRITER])


async def test_a_post_is_handed_over_once_to_each_and_to_twenty_at_most(shell):
    chief, deputy = await pair(shell)
    other = await shell.staff("other", "U1", "probe.reader")
    await hand_over(shell, chief, deputy)
    for more in ({}, {"after": WEEK / 2}, {"roles": ["probe.writer"]}):
        with pytest.raises(GrantError, match="delegation-twice"):
            await hand_over(shell, chief, deputy, **more)
    for n in range(1, delegation.MOST_OPEN):
        await hand_over(shell, chief, deputy, after=WEEK * n)
    with pytest.raises(GrantError, match="delegation-many"):
        await hand_over(shell, chief, other)
    with pytest.raises(GrantError, match="delegate-busy"):
        await hand_over(shell, other, deputy)
    shell.clock.move(days=7)
    await hand_over(shell, other, deputy)

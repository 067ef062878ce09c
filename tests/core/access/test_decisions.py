"""Decisions and their explanation, grants and who may give them."""

from datetime import timedelta

import pytest

from core import audit
from core.access.decisions import (
    decide,
    explain,
    explain_person,
    role_titles,
)
from core.access.grants import (
    GrantError,
    RoleDefinition,
    define_roles,
    grant,
    grants,
    withdraw,
)
from core.access.holders import officials_holding, organizations_holding, who_may
from core.identity.people import disable, end_post
from plugin_sdk.ports import Actor, ScopeKind
from plugin_sdk.problems import Denied
from plugin_sdk.text import Text
from tests.core.conftest import READER, WRITER
from tests.core.probe import Petition


async def test_an_allow_names_its_grant_and_a_deny_what_is_missing(shell):
    admin = await shell.staff("admin", "U1", "yimen.administrator", ScopeKind.ALL)
    staff = await shell.staff("staff", "U1", "probe.reader")
    actor = await staff.actor()
    async with shell.read() as tx:
        allowed = await explain(tx, actor, "probe.read")
        assert allowed.allowed
        assert allowed.permit is not None
        assert allowed.permit.grant == str(staff.given)
        denied = await explain(tx, actor, "probe.write")
        assert (denied.allowed, denied.missing) == (False, "not-granted")
        assert denied.roles == ("probe.writer",)
        assert denied.granters == ("名U1 · 岗",)
        visitor = await explain(tx, Actor(), "probe.read")
        assert visitor.missing == "sign-in"
        assert (await explain(tx, shell.hub.system("t"), "probe.read")).allowed
        holders = await who_may(tx, "yimen.grants.manage")
        assert [h.person_id for h in holders] == [admin.person]


async def test_a_grant_that_ends_meanwhile_allows_no_more(shell):
    end = shell.database.clock() + timedelta(hours=1)
    staff = await shell.staff("staff", "U1", "probe.reader", ends_at=end)
    actor = await staff.actor()
    now = shell.database.clock()
    assert decide(actor, "probe.read", now) is not None
    assert decide(actor, "probe.read", end) is None
    shell.clock.move(hours=2)
    async with shell.read() as tx:
        why = await explain(tx, actor, "probe.read")
        assert (why.allowed, why.missing) == (False, "not-in-force")
        assert await who_may(tx, "probe.read") == []
        assert await organizations_holding(tx, "probe.read") == []
    assert not (await staff.actor()).permits_for("probe.read", shell.database.clock())
    async with shell.hub.work(actor) as work:
        with pytest.raises(Denied):
            await work.require("read")


async def test_residents_hold_what_is_their_own_by_audience(shell):
    person = await shell.person("resident")
    actor = await shell.actor(person, None, "probe.mine")
    (permit,) = actor.permits["probe.mine"]
    assert (permit.scope, permit.grant) == (ScopeKind.OWN, "audience:probe.citizen")
    unit = await shell.organization("U1")
    async with shell.hub.work(actor) as work:
        await work.add(Petition(organization_id=unit, person_id=person, title="mine"))
    async with shell.hub.work(actor) as work:
        with pytest.raises(Denied):
            await work.add(Petition(organization_id=unit, person_id=None, title="another's"))
        work.session.expunge_all()
        await work.session.rollback()
    assert decide(Actor(), "probe.mine", shell.database.clock()) is None


async def test_nobody_grants_to_themselves(shell):
    staff = await shell.staff("staff", "U1", "yimen.administrator", ScopeKind.ALL)
    other = await shell.post(staff.person, "T1")  # another post of the same person
    async with shell.write() as tx:
        for post in (staff.post, other):
            with pytest.raises(GrantError, match="grant-to-oneself"):
                await grant(tx, post, "probe.reader", ScopeKind.ALL, granted_by=staff.person)


async def test_grants_that_cannot_be_are_refused(shell):
    staff = await shell.staff("staff", "U1")
    unit = await shell.organization("U1")
    past = shell.database.clock() - timedelta(seconds=1)
    async with shell.write() as tx:

        async def refused(code, post, role, scope, **more):
            with pytest.raises(GrantError, match=code):
                await grant(tx, post, role, scope, granted_by=None, **more)

        await refused("post-unknown", unit, "probe.reader", ScopeKind.ALL)
        await refused("role-unknown", staff.post, "probe.none", ScopeKind.ALL)
        await refused("scope-organizations", staff.post, "probe.reader", ScopeKind.NAMED)
        await refused(
            "scope-organizations", staff.post, "probe.reader", ScopeKind.ALL, organizations=[unit]
        )
        await refused("grant-over", staff.post, "probe.reader", ScopeKind.ALL, ends_at=past)
        await refused(
            "organization-unknown",
            staff.post,
            "probe.reader",
            ScopeKind.NAMED,
            organizations=[staff.post],
        )
        with pytest.raises(GrantError, match="grant-unknown"):
            await withdraw(tx, unit)


async def test_a_grant_is_withdrawn_once_and_listed_no_more(shell):
    staff = await shell.staff("staff", "U1", "probe.reader")
    async with shell.read() as tx:
        (listed,) = await grants(tx, person_id=staff.person)
        assert (listed.id, listed.role, listed.post) == (staff.given, "probe.reader", "岗")
        assert len(await grants(tx, role="probe.reader")) == 1
    async with shell.write() as tx:
        await withdraw(tx, staff.given)
    async with shell.write() as tx:
        with pytest.raises(GrantError):
            await withdraw(tx, staff.given)
        assert await grants(tx, person_id=staff.person) == []
    assert "probe.read" not in (await staff.actor()).permits


async def test_no_two_grants_merge_into_a_wider_one(shell):
    unit = await shell.organization("V21")
    staff = await shell.staff("staff", "U1", "probe.reader", ScopeKind.SUBTREE)
    await shell.grant(staff.post, "probe.writer", ScopeKind.NAMED, organizations=[unit])
    actor = await staff.actor()
    row = Petition(organization_id=await shell.organization("U1"))
    async with shell.hub.work(shell.hub.system("test")) as work:
        await work.add(row)
    async with shell.hub.read(actor) as read:
        assert await read.holds("read", row)
        assert not await read.holds("write", row)
        assert await read.holds("write")


async def test_who_left_is_counted_nowhere(shell):
    staff = await shell.staff("staff", "U1", "probe.reader")
    other = await shell.staff("other", "T1", "probe.reader")
    async with shell.write() as tx:
        there = {(one.post_id, one.person_id) for one in await officials_holding(tx, "probe.read")}
        assert there == {(one.post, one.person) for one in (staff, other)}
        await disable(tx, staff.person)
        await end_post(tx, other.post)
        assert await who_may(tx, "probe.read") == []
        assert await organizations_holding(tx, "probe.read") == []
        assert await officials_holding(tx, "probe.read") == []


async def test_a_person_is_explained_post_by_post(shell):
    staff = await shell.staff("staff", "U1", "probe.reader")
    await shell.post(staff.person, "T1")
    async with shell.read() as tx:
        found = {
            where: why.allowed for where, why in await explain_person(tx, "staff", "probe.read")
        }
        assert found == {"名U1 岗": True, "名T1 岗": False, "-": False}
        assert await explain_person(tx, "nobody", "probe.read") == []


async def test_roles_follow_their_manifest(shell):
    staff = await shell.staff("staff", "U1", "probe.reader")
    async with shell.write() as tx:
        assert not await define_roles(tx, "other", [])
        less = RoleDefinition("probe.reader", Text("阅", "Reader"), ())
        assert await define_roles(tx, "probe", [less, WRITER])
        assert not await define_roles(tx, "probe", [less, WRITER])
        assert set(await role_titles(tx)) >= {"probe.reader", "probe.writer"}
    assert "probe.read" not in (await staff.actor()).permits
    async with shell.write() as tx:
        await define_roles(tx, "probe", [READER, WRITER])
    assert "probe.read" in (await staff.actor()).permits  # the grant was kept


async def test_workers_that_start_together_define_the_same_roles(make_shell):
    import asyncio

    shells = [await make_shell() for _ in range(2)]
    roles = [RoleDefinition(f"new.r{n}", Text("新", "New"), (f"new.p{n}",)) for n in range(5)]

    async def define(shell):
        async with shell.write() as tx:
            return await define_roles(tx, "new", roles)

    assert sorted(await asyncio.gather(*(define(s) for s in shells))) == [False, True]


async def test_a_refusal_is_recorded_by_itself_and_not_without_end(shell):
    staff = await shell.staff("staff", "U1")
    actor = await staff.actor("probe.read")
    for _ in range(65):
        await shell.services.refuse(actor, "probe", "probe.read", "GET /x")
    await shell.services.refuse(Actor(), "probe", "probe.read", "GET /x")
    async with shell.read() as tx:
        entries = await audit.search(tx, app="probe", limit=100)
    assert len(entries) == 60
    assert {(e.outcome, e.permission, e.person_id) for e in entries} == {
        ("refused", "probe.read", staff.person)
    }

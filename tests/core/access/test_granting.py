"""Who may give what; roles of one's own; what changed; what is to stay true."""

import asyncio
from datetime import timedelta

import pytest

from core.access import delegation, policy, requests, roles
from core.access.grants import GrantError, RoleDefinition, define_roles, grant, grants, withdraw
from core.access.history import changes
from core.access.loading import load_delegated
from core.identity.people import disable
from plugin_sdk.ports import ScopeKind
from plugin_sdk.problems import Conflict
from plugin_sdk.text import Text
from tests.core.conftest import READER, WRITER

ADMINISTRATOR = "yimen.administrator"


async def give(shell, granter, post, role="probe.reader", scope=ScopeKind.ORGANIZATION, **more):
    async with shell.write() as tx:
        return await grant(tx, post, role, scope, granter=granter, **more)


async def refused(shell, code, *args, **more):
    with pytest.raises(GrantError, match=code):
        await give(shell, *args, **more)


async def test_who_administers_everywhere_gives_any_role(shell):
    chief = await (await shell.staff("chief", "C", ADMINISTRATOR, ScopeKind.ALL)).actor()
    staff = await shell.staff("staff", "U1")
    given = await give(shell, chief, staff.post, "probe.writer", ScopeKind.ALL)
    async with shell.read() as tx:
        (listed,) = await grants(tx, person_id=staff.person)
    assert listed.id == given


async def test_others_give_where_they_administer_and_what_they_hold_as_far(shell):
    town = await shell.staff("town", "T1", ADMINISTRATOR, ScopeKind.SUBTREE)
    await shell.grant(town.post, "probe.reader", ScopeKind.SUBTREE)
    await shell.grant(town.post, "probe.writer", ScopeKind.ORGANIZATION)
    granter = await town.actor()
    below = await shell.staff("below", "V11")
    beside = await shell.staff("beside", "T2")
    here = await shell.staff("here", "T1")
    v11, v12, v21 = [await shell.organization(code) for code in ("V11", "V12", "V21")]
    await give(shell, granter, below.post)
    await give(shell, granter, below.post, scope=ScopeKind.SUBTREE)
    await give(shell, granter, below.post, scope=ScopeKind.NAMED, organizations=[v11, v12])
    await give(shell, granter, here.post, "probe.writer")
    beyond = (shell, "grant-beyond", granter)
    await refused(*beyond, beside.post)
    await refused(*beyond, below.post, scope=ScopeKind.ALL)
    await refused(*beyond, below.post, scope=ScopeKind.NAMED, organizations=[v11, v21])
    await refused(*beyond, below.post, "probe.writer")  # held at home alone
    await refused(*beyond, here.post, "probe.writer", ScopeKind.SUBTREE)
    await refused(*beyond, below.post, "yimen.governance")  # not held at all
    staff = await shell.staff("staff", "T1", "probe.reader", ScopeKind.ALL)
    await refused(shell, "grant-beyond", await staff.actor(), below.post)


async def test_no_detour_leads_a_grant_to_oneself(shell):
    chief = await shell.staff("chief", "C", ADMINISTRATOR, ScopeKind.ALL)
    deputy = await shell.staff("deputy", "U1")
    async with shell.write() as tx:
        id = await delegation.delegate(
            tx,
            chief.post,
            deputy.person,
            by=chief.person,
            starts_at=tx.now,
            ends_at=tx.now + timedelta(days=1),
            reason="x",
        )
    async with shell.read() as tx:
        acting = await load_delegated(tx, deputy.person, "x", id, generation=0)
    assert acting is not None
    for post in (deputy.post, chief.post):  # to who acts, and to whose post it is
        await refused(shell, "grant-to-oneself", acting, post)
    third = await shell.staff("third", "U1")
    await give(shell, acting, third.post)


async def test_a_grant_has_a_start_and_an_end_and_those_that_end_soon_are_listed(shell):
    chief = await (await shell.staff("chief", "C", ADMINISTRATOR, ScopeKind.ALL)).actor()
    staff = await shell.staff("staff", "U1")
    now, day = shell.database.clock(), timedelta(days=1)
    later = await give(shell, chief, staff.post, starts_at=now + day, ends_at=now + 9 * day)
    await give(shell, chief, staff.post, ends_at=now + 90 * day)
    await refused(
        shell, "grant-over", chief, staff.post, starts_at=now + 2 * day, ends_at=now + day
    )
    async with shell.read() as tx:
        assert [g.id for g in await grants(tx, ending_before=tx.now + 30 * day)] == [later]
        assert len(await grants(tx, person_id=staff.person)) == 2
    shell.clock.move(days=10)
    async with shell.read() as tx:
        assert len(await grants(tx, person_id=staff.person)) == 1


async def test_a_role_of_ones_own_carries_what_apps_offer_and_changes_at_once(shell):
    chief = await (await shell.staff("chief", "C", ADMINISTRATOR, ScopeKind.ALL)).actor()
    staff = await shell.staff("staff", "U1")

    async def compose(by, name, permissions, **more):
        async with shell.write() as tx:
            return await roles.compose(tx, by, name, Text("自", "Own"), permissions, **more)

    key = await compose(chief, "desk", ["probe.read"])
    await give(shell, chief, staff.post, key)
    assert set((await staff.actor()).permits) >= {"probe.read"}
    await compose(chief, "desk", ["probe.write"])
    assert "probe.read" not in (await staff.actor()).permits
    assert "probe.write" in (await staff.actor()).permits
    async with shell.write() as tx:  # a manifest that is read anew leaves it alone
        await define_roles(tx, "probe", [READER])
        await define_roles(tx, "probe", [READER, WRITER])
    assert "probe.write" in (await staff.actor()).permits
    for code, by, name, permissions in (
        ("grant-beyond", await staff.actor(), "mine", ["probe.read"]),
        ("role-key", chief, "Not A Key", ["probe.read"]),
        ("role-permissions", chief, "desk2", []),
        ("role-permissions", chief, "desk2", ["probe.invented"]),
    ):
        with pytest.raises(GrantError, match=code):
            await compose(by, name, permissions)
    with pytest.raises(GrantError, match="role-unknown"):
        await compose(chief, "desk2", ["probe.read"], excludes=["probe.none"])
    async with shell.write() as tx:
        with pytest.raises(GrantError, match="role-held"):
            await roles.drop(tx, chief, key)
        with pytest.raises(GrantError, match="role-unknown"):
            await roles.drop(tx, chief, "probe.writer")
        (held,) = await grants(tx, role=key)
        await withdraw(tx, held.id)
        await roles.drop(tx, chief, key)
        assert key not in {role.key for role in await roles.roles(tx)}


async def test_no_role_of_ones_own_joins_what_is_kept_apart(shell):
    chief = await (await shell.staff("chief", "C", ADMINISTRATOR, ScopeKind.ALL)).actor()
    pays = RoleDefinition("probe.reader", Text("出纳", "Cashier"), ("probe.read", "probe.see"))
    books = RoleDefinition(
        "probe.writer", Text("会计", "Books"), ("probe.write", "probe.see"), None, ("probe.reader",)
    )
    async with shell.write() as tx:
        await define_roles(tx, "probe", [pays, books])
        with pytest.raises(GrantError, match="role-joins"):
            await roles.compose(tx, chief, "both", Text("x", "x"), ["probe.read", "probe.write"])
        await roles.compose(tx, chief, "one", Text("x", "x"), ["probe.read", "probe.see"])


async def test_nobody_recomposes_a_role_that_they_hold(shell):
    chief = await shell.staff("chief", "C", ADMINISTRATOR, ScopeKind.ALL)
    second = await shell.staff("second", "C", ADMINISTRATOR, ScopeKind.ALL)
    deputy = await shell.staff("deputy", "U1")
    by, other = await chief.actor(), await second.actor()
    async with shell.write() as tx:
        key = await roles.compose(tx, by, "desk", Text("自", "Own"), ["probe.read"])
    await give(shell, other, chief.post, key)
    async with shell.write() as tx:
        with pytest.raises(GrantError, match="grant-to-oneself"):
            await roles.compose(tx, by, "desk", Text("自", "Own"), ["probe.write"])
        handed = await delegation.delegate(
            tx,
            second.post,
            deputy.person,
            by=second.person,
            starts_at=tx.now,
            ends_at=tx.now + timedelta(days=1),
            reason="x",
        )
        await roles.compose(tx, other, "desk", Text("自", "Own"), ["probe.write"])
        await roles.compose(tx, other, "mine", Text("自", "Own"), ["probe.read"])
    await give(shell, by, second.post, "own.mine")
    async with shell.write() as tx:  # who acts in the post holds it as well
        acting = await load_delegated(tx, deputy.person, "x", handed, generation=0)
        assert acting is not None
        with pytest.raises(GrantError, match="grant-to-oneself"):
            await roles.compose(tx, acting, "mine", Text("自", "Own"), ["probe.write"])


PAYS = RoleDefinition("probe.reader", Text("出纳", "Cashier"), ("probe.pay", "probe.see"))
BOOKS = RoleDefinition(
    "probe.writer", Text("会计", "Books"), ("probe.book", "probe.see"), None, ("probe.reader",)
)


async def test_a_role_that_carries_what_is_kept_apart_is_kept_apart(shell):
    chief = await (await shell.staff("chief", "C", ADMINISTRATOR, ScopeKind.ALL)).actor()
    staff = await shell.staff("staff", "U1")
    async with shell.write() as tx:
        await define_roles(tx, "probe", [PAYS, BOOKS])
        await roles.compose(tx, chief, "copy", Text("抄", "Copy"), ["probe.pay"])
        await roles.compose(tx, chief, "sees", Text("看", "Sees"), ["probe.see"])
    await give(shell, chief, staff.post, "probe.writer")
    with pytest.raises(Conflict, match="roles-exclude"):
        await give(shell, chief, staff.post, "own.copy")
    await give(shell, chief, staff.post, "own.sees")
    for permissions, excludes in ((["probe.pay"], []), (["probe.see"], ["probe.writer"])):
        with pytest.raises(Conflict, match="roles-exclude"):
            async with shell.write() as tx:
                await roles.compose(
                    tx, chief, "sees", Text("看", "Sees"), permissions, excludes=excludes
                )


async def test_two_who_give_together_do_not_join_what_is_kept_apart(shell):
    chief = await (await shell.staff("chief", "C", ADMINISTRATOR, ScopeKind.ALL)).actor()
    async with shell.write() as tx:
        await define_roles(tx, "probe", [PAYS, BOOKS])
    for n in range(5):
        staff = await shell.staff(f"staff{n}", "U1")
        given = await asyncio.gather(
            give(shell, chief, staff.post, "probe.reader"),
            give(shell, chief, staff.post, "probe.writer"),
            return_exceptions=True,
        )
        assert sum(isinstance(outcome, Conflict) for outcome in given) == 1, given


async def test_what_changed_is_told_newest_first(shell):
    chief = await shell.staff("chief", "C", ADMINISTRATOR, ScopeKind.ALL)
    staff = await shell.staff("staff", "U1")
    given = await give(shell, await chief.actor(), staff.post)
    async with shell.write() as tx:
        id = await delegation.delegate(
            tx,
            staff.post,
            chief.person,
            by=staff.person,
            starts_at=tx.now,
            ends_at=tx.now + timedelta(days=1),
            reason="x",
        )
    async with shell.write() as tx:
        await delegation.revoke(tx, id, by=staff.person)
        await withdraw(tx, given)
    async with shell.read() as tx:
        found = await changes(tx, person_id=staff.person)
        assert sorted(change.what for change in found) == [
            "delegated",
            "delegation-ended",
            "grant-ended",
            "granted",
        ]
        assert [change.at for change in found] == sorted((c.at for c in found), reverse=True)
        first = next(change for change in found if change.what == "granted")
        assert (first.person, first.by, first.role) == ("staff", "chief", "probe.reader")
        assert len(await changes(tx)) == 5


async def test_policy_tests_say_what_no_longer_holds(shell):
    staff = await shell.staff("staff", "T1", "probe.writer", ScopeKind.SUBTREE)
    units = {code: await shell.organization(code) for code in ("V11", "V21")}
    async with shell.write() as tx:
        for name, permission, unit, allowed in (
            ("a", "probe.write", None, True),
            ("b", "probe.write", "V11", True),
            ("c", "probe.write", "V21", False),
            ("d", "yimen.grants.manage", None, False),
            ("e", "probe.write", "V21", True),
        ):
            await policy.keep(
                tx,
                name,
                staff.person,
                permission,
                allowed=allowed,
                organization_id=units[unit] if unit else None,
            )
        with pytest.raises(GrantError, match="policy-taken"):
            await policy.keep(tx, "a", staff.person, "probe.write", allowed=True)
    async with shell.read() as tx:
        found = {item.name: item for item in await policy.run(tx)}
    assert [name for name, item in found.items() if not item.held] == ["e"]
    assert found["b"].by == str(staff.given)
    async with shell.write() as tx:
        await policy.forget(tx, found["e"].id)
        with pytest.raises(GrantError, match="policy-unknown"):
            await policy.forget(tx, found["e"].id)
        await disable(tx, staff.person)
    async with shell.read() as tx:
        assert [item.name for item in await policy.run(tx) if not item.held] == ["a", "b"]


async def test_a_request_is_made_once_and_decided_by_another(shell):
    chief = await (await shell.staff("chief", "C", ADMINISTRATOR, ScopeKind.ALL)).actor()
    staff = await shell.staff("staff", "U1")
    actor = await staff.actor()
    async with shell.write() as tx:
        id = await requests.ask(tx, actor, "probe.write", "办理")
        assert id is not None
        assert await requests.ask(tx, actor, "probe.write", "again") is None
        with pytest.raises(GrantError, match="grant-to-oneself"):
            await requests.settle(tx, id, by=actor, grant_id=None)
        assert (await requests.settle(tx, id, by=chief, grant_id=None)).username == "staff"
        with pytest.raises(GrantError, match="request-unknown"):
            await requests.settle(tx, id, by=chief, grant_id=None)
        for n in range(requests.MOST_OPEN):
            await requests.ask(tx, actor, f"probe.p{n}", "x")
        with pytest.raises(GrantError, match="request-many"):
            await requests.ask(tx, actor, "probe.more", "x")
    resident = await shell.actor(await shell.person("resident"), None)
    async with shell.write() as tx:
        with pytest.raises(GrantError, match="request-post"):
            await requests.ask(tx, resident, "probe.write", "x")


async def test_a_request_that_two_send_or_decide_at_once_is_one(shell):
    chief = await (await shell.staff("chief", "C", ADMINISTRATOR, ScopeKind.ALL)).actor()
    actor = await (await shell.staff("staff", "U1")).actor()

    async def ask(permission):
        async with shell.write() as tx:
            return await requests.ask(tx, actor, permission, "x")

    async def settle(id):
        async with shell.write() as tx:
            return await requests.settle(tx, id, by=chief, grant_id=None)

    for n in range(5):
        asked = await asyncio.gather(ask(f"probe.p{n}"), ask(f"probe.p{n}"))
        (id,) = (id for id in asked if id is not None)
        decided = await asyncio.gather(settle(id), settle(id), return_exceptions=True)
        assert sum(isinstance(outcome, GrantError) for outcome in decided) == 1, decided

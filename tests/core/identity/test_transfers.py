"""Transfer, several posts, leaving office: everything in one transaction or nothing."""

import asyncio

import pytest
from sqlalchemy import select
from sqlmodel import col

from core.access.models import Grant
from core.hub import people as hub_people
from core.identity import people, transfers
from core.identity.models import SignInSession
from core.identity.people import PersonError
from core.work.items import hand_over, inbox, open_item, waiting_in_posts
from core.work.models import WorkItem
from plugin_sdk.ports import To
from plugin_sdk.views import Phrase


async def work_for(shell, staff, code, subject):
    unit = await shell.organization(code)
    async with shell.write() as tx:
        to = To(person_id=staff.person, organization_id=unit)
        await open_item(tx, "probe", subject, to, subject, "/x", label=Phrase("l"), due_at=None)


async def state(shell, person):
    """Everything that may end, as it stands."""
    async with shell.read() as tx:
        grants = await tx.session.execute(
            select(col(Grant.id), col(Grant.revoked_at)).order_by(col(Grant.id))
        )
        sessions = await tx.session.execute(
            select(
                col(SignInSession.id), col(SignInSession.post_id), col(SignInSession.ended_at)
            ).where(col(SignInSession.person_id) == person)
        )
        items = await tx.session.execute(
            select(col(WorkItem.id), col(WorkItem.person_id)).order_by(col(WorkItem.id))
        )
        return (
            await people.posts(tx, [person], ended=True),
            await people.person(tx, person),
            grants.all(),
            sessions.all(),
            items.all(),
        )


async def subjects(shell, actor):
    async with shell.read() as tx:
        return [item.subject for item in await inbox(tx, actor)]


async def test_a_transfer_ends_the_grants_and_leaves_the_work_behind(shell):
    staff = await shell.staff("staff", "U1", "probe.writer")
    token = await shell.sign_in(staff.person)
    await work_for(shell, staff, "U1", "open")
    town = await shell.organization("T1")
    async with shell.write() as tx:
        new = await transfers.transfer(tx, staff.post, town, "所长")
    actor = await shell.services.actors.of_token(token)
    assert (actor.post_id, actor.organization_code, actor.post_title) == (new, "T1", "所长")
    assert actor.permits_for("probe.write", shell.database.clock()) == ()
    assert await subjects(shell, actor) == []
    colleague = await shell.staff("colleague", "U1")
    assert await subjects(shell, await colleague.actor()) == ["open"]
    async with shell.write() as tx:
        for post, unit, code in ((staff.post, town, "post-unknown"), (new, town, "post-same")):
            with pytest.raises(PersonError, match=code):
                await transfers.transfer(tx, post, unit, "所长")


async def test_a_new_title_in_the_same_unit_keeps_the_work(shell):
    staff = await shell.staff("staff", "U1")
    await work_for(shell, staff, "U1", "open")
    unit = await shell.organization("U1")
    async with shell.write() as tx:
        new = await transfers.transfer(tx, staff.post, unit, "主任")
        assert await waiting_in_posts(tx, staff.person) == {unit: 1}
    assert await subjects(shell, await shell.actor(staff.person, new)) == ["open"]


async def test_leaving_office_ends_everything_and_hands_the_work_over(shell):
    staff = await shell.staff("staff", "U1", "probe.writer")
    second = await shell.post(staff.person, "T1")
    await shell.grant(second, "probe.reader")
    token = await shell.sign_in(staff.person)
    heir = await shell.staff("heir", "U1")
    clerk = await shell.staff("clerk", "T1")
    await work_for(shell, staff, "U1", "of the bureau")
    await work_for(shell, staff, "T1", "of the town")
    async with shell.write() as tx:
        count = await transfers.leave(
            tx, staff.person, successor_id=heir.person, keep_account=False
        )
    assert count == 2
    assert not (await shell.services.actors.of_token(token)).signed_in
    posts, who, grants, _, _ = await state(shell, staff.person)
    assert all(post.ends_at for post in posts)
    assert who is not None
    assert who.disabled
    assert all(revoked for _, revoked in grants)
    assert await subjects(shell, await heir.actor()) == ["of the bureau"]
    assert await subjects(shell, await clerk.actor()) == ["of the town"]


async def test_an_account_may_be_kept_for_matters_of_ones_own(shell):
    staff = await shell.staff("staff", "U1", "probe.writer")
    old = await shell.sign_in(staff.person)
    async with shell.write() as tx:
        await transfers.leave(tx, staff.person, keep_account=True)
    assert not (await shell.services.actors.of_token(old)).signed_in
    actor = await shell.services.actors.of_token(await shell.sign_in(staff.person))
    assert (actor.signed_in, actor.post_id) == (True, None)
    assert actor.permits_for("probe.write", shell.database.clock()) == ()


@pytest.mark.parametrize("act", ["transfer", "leave"])
async def test_one_failure_in_the_middle_leaves_all_as_it_was(shell, monkeypatch, act):
    staff = await shell.staff("staff", "U1", "probe.writer")
    await shell.post(staff.person, "T1")
    token = await shell.sign_in(staff.person)
    for code in ("U1", "T1"):
        await work_for(shell, staff, code, code)
    village = await shell.organization("V11")
    before = await state(shell, staff.person)
    calls = []
    whole = hand_over

    async def breaks(*args, **more):
        await whole(*args, **more)
        calls.append(args)
        if len(calls) == (1 if act == "transfer" else 2):
            raise ZeroDivisionError

    monkeypatch.setattr(hub_people, "hand_over", breaks)

    async def attempt():
        async with shell.write() as tx:
            if act == "transfer":
                await transfers.transfer(tx, staff.post, village, "书记")
            else:
                await transfers.leave(tx, staff.person, keep_account=False)

    with pytest.raises(ZeroDivisionError):
        await attempt()
    assert await state(shell, staff.person) == before
    actor = await shell.services.actors.of_token(token)
    assert actor.permits_for("probe.write", shell.database.clock())
    monkeypatch.setattr(hub_people, "hand_over", whole)
    await attempt()
    assert await state(shell, staff.person) != before


async def test_of_two_transfers_at_once_one_is_told(shell):
    staff = await shell.staff("staff", "U1")
    units = [await shell.organization(code) for code in ("T1", "T2")]

    async def attempt(unit):
        async with shell.write() as tx:
            return await transfers.transfer(tx, staff.post, unit, "岗")

    found = await asyncio.gather(*map(attempt, units), return_exceptions=True)
    assert sorted(type(one).__name__ for one in found) == ["PersonError", "UUID"]
    async with shell.read() as tx:
        assert len(await people.posts(tx, [staff.person])) == 1

"""继续填写: what was begun is kept until it is sent, and is its person's alone."""

import asyncio
import re

from sqlalchemy import select

from core.work.models import DraftRow
from plugins.hotline.tests.conftest import HERE
from plugins.hotline.tests.test_filing import photo
from portal.testing.hub import PASSWORD

NEW, KEEP = f"{HERE}/orders/new", f"{HERE}/orders/draft"
KEY = "a-filing-under-way"
TYPED = {"text": "路灯不亮\n连着五盏", "place": "建设路", "_key": KEY}


async def drafts(client):
    """Return what the home page lists below 继续填写: address and words."""
    page = (await client.page("/")).text
    listed = page.partition("继续填写</h2>")[2].partition("</section>")[0]
    found = re.findall(r'href="([^"]+)">([^<]+)</a><p class="row-facts"><span[^>]*>([^<]+)', listed)
    return {href: (title, lacking) for href, title, lacking in found}


async def test_a_draft_is_listed_with_what_it_lacks_and_goes_when_it_is_sent(desk):
    resident = await desk.client("resident")
    kept = await resident.post_form(KEEP, TYPED)
    assert kept.status_code == 303
    href = f"{NEW}?draft={KEY}"
    assert await drafts(resident) == {href: ("路灯不亮", "还差：类型")}
    page = (await resident.page(href)).text
    assert "连着五盏" in page
    assert 'value="建设路"' in page
    assert f'name="_key" value="{KEY}"' in page
    await resident.post_form(KEEP, {**TYPED, "kind": "help"})  # brought up to date, not doubled
    assert await drafts(resident) == {href: ("路灯不亮", "都填了，核对后提交")}
    sent = await resident.post_form(f"{HERE}/orders", {**TYPED, "kind": "help"})
    assert sent.status_code == 303
    assert await drafts(resident) == {}
    late = await resident.post_form(KEEP, TYPED)  # it was on its way while the form was sent
    assert late.status_code == 303
    assert await drafts(resident) == {}
    assert (await resident.page(href)).status_code == 404


async def test_a_photo_is_no_part_of_a_draft_and_is_named_as_lacking(desk):
    resident = await desk.client("resident")
    files = {"photos": ("a.jpg", photo(), "image/jpeg")}
    kept = await resident.post_form(f"{HERE}/snap/draft", TYPED, files=files)
    assert kept.status_code == 303
    assert list((await drafts(resident)).values()) == [("路灯不亮", "还差：照片")]


async def test_a_draft_is_its_persons_alone(desk):
    resident, other = await desk.client("resident"), await desk.client("resident2")
    await resident.post_form(KEEP, TYPED)
    await other.post_form(KEEP, {**TYPED, "text": "别人的事"})  # the same key is another's
    for client, title in ((resident, "路灯不亮"), (other, "别人的事")):
        assert [words[0] for words in (await drafts(client)).values()] == [title]
    assert (await other.post_form("/drafts/discard", {"draft": KEY})).status_code == 303
    assert await drafts(other) == {}
    assert len(await drafts(resident)) == 1
    visitor = desk.hub.client()
    assert (await visitor.post(KEEP, json=TYPED)).status_code in (401, 403)


async def test_drafts_are_bounded_in_number_size_and_age(desk):
    resident = await desk.client("resident")
    for n in range(12):
        await resident.post_form(KEEP, {**TYPED, "text": f"第 {n} 件", "_key": f"filing-{n:04}"})
        desk.hub.clock.move(seconds=1)
    kept = {title for title, _ in (await drafts(resident)).values()}
    assert kept == {f"第 {n} 件" for n in range(2, 12)}
    large = await resident.post_form(KEEP, {**TYPED, "text": "长" * 20_000})
    assert large.status_code == 413
    assert (await resident.post_form(KEEP, {**TYPED, "_key": "short"})).status_code == 400
    await resident.post_form(KEEP, {"_key": "nothing-was-typed", "text": " ", "kind": "help"})
    assert len(await drafts(resident)) == 10
    desk.hub.clock.move(days=31)
    assert await drafts(await desk.client("resident")) == {}


async def test_what_is_kept_at_once_is_kept_once(desk):
    resident = await desk.client("resident")
    answers = await asyncio.gather(*(resident.post_form(KEEP, TYPED) for _ in range(8)))
    assert {answer.status_code for answer in answers} == {303}
    assert len(await drafts(resident)) == 1


async def test_odd_characters_are_left_out_rather_than_refused(desk):
    resident = await desk.client("resident")
    kept = await resident.post(KEEP, json={**TYPED, "text": "路灯\x00不亮\u2028", "wish": "x"})
    assert kept.is_success, kept.text
    assert [title for title, _ in (await drafts(resident)).values()] == ["路灯不亮"]


async def test_on_a_public_computer_a_draft_ends_with_the_session(desk):
    async def client():
        found = desk.hub.client()
        form = {"username": "resident", "password": PASSWORD, "public_computer": True}
        found.csrf = (await found.post("/sign-in", json=form)).json()["csrf"]
        return found

    hall = await client()
    await hall.post_form(KEEP, TYPED)
    assert len(await drafts(hall)) == 1
    assert await drafts(await desk.client("resident")) == {}  # not even to the same person
    await hall.post_form("/sign-out", {})
    assert await drafts(await client()) == {}
    async with desk.hub.services.database.transaction() as tx:
        assert (await tx.session.execute(select(DraftRow))).all() == []


async def test_an_operator_keeps_no_drafts(desk):
    operator = await desk.client("operator")
    assert "存草稿" not in (await operator.page(f"{HERE}/intake")).text
    assert (await operator.post_form(f"{HERE}/intake/draft", TYPED)).status_code in (404, 405)

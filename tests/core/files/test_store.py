"""Stored pictures: one content, one session's link, nothing of another app."""

import io
from datetime import timedelta
from uuid import uuid4

import pytest
from PIL import Image

from core.access import behalf
from core.files.service import plain_name
from plugin_sdk.ports import Actor
from plugin_sdk.problems import Invalid


def picture(colour="red"):
    data = io.BytesIO()
    Image.new("RGB", (40, 30), colour).save(data, "PNG")
    return data.getvalue()


async def put(shell, subject="s:1", data=None):
    drawn = await shell.hub.files.draw("照片.png", data or picture())
    async with shell.hub.work(shell.hub.system("test")) as work:
        return await shell.hub.files.keep(work, subject, drawn)


async def test_a_link_opens_for_one_session_alone(shell):
    stored = await put(shell)
    people = [await shell.person(name) for name in ("one", "other")]
    actors = [await shell.of_session(await shell.sign_in(person)) for person in people]
    href = shell.hub.files.href(stored, actors[0])
    path, _, token = href.partition("?t=")
    assert path == f"/files/{stored.id}"
    files = shell.services.files
    async with shell.read() as tx:
        found = await files.open(tx, stored.id, token, actors[0])
        assert found is not None
        assert found[0] == stored
        assert found[1].startswith(b"\xff\xd8")  # re-encoded
        for actor, given in (
            (actors[1], token),
            (Actor(), token),
            (actors[0], ""),
            (actors[0], token[:-1] + ("0" if token[-1] != "0" else "1")),
            (actors[0], "é"),
        ):
            assert await files.open(tx, stored.id, given, actor) is None
        absent = uuid4()
        given = files.token(absent, actors[0], tx.now)
        assert await files.open(tx, absent, given, actors[0]) is None


async def test_a_link_opens_for_who_has_just_been_shown_the_page_and_runs_out(shell):
    stored = await put(shell)
    person = await shell.of_session(await shell.sign_in(await shell.person("one"), 10**6))

    async def opens(given, actor):
        async with shell.read() as tx:
            return await shell.services.files.open(tx, stored.id, given, actor) is not None

    def link(actor):
        return shell.hub.files.href(stored, actor).partition("?t=")[2]

    given = [(actor, link(actor)) for actor in (Actor(), person)]
    assert not await opens(given[0][1], person)
    shell.clock.move(minutes=14)
    for actor, token in given:
        assert await opens(token, actor)
    shell.clock.move(minutes=17)
    for actor, token in given:
        assert not await opens(token, actor)
        assert await opens(link(actor), actor)


async def test_a_link_is_closed_once_one_acts_as_another_or_for_nobody_any_more(shell):
    stored, unit = await put(shell), await shell.organization("T1")
    worker = await shell.staff("worker", "T1", "yimen.grid_worker")
    resident, token = await shell.person("resident"), await shell.sign_in(worker.person)
    own = await shell.of_session(token)
    async with shell.write() as tx:
        consent = await behalf.record_consent(
            tx,
            resident,
            organization_id=unit,
            scope=["probe"],
            given="phone",
            evidence="电话同意",
            ends_at=tx.now + timedelta(days=1),
            by=worker.person,
        )
        await behalf.begin(tx, own, consent)
    acting = await shell.of_session(token)
    given = shell.hub.files.href(stored, acting).partition("?t=")[2]

    async def opens():
        actor = await shell.of_session(token)
        async with shell.read() as tx:
            return await shell.services.files.open(tx, stored.id, given, actor) is not None

    assert acting.agent is not None
    assert await opens()
    async with shell.write() as tx:
        await behalf.revoke_consent(tx, consent, by=Actor(person_id=resident))
    assert not await opens()


async def test_files_are_listed_by_subject_and_kept_once(shell, tmp_path):
    first, second = await put(shell), await put(shell)
    await put(shell, "s:2", picture("blue"))
    async with shell.hub.read(shell.hub.system("test")) as read:
        assert await shell.hub.files.of(read, "s:1") == [first, second]
    assert len([p for p in (tmp_path / "home" / "files").rglob("*") if p.is_file()]) == 2


async def test_what_is_no_picture_is_refused_and_leaves_nothing(shell, tmp_path):
    for data in (b"", b"<svg onload='x'/>", b"GIF89a", b"<html>", picture()[:60]):
        with pytest.raises(Invalid):
            await put(shell, data=data or b"\0")
    assert not (tmp_path / "home" / "files").exists()


async def test_content_that_is_lost_is_absent(shell, tmp_path):
    stored = await put(shell)
    for path in (tmp_path / "home" / "files").rglob("*"):
        if path.is_file():
            path.unlink()
    async with shell.read() as tx:
        token = shell.services.files.token(stored.id, Actor(), tx.now)
        assert await shell.services.files.open(tx, stored.id, token, Actor()) is None


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("路灯 1.jpg", "路灯 1.jpg"),
        ("../../etc/passwd", "....etcpasswd"),
        ('<b onload="x">.jpg', "b onload=x.jpg"),
        ("a\x00b\r\n\u202egpj.exe", "abgpj.exe"),
        ("  ", "photo"),
        ("长" * 300, "长" * 100),
    ],
)
def test_a_name_is_a_name_and_nothing_more(sent, kept):
    assert plain_name(sent) == kept


async def test_an_app_hands_on_its_own_files_alone(shell):
    stored = await put(shell)
    files = shell.services.files
    async with shell.hub.read(shell.hub.system("test")) as read:
        assert (await shell.hub.files.content(read, stored)).startswith(b"\xff\xd8")
    async with shell.read() as tx:
        assert await files.content(tx, "another-app", stored.id) is None
        assert await files.content(tx, shell.hub.app, uuid4()) is None

"""One's sign-ins: named in words, ended one by one, last use written now and then."""

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlmodel import col

from core.identity.models import SignInSession
from portal.pages.own_sessions import device_in_words
from tests.portal.test_session import sign_in, signed_in

PHONE = (
    "Mozilla/5.0 (Linux; Android 12; HarmonyOS) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/99.0 Mobile Safari/537.36 MicroMessenger/8.0.40"
)
AGENTS = {
    PHONE: ("wechat", "harmony"),
    "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/120 Safari/537.36 Edg/120": (
        "edge",
        "windows",
    ),
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) Version/17.0 Mobile Safari/604.1": (
        "safari",
        "iphone",
    ),
    "Mozilla/5.0 (X11; Linux x86_64; rv:120.0) Gecko/20100101 Firefox/120.0": ("firefox", "linux"),
}


def test_a_device_is_named_as_people_call_it():
    for agent, (browser, system) in AGENTS.items():
        words = device_in_words(agent)
        assert words.params["browser"].key == f"session.browser.{browser}"
        assert words.params["system"].key == f"session.on.{system}"
    assert device_in_words("python-httpx/0.28").key == "session.device.program"
    assert device_in_words("").key == "session.device.unknown"


async def test_one_sign_in_is_ended_and_nobody_elses(hub_app):
    here, there = [await hub_app.client_as("operator") for _ in range(2)]
    public = hub_app.client()
    await sign_in(public, public_computer=True, headers={"user-agent": PHONE})
    shown = (await here.get("/me/sessions")).json()["sessions"]
    assert [one["current"] for one in shown] == [True, False, False]
    assert sum(one["public"] for one in shown) == 1
    page = await here.page("/me/sessions")
    assert "鸿蒙设备上的微信" in page.text
    assert all(client.cookies["yimen"] not in page.text for client in (here, there, public))
    other = await hub_app.client_as("resident")
    for one in shown:
        answer = await other.post("/me/sessions/end", json={"session": one["handle"]})
        assert answer.status_code == 404
    (named,) = [one["handle"] for one in shown if one["public"]]
    answer = await here.post_form("/me/sessions/end", {"session": named})
    assert (answer.status_code, answer.headers["location"]) == (303, "/me/sessions")
    assert not await signed_in(public)
    assert await signed_in(there)
    assert (await here.post("/me/sessions/end", json={"session": named})).status_code == 404
    assert (await here.post("/me/sessions/end", data={"session": named})).status_code == 403


@pytest.mark.parametrize("engine_kind", ["embedded"], indirect=True)
async def test_last_use_is_written_once_for_many_requests(hub_app):
    actors = hub_app.services.actors
    await actors.renew()
    client = await hub_app.client_as("operator")

    async def seen():
        async with hub_app.services.database.transaction() as tx:
            rows = await tx.session.execute(
                select(col(SignInSession.seen_at), col(SignInSession.created_at))
            )
            return rows.one()

    hub_app.clock.move(minutes=20)
    for _ in range(3):
        assert await signed_in(client)
    first, created = await seen()
    assert first == created  # no request has written
    await actors.write_seen()
    written, _ = await seen()
    assert timedelta(minutes=20) <= written - created < timedelta(minutes=21)
    shown = (await client.get("/me/sessions")).json()["sessions"][0]["facts"]
    assert written.isoformat()[:19] in str(shown)

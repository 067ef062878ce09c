"""Doors behind the door: seen in redirects and on pages, and nothing made of what is no door."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from core.apps.door import Door
from core.apps.registry import LoadedApp
from core.apps.slots import Gate, Instance, Slot
from core.usage import exits
from core.usage.exits import Exits, host_elsewhere, sign_ins_elsewhere

OWN = frozenset({"yimen.example"})
PAGE = """<a href="https://old.example/user/Login.do?x=1">旧系统</a>
<form method=post action='//sso.city.example:8443/go'><A HREF = "http://cas.example/cas/in?a&amp;b">
<meta http-equiv="refresh" content="0;url=https://wx.example/connect/oauth2/authorize">
<a href="https://yimen.example/sign-in">登录</a> <a href="/sign-in">登录</a>
<a href="https://zh.example/%E7%99%BB%E5%BD%95">登录</a> <a href="https://news.example/castle/case">读</a>
<a href="https://[broken/login">坏</a> https://text.example/login <a href="javascript://x.example/login">x</a>"""


def test_a_page_leads_to_a_sign_in_by_the_words_of_its_addresses():
    hosts = {"old.example", "sso.city.example", "cas.example", "wx.example", "zh.example"}
    assert sign_ins_elsewhere(PAGE, OWN) == hosts
    assert sign_ins_elsewhere("<a href='https://" * 9_000, OWN) == set()


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("https://Old.Example:8443/a", "old.example"),
        ("//old.example", "old.example"),
        ("/apps/x/login", None),
        ("https://yimen.example/apps/x", None),
        ("https://yimen.example@evil.example/", "evil.example"),
        ("mailto:a@old.example", None),
        ("", None),
        ("https://[::1", None),
        ("https://" + "a" * 200 + ".example/", "*"),
        ("https://门.example/", "*"),
    ],
)
def test_what_leads_elsewhere_is_a_host_of_another(address, host):
    assert host_elsewhere(address, OWN) == host


class Counted:
    """Stands for the counts of a worker."""

    def __init__(self) -> None:
        self.found: list[tuple[str, str, str, str]] = []

    def exit(self, *what: str) -> None:
        self.found.append(what)  # type: ignore[arg-type]  # four words

    def nothing(self, *_: Any) -> None:
        """Count nothing."""

    request = count = opened = nothing


def door_of(counted: Any, answer: Any) -> Door:
    """A door with one app behind it, which answers so."""
    door = Door(counted, counted, Exits(counted, OWN), counted.nothing, counted.nothing)
    instance = Instance(LoadedApp(id="old"))
    instance.asgi = answer
    door.slots = {"old": Slot(instance, Gate(state="enabled"))}
    return door


async def ask(door: Door, *, channel: str = "web") -> list[Any]:
    """Ask the app for a page, as the front door does."""
    exchange = SimpleNamespace(
        actor=SimpleNamespace(organization_id=None),
        channel=channel,
        status=0,
        started=False,
        location=b"",
        referer=b"",
        blameless=False,
        refused=0,
    )
    sent: list[Any] = []

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            exchange.status, exchange.started = message["status"], True
            exchange.location = dict(message["headers"]).get(b"location", b"")
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": "/apps/old/x", "yimen": exchange}
    await door(scope, None, send)
    await door._exits.read()
    return sent


def answering(status: int, headers: dict[bytes, bytes], *parts: bytes) -> Any:
    async def answer(scope: Any, receive: Any, send: Any) -> None:
        scope["path_template"] = "/x"
        listed = list(headers.items())
        await send({"type": "http.response.start", "status": status, "headers": listed})
        for part in parts:
            await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body"})

    return answer


async def test_every_redirect_elsewhere_is_counted_by_the_door():
    counted = Counted()
    door = door_of(counted, answering(302, {b"location": b"https://old.example/login?t=1"}))
    for _ in range(3):
        await ask(door, channel="api")
    assert counted.found == [("old", "GET /x", "old.example", "redirect")] * 3
    door = door_of(counted, answering(303, {b"location": b"/apps/old/y"}))
    await ask(door)
    assert len(counted.found) == 3


async def test_one_page_of_a_feature_is_looked_through_an_hour_and_sent_as_it_is(monkeypatch):
    counted, html = Counted(), {b"content-type": b"text/html; charset=utf-8"}
    half, rest = PAGE.encode()[:40], PAGE.encode()[40:]
    door = door_of(counted, answering(200, html, half, rest))
    sent = await ask(door)
    assert b"".join(message.get("body", b"") for message in sent) == PAGE.encode()
    assert {host for *_, host, _ in counted.found} >= {"old.example", "cas.example"}
    seen = len(counted.found)
    monkeypatch.setattr(exits, "LOOK_SECONDS", 0.0)
    door._exits._next_look.clear()
    await asyncio.gather(*(ask(door) for _ in range(20)))
    assert len(counted.found) == seen, "within the hour it is not looked at again"
    door._exits._looked = dict.fromkeys(door._exits._looked, 0.0)  # an hour is over
    await ask(door, channel="api")
    assert len(counted.found) == seen, "programs read no pages"
    await ask(door)
    assert len(counted.found) == 2 * seen


@pytest.mark.parametrize(
    ("status", "headers"),
    [
        (404, {b"content-type": b"text/html"}),
        (200, {b"content-type": b"application/json"}),
        (200, {b"content-type": b"text/html", b"content-encoding": b"br"}),
        (200, {}),
    ],
)
async def test_what_is_no_page_is_not_looked_through(status, headers):
    counted = Counted()
    await ask(door_of(counted, answering(status, headers, PAGE.encode())))
    assert counted.found == []


async def test_what_is_read_and_what_is_told_apart_is_bounded():
    counted, html = Counted(), {b"content-type": b"text/html"}
    long = b" " * exits.MOST_BYTES + PAGE.encode()
    assert len(await ask(door_of(counted, answering(200, html, long)))) == 3
    assert counted.found == []
    looked = Exits(counted, OWN)  # type: ignore[arg-type]  # it stands for Usage
    for n in range(100):
        looked.redirected("old", "GET /x", f"https://h{n}.example/".encode())
    assert len({host for *_, host, _ in counted.found}) == exits.MOST_HOSTS + 1

"""An old app is linked by following docs/linking.md, unchanged but for its settings: a Django
project whose own login is mozilla-django-oidc."""

import asyncio
import html
import os
import re
import shutil
import socket
import sys
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import httpx
import pytest
from sqlalchemy import select
from sqlmodel import col

from core.identity.models import LegacyUser, Person
from core.settings import OWN_MACHINE
from portal.testing import linked
from portal.testing.hub import PASSWORD

DIARY = Path(linked.__file__).parent / "diary"

pytestmark = pytest.mark.parametrize("engine_kind", ["embedded"], indirect=True)


@pytest.fixture
def port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@pytest.fixture
def make_hub(make_hub, tmp_path, port):
    """Hubs with the manifest of the old app, as step 1 of the guide has it written."""
    grants = tmp_path / "asked"
    shutil.copytree(linked.GRANTS, grants)
    file = grants / "linked" / "diary.toml"
    text = file.read_text(encoding="utf-8").replace(":8901", f":{port}")
    file.write_text(text, encoding="utf-8")
    return partial(make_hub, grants=grants, outside_networks=OWN_MACHINE)


def found(pattern, page):
    """What stands in a page."""
    match = re.search(pattern, page.text, re.DOTALL)
    assert match is not None, page.text[:2000]
    return match[1]


async def copied(hub, address):
    """Register the client (step 2) and return the settings of its page that are the app's (3)."""
    admin = await hub.client_as("administrator")
    form = {
        "name_zh": "工作日志",
        "name_en": "Work diary",
        "id": "diary",
        "app": "diary",
        "stack": "django",
        "address": address,
        "_csrf": admin.csrf,
    }
    page = await admin.post("/admin/clients/new", data=form, headers={"accept": "text/html"})
    assert page.status_code == 201, page.text
    text = html.unescape(found(r"<pre[^>]*>(# settings\.py.*?)</pre>", page))
    names = ("OIDC_", "AUTHENTICATION_BACKENDS", "LOGIN_URL", "LOGOUT_REDIRECT_URL")
    return "\n".join(line for line in text.splitlines() if line.startswith(names))


@asynccontextmanager
async def old_app(folder, port, settings, *accounts):
    """The old app with settings, in a process of its own."""
    file = folder / "local.py"
    file.write_text(settings, encoding="utf-8")
    environment = {**os.environ, "DIARY_SETTINGS": str(file), "DIARY_FOLDER": str(folder)}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-W", "ignore", str(DIARY / "wsgi.py"), str(port), *accounts),
        cwd=DIARY,
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        line = await asyncio.wait_for(process.stdout.readline(), 60)
        assert line == b"serves\n", (await process.stderr.read()).decode()
        yield
    finally:
        process.kill()
        await process.communicate()


async def know_as(hub, username, legacy_id):
    """Enter under which id the old app knew a person (step 4)."""
    async with hub.services.database.transaction(write=True) as tx:
        ids = select(col(Person.id)).where(col(Person.username) == username)
        person_id = (await tx.session.execute(ids)).scalar_one()
        known = {"system": "diary", "legacy_id": legacy_id, "person_id": person_id}
        tx.session.add(LegacyUser(**known, created_at=tx.now))


async def test_an_old_app_is_linked_by_its_settings_alone(served_hub, tmp_path, port):
    hub, there = served_hub, f"http://127.0.0.1:{port}"
    await hub.staff("diary")
    settings = await copied(hub, there)
    await know_as(hub, "unit", "old-007")
    settings += "\nOIDC_RENEW_ID_TOKEN_EXPIRY_SECONDS = 1\n"  # it asks again after a second
    folder = tmp_path / "diary"
    folder.mkdir()
    async with (
        old_app(folder, port, settings, "old-007"),
        httpx.AsyncClient(follow_redirects=True, timeout=30) as browser,
    ):
        signed = await browser.post(
            f"{hub.url}/sign-in", json={"username": "unit", "password": PASSWORD}
        )
        assert signed.status_code == 200, signed.text
        # from the tile, without a password, as the one that the app always knew
        home = await browser.get(f"{hub.url}/apps/diary/", headers={"accept": "text/html"})
        assert "diary of old-007" in home.text, (home.url, home.text[:2000])
        assert str(home.url) == f"{there}/"
        # it makes sure again who it is, and nobody sees a page of it
        await asyncio.sleep(1.1)
        again = await browser.get(f"{there}/")
        assert "diary of old-007" in again.text
        assert [str(step.url).split("?")[0] for step in again.history] == [
            f"{there}/",
            f"{hub.url}/oidc/authorize",
            f"{there}/oidc/callback/",
        ]
        # and out of both: the diary leads to the hub, which leads back, to where one signs in
        token = found(r'name="csrfmiddlewaretoken" value="([^"]+)"', again)
        out = await browser.post(f"{there}/oidc/logout/", data={"csrfmiddlewaretoken": token})
        assert f"{hub.url}/oidc/logout" in [str(step.url).split("?")[0] for step in out.history]
        assert str(out.url).startswith(f"{hub.url}/sign-in"), out.url
        assert (await browser.get(f"{hub.url}/me")).status_code == 401
    admin = await hub.client_as("administrator")
    trace = (await admin.get("/admin/clients/diary/trace", headers={"accept": "text/html"})).text
    assert "没有通过" not in trace
    assert trace.count("取令牌") >= 2

"""A client from npm, openid-client, against a hub that runs."""

import asyncio
import json
import shutil
import sys
from pathlib import Path

import httpx
import pytest

from portal.testing.engines import missing
from portal.testing.hub import PASSWORD
from tests.portal.oidc.relying import CALLBACK, LEFT, register

CLIENT = Path(__file__).parent / "node" / "client.mjs"
LIBRARY = Path(sys.prefix) / "node" / "node_modules" / "openid-client" / "build" / "index.js"


@pytest.mark.parametrize("engine_kind", ["embedded"], indirect=True)
async def test_a_client_from_npm_signs_in_refreshes_and_signs_out(served_hub):
    node = shutil.which("node")
    if node is None or not LIBRARY.exists():
        missing("openid-client", "see .ci/run: it needs Node, and npm ci into .venv/node")
    rp = await register(served_hub, scopes=("openid", "profile"))
    asked = (served_hub.url, rp.id, str(rp.secret), CALLBACK, LEFT)
    program = await asyncio.create_subprocess_exec(
        *(node, str(CLIENT), LIBRARY.as_uri(), *asked),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    told, says, complains = program.stdin, program.stdout, program.stderr
    assert told
    assert says
    assert complains

    async def said():
        line = await asyncio.wait_for(says.readline(), 30)
        assert line, (await complains.read()).decode()
        return json.loads(line)

    async with httpx.AsyncClient(timeout=30) as browser:
        account = {"username": "unit", "password": PASSWORD}
        assert (await browser.post(f"{served_hub.url}/sign-in", json=account)).status_code == 200

        async def goes(step):
            """Go where the client leads, and tell it where that led to."""
            answer = await browser.get(step["go"], headers={"accept": "text/html"})
            assert answer.status_code == 303, answer.text[:2000]
            told.write(f"{answer.headers['location']}\n".encode())

        try:
            await goes(await said())
            inside = await said()
            await goes(inside)
            outside = await said()
        finally:
            if program.returncode is None:
                program.terminate()
            await program.communicate()
    del inside["go"]
    assert inside == {"user": "unit", "refreshed": True, "active": True}
    assert outside == {"state": True, "active": False, "error": "invalid_grant"}

"""Debian's Apache with mod_auth_openidc before an old app, set as the client's page says."""

import html
import signal
import socket
import threading
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest
from sqlalchemy import func, select
from sqlmodel import col

from core.identity.provider import trace
from core.identity.provider.models import ClientSignIn, RefreshToken
from core.settings import OWN_MACHINE
from portal.testing.browser import until
from portal.testing.engines import missing
from portal.testing.hub import PASSWORD
from portal.testing.processes import EngineUnavailable, Folder, Process
from tests.portal.linked.test_old_app import found

APACHE = Path("/usr/sbin/apache2")
MODULES = Path("/usr/lib/apache2/modules")
LOADED = ("mpm_event", "authn_core", "authz_core", "authz_user", "proxy", "proxy_http")
SERVER = """\
ServerName 127.0.0.1
Listen 127.0.0.1:{port}
PidFile {folder}/pid
Mutex file:{folder}
ErrorLog {folder}/errors
LogLevel warn
ThreadsPerChild 8
StartServers 1
MaxRequestWorkers 8
{modules}
"""

pytestmark = pytest.mark.parametrize("engine_kind", ["embedded"], indirect=True)


class OldApp(BaseHTTPRequestHandler):
    """An app that believes what the proxy before it says of who has come."""

    def do_GET(self):
        body = f"diary of {self.headers['OIDC_CLAIM_preferred_username']}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def behind():
    """The address of the old app, which only the proxy knows."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), OldApp)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


@pytest.fixture
def make_hub(make_hub):
    """Hubs that may tell apps on this machine of sign-outs."""
    return partial(make_hub, outside_networks=OWN_MACHINE)


@pytest.fixture
def apache():
    """Start Apache with settings on a port."""
    if not APACHE.exists() or not (MODULES / "mod_auth_openidc.so").exists():
        missing("Apache", "install Debian's apache2-bin and libapache2-mod-auth-openidc")
    started = []

    def start(port, settings):
        folder = Folder()
        named = [*LOADED, "auth_openidc"]
        lines = [f"LoadModule {name}_module {MODULES}/mod_{name}.so" for name in named]
        text = SERVER.format(port=port, folder=folder.path, modules="\n".join(lines))
        file = folder.write("httpd.conf", text + settings)
        serve = [str(APACHE), "-f", file, "-DFOREGROUND"]
        process = Process(folder, [], serve, signal.SIGTERM)
        started.append(process)

        def answers():
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", port)) == 0

        try:
            process.wait_until(answers)
        except EngineUnavailable as unavailable:
            pytest.fail(str(unavailable))

    yield start
    for process in started:
        process.end()


async def test_apache_signs_in_refreshes_and_signs_out(served_hub, apache, behind):
    hub = served_hub
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    there = f"http://127.0.0.1:{port}"
    admin = await hub.client_as("administrator")
    form = {"name_zh": "日志", "name_en": "Diary", "id": "diary", "stack": "apache"}
    page = await admin.post(
        "/admin/clients/new",
        data={**form, "address": there, "_csrf": admin.csrf},
        headers={"accept": "text/html"},
    )
    settings = html.unescape(found(r"<pre[^>]*>(# a reverse proxy.*?)</pre>", page))
    settings = settings.replace("http://127.0.0.1:8080/", behind)
    # each request refreshes, for no access token lasts as long as this
    always = "OIDCRefreshAccessTokenBeforeExpiry 700 logout_on_error"
    apache(port, settings + f'<Location "/">\n{always}\n</Location>\n')

    async def counted(statement):
        async with hub.services.database.transaction() as tx:
            return (await tx.session.execute(statement)).scalar_one()

    async def told():
        await hub.settle()
        async with hub.services.database.transaction() as tx:
            steps = await trace.of_client(tx, "diary")
        return any(step.step == "backchannel" for step in steps)

    async def signs_in():
        account = {"username": "unit", "password": PASSWORD}
        assert (await browser.post(f"{hub.url}/sign-in", json=account)).status_code == 200
        home = await browser.get(f"{there}/", headers={"accept": "text/html"})
        assert home.text == "diary of unit", (home.url, home.text[:2000])

    spent = select(func.count()).where(col(RefreshToken.spent_at).is_not(None))
    live = select(func.count()).where(col(ClientSignIn.ended_at).is_(None))
    async with httpx.AsyncClient(follow_redirects=True, timeout=30) as browser:
        await signs_in()
        before = await counted(spent)
        for _ in range(2):
            assert (await browser.get(f"{there}/")).text == "diary of unit"
        assert await counted(spent) == before + 2
        assert await counted(live) == 1
        # out from the app: of the hub too
        out = await browser.get(f"{there}/oidc", params={"logout": f"{there}/"})
        assert f"{hub.url}/oidc/logout" in [str(step.url).split("?")[0] for step in out.history]
        assert str(out.url).startswith(f"{hub.url}/sign-in"), out.url
        assert await counted(live) == 0
        # out from the hub: the app is told, and knows nobody any more
        await signs_in()
        left = await browser.post(f"{hub.url}/sign-out", json={}, headers={"origin": hub.url})
        assert left.status_code < 400, left.text
        await until(told)
        gone = await browser.get(f"{there}/", follow_redirects=False)
        assert gone.status_code == 302, gone.text
    async with hub.services.database.transaction() as tx:
        steps = await trace.of_client(tx, "diary")
    assert {step.step for step in steps} == {
        "authorize",
        "token",
        "userinfo",
        "logout",
        "backchannel",
    }
    assert {step.outcome for step in steps} == {"done"}

"""Fixtures for app authors: the hub over real HTTP, and a phone that looks at it.

async def test_orders(served_hub, phone):
    tab = await phone()
    await sign_in(tab, served_hub.url, "resident")
    await tab.goto(f"{served_hub.url}/apps/hotline/orders")

What the browser complains of (console errors, errors of scripts, a refused policy, another
host, an asset that is not there, an answer of 500 or above) fails the test at its end.
`YIMEN_SCREENSHOTS` names a folder for pictures of what each window showed last.
"""

import asyncio
import contextlib
import os
import re
import shutil
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

import pytest

from portal.testing.engines import missing
from portal.testing.hub import PASSWORD, HubMaker, HubUnderTest
from portal.testing.processes import EngineUnavailable, Folder, Process

if TYPE_CHECKING:
    from playwright.async_api import Browser, Page, Response

PHONE = (390, 844)
DESKTOP = (1280, 800)
SWITCHES = (
    "--headless",
    "--no-sandbox",  # the pages are our own
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--remote-debugging-port=0",
)
EXPECTED = {400, 401, 403, 404, 409, 422, 429, 503}  # a page may be answered so on purpose


class Phone(Protocol):
    """Opens a window of a browser with a cookie jar of its own; phone-sized by default."""

    def __call__(
        self,
        *,
        script: bool = True,
        lang: str = "zh-CN",
        elder: bool = False,
        size: tuple[int, int] = PHONE,
    ) -> "Awaitable[Page]":
        """Return an empty page; its display is already chosen by cookies."""


class ServedHub(HubUnderTest):
    """A hub that answers over HTTP at `url`, in this very event loop."""

    url: str


class Complaints:
    """What a browser complained of while a test looked at pages of one host."""

    def __init__(self) -> None:
        self.found: list[str] = []
        self.hosts: set[str] = set()

    def watch(self, page: "Page") -> None:
        """Listen to a page from now on."""
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.found.append(f"script: {error}"))
        page.on("response", self._answered)

    def _said(self, message: Any) -> None:
        text = message.text
        if message.type in ("error", "warning") and "Failed to load resource" not in text:
            self.found.append(f"console: {text}")

    def _answered(self, response: "Response") -> None:
        parts = urlsplit(response.url)
        if parts.scheme not in ("http", "https"):
            return
        if parts.netloc not in self.hosts:
            self.found.append(f"another host: {response.url}")
        kind, status = response.request.resource_type, response.status
        expected = kind in ("document", "xhr", "fetch") and status in EXPECTED
        if status >= 400 and not expected:
            self.found.append(f"{status}: {response.url}")


@pytest.fixture(scope="session")
def chromium_address() -> Iterator[str]:
    """The address at which this run's Chromium takes orders; it ends with the run."""
    named = os.environ.get("YIMEN_CHROMIUM") or "/usr/bin/chromium"
    program = named if Path(named).exists() else shutil.which("chromium")
    if program is None:
        missing("Chromium", f"there is none at {named} (YIMEN_CHROMIUM names another)")
    try:
        folder = Folder()
        serve = [program, *SWITCHES, f"--user-data-dir={folder.path}/profile", "about:blank"]
        process = Process(
            folder, [], ["/usr/bin/env", f"HOME={folder.path}", *serve], signal.SIGTERM
        )
        said = folder.path / "profile" / "DevToolsActivePort"
        process.wait_until(lambda: said.exists() and "\n" in said.read_text())
    except EngineUnavailable as unavailable:
        missing("Chromium", str(unavailable))
    yield f"http://127.0.0.1:{said.read_text().split()[0]}"
    process.end()


@pytest.fixture
async def browser(chromium_address: str) -> "AsyncIterator[Browser]":
    """The headless browser of this run, as playwright's asynchronous API has it."""
    try:
        from playwright.async_api import async_playwright
    except ImportError as error:
        missing("playwright", str(error))
    async with async_playwright() as playwright:
        connected = await playwright.chromium.connect_over_cdp(chromium_address)
        yield connected
        await connected.close()


@pytest.fixture
async def served_hub(make_hub: HubMaker) -> AsyncIterator[ServedHub]:
    """A hub with the demonstration county, its jobs running, over HTTP on a port of its own."""
    import uvicorn

    class Server(uvicorn.Server):
        @contextlib.contextmanager
        def capture_signals(self) -> Iterator[None]:  # they are pytest's
            yield

    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    made = await make_hub(background=True, public_url=url)
    hub = ServedHub(made.hub, made.clock)
    hub.url = url
    config = uvicorn.Config(
        made.hub,
        http="httptools",
        ws="none",
        lifespan="off",  # `make_hub` has started it, and closes it
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=2,
    )
    server = Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started:
        await asyncio.sleep(0.01)
        if serving.done():
            serving.result()
    yield hub
    server.should_exit = True
    await serving


@pytest.fixture
def hosts() -> set[str]:
    """The hosts that a test's pages may lead to besides the hub; override it to name some."""
    return set()


@pytest.fixture
async def phone(
    browser: "Browser", served_hub: ServedHub, hosts: set[str], request: pytest.FixtureRequest
) -> AsyncIterator[Phone]:
    """Open phones that watch over what the browser says: see `Phone` for what may be chosen."""
    opened: list[Page] = []
    complaints = Complaints()
    port = urlsplit(served_hub.url).port
    complaints.hosts |= hosts | {
        f"127.0.0.1:{port}",
        f"localhost:{port}",
    }  # passkeys hold for the latter

    async def open_phone(
        *,
        script: bool = True,
        lang: str = "zh-CN",
        elder: bool = False,
        size: tuple[int, int] = PHONE,
    ) -> "Page":
        context = await browser.new_context(
            java_script_enabled=script,
            viewport={"width": size[0], "height": size[1]},
            has_touch=size == PHONE,
            locale=lang,
        )
        context.set_default_timeout(20_000)
        cookies: list[Any] = [{"name": "lang", "value": lang, "url": served_hub.url}]
        if elder:
            cookies.append({"name": "mode", "value": "elder", "url": served_hub.url})
        await context.add_cookies(cookies)
        page = await context.new_page()
        complaints.watch(page)
        opened.append(page)
        return page

    yield open_phone
    folder = os.environ.get("YIMEN_SCREENSHOTS")
    for number, page in enumerate(opened):
        if folder:
            name = f"{re.sub(r'[^a-z0-9]+', '-', request.node.name)}-{number}.png"
            await page.screenshot(path=Path(folder) / name, full_page=True)
        await page.context.close()
    assert complaints.found == [], "the browser complained"


async def sign_in(page: "Page", url: str, role: str, *, next: str = "/") -> None:
    """Sign one of the cast in, as a person does it: through the form."""
    await page.goto(f"{url}/sign-in?next={next}")
    await page.fill("#f-username", role)
    await page.fill("#f-password", PASSWORD)
    await page.click("[data-submit]")
    await page.wait_for_url(f"{url}{next}")


async def until(found: Callable[[], Awaitable[bool]], seconds: float = 20.0) -> None:
    """Wait until something the hub does soon has happened. Raises `TimeoutError`."""
    async with asyncio.timeout(seconds):
        while not await found():  # noqa: ASYNC110  (nothing tells us)
            await asyncio.sleep(0.05)

"""The protocol's addresses, for everybody: GeoReport v2 at `/open311/v2/`."""

import re
from collections.abc import Awaitable, Callable
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.datastructures import UploadFile
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from plugin_sdk.forms import read_pairs
from plugin_sdk.problems import NotFound, Problem
from plugin_sdk.routes import PUBLIC, actor_of, needs
from plugin_sdk.views import Phrase
from plugins.hotline.desk import OrderDesk
from plugins.hotline.open311 import filing, keys, reading
from plugins.hotline.open311.asked import is_extended, read_asked, single
from plugins.hotline.open311.reading import V2
from plugins.hotline.open311.services import definition, described, screened, services
from plugins.hotline.open311.wire import ANY_SITE, Format, Refusal, answer, refused

Ask = Request[Any, Any, Any]
Answering = Callable[[Format], Awaitable[Response[bytes]]]

SPECIFICATION: Final = "http://wiki.open311.org/GeoReport_v2"
CHANGESET: Final = "2026-11-26 00:00"
"""When services and definitions last changed: clients that keep them look at it."""
KEPT: Final = {"Cache-Control": "public, max-age=3600", "Vary": "Cookie, Authorization"}
"""Services tell of nobody, and may be kept in each reader's language; requests may not, for they
can be taken back."""
FORMS: Final = ("application/x-www-form-urlencoded", "multipart/form-data")
"""What a POST is sent as: the protocol's, and what clients with photos send beside it."""
MEDIA: Final = ("media", "media[]")
READS, POSTS = 300, 60
"""How many GET and POST one network may send in a minute (`open311_reads`, `open311_posts`)."""
_IDEMPOTENCY = re.compile(r"[\x21-\x7e]{1,100}")


def of(desk: OrderDesk) -> list[HTTPRouteHandler]:
    """Return the routes of the protocol."""
    api = GeoReport(desk)

    @get(f"{V2}/{{what:str}}", opt=needs(PUBLIC), operation_id="open311")
    async def show(request: Ask, what: FromPath[str]) -> Response[bytes]:
        """Answer GeoReport v2: discovery, services or requests, as `.json` or `.xml`."""
        name, _, extension = what.rpartition(".")
        found = {"discovery": api.discovery, "services": api.services, "requests": api.requests}
        return await api.answer(request, extension, found.get(name))

    @post(f"{V2}/{{what:str}}", opt=needs(PUBLIC), operation_id="open311-file", status_code=200)
    async def file(request: Ask, what: FromPath[str]) -> Response[bytes]:
        """File a request by GeoReport v2: `requests.json` or `requests.xml`, as a form."""
        name, _, extension = what.rpartition(".")
        return await api.answer(request, extension, {"requests": api.file}.get(name), changes=True)

    @get(f"{V2}/services/{{code:str}}", opt=needs(PUBLIC), operation_id="open311-service")
    async def show_service(request: Ask, code: FromPath[str]) -> Response[bytes]:
        """Define a service: what it asks for."""
        return await api.one(request, code, api.definition)

    @get(f"{V2}/requests/{{number:str}}", opt=needs(PUBLIC), operation_id="open311-request")
    async def show_request(request: Ask, number: FromPath[str]) -> Response[bytes]:
        """Show a public request."""
        return await api.one(request, number, api.request)

    @get(f"{V2}/tokens/{{token:str}}", opt=needs(PUBLIC), operation_id="open311-token")
    async def show_token(request: Ask, token: FromPath[str]) -> Response[bytes]:
        """Say which request a token stands for."""
        return await api.one(request, token, api.token)

    @get(f"{V2}/media/{{number:str}}/{{n:int}}", opt=needs(PUBLIC), operation_id="open311-media")
    async def show_media(request: Ask, number: FromPath[str], n: FromPath[int]) -> Response[bytes]:
        """Show a photo of a public request."""
        hub = desk.hub
        await api.admit(request, "reads", READS)
        async with hub.read(hub.system("open311")) as read:
            file, content = await reading.photo(desk, read, number, n)
        headers = {
            **ANY_SITE,
            "Cache-Control": "no-store",
            "Cross-Origin-Resource-Policy": "cross-origin",
        }
        return Response(content, media_type=file.media_type, headers=headers)

    return [show, file, show_service, show_request, show_token, show_media]


class GeoReport:
    """The protocol over the orders of one hub."""

    def __init__(self, desk: OrderDesk) -> None:
        self.desk = desk
        self.hub = desk.hub
        self.jurisdiction = str(
            self.hub.settings.get("open311_jurisdiction") or urlsplit(self.hub.site).hostname or ""
        )

    # --- how every address answers ------------------------------------------------------

    async def one(
        self,
        request: Ask,
        what: str,
        found: Callable[[Ask, Format, str], Awaitable[Response[bytes]]],
    ) -> Response[bytes]:
        """Answer for one thing: `<id>.<format>`."""
        id, _, extension = what.rpartition(".")

        async def answering(asked: Ask, format: Format) -> Response[bytes]:
            return await found(asked, format, id)

        return await self.answer(request, extension, answering)

    async def answer(
        self,
        request: Ask,
        extension: str,
        found: Callable[[Ask, Format], Awaitable[Response[bytes]]] | None,
        *,
        changes: bool = False,
    ) -> Response[bytes]:
        """Answer in the format asked for; what is refused too. Unknown formats, to which XML is
        the answer, and unknown resources are 404."""
        format = Format(extension) if extension in set(Format) else None
        try:
            if format is None:
                raise refused(404, "format")
            if found is None:
                raise refused(404, "resource")
            if changes:
                await self.admit(request, "posts", POSTS)
            else:
                await self.admit(request, "reads", READS)
                self._rule(single(_queried(request), "jurisdiction_id"))
            return await found(request, format)
        except NotFound:
            return self._refuse(request, format, refused(404, "request"))
        except Refusal as refusal:
            return self._refuse(request, format, refusal)
        except Problem as problem:
            said = Phrase(f"{problem.words}.detail", problem.params)
            wait = problem.headers.get("Retry-After")
            status = 429 if problem.status == 429 else 400
            return self._refuse(request, format, Refusal(status, said, wait=int(wait or 0) or None))

    async def admit(self, request: Ask, name: str, most: int) -> None:
        """Count a request of a network. Raises `Problem` (`too-many`, 429)."""
        most = int(self.hub.settings.get(f"open311_{name}", most))
        if await self.hub.hit(f"open311:{name}:{self.hub.pages.network(request)}", 60) > most:
            raise Problem("too-many", status=429, headers={"Retry-After": "60"})

    def _rule(self, jurisdiction: str) -> None:
        """Refuse another jurisdiction: there is one, so that it may be left out."""
        if jurisdiction not in ("", self.jurisdiction):
            raise refused(404, "jurisdiction", id=jurisdiction[:60], own=self.jurisdiction)

    def _refuse(self, request: Ask, format: Format | None, refusal: Refusal) -> Response[bytes]:
        errors = [
            {"code": refusal.status, "description": self._say(request, one)} for one in refusal.said
        ]
        headers = {"Retry-After": str(refusal.wait)} if refusal.wait else None
        return answer(format or Format.XML, "errors", errors, refusal.status, headers)

    def _say(self, request: Ask, words: Phrase) -> str:
        return self.hub.pages.say(words, actor_of(request).language)

    # --- what it answers -----------------------------------------------------------------

    async def discovery(self, request: Ask, format: Format) -> Response[bytes]:
        """Say where the protocol is spoken, and in which formats."""
        endpoint = {
            "specification": SPECIFICATION,
            "url": f"{self.hub.site}/apps/{self.hub.app}{V2}",
            "changeset": CHANGESET,
            "type": str(self.hub.settings.get("open311_type", "production")),
            "formats": ["text/xml", "application/json"],
        }
        found = {
            "changeset": CHANGESET,
            "contact": self._say(request, Phrase("hotline.open311.contact")),
            "key_service": self._say(request, Phrase("hotline.open311.key_service")),
            "endpoints": [endpoint],
        }
        return answer(format, "discovery", found, headers=KEPT)

    async def services(self, request: Ask, format: Format) -> Response[bytes]:
        """List the services."""
        found = described(self.hub, actor_of(request).language)
        return answer(format, "services", found, headers=KEPT)

    async def definition(self, request: Ask, format: Format, code: str) -> Response[bytes]:
        """Define a service."""
        if not code:
            raise refused(400, "no-service")
        service = services().get(code)
        if service is None:
            raise refused(404, "service", code=code[:60])
        found = definition(self.hub, service, actor_of(request).language)
        return answer(format, "service_definition", found, headers=KEPT)

    async def requests(self, request: Ask, format: Format) -> Response[bytes]:
        """List what is public."""
        asked = read_asked(_queried(request), self.hub.now())
        async with self.hub.read(self.hub.system("open311")) as read:
            found = await reading.find(read, asked)
        said = await reading.described(self.desk, found, extended=asked.extended)
        return answer(format, "service_requests", said)

    async def request(self, request: Ask, format: Format, number: str) -> Response[bytes]:
        """Show what is public of one request."""
        if not number:
            raise refused(400, "no-request")
        extended = is_extended(_queried(request))
        async with self.hub.read(self.hub.system("open311")) as read:
            found = await reading.one(read, number)
        said = await reading.described(self.desk, [found], extended=extended)
        return answer(format, "service_requests", said)

    async def token(self, request: Ask, format: Format, token: str) -> Response[bytes]:
        """Say which request a token stands for; before there is one, the token alone."""
        if not token:
            raise refused(400, "no-token")
        try:
            id = UUID(token)
        except ValueError:
            raise refused(404, "token") from None
        async with self.hub.read(self.hub.system("open311")) as read:
            number = await filing.number_of(read, id)
        found = {"service_request_id": number, "token": token} if number else {"token": token}
        return answer(format, "service_requests", [found])

    async def file(self, request: Ask, format: Format) -> Response[bytes]:
        """File a request: an order at once, or a token where the county looks first."""
        if request.content_type[0] not in FORMS:
            raise refused(400, "content-type")
        pairs = await read_pairs(request)
        values = _queried(request) | _grouped(pairs)
        self._rule(single(values, "jurisdiction_id"))
        secret = single(values, "api_key")
        if not secret:
            raise refused(403, "no-key")
        system = self.hub.system("open311")
        async with self.hub.read(system) as read:
            key_id = await keys.held(self.hub, read, secret)
        regions = await self.desk.regions()
        said = self._say(request, Phrase("hotline.open311.media"))
        sent = filing.read_sent(values, regions, said)
        again = self._repeated(request, key_id)
        media = [value for name, value in pairs if name in MEDIA and isinstance(value, UploadFile)]
        sent = await filing.drawn(self.hub, sent, media)
        await self.desk.prepare()
        async with self.hub.work(system) as work:
            await keys.use(self.hub, work, key_id)
            if screened(self.hub):
                order = await filing.known_order(work, sent, again)
            else:
                order = await filing.open_order(self.desk, work, sent, again)
            if order is None:
                kept = await filing.keep(self.desk, work, sent, key_id, again)
                found = {"token": str(kept.id)}
            else:
                found = {
                    "service_request_id": order.number,
                    "service_notice": self._say(request, Phrase("hotline.open311.notice")),
                }
        return answer(format, "service_requests", [found])

    def _repeated(self, request: Ask, key_id: UUID) -> str | None:
        """Return what makes a repeated request the same one, None where its sender gives none."""
        given = request.headers.get("idempotency-key")
        if given is None:
            return None
        if not _IDEMPOTENCY.fullmatch(given):
            raise refused(400, "idempotency-key")
        return f"open311:{key_id}:{given}"


def _queried(request: Ask) -> dict[str, list[str]]:
    return _grouped(request.query_params.multi_items())


def _grouped(pairs: Any) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        if isinstance(value, str):
            found.setdefault(name, []).append(value)
    return found

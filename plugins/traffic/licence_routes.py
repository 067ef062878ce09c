"""The routes of the electronic licence, and of checking it or the paper of an accident, which
needs no sign-in."""

from typing import Annotated, Any

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, QueryParameter

from plugin_sdk.deadlines import local_day
from plugin_sdk.forms import Form, read_form
from plugin_sdk.ports import Actor, Answer
from plugin_sdk.problems import NotFound
from plugin_sdk.routes import PUBLIC, actor_of, needs, respond
from plugin_sdk.sources import Known, freshness
from plugin_sdk.views import FactView, Phrase
from plugins.traffic.accidents import papers
from plugins.traffic.binding import SourceAway
from plugins.traffic.desk import Desk
from plugins.traffic.overview import mask_file_number, standing_of
from plugins.traffic.sources import NAME, Licence
from plugins.traffic.views import LicenceView, VerifyView
from plugins.traffic.violations import still_counts

Ask = Request[Any, Any, Any]
Code = Annotated[str, QueryParameter(max_length=40)]


def licence_routes(desk: Desk) -> list[HTTPRouteHandler]:
    """Return the handlers of the licence's page, its codes, and their check."""
    return [*_showing(desk), *_checking(desk)]


def _showing(desk: Desk) -> list[HTTPRouteHandler]:
    hub = desk.hub

    async def page(actor: Actor) -> tuple[LicenceView, Known]:
        async with hub.read(actor) as read:
            row = await desk.binding.licence(read)
        if row is None:
            raise NotFound
        known = await desk.police.engine.ask(desk.binding.licence_asks(row)[0])
        view = LicenceView(
            title=Phrase("traffic.licence.title"),
            facts=_facts(desk, known, row.file_number),
            fresh=freshness(known, hub.now(), NAME),
            make_href=desk.overview.href("/licence/code"),
            minutes=desk.licences.minutes,
        )
        return view, known

    @get("/licence", opt=needs("vehicle.own"), operation_id="licence")
    async def show_licence(request: Ask) -> Response[Any]:
        """Show one's electronic licence."""
        view, _ = await page(actor_of(request))
        return await respond(hub, request, Answer(view=view))

    @post("/licence/code", opt=needs("vehicle.own", body=Form), operation_id="licence-code")
    async def make_code(request: Ask) -> Response[Any]:
        """Make a code by which anybody can check the licence for some minutes. Nobody is shown a
        licence as good of which the source says otherwise, or has long said nothing."""
        actor = actor_of(request)
        await read_form(request, Form, actor)
        view, known = await page(actor)
        if known.fault is None and known.record is None:
            raise NotFound
        if known.fault == "wrong" or not still_counts(known, hub.now()):
            raise SourceAway
        async with hub.work(actor) as work:  # without a key: it must not be kept for a replay
            row = await desk.binding.licence(work)
            if row is None:
                raise NotFound
            view.code, view.expires_at = await desk.licences.make(work, row)
        view.check_href = desk.overview.href(f"/verify/{view.code}")
        return await respond(hub, request, Answer(view=view, status=201))

    return [show_licence, make_code]


def _facts(desk: Desk, known: Known, file_number: str) -> list[FactView]:
    record: Licence | None = known.record
    if record is None:
        return [_fact("file_number", mask_file_number(file_number))]
    left, period = standing_of(record, known, desk.hub.now())
    return [
        _fact("name", record.name),
        _fact("classes", record.classes),
        _fact("valid_until", record.valid_until),
        _fact("points_left", None if left is None else Phrase("traffic.points", {"n": left})),
        _fact("period", period),
        _fact("file_number", mask_file_number(file_number)),
    ]


def _fact(name: str, value: Any) -> FactView:
    return FactView(Phrase(f"traffic.licence.field.{name}"), value)


def _checking(desk: Desk) -> list[HTTPRouteHandler]:
    hub = desk.hub

    async def verdict(code: str) -> VerifyView:
        view = VerifyView(
            title=Phrase("traffic.verify.title"),
            state="asked",
            state_label="",
            tone="state",
            facts=[],
            code=code,
            action=desk.overview.href("/verify"),
        )
        if not code:
            return view
        if len(code) == papers.LENGTH:
            return await paper(view)
        checked = await desk.licences.check(code)
        if checked is None:
            view.state, view.tone = "unknown", "late"
        elif checked.known is None or checked.known.record is None:
            view.state, view.tone, view.expires_at = "expired", "late", checked.expires_at
        else:
            view.state, view.tone, view.expires_at = "good", "ok", checked.expires_at
            record: Licence = checked.known.record
            standing = "valid" if record.valid_until >= local_day(hub.now()) else "over"
            view.facts = [
                _fact("name", record.name),
                _fact("classes", record.classes),
                _fact("valid_until", record.valid_until),
                _fact("standing", Phrase(f"traffic.licence.standing.{standing}")),
            ]
            view.fresh = freshness(checked.known, hub.now(), NAME)
        view.state_label = Phrase(f"traffic.verify.state.{view.state}")
        return view

    async def paper(view: VerifyView) -> VerifyView:
        checked = await desk.accidents.papers.check(view.code)
        if checked is None:
            view.state, view.tone = "unknown", "late"
        else:
            view.state, view.facts = checked.state, checked.facts
            view.tone = "ok" if checked.state == "good" else "late"
            view.expires_at = checked.expires_at
        view.state_label, view.paper = Phrase(f"traffic.verify.paper.{view.state}"), True
        return view

    async def answer(request: Ask, code: str) -> Response[Any]:
        view = await verdict("".join(code.split()).upper())  # shown in groups
        status = 404 if view.state == "unknown" else 200
        return await respond(hub, request, Answer(view=view, status=status))

    @get("/verify", opt=needs(PUBLIC), operation_id="verify-entry")
    async def verify_typed(request: Ask, code: Code = "") -> Response[Any]:
        """Ask for the code of a licence, and check one that was typed."""
        return await answer(request, code)

    @get("/verify/{code:str}", opt=needs(PUBLIC), operation_id="verify")
    async def verify(request: Ask, code: FromPath[str]) -> Response[Any]:
        """Check the code of a licence."""
        return await answer(request, code[:40])

    return [verify_typed, verify]

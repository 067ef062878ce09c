"""The routes of one's own vehicles, licence and violations."""

from typing import Annotated, Any, Final

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, QueryParameter

from plugin_sdk.cases.desk import Way
from plugin_sdk.deadlines import local_day
from plugin_sdk.forms import F, Form, Submission
from plugin_sdk.ports import Actor, Answer, Read, Work
from plugin_sdk.problems import NotFound
from plugin_sdk.routes import actor_of, needs, respond
from plugin_sdk.taking import BLANK, Of, Typed, form_routes, take
from plugin_sdk.views import FactView, FormView, Money, Phrase
from plugins.traffic.binding import Proof
from plugins.traffic.desk import Desk
from plugins.traffic.forms import LicenceForm, ObjectionForm, ReleaseForm, VehicleForm
from plugins.traffic.identifiers import shown_plate
from plugins.traffic.objections import AFTERWARDS
from plugins.traffic.overview import mask_file_number
from plugins.traffic.simulated import Simulated
from plugins.traffic.violations import listed

Ask = Request[Any, Any, Any]
Which = Annotated[str, QueryParameter(max_length=40)]
OWN: Final = "vehicle.own"
DEALS: Final = "violation.own"
HINTS: Final = frozenset({"plate", "vin_tail", "file_number"})


def own_routes(desk: Desk) -> list[HTTPRouteHandler]:
    """Return the handlers of what people have bound, and of its violations."""
    return [
        *_mine(desk),
        *_binding(desk),
        *_unbinding(desk),
        *_violations(desk),
        *_acting(desk),
        *_release(desk),
    ]


def _mine(desk: Desk) -> list[HTTPRouteHandler]:
    hub = desk.hub

    @get("/mine", opt=needs(OWN), operation_id="mine")
    async def mine(request: Ask) -> Response[Any]:
        """Show one's vehicles and licence, what waits to be dealt with first."""
        standing = await desk.violations.standing(actor_of(request))
        view = desk.overview.mine(standing, hub.now())
        return await respond(hub, request, Answer(view=view))

    return [mine]


def _form(desk: Desk, form: type[Form], name: str, path: str, typed: Typed) -> FormView:
    return FormView(
        title=Phrase(f"traffic.{name}.title"),
        intro=Phrase(f"traffic.{name}.intro"),
        action=desk.overview.href(path),
        verb=Phrase(f"traffic.{name}.verb"),
        fields=typed.fields(form, "traffic", hints=HINTS),
        conflict=typed.conflict,
        cancel=desk.overview.href("/mine"),
    )


async def _papers(desk: Desk, actor: Actor) -> list[FactView]:
    """Return, where the source is simulated, what stands in the papers of the actor's vehicles
    that are not bound yet: in a demonstration nobody holds any."""
    provider, index = desk.police.provider, desk.hub.numbers.index
    owner = await desk.hub.numbers.own(actor)
    if owner is None or not isinstance(provider, Simulated):
        return []
    async with desk.hub.read(actor) as read:
        bound = {row.plate for row in await desk.binding.vehicles(read)}
    return [
        FactView(Phrase("traffic.bind-vehicle.papers"), f"{shown_plate(plate)} · {tail}")
        for plate, tail in await provider.vehicles(lambda number: index(number) == owner)
        if plate not in bound
    ]


def _binding(desk: Desk) -> list[HTTPRouteHandler]:
    hub, binding = desk.hub, desk.binding

    def pages(form: type[F], name: str, path: str, prove: Any, bind: Any) -> list[HTTPRouteHandler]:
        async def show(read: Read, typed: Typed = BLANK) -> FormView:
            return _form(desk, form, name, path, typed)

        @get(f"{path}/new", opt=needs(OWN, start=True), operation_id=f"{name}-form")
        async def show_form(request: Ask) -> Response[Any]:
            """Show the form that binds it."""
            view = _form(desk, form, name, path, BLANK)
            if form is VehicleForm:
                view.about = await _papers(desk, actor_of(request))
            return await respond(hub, request, Answer(view=view))

        @post(path, opt=needs(OWN, body=form, start=True), operation_id=name)
        async def bind_it(request: Ask) -> Response[Any]:
            """Bind it, after proof that it is one's own."""
            actor, unit = actor_of(request), await desk.unit()
            proofs: list[Proof] = []

            async def before(sent: F) -> None:
                proofs.append(await prove(actor, sent))

            async def do(work: Work, sent: Submission[F]) -> Answer:
                await bind(work, proofs[0], unit)
                said = Phrase(f"traffic.{name}.said")
                view = _form(desk, form, name, path, BLANK)
                here = desk.overview.href("/mine")
                return Answer(view=view, location=here, status=201, said=said)

            return await take(hub, request, form, show, do, before)

        return [show_form, bind_it]

    return [
        *pages(
            *(VehicleForm, "bind-vehicle", "/vehicles"),
            *(binding.prove_vehicle, binding.bind_vehicle),
        ),
        *pages(
            *(LicenceForm, "bind-licence", "/licence"),
            *(binding.prove_licence, binding.bind_licence),
        ),
    ]


def _unbinding(desk: Desk) -> list[HTTPRouteHandler]:
    hub, binding = desk.hub, desk.binding

    def form(name: str, path: str, called: str, typed: Typed) -> FormView:
        view = _form(desk, Form, name, path, typed)
        view.about = [FactView(Phrase(f"traffic.{name}.about"), called)]
        return view

    async def show_vehicle(read: Read, of: Of, typed: Typed) -> FormView:
        row = await binding.vehicle(read, of["id"])
        path = f"/vehicles/{row.id}/unbind"
        return form("unbind-vehicle", path, shown_plate(row.plate), typed)

    async def unbind_vehicle(work: Work, of: Of, sent: Form) -> Answer:
        await binding.unbind_vehicle(work, of["id"])
        return _gone(desk, "unbind-vehicle")

    async def show_licence(read: Read, of: Of, typed: Typed) -> FormView:
        row = await binding.licence(read)
        if row is None:
            raise NotFound
        return form("unbind-licence", "/licence/unbind", mask_file_number(row.file_number), typed)

    async def unbind_licence(work: Work, of: Of, sent: Form) -> Answer:
        await binding.unbind_licence(work)
        return _gone(desk, "unbind-licence")

    return [
        *form_routes(
            *(hub, Form, OWN),
            name="unbind-vehicle",
            does="Take a vehicle off.",
            at="/vehicles/{id:uuid}/unbind",
            show=show_vehicle,
            do=unbind_vehicle,
        ),
        *form_routes(
            *(hub, Form, OWN),
            name="unbind-licence",
            does="Take the licence off.",
            at="/licence/unbind",
            show=show_licence,
            do=unbind_licence,
        ),
    ]


def _gone(desk: Desk, name: str) -> Answer:
    view = _form(desk, Form, name, "/mine", BLANK)
    here = desk.overview.href("/mine")
    return Answer(view=view, location=here, said=Phrase(f"traffic.{name}.said"))


def _violations(desk: Desk) -> list[HTTPRouteHandler]:
    hub, violations, overview = desk.hub, desk.violations, desk.overview

    @get("/violations", opt=needs(DEALS), operation_id="violations")
    async def list_violations(request: Ask, of: Which = "") -> Response[Any]:
        """List the violations of one's vehicles and licence, or of one of them."""
        standing = await violations.standing(actor_of(request))
        if of and all(str(one.row.id) != of for one in standing.bound):
            raise NotFound
        view = overview.violations(standing, of, hub.now())
        return await respond(hub, request, Answer(view=view))

    @get("/violations/{number:str}", opt=needs(DEALS), operation_id="violation")
    async def show_violation(request: Ask, number: FromPath[str]) -> Response[Any]:
        """Show a violation with its evidence."""
        actor = actor_of(request)
        standing = await violations.standing(actor)
        async with hub.read(actor) as read:
            item, _ = await violations.find(read, number)
        known = next(one.violations for one in standing.bound if item in listed(one.violations))
        handling = standing.handled.get(number)
        last = desk.objections.last_day(item.at)
        afterwards = handling is None or handling.state in AFTERWARDS
        late = local_day(hub.now()) > last or not afterwards
        view = overview.violation(
            *(item, standing.state(item), handling, known),
            *(None if late else last, hub.now()),
        )
        return await respond(hub, request, Answer(view=view))

    @get("/violations/{number:str}/pictures/{n:int}", opt=needs(DEALS), operation_id="evidence")
    async def show_picture(
        request: Ask, number: FromPath[str], n: FromPath[int]
    ) -> Response[bytes]:
        """Return a picture of the evidence, drawn anew."""
        async with hub.read(actor_of(request)) as read:
            item, _ = await violations.find(read, number)
        return await _picture(desk, item.pictures, n)

    @get(
        "/objections/{number:str}/evidence/{n:int}",
        opt=needs("objection.read"),
        operation_id="objection-evidence",
    )
    async def show_evidence(
        request: Ask, number: FromPath[str], n: FromPath[int]
    ) -> Response[bytes]:
        """Return a picture of what is objected to, to whoever may see the objection."""
        async with hub.read(actor_of(request)) as read:
            row = await desk.objections.engine.find(read, number)
        return await _picture(desk, tuple(row.pictures), n)

    return [list_violations, show_violation, show_picture, show_evidence]


async def _picture(desk: Desk, keys: tuple[str, ...], n: int) -> Response[bytes]:
    if not 0 <= n < len(keys):
        raise NotFound
    content = await desk.police.engine.picture(keys[n])
    if content is None:
        raise NotFound
    drawn = await desk.hub.files.draw(f"{keys[n]}.jpg", content)
    headers = {"cache-control": "private, max-age=300", "x-content-type-options": "nosniff"}
    return Response(drawn.data, media_type=drawn.media_type, headers=headers)


def _acting(desk: Desk) -> list[HTTPRouteHandler]:
    hub, violations, overview = desk.hub, desk.violations, desk.overview

    async def show_accept(read: Read, of: Of, typed: Typed) -> FormView:
        item, _ = await violations.find(read, of["number"])
        here = f"/violations/{item.number}"
        view = _form(desk, Form, "accept", f"{here}/accept", typed)
        view.cancel = overview.href(here)
        view.about = [
            FactView(Phrase("traffic.violation.field.plate"), shown_plate(item.plate)),
            FactView(Phrase("traffic.violation.field.what"), item.what),
            FactView(Phrase("traffic.violation.field.points"), _points(item.points)),
            FactView(Phrase("traffic.violation.field.fine"), Money(item.fine)),
        ]
        return view

    async def accept(work: Work, of: Of, sent: Form) -> Answer:
        row = await violations.accept(work, of["number"])
        view = await show_accept(work, of, BLANK)
        here = overview.href(f"/violations/{row.number}")
        return Answer(view=view, location=here, said=Phrase("traffic.accept.said"))

    objections = desk.objections
    new = f"{objections.here}/new"
    way = Way(form=ObjectionForm, name="new", here=new, action=objections.here, check=new)

    @get(
        "/violations/{number:str}/object",
        opt=needs("objection.file", start=True),
        operation_id="object",
    )
    async def object_to(request: Ask, number: FromPath[str]) -> Response[Any]:
        """Show the form of an objection to a violation of one's own."""
        async with hub.read(actor_of(request)) as read:
            item, _ = await violations.find(read, number)
            view = await objections.new_view(read, way, Typed(values={"violation": item.number}))
        return await respond(hub, request, Answer(view=view))

    return [
        *form_routes(
            *(hub, Form, DEALS),
            name="accept",
            does="Accept a violation.",
            at="/violations/{number:str}/accept",
            show=show_accept,
            do=accept,
            start=True,
        ),
        object_to,
    ]


def _points(n: int) -> Phrase:
    return Phrase("traffic.points", {"n": n})


def _release(desk: Desk) -> list[HTTPRouteHandler]:
    async def show(read: Read, of: Of, typed: Typed) -> FormView:
        view = _form(desk, ReleaseForm, "release", "/release", typed)
        view.cancel = desk.objections.here
        return view

    async def release(work: Work, of: Of, form: ReleaseForm) -> Answer:
        await desk.binding.release(work, form)
        view = await show(work, of, BLANK)
        said = Phrase("traffic.release.said")
        return Answer(view=view, location=desk.objections.here, said=said)

    return form_routes(
        *(desk.hub, ReleaseForm, "binding.release"),
        name="release",
        does="Free a vehicle from whoever has bound it.",
        at="/release",
        show=show,
        do=release,
    )

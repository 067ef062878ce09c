"""The routes of payments: lists, a payment, its receipt, refunds, findings, figures; where the
provider brings its notices; and where the grant says `simulated`, the page where one pays."""

from typing import Annotated, Any

import msgspec
from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, QueryParameter
from sqlmodel import col

from plugin_sdk.figures import figures_route
from plugin_sdk.forms import read_form
from plugin_sdk.payments import findings, refunds
from plugin_sdk.payments.desk import PaymentDesk
from plugin_sdk.payments.forms import DecideForm, RefundForm, Settled, SettleForm, SimulatedForm
from plugin_sdk.payments.simulated import SimulatedProvider
from plugin_sdk.ports import Answer, Read, Work
from plugin_sdk.problems import Conflict, NotFound
from plugin_sdk.routes import PUBLIC, actor_of, needs, respond
from plugin_sdk.taking import Of, Typed, form_routes, keeping
from plugin_sdk.views import FormView, Phrase, View

Ask = Request[Any, Any, Any]
Number = FromPath[str]
Stage = Annotated[str, QueryParameter(name="state", max_length=20)]
Cursor = Annotated[str, QueryParameter(name="cursor", max_length=200)]


class Received(msgspec.Struct):
    """What a notice is answered."""

    received: bool = True


def payment_routes(desk: PaymentDesk) -> list[HTTPRouteHandler]:
    """Return the handlers of payments, each marked with its permission."""
    kinds = [_reading, _giving_back, _settling, _receiving]
    if isinstance(desk.engine.provider, SimulatedProvider):
        kinds.append(_simulating)
    return [route for kind in kinds for route in kind(desk)]


def _reading(desk: PaymentDesk) -> list[HTTPRouteHandler]:
    hub, payments, path = desk.hub, desk.payments, desk.payments.path

    @get(path, opt=needs(payments.read), operation_id="payment-list")
    async def list_payments(request: Ask, stage: Stage = "", cursor: Cursor = "") -> Response[Any]:
        """List the payments in scope, what moved last first."""
        async with hub.read(actor_of(request)) as read:
            view = await desk.list_view(read, stage, cursor)
        return await respond(hub, request, Answer(view=view))

    @get(f"{path}/{{number:str}}", opt=needs(payments.read), operation_id="payment")
    async def show_payment(request: Ask, number: Number) -> Response[Any]:
        """Show a payment: what is owed, where to pay, what came in and went back."""
        async with hub.read(actor_of(request)) as read:
            view = await desk.payment_view(read, await desk.find(read, number))
        return await respond(hub, request, Answer(view=view))

    @get(f"{path}/{{number:str}}/receipt", opt=needs(payments.read), operation_id="payment-receipt")
    async def show_receipt(request: Ask, number: Number) -> Response[Any]:
        """Show the receipt of what was paid, to print."""
        async with hub.read(actor_of(request)) as read:
            view = desk.receipt_view(await desk.find(read, number))
        return await respond(hub, request, Answer(view=view))

    figures = figures_route(
        hub,
        payments.reconcile,
        desk.figures_view,
        name="payment-figures",
        at=f"{path}/figures",
    )
    return [list_payments, show_payment, show_receipt, figures]


def _giving_back(desk: PaymentDesk) -> list[HTTPRouteHandler]:
    engine, payments = desk.engine, desk.payments

    async def show_refund(read: Read, of: Of, typed: Typed) -> View:
        return desk.refund_form(await desk.find(read, of["number"]), typed)

    async def refund(work: Work, of: Of, form: RefundForm) -> Answer:
        row = await engine.by_number(work, of["number"])
        if row is None:
            raise NotFound
        await work.require(payments.refund, row)
        made = await refunds.propose(engine, work, row, form.reason, version=form.version)
        await work.session.flush()
        return Answer(
            view=await desk.payment_view(work, row),
            location=engine.href(row.number),
            said=Phrase(f"payments.refund.{made.state}"),
        )

    async def show_decide(read: Read, of: Of, typed: Typed) -> View:
        table = engine.tables.refund
        found = await read.session.execute(read.rows(table).where(col(table.id) == of["id"]))
        proposed = found.scalar_one_or_none()
        if proposed is None or proposed.state != "proposed":
            raise NotFound
        payment = engine.tables.payment
        rows = read.rows(payment).where(col(payment.id) == proposed.payment_id)
        row = (await read.session.execute(rows)).scalar_one()
        return desk.decide_form(row, proposed, typed)

    async def decide(work: Work, of: Of, form: DecideForm) -> Answer:
        row = await refunds.decide(engine, work, of["id"], form.decision, form.reason)
        await work.session.flush()
        return Answer(
            view=await desk.payment_view(work, row),
            location=engine.href(row.number),
            said=Phrase(f"payments.decided.{form.decision}"),
        )

    return [
        *form_routes(
            desk.hub,
            RefundForm,
            payments.refund,
            name="payment-refund",
            does="Give a payment back, or propose it to a second person.",
            at=f"{payments.path}/{{number:str}}/refund",
            show=show_refund,
            do=refund,
        ),
        *form_routes(
            desk.hub,
            DecideForm,
            payments.refund,
            name="payment-refund-decide",
            does="Decide as the second person on a proposed refund.",
            at=f"{payments.path}/refunds/{{id:uuid}}",
            show=show_decide,
            do=decide,
        ),
    ]


def _settling(desk: PaymentDesk) -> list[HTTPRouteHandler]:
    hub, engine, payments = desk.hub, desk.engine, desk.payments

    at = f"{payments.path}/findings"

    @get(at, opt=needs(payments.reconcile), operation_id="payment-findings")
    async def list_findings(request: Ask) -> Response[Any]:
        """List what does not agree with the provider, what is open first."""
        async with hub.read(actor_of(request)) as read:
            view = await desk.findings_view(read)
        return await respond(hub, request, Answer(view=view))

    async def show(read: Read, of: Of, typed: Typed) -> FormView:
        table = engine.tables.finding
        found = await read.session.execute(read.rows(table).where(col(table.id) == of["id"]))
        finding = found.scalar_one_or_none()
        if finding is None:
            raise NotFound
        return await desk.settle_form(read, finding, typed)

    async def settle(work: Work, of: Of, form: SettleForm) -> Answer:
        await findings.settle(engine, work, of["id"], form.note, back=form.how is Settled.BACK)
        await work.session.flush()
        return Answer(
            view=await desk.findings_view(work),
            location=engine.href("findings"),
            said=Phrase("payments.findings.said"),
        )

    settling = form_routes(
        hub,
        SettleForm,
        payments.reconcile,
        name="payment-finding-settle",
        does="Settle what does not agree with the provider.",
        at=f"{at}/{{id:uuid}}",
        show=show,
        do=settle,
    )
    return [list_findings, *settling]


def _receiving(desk: PaymentDesk) -> list[HTTPRouteHandler]:
    engine, at = desk.engine, f"{desk.payments.path}/notices"

    @post(at, opt=needs(PUBLIC), operation_id="payment-notice", status_code=200)
    async def take_notice(request: Ask) -> Received:
        """Take a signed notice of the provider. What is sent again is answered as it was."""
        await engine.receive(request.headers, await request.body())
        return Received()

    return [take_notice]


def _simulating(desk: PaymentDesk) -> list[HTTPRouteHandler]:
    hub, engine, at = desk.hub, desk.engine, f"{desk.payments.path}/simulated/{{number:str}}"
    provider = engine.provider
    assert isinstance(provider, SimulatedProvider)  # noqa: S101  (payment_routes asked)

    def page(request: Ask, typed: Typed) -> FormView:
        order = provider.ordered(request.path_params["number"], dict(request.query_params))
        action = f"{request.url.path}?{request.url.query}"
        return desk.simulated_form(order, action, typed)

    @get(at, opt=needs(desk.payments.pay), operation_id="payment-simulated")
    async def show_page(request: Ask, number: Number) -> Response[Any]:
        """Show the page of the simulated provider."""
        return await respond(hub, request, Answer(view=page(request, Typed())))

    @post(at, opt=needs(desk.payments.pay, body=SimulatedForm), operation_id="payment-simulate")
    async def pay(request: Ask, number: Number) -> Response[Any]:
        """Pay at the simulated provider, which then says so as it was asked to."""
        actor = actor_of(request)

        async def again(read: Read, typed: Typed) -> View:
            return page(request, typed)

        async with keeping(hub, request, actor, again):
            sent = await read_form(request, SimulatedForm, actor)
            order = provider.ordered(number, dict(request.query_params))
            if order.expires_at <= hub.now():
                raise Conflict("payments.over")
            await provider.pay(order, sent.form.how)
        await provider.deliver(engine.receive)
        async with hub.read(actor) as read:
            view = await desk.payment_view(read, await desk.find(read, number))
        return await respond(hub, request, Answer(view=view, location=engine.href(number)))

    return [show_page, pay]

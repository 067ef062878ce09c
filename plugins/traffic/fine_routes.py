"""The routes of paying fines, and the jobs that mind what was paid."""

from typing import Final

from litestar.handlers import HTTPRouteHandler
from sqlmodel import col

from plugin_sdk.deadlines import local_day
from plugin_sdk.extension import Job
from plugin_sdk.forms import Form
from plugin_sdk.payments import payment_jobs, payment_routes
from plugin_sdk.ports import Actor, Answer, Hub, Read, Work
from plugin_sdk.problems import NotFound
from plugin_sdk.taking import Of, Typed, form_routes
from plugin_sdk.views import FactView, FormView, Money, Phrase
from plugins.traffic.desk import Desk
from plugins.traffic.fines import PAYMENTS, FineDesk, fines_of
from plugins.traffic.identifiers import shown_plate
from plugins.traffic.models import Handling
from plugins.traffic.settling import Settling

WORDS: Final = "traffic.pay"


def fine_routes(hub: Hub) -> list[HTTPRouteHandler]:
    """Return the form that opens a payment, and the routes of the kit."""
    fines = fines_of(hub)
    desk = FineDesk(fines)

    async def show(read: Read, of: Of, typed: Typed) -> FormView:
        statement = read.rows(Handling).where(col(Handling.number) == of["number"])
        row: Handling | None = (await read.session.execute(statement)).scalar_one_or_none()
        if row is None:
            raise NotFound
        cost = fines.cost(row, local_day(read.now))
        here = f"/apps/{hub.app}/violations/{row.number}"
        return FormView(
            title=Phrase(f"{WORDS}.title"),
            intro=Phrase(f"{WORDS}.intro", {"minutes": fines.terms.valid_minutes}),
            action=f"{here}/pay",
            verb=Phrase(f"{WORDS}.verb", {"amount": Money(sum(cost.values()))}),
            fields=[],
            cancel=here,
            conflict=typed.conflict,
            about=[
                FactView(Phrase("traffic.violation.field.plate"), shown_plate(row.plate)),
                FactView(Phrase("traffic.violation.field.what"), row.what),
                FactView(Phrase("traffic.violation.field.due_on"), row.due_on),
                *(
                    FactView(Phrase(f"traffic.payment.{name}"), Money(fen))
                    for name, fen in cost.items()
                ),
            ],
        )

    async def pay(work: Work, of: Of, form: Form) -> Answer:
        row = await fines.ask_for(work, of["number"])
        view = await desk.payment_view(work, row)
        return Answer(view=view, location=fines.href(row.number), status=201)

    opening = form_routes(
        hub,
        Form,
        PAYMENTS.pay,
        name="pay-fine",
        does="Open the payment of a fine at its sum of today.",
        at="/violations/{number:str}/pay",
        show=show,
        do=pay,
        start=True,
    )
    return [*opening, *payment_routes(desk)]


def fine_jobs(desk: Desk) -> list[Job]:
    """Return what minds payments, compares statements and tells the source."""
    settling = Settling(desk.hub, desk.police, desk.fines)

    async def tell(actor: Actor) -> None:
        await desk.fines.tell(desk.police.provider)
        await settling.run()

    minding = payment_jobs(desk.fines, often="payments", daily="payment_statements")
    return [*minding, Job(key="fines", run=tell)]

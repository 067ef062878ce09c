"""The routes of a duty: the month, filing, review, correction, and who is late."""

from typing import Annotated, Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, QueryParameter

from plugin_sdk.deadlines import local_day
from plugin_sdk.duties.calendar import add_months, month_of, read_period, spell_period
from plugin_sdk.duties.desk import DutyDesk
from plugin_sdk.duties.forms import NilForm, ReviewForm
from plugin_sdk.duties.table import table_view
from plugin_sdk.forms import Submission
from plugin_sdk.ports import Answer, Read, Work
from plugin_sdk.problems import NotFound
from plugin_sdk.routes import actor_of, needs, respond
from plugin_sdk.tables import csv_chunks
from plugin_sdk.taking import Of, Typed, form_routes, take
from plugin_sdk.views import Phrase, View

Ask = Request[Any, Any, Any]
Id = FromPath[UUID]
Query = Annotated[str, QueryParameter(max_length=60)]


def duty_routes(desk: DutyDesk[Any]) -> list[HTTPRouteHandler]:
    """Return the handlers of a duty, each marked with its permission."""
    return [*_months(desk), *_filing(desk), *_acting(desk), *_watching(desk)]


def _id(text: str) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        raise NotFound from None


def _months(desk: DutyDesk[Any]) -> list[HTTPRouteHandler]:
    hub, duty = desk.hub, desk.duty

    @get(duty.path, opt=needs(duty.read), operation_id=f"{duty.name}-month")
    async def show_month(
        request: Ask, period: Query = "", organization: Query = ""
    ) -> Response[Any]:
        """Show a month of an organization as a checklist: the one that is due, unless named.
        Who watches others and files nothing is led to their table."""
        actor = actor_of(request)
        today = month_of(local_day(hub.now()))
        chosen = read_period(period) if period else add_months(today, -duty.months_later)
        owner = _id(organization) or actor.organization_id
        if owner is None:
            raise NotFound
        async with hub.read(actor) as read:
            held = [key for key in (duty.file, duty.review, duty.watch) if await read.holds(key)]
            if not organization and held == [duty.watch]:
                table = Answer(location=desk.engine.href("table"), status=303)
                return await respond(hub, request, table)
            view = await desk.month_view(read, owner, chosen)
        return await respond(hub, request, Answer(view=view))

    @get(
        f"{duty.path}/filings/{{id:uuid}}", opt=needs(duty.read), operation_id=f"{duty.name}-filing"
    )
    async def show_filing(request: Ask, id: Id) -> Response[Any]:
        """Show what was filed for an item, with every version."""
        async with hub.read(actor_of(request)) as read:
            view = await desk.filing_view(read, await desk.engine.find(read, id))
        return await respond(hub, request, Answer(view=view))

    return [show_month, show_filing]


def _filing(desk: DutyDesk[Any]) -> list[HTTPRouteHandler]:
    hub, duty, engine = desk.hub, desk.duty, desk.engine
    at = f"{duty.path}/{{period:str}}/{{item:str}}"

    async def show(read: Read, of: Of, typed: Typed) -> View:
        return await desk.new_view(read, read_period(of["period"]), of["item"], typed)

    async def file(work: Work, of: Of, form: Any) -> Answer:
        made = await desk.file(work, read_period(of["period"]), of["item"], form)
        return Answer(
            view=await desk.filing_view(work, made),
            location=f"{engine.href()}?period={spell_period(made.period)}",
            status=201,
            said=Phrase("duties.said.submit"),
        )

    @post(f"{at}/nil", opt=needs(duty.file, body=NilForm), operation_id=f"{duty.name}-nil")
    async def file_nil(request: Ask) -> Response[Any]:
        """Say that there is nothing for an item this month."""
        of = request.path_params

        async def again(read: Read, typed: Typed) -> View:
            return await show(read, of, typed)

        async def nothing(work: Work, sent: Submission[Any]) -> Answer:
            return await file(work, of, None)

        return await take(hub, request, NilForm, again, nothing)

    filing = form_routes(
        hub,
        duty.form,
        duty.file,
        name=f"{duty.name}-file",
        does="File an item for a month.",
        new=f"{at}/new",
        at=at,
        show=show,
        do=file,
        start=True,
    )
    return [*filing, file_nil]


def _acting(desk: DutyDesk[Any]) -> list[HTTPRouteHandler]:
    duty, engine = desk.duty, desk.engine

    async def review_form(read: Read, of: Of, typed: Typed) -> View:
        return await desk.review_view(read, await engine.find(read, of["id"]), typed)

    async def review(work: Work, of: Of, form: ReviewForm) -> Answer:
        made = await desk.review(work, of["id"], form)
        return Answer(
            view=await desk.filing_view(work, made),
            location=engine.month_href(made),  # where the next one waits
            said=Phrase(f"duties.said.{form.decision}"),
        )

    async def correct_form(read: Read, of: Of, typed: Typed) -> View:
        return await desk.correct_view(read, await engine.find(read, of["id"]), typed)

    async def correct(work: Work, of: Of, form: Any) -> Answer:
        made = await desk.correct(work, of["id"], form)
        return Answer(
            view=await desk.filing_view(work, made),
            location=engine.href("filings", made.id),
            said=Phrase("duties.said.correct"),
        )

    return [
        *form_routes(
            desk.hub,
            ReviewForm,
            duty.review,
            name=f"{duty.name}-review",
            does="Review a filing.",
            at=f"{duty.path}/filings/{{id:uuid}}/review",
            show=review_form,
            do=review,
        ),
        *form_routes(
            desk.hub,
            desk.correcting(),
            duty.file,
            name=f"{duty.name}-correct",
            does="Correct what was published.",
            at=f"{duty.path}/filings/{{id:uuid}}/correct",
            show=correct_form,
            do=correct,
        ),
    ]


def _watching(desk: DutyDesk[Any]) -> list[HTTPRouteHandler]:
    hub, duty, engine = desk.hub, desk.duty, desk.engine

    @get(f"{duty.path}/table", opt=needs(duty.watch), operation_id=f"{duty.name}-table")
    async def show_table(request: Ask, supervisor: Query = "", until: Query = "") -> Response[Any]:
        """Show who is late: organizations and months."""
        async with hub.read(actor_of(request)) as read:
            last = read_period(until) if until else None
            view = await table_view(engine, read, _id(supervisor), last)
            view.links = await desk.links(read)
        return await respond(hub, request, Answer(view=view))

    @get(f"{duty.path}/table.csv", opt=needs(duty.watch), operation_id=f"{duty.name}-table-export")
    async def export_table(request: Ask, supervisor: Query = "") -> Response[bytes]:
        """Export the table as CSV, in words."""
        actor = actor_of(request)
        async with hub.read(actor) as read:
            view = await table_view(engine, read, _id(supervisor))

        def say(words: Any) -> str:
            return hub.pages.say(words, actor.language)

        header = [say(engine.words("unit")), *(spell_period(month) for month in view.periods)]
        rows = [
            [row.name, *(say(Phrase(f"duties.standing.{cell.standing}")) for cell in row.cells)]
            for row in view.rows
        ]
        name = f"{hub.app}-{duty.name}-{local_day(hub.now()):%Y%m%d}.csv"
        return Response(
            b"".join(csv_chunks(header, rows)),
            media_type="text/csv",
            headers={"content-disposition": f'attachment; filename="{name}"'},
        )

    @post(
        f"{duty.path}/periods/{{id:uuid}}/urge",
        opt=needs(duty.watch, body=NilForm),
        operation_id=f"{duty.name}-urge",
    )
    async def urge(request: Ask, id: Id) -> Response[Any]:
        """Urge an organization that owes something."""

        async def show(read: Read, typed: Typed) -> View:
            raise NotFound

        async def do(work: Work, sent: Submission[Any]) -> Answer:
            row = await engine.urge(work, id)
            view = await desk.month_view(work, row.organization_id, row.period)
            return Answer(
                view=view, location=engine.month_href(row), said=Phrase("duties.said.urge")
            )

        return await take(hub, request, NilForm, show, do)

    return [show_table, export_table, urge]

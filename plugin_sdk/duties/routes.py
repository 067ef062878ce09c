"""The routes of a duty: the month, filing, review, correction, and who is late."""

from collections.abc import Mapping
from datetime import date
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
from plugin_sdk.forms import Form, Submission
from plugin_sdk.ports import Answer, Read, Work
from plugin_sdk.problems import FieldError, NotFound
from plugin_sdk.routes import actor_of, needs, respond
from plugin_sdk.tables import csv_chunks
from plugin_sdk.taking import take
from plugin_sdk.views import Phrase, View

Ask = Request[Any, Any, Any]
Id = FromPath[UUID]
Text = FromPath[str]
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

    def again(period: date, item: str) -> Any:
        async def show(
            read: Read,
            values: Mapping[str, Any] | None = None,
            errors: tuple[FieldError, ...] = (),
            conflict: Phrase | None = None,
        ) -> View:
            return await desk.new_view(read, period, item, values, errors, conflict)

        return show

    async def answer(work: Work, made: Any) -> Answer:
        return Answer(
            view=await desk.filing_view(work, made),
            location=f"{engine.href()}?period={spell_period(made.period)}",
            status=201,
            said=Phrase("duties.said.submit"),
        )

    @get(f"{at}/new", opt=needs(duty.file, start=True), operation_id=f"{duty.name}-file-form")
    async def new_filing(request: Ask, period: Text, item: Text) -> Response[Any]:
        """Show the form of an item."""
        async with hub.read(actor_of(request)) as read:
            view = await desk.new_view(read, read_period(period), item)
        return await respond(hub, request, Answer(view=view))

    @post(at, opt=needs(duty.file, body=duty.form, start=True), operation_id=f"{duty.name}-file")
    async def file_item(request: Ask, period: Text, item: Text) -> Response[Any]:
        """File an item for a month."""
        month = read_period(period)

        async def do(work: Work, sent: Submission[Any]) -> Answer:
            return await answer(work, await desk.file(work, month, item, sent.form))

        return await take(hub, request, duty.form, again(month, item), do)

    @post(f"{at}/nil", opt=needs(duty.file, body=NilForm), operation_id=f"{duty.name}-nil")
    async def file_nil(request: Ask, period: Text, item: Text) -> Response[Any]:
        """Say that there is nothing for an item this month."""
        month = read_period(period)

        async def do(work: Work, sent: Submission[Any]) -> Answer:
            return await answer(work, await desk.file(work, month, item, None))

        return await take(hub, request, NilForm, again(month, item), do)

    return [new_filing, file_item, file_nil]


def _acting(desk: DutyDesk[Any]) -> list[HTTPRouteHandler]:
    hub, duty, engine = desk.hub, desk.duty, desk.engine
    correction = desk.correcting()

    def act(verb: str, permission: str, form: type[Form], do: Any) -> list[HTTPRouteHandler]:
        path = f"{duty.path}/filings/{{id:uuid}}/{verb}"

        def again(id: UUID) -> Any:
            async def show(
                read: Read,
                values: Mapping[str, Any] | None = None,
                errors: tuple[FieldError, ...] = (),
                conflict: Phrase | None = None,
            ) -> View:
                made = await engine.find(read, id)
                view = desk.review_view if verb == "review" else desk.correct_view
                return await view(read, made, values, errors, conflict)

            return show

        @get(path, opt=needs(permission), operation_id=f"{duty.name}-{verb}-form")
        async def show_form(request: Ask, id: Id) -> Response[Any]:
            """Show the form of an act on a filing."""
            async with hub.read(actor_of(request)) as read:
                view = await again(id)(read)
            return await respond(hub, request, Answer(view=view))

        @post(path, opt=needs(permission, body=form), operation_id=f"{duty.name}-{verb}")
        async def do_act(request: Ask, id: Id) -> Response[Any]:
            """Review a filing, or correct it."""

            async def done(work: Work, sent: Submission[Any]) -> Answer:
                made = await do(work, id, sent.form)
                said = f"duties.said.{getattr(sent.form, 'decision', verb)}"
                return Answer(
                    view=await desk.filing_view(work, made),
                    location=engine.month_href(made)
                    if verb == "review"
                    else engine.href("filings", made.id),
                    said=Phrase(said),
                )

            return await take(hub, request, form, again(id), done)

        return [show_form, do_act]

    return [
        *act("review", duty.review, ReviewForm, desk.review),
        *act("correct", duty.file, correction, desk.correct),
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

        async def show(read: Read, *given: Any) -> View:
            raise NotFound

        async def do(work: Work, sent: Submission[Any]) -> Answer:
            row = await engine.urge(work, id)
            view = await desk.month_view(work, row.organization_id, row.period)
            return Answer(
                view=view, location=engine.month_href(row), said=Phrase("duties.said.urge")
            )

        return await take(hub, request, NilForm, show, do)

    return [show_table, export_table, urge]

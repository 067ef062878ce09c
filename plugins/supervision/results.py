"""Shared results (结果互认): who was checked when, with what result, for every department.

Whoever means to check a unit looks here first; an inspection left out because another's
result is enough is counted.
"""

from datetime import date, timedelta
from typing import Annotated, Any, ClassVar, Final
from urllib.parse import urlencode

import msgspec
from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter
from sqlmodel import col

from plugin_sdk.deadlines import local_day
from plugin_sdk.ports import Answer, Read, Work
from plugin_sdk.problems import AppConflict, NotFound
from plugin_sdk.routes import actor_of, needs, respond
from plugin_sdk.taking import Of, Typed, form_routes
from plugin_sdk.views import FactView, FormView, View, Words
from plugins.supervision.desk import FindingDesk
from plugins.supervision.forms import SpareForm
from plugins.supervision.models import Finding, Spared

SHARED: Final = timedelta(days=180)
"""How long a result is shared."""
MOST: Final = 50

Ask = Request[Any, Any, Any]
Query = Annotated[str, QueryParameter(max_length=100)]


class ResultView(msgspec.Struct, kw_only=True):
    """One result, without what was written or photographed."""

    number: str
    subject: str
    checked_on: date
    topic: Words
    state: Words
    unit: str
    href: str | None


class ResultsView(View, kw_only=True):
    """The results for what was asked, newest first."""

    template: ClassVar[str] = "supervision_results.html"
    title: Words
    query: str
    items: list[ResultView]


class _Facts(msgspec.Struct, frozen=True):
    number: str
    subject: str
    checked_on: date
    topic: str
    state: str
    origin_organization_id: Any


def result_routes(desk: FindingDesk) -> list[HTTPRouteHandler]:
    """Return the routes of shared results."""
    hub, engine = desk.hub, desk.engine
    here = f"/apps/{hub.app}/results"

    def shared(read: Read, *columns: str) -> Any:
        """Return a select of what is shared with every department, and of nothing else."""
        chosen = [col(getattr(Finding, name)) for name in columns]
        since = local_day(read.now) - SHARED
        return read.beyond_scope(Finding, *chosen, reason="shared-result").where(
            col(Finding.checked_on) >= since
        )

    async def find(read: Read, condition: Any) -> list[_Facts]:
        statement = shared(read, *_Facts.__struct_fields__).where(condition)
        newest = statement.order_by(col(Finding.checked_on).desc(), col(Finding.id).desc())
        return await read.fetch(newest.limit(MOST), _Facts)

    async def shown(read: Read, found: list[_Facts]) -> list[ResultView]:
        names = await hub.directory.names([fact.origin_organization_id for fact in found])
        spares, topics = await read.holds("result.spare"), await desk.topics.names(read)
        return [
            ResultView(
                number=fact.number,
                subject=fact.subject,
                checked_on=fact.checked_on,
                topic=topics.get(fact.topic, fact.topic),
                state=engine.words(f"state.{fact.state}"),
                unit=names.get(fact.origin_organization_id, ""),
                href=f"{here}/{fact.number}/spare" if spares else None,
            )
            for fact in found
        ]

    @get("/results", opt=needs("result.read"), operation_id="results")
    async def list_results(request: Ask, q: Query = "") -> Response[Any]:
        """Show what checks of a unit showed, for whoever means to check it."""
        async with hub.read(actor_of(request)) as read:
            asked = col(Finding.subject).contains(q.strip(), autoescape=True)
            found = await shown(read, await find(read, asked)) if q.strip() else []
        view = ResultsView(title=engine.words("results"), query=q.strip(), items=found)
        return await respond(hub, request, Answer(view=view))

    async def ask(read: Read, of: Of, typed: Typed) -> FormView:
        found = await shown(read, await find(read, col(Finding.number) == of["number"]))
        if not found:
            raise NotFound
        (result,) = found
        facts = [("subject", result.subject), ("topic", result.topic), ("result", result.state)]
        return FormView(
            title=engine.words("spare"),
            action=f"{here}/{of['number']}/spare",
            verb=engine.words("spare"),
            fields=typed.fields(SpareForm, "supervision.spare"),
            about=[FactView(engine.words(f"field.{name}"), value) for name, value in facts],
            conflict=typed.conflict,
            cancel=f"{here}?{urlencode({'q': result.subject})}",
        )

    async def spare(work: Work, of: Of, form: SpareForm) -> Answer:
        unit = work.actor.organization_id
        statement = shared(work, "id", "origin_organization_id")
        found = await work.session.execute(statement.where(col(Finding.number) == of["number"]))
        row = found.first()
        if row is None or unit is None:
            raise NotFound
        if row.origin_organization_id == unit:
            raise AppConflict(hub.app, "own-result")
        taken = work.rows(Spared, col(Spared.id), permission="result.spare").where(
            col(Spared.finding_id) == row.id, col(Spared.organization_id) == unit
        )
        if (await work.session.execute(taken)).first() is not None:
            raise AppConflict(hub.app, "spared-already")
        await work.add(
            Spared(
                organization_id=unit,
                finding_id=row.id,
                source_organization_id=row.origin_organization_id,
                at=work.now,
                reason=form.reason,
            )
        )
        work.audit("result.spared", engine.subject(row.id), number=of["number"])
        work.effect("inspection.spared", f"spared:{row.id}:{unit}")
        return Answer(location=here, said=engine.words("spared"))

    sparing = form_routes(
        hub,
        SpareForm,
        "result.spare",
        name="spare",
        does="Leave an inspection out: once a result for each organization.",
        at="/results/{number:str}/spare",
        show=ask,
        do=spare,
    )
    return [list_results, *sparing]

"""Shared results (结果互认): who was checked when, with what result, for every department.

Whoever means to check a unit looks here first; an inspection left out because another's
result is enough is counted.
"""

from datetime import date, timedelta
from typing import Annotated, Any, ClassVar, Final
from urllib.parse import urlencode

import msgspec
from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, QueryParameter
from sqlmodel import col

from plugin_sdk.deadlines import local_day
from plugin_sdk.forms import field_views, read_form
from plugin_sdk.ports import Answer, Read
from plugin_sdk.problems import AppConflict, NotFound
from plugin_sdk.routes import actor_of, needs, respond
from plugin_sdk.views import FactView, FormView, View, Words
from plugins.supervision.desk import FindingDesk
from plugins.supervision.forms import SpareForm
from plugins.supervision.models import Finding, Spared
from plugins.supervision.registers import topic_names

SHARED: Final = timedelta(days=180)
"""How long a result is shared."""
MOST: Final = 50

Ask = Request[Any, Any, Any]
Number = FromPath[str]
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
        spares, topics = await read.holds("result.spare"), await topic_names(read)
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

    @get("/results/{number:str}/spare", opt=needs("result.spare"), operation_id="spare-form")
    async def ask_to_spare(request: Ask, number: Number) -> Response[Any]:
        """Ask why the shared result is enough."""
        async with hub.read(actor_of(request)) as read:
            found = await shown(read, await find(read, col(Finding.number) == number))
        if not found:
            raise NotFound
        (result,) = found
        facts = [("subject", result.subject), ("topic", result.topic), ("result", result.state)]
        view = FormView(
            title=engine.words("spare"),
            action=f"{here}/{number}/spare",
            verb=engine.words("spare"),
            fields=field_views(SpareForm, "supervision.spare"),
            about=[FactView(engine.words(f"field.{name}"), value) for name, value in facts],
            cancel=f"{here}?{urlencode({'q': result.subject})}",
        )
        return await respond(hub, request, Answer(view=view))

    @post(
        "/results/{number:str}/spare",
        opt=needs("result.spare", body=SpareForm),
        operation_id="spare",
    )
    async def spare(request: Ask, number: Number) -> Response[Any]:
        """Leave an inspection out: once a result for each organization."""
        actor = actor_of(request)
        sent = await read_form(request, SpareForm, actor)
        async with hub.work(actor, sent.key) as work:
            unit = actor.organization_id
            statement = shared(work, "id", "origin_organization_id")
            found = await work.session.execute(statement.where(col(Finding.number) == number))
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
                    reason=sent.form.reason,
                )
            )
            work.audit("result.spared", engine.subject(row.id), number=number)
            work.effect("inspection.spared", f"spared:{row.id}:{unit}")
            answer = work.answer(Answer(location=here, said=engine.words("spared")))
        return await respond(hub, request, answer)

    return [list_results, ask_to_spare, spare]

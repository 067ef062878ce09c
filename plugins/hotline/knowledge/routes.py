"""The routes of the knowledge base."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Final
from uuid import UUID

from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, QueryParameter

from plugin_sdk.forms import Form
from plugin_sdk.ports import Answer, Audience, Read, Work
from plugin_sdk.routes import PUBLIC, actor_of, needs, respond
from plugin_sdk.taking import Of, Typed, form_routes
from plugin_sdk.views import Phrase, View
from plugins.hotline.desk import OrderDesk
from plugins.hotline.knowledge.answering import ANSWERS
from plugins.hotline.knowledge.forms import KnowledgeForm, ReviseForm, SeenForm, WithdrawForm
from plugins.hotline.knowledge.imports import import_routes
from plugins.hotline.knowledge.keeping import PUBLISH, READ, WRITE
from plugins.hotline.knowledge.models import KnowledgeVersion
from plugins.hotline.knowledge.pages import KnowledgePages

Ask = Request[Any, Any, Any]
Query = Annotated[str, QueryParameter(max_length=100)]
Cursor = Annotated[str, QueryParameter(max_length=200)]
Stage = Annotated[str, QueryParameter(name="state", max_length=20)]
Do = Callable[[Work, UUID, Any], Awaitable[KnowledgeVersion]]
ACTS: Final = ("revise", "publish", "withdraw")


def of(desk: OrderDesk) -> list[HTTPRouteHandler]:
    """Return every route of the knowledge base."""
    pages = KnowledgePages(desk)
    return [
        *_reading(pages),
        *_writing(pages),
        *import_routes(pages),
        *(route for verb in ANSWERS for route in _beginning(pages, verb)),
    ]


def _reading(pages: KnowledgePages) -> list[HTTPRouteHandler]:
    hub = pages.hub

    @get("/knowledge", opt=needs(PUBLIC), operation_id="knowledge")
    async def show_list(
        request: Ask,
        stage: Stage = "",
        category: Query = "",
        mine: Query = "",
        q: Query = "",
        cursor: Cursor = "",
    ) -> Response[Any]:
        """List the answers: to staff all that were published, to everybody those for all."""
        actor = actor_of(request)
        view: View | None = None
        async with hub.read(actor) as read:
            if actor.audience is Audience.STAFF and await read.holds(READ):
                asked = {"state": stage, "category": category, "mine": mine, "q": q.strip()}
                view = await pages.listed(read, asked, cursor)
        if view is None:
            async with hub.read(hub.system("knowledge")) as read:
                view = await pages.public(read, q.strip(), cursor)
        return await respond(hub, request, Answer(view=view))

    @get("/knowledge/{id:uuid}", opt=needs(READ), operation_id="knowledge-answer")
    async def show_answer(request: Ask, id: FromPath[UUID]) -> Response[Any]:
        """Show an answer with its versions and how often they were used."""
        async with hub.read(actor_of(request)) as read:
            view = await pages.answer(read, id)
        return await respond(hub, request, Answer(view=view))

    return [show_list, show_answer]


def _writing(pages: KnowledgePages) -> list[HTTPRouteHandler]:
    hub, keeping = pages.hub, pages.keeping
    regions = pages.desk.organizations()["region"]

    async def before() -> None:
        await regions()

    async def done(work: Work, row: KnowledgeVersion, verb: str, status: int = 200) -> Answer:
        await work.session.flush()
        return Answer(
            view=await pages.answer(work, row.knowledge_id),
            location=keeping.href(row.knowledge_id),
            status=status,
            said=Phrase(f"hotline.knowledge.done.{verb}"),
        )

    async def show_new(read: Read, of: Of, typed: Typed) -> View:
        return await pages.new_view(read, typed)

    async def write(work: Work, of: Of, form: KnowledgeForm) -> Answer:
        await pages.desk.refuse_unoffered(form)
        return await done(work, await keeping.write(work, form), "write", 201)

    async def revise(work: Work, id: UUID, form: ReviseForm) -> KnowledgeVersion:
        await pages.desk.refuse_unoffered(form)
        return await keeping.revise(work, id, form)

    def act(verb: str, form: type[Form], permission: str, do: Do, does: str) -> Any:
        async def show(read: Read, of: Of, typed: Typed) -> View:
            if verb == "revise":
                return await pages.revise_view(read, of["id"], typed)
            return await pages.act_view(read, of["id"], verb, typed)

        async def take(work: Work, of: Of, sent: Any) -> Answer:
            return await done(work, await do(work, of["id"], sent), verb)

        return form_routes(
            hub,
            form,
            permission,
            name=f"knowledge-{verb}",
            does=does,
            at=f"/knowledge/{{id:uuid}}/{verb}",
            show=show,
            do=take,
            before=before,
        )

    new = form_routes(
        hub,
        KnowledgeForm,
        WRITE,
        name="knowledge-write",
        does="Keep an answer as a draft.",
        new="/knowledge/new",
        at="/knowledge",
        show=show_new,
        do=write,
        before=before,
    )
    return [
        *new,
        *act("revise", ReviseForm, WRITE, revise, "Write the next version of an answer."),
        *act("publish", SeenForm, PUBLISH, keeping.publish, "Publish the draft of another."),
        *act("withdraw", WithdrawForm, WRITE, keeping.withdraw, "Withdraw an answer."),
    ]


def _beginning(pages: KnowledgePages, verb: str) -> list[HTTPRouteHandler]:
    desk, hub = pages.desk, pages.hub
    permission = desk.flow.by_verb(verb).permission
    path = f"/orders/{{number:str}}/{verb}"

    @get(f"{path}/knowledge", opt=needs(permission), operation_id=f"order-{verb}-knowledge")
    async def find(request: Ask, number: FromPath[str], q: Query = "") -> Response[Any]:
        """List what an answer may begin with, nearest first."""
        async with hub.read(actor_of(request)) as read:
            row = await desk.engine.find(read, number)
            asked = q.strip() if "q" in request.query_params else row.title[:60]
            view = await pages.to_begin(read, row, verb, asked)
        return await respond(hub, request, Answer(view=view))

    @get(
        f"{path}/with/{{version:uuid}}",
        opt=needs(permission),
        operation_id=f"order-{verb}-with",
    )
    async def begin(request: Ask, number: FromPath[str], version: FromPath[UUID]) -> Response[Any]:
        """Show the form of an answer that begins with one of the knowledge base."""
        async with hub.read(actor_of(request)) as read:
            row = await desk.engine.find(read, number)
            typed = await desk.answering.begun(read, row, version)
            view = await desk.act_view(read, row, verb, typed)
        return await respond(hub, request, Answer(view=view))

    return [find, begin]

"""Taking a form: nothing that was typed is lost, and what it causes is one unit of work."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from litestar import Request, Response

from plugin_sdk.forms import KEY_FIELD, F, Submission, asked_for, read_form, typed
from plugin_sdk.ports import Actor, Answer, Hub, Read, Work
from plugin_sdk.problems import Conflict, FieldError, Invalid, Problem
from plugin_sdk.routes import actor_of, respond
from plugin_sdk.views import FormView, Phrase, View

Ask = Request[Any, Any, Any]
ShowAgain = Callable[
    [Read, Mapping[str, Any], tuple[FieldError, ...], Phrase | None], Awaitable[View]
]


@asynccontextmanager
async def keeping(hub: Hub, request: Ask, actor: Actor, show: ShowAgain) -> AsyncIterator[None]:
    """Let a refusal carry its form with everything that was typed: nothing is lost."""
    try:
        yield
    except Problem as problem:
        expired = problem.code == "form-expired"  # a session that began anew meanwhile
        if problem.view is None and (expired or isinstance(problem, Invalid | Conflict)):
            conflict = None
            if expired or isinstance(problem, Conflict):
                conflict = Phrase(f"problem.{problem.code}.detail", problem.params)
            try:
                async with hub.read(actor) as read:
                    problem.view = await show(read, await typed(request), problem.errors, conflict)
            except Problem:  # the act is no longer possible, or the thing no longer in sight
                problem.view = None
            if isinstance(problem.view, FormView) and not isinstance(problem, Conflict):
                problem.view.key = await asked_for(request, KEY_FIELD)  # it is the same filing
        raise


async def take(
    hub: Hub,
    request: Ask,
    form: type[F],
    show: ShowAgain,
    do: Callable[[Work, Submission[F]], Awaitable[Answer]],
) -> Response[Any]:
    """Read a form, do in one unit of work what it asks for, and answer; a refusal shows the
    form again through `show`."""
    actor = actor_of(request)
    async with keeping(hub, request, actor, show):
        sent = await read_form(request, form, actor)
        async with hub.work(actor, sent.key) as work:
            answer = work.answer(await do(work, sent))
    return await respond(hub, request, answer)

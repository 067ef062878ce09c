"""Taking a form: nothing that was typed is lost, and what it causes is one unit of work."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler

from plugin_sdk.forms import (
    KEY_FIELD,
    F,
    Form,
    Submission,
    asked_for,
    field_views,
    read_form,
    typed,
)
from plugin_sdk.ports import Actor, Answer, Hub, Read, Work
from plugin_sdk.problems import Conflict, FieldError, Invalid, Problem
from plugin_sdk.routes import actor_of, needs, respond
from plugin_sdk.views import FieldView, FormView, Phrase, View

Ask = Request[Any, Any, Any]
Of = Mapping[str, Any]
"""The parameters of an address by name: which record a form is of."""


class Typed(msgspec.Struct, frozen=True, kw_only=True):
    """What a form shows: what was typed, what is wrong with it, what stands against it."""

    values: Mapping[str, Any] = {}
    errors: tuple[FieldError, ...] = ()
    conflict: Phrase | None = None

    def fields(
        self, form: type[Form], prefix: str, known: Mapping[str, Any] | None = None, **more: Any
    ) -> list[FieldView]:
        """Return the fields of a form with what was typed, or else what is `known` of them;
        `more` is as in `field_views`."""
        return field_views(form, prefix, values=self.values or known, errors=self.errors, **more)


BLANK = Typed()
ShowAgain = Callable[[Read, Typed], Awaitable[View]]


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
                conflict = Phrase(f"{problem.words}.detail", problem.params)
            again = Typed(values=await typed(request), errors=problem.errors, conflict=conflict)
            try:
                async with hub.read(actor) as read:
                    problem.view = await show(read, again)
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
    before: Callable[[F], Awaitable[None]] | None = None,
) -> Response[Any]:
    """Read a form, do in one unit of work what it asks for, and answer; a refusal shows the
    form again through `show`. `before` asks, before the unit of work begins, for what `do` looks
    up of the form."""
    actor = actor_of(request)
    async with keeping(hub, request, actor, show):
        sent = await read_form(request, form, actor)
        if before is not None:
            await before(sent.form)
        async with hub.work(actor, sent.key) as work:
            answer = work.answer(await do(work, sent))
    return await respond(hub, request, answer)


def form_routes(
    hub: Hub,
    form: type[F],
    permission: str,
    *,
    name: str,
    does: str,
    at: str,
    show: Callable[[Read, Of, Typed], Awaitable[View]],
    do: Callable[[Work, Of, F], Awaitable[Answer]],
    new: str | None = None,
    start: bool = False,
    before: Callable[[], Awaitable[None]] | None = None,
) -> list[HTTPRouteHandler]:
    """Return the routes of one form: the page that shows it at `new` (`at`, unless it is named),
    and the post `at` that takes it.

    `show` and `do` are given the parameters of the address. `name` is the operation's, `does`
    says in the published API what it does; with `start` the form begins a procedure. `before`
    asks, before the unit of work begins, for what `do` looks up.
    """

    async def show_form(request: Ask) -> Response[Any]:
        async with hub.read(actor_of(request)) as read:
            view = await show(read, request.path_params, BLANK)
        return await respond(hub, request, Answer(view=view))

    async def take_form(request: Ask) -> Response[Any]:
        of = request.path_params

        async def again(read: Read, typed: Typed) -> View:
            return await show(read, of, typed)

        async def act(work: Work, sent: Submission[F]) -> Answer:
            return await do(work, of, sent.form)

        if before is not None:
            await before()
        return await take(hub, request, form, again, act)

    show_form.__doc__, take_form.__doc__ = f"Show the form: {does}", does
    shown = get(new or at, opt=needs(permission, start=start), operation_id=f"{name}-form")
    taken = post(at, opt=needs(permission, body=form, start=start), operation_id=name)
    return [shown(show_form), taken(take_form)]

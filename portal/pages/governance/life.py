"""The life of an app: the steps it took, what comes next and what stands in the way, its archive.
Governance staff take the steps, each on a page of its own; the owner sees the same and takes none.
"""

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any, ClassVar

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from pydantic import Field

from core.database import Transaction
from core.governance.archive import service as archive
from core.governance.lifecycle.hands import need_other_hands
from core.governance.lifecycle.in_the_way import unfinished
from core.governance.lifecycle.moving import Asked, move
from core.governance.lifecycle.steps import CARRIED_OUT, STEPS, Step
from plugin_sdk.forms import Form, read_form, typed
from plugin_sdk.problems import FieldError, Invalid, NotFound
from plugin_sdk.routes import actor_of, needs
from portal.pages.context import AnyRequest, Portal
from portal.pages.governance.life_views import life, step_page
from portal.pages.governance.lists import PAGES, check_whole

ACKNOWLEDGE_SECONDS = 35.0
OWN: Sequence[Step] = [one for one in STEPS if not one.by_review]
"""The steps that are taken here; a review has pages of its own."""


class StepForm(Form):
    """Why a step is taken, and what was seen: the version of the standing, and the keys of what
    stood in the way."""

    reason: str = Field(min_length=2, max_length=1000)
    noted: bool = False
    version: int = Field(default=0, ge=0, le=1_000_000)
    seen: str | None = Field(default=None, max_length=8000)

    kinds: ClassVar[Any] = {"reason": "textarea", "version": "hidden", "seen": "hidden"}


class SunsetForm(StepForm):
    """When the app closes. What takes its place was decided by the review."""

    closes_on: date


class PurgeForm(Form):
    """The checksum of what is destroyed, so that nobody agrees to another bundle."""

    sha256: str = Field(min_length=64, max_length=64)


FORMS: dict[str, type[Form]] = {"sunset": SunsetForm, "purge": PurgeForm}
"""Forms of steps that ask for more than a reason."""


def routes(portal: Portal) -> list[HTTPRouteHandler]:
    """Return the routes."""
    return [
        *(_shown(portal, base) for base in PAGES),
        *(route for one in OWN for route in _step(portal, one)),
        _give_up(portal),
    ]


def _shown(portal: Portal, base: str) -> HTTPRouteHandler:
    @get(
        f"{base}/apps/{{app:str}}/life",
        opt=needs("usage.read"),
        operation_id=f"life-{base.strip('/')}",
    )
    async def show(request: AnyRequest, app: FromPath[str]) -> Response[Any]:
        """Show where an app stands, how it came there, and what comes next."""
        told = await unfinished(portal.apps, app)
        async with portal.read() as tx:
            check_whole(tx, request, base)
            view = await life(portal, request, tx, app, base, told=told)
        return await portal.show(request, view.template, view.title, view)

    return show


def _step(portal: Portal, one: Step) -> list[HTTPRouteHandler]:
    """Return the page of a step and what takes it."""
    model = FORMS.get(one.verb, StepForm)
    address = f"/governance/apps/{{app:str}}/life/{one.verb}"
    mark = needs(one.permission.removeprefix("yimen."), body=model)

    async def page(
        request: AnyRequest,
        app: str,
        values: dict[str, Any],
        errors: tuple[FieldError, ...] = (),
    ) -> Response[Any]:
        told = await unfinished(portal.apps, app) if one.verb == "close" else []
        async with portal.read() as tx:
            check_whole(tx, request, "/governance")
            view = await step_page(
                portal, request, tx, app, one, model, values=values, errors=errors, told=told
            )
        status = 422 if errors else 200
        return await portal.show(request, view.template, view.title, view, status=status)

    @get(address, opt=mark, operation_id=f"life-page-{one.verb}")
    async def ask(request: AnyRequest, app: FromPath[str]) -> Response[Any]:
        """Say what a step does and what stands in its way, and ask why it is taken."""
        return await page(request, app, {})

    @post(address, opt=mark, operation_id=f"life-step-{one.verb}")
    async def act(request: AnyRequest, app: FromPath[str]) -> Response[Any]:
        """Take a step of an app's life; answer once every worker follows (or is late)."""
        try:
            form = (await read_form(request, model, actor_of(request))).form
            take = _archived if one.verb in CARRIED_OUT else _moved
            return await take(portal, request, app, one, form)
        except Invalid as wrong:
            if not portal.renderer.wants_page(request.scope):
                raise
            return await page(request, app, await typed(request), wrong.errors)

    return [ask, act]


async def _moved(
    portal: Portal, request: AnyRequest, app: str, one: Step, form: Any
) -> Response[Any]:
    told = await unfinished(portal.apps, app) if one.verb == "close" else []
    asked = Asked(
        verb=one.verb,
        reason=form.reason,
        version=form.version or None,
        closes_on=getattr(form, "closes_on", None),
        seen=frozenset((form.seen or "").split()) if form.noted else frozenset(),
    )
    async with portal.write(request) as tx:
        moved = await move(
            tx,
            portal.governance,
            portal.apps,
            app,
            asked,
            actor_of(request),
            told=told,
            request_id=request.scope["yimen"].id,  # type: ignore[typeddict-item]
        )
    portal.services.jobs.wake()
    there = f"/governance/apps/{app}/life"
    if moved.generation is None:
        return portal.done(request, there, f"life.did.{one.verb}")
    known = await portal.apps.until_acknowledged(moved.generation, ACKNOWLEDGE_SECONDS)
    return portal.done(
        request,
        there,
        f"life.did_door.{one.verb}",
        applied=known.ready,
        workers=known.live,
    )


async def _archived(
    portal: Portal, request: AnyRequest, app: str, one: Step, form: Any
) -> Response[Any]:
    """Ask for what the archive then does by itself; the step is recorded when that is done."""
    acts: dict[str, Callable[..., Any]] = {
        "archive": archive.ask,
        "restore": archive.ask_restore,
        "purge": archive.approve,
    }
    async with portal.write(request) as tx:
        await _need_hands(portal, tx, request, app)
        said = form.sha256 if one.verb == "purge" else form.reason
        await acts[one.verb](tx, app, actor_of(request), said)
    portal.services.jobs.wake()
    return portal.done(request, f"/governance/apps/{app}/life", f"life.did.{one.verb}")


async def _need_hands(portal: Portal, tx: Transaction, request: AnyRequest, app: str) -> None:
    """Raise `Denied` for whose grant is not for everything, `OwnerDecides` for who answers for
    the app, `NotFound`."""
    check_whole(tx, request, "/governance")
    entry = (await portal.governance.register(tx)).get(app)
    if entry is None:
        raise NotFound
    await need_other_hands(tx, actor_of(request), entry.owner.code, entry.owner.name)


def _give_up(portal: Portal) -> HTTPRouteHandler:
    @post(
        "/governance/apps/{app:str}/life/give-up",
        opt=needs("lifecycle.archive", body=Form),
        operation_id="life-give-up",
    )
    async def give_up(request: AnyRequest, app: FromPath[str]) -> Response[Any]:
        """Give up an archive before anything was dropped, or a restore."""
        await read_form(request, Form, actor_of(request))
        async with portal.write(request) as tx:
            await _need_hands(portal, tx, request, app)
            await archive.call_off(tx, app, actor_of(request))
        return portal.done(request, f"/governance/apps/{app}/life", "life.did.give_up")

    return give_up

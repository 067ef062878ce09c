"""What is done about a merge: where a function is served now, what is signed away, what an app
elsewhere holds, where old links lead."""

import asyncio
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery

from core.database import Transaction
from core.governance.lifecycle.steps import IN_USE
from core.governance.merging import links, parity, reconciling
from core.governance.merging.functions import inventory, proposed
from core.governance.merging.signing import signature
from plugin_sdk.forms import Form, field_views, read_form, typed
from plugin_sdk.problems import Conflict, FieldError, Invalid, NotFound, field_error
from plugin_sdk.routes import actor_of, needs
from plugin_sdk.tables import TableError
from plugin_sdk.tallies import Tally, tally_of_file
from plugin_sdk.text import Text
from plugin_sdk.views import FormView, Option, Phrase
from portal.pages.admin.change import ChangeView
from portal.pages.admin.reach import need_everything
from portal.pages.context import AnyRequest, Portal
from portal.pages.governance.merge import Case, case_of, policy_of, routes_in
from portal.pages.governance.merge_checks import held
from portal.pages.governance.merge_forms import (
    AddForm,
    ChooseForm,
    DataForm,
    LinkForm,
    PlaceForm,
    RemoveForm,
    WaiverForm,
    WhichForm,
)

HERE: Final = "/governance/apps/{app:str}/merge"
MAY: Final = "lifecycle.move"

Do = Callable[[AnyRequest, Transaction, Case, Any], Awaitable[None]]
Page = Callable[..., Awaitable[FormView]]


class DataView(ChangeView, kw_only=True):
    """The form of what an old app holds, with a file of its export."""

    template = "merge_data.html"


def home(app: str) -> str:
    """Return the address of a merge."""
    return f"/governance/apps/{app}/merge"


async def open_case(portal: Portal, request: AnyRequest, tx: Transaction, app: str) -> Case:
    """Return a merge that the actor may change. Raises `Denied`, `NotFound`, and `Conflict`
    (`merge-over`) once the old app is closed."""
    need_everything(tx, request)
    case = await case_of(portal, request, tx, app)
    if case.over:
        raise Conflict("merge-over")
    return case


def candidates(portal: Portal, case: Case) -> dict[str, Text]:
    """Return the apps that another may be merged into: those behind the door that are in use."""
    return {
        name: entry.names
        for name, entry in case.register.items()
        if entry.behind_door and entry.stage in IN_USE and name != case.app
    }


def acts(portal: Portal) -> list[HTTPRouteHandler]:
    """Return the routes."""

    async def choose(request: AnyRequest, tx: Transaction, case: Case, form: ChooseForm) -> None:
        decided = case.stands.successor
        if form.successor not in candidates(portal, case) or decided not in (None, form.successor):
            raise Invalid(field_error("successor", "merge-no-successor"))
        policy, manifest = policy_of(portal), portal.apps.manifest(form.successor)
        there = routes_in(portal, form.successor)
        alike: dict[str, str] = {}
        if policy is not None and manifest is not None:
            old = await inventory(tx, case.app)
            alike = proposed(old, manifest.porting.functions, there, policy.rules.duplicate)
        await parity.begin(tx, case.app, form.successor, alike)

    async def place(request: AnyRequest, tx: Transaction, case: Case, form: PlaceForm) -> None:
        await parity.choose(
            tx,
            case.app,
            case.into,
            form.function,
            route=form.route,
            example=form.example or "",
            routes=routes_in(portal, case.into),
        )

    async def add(request: AnyRequest, tx: Transaction, case: Case, form: AddForm) -> None:
        await parity.add(tx, case.app, case.into, form.name)

    async def waive(request: AnyRequest, tx: Transaction, case: Case, form: WaiverForm) -> None:
        by = await signature(tx, actor_of(request), case.entry.owner)
        if form.function:
            await parity.waive(tx, case.app, case.into, form.function, form.reason, by)
        elif form.kind:
            await reconciling.waive(tx, case.app, case.into, form.kind, form.reason, by)
        else:
            raise NotFound

    async def withdraw(request: AnyRequest, tx: Transaction, case: Case, form: WhichForm) -> None:
        if form.function:
            await parity.withdraw(tx, case.app, case.into, form.function)
        elif form.kind:
            await reconciling.withdraw(tx, case.app, case.into, form.kind)
        else:
            raise NotFound

    async def link(request: AnyRequest, tx: Transaction, case: Case, form: LinkForm) -> None:
        await links.add(
            tx,
            case.app,
            case.into,
            path=form.path,
            target=form.target,
            example=form.example or "",
            routes=routes_in(portal, case.into),
        )

    async def remove(request: AnyRequest, tx: Transaction, case: Case, form: RemoveForm) -> None:
        await links.remove(tx, case.app, form.path)

    def act(
        at: str,
        form: type[Form],
        said: str,
        do: Do,
        *,
        page: Page | None = None,
        fresh: bool = False,
    ) -> HTTPRouteHandler:
        """Return the route of an act: checked, done and recorded in one transaction."""

        @post(f"{HERE}/{at}", opt=needs(MAY, body=form, fresh=fresh), operation_id=f"merge-do-{at}")
        async def done(request: AnyRequest, app: FromPath[str]) -> Response[Any]:
            """Do an act of a merge."""
            try:
                sent = (await read_form(request, form, actor_of(request))).form
                facts = sent.model_dump(exclude_none=True)
                async with portal.change(request, f"merge-{at}", f"app:{app}", **facts) as tx:
                    case = await open_case(portal, request, tx, app)
                    await do(request, tx, case, sent)
            except Invalid as wrong:
                if page is None or not portal.renderer.wants_page(request.scope):
                    raise
                given = await typed(request)
                return await show(request, app, page, given, wrong.errors, status=422)
            return portal.done(request, home(app), said)

        return done

    async def show(
        request: AnyRequest,
        app: str,
        page: Page,
        given: dict[str, Any],
        errors: tuple[FieldError, ...] = (),
        status: int = 200,
    ) -> Response[Any]:
        async with portal.read() as tx:
            case = await open_case(portal, request, tx, app)
            view = await page(portal, tx, case, given, errors)
        title = portal.renderer.text(request.scope, Phrase("text", {"text": view.title}))
        return await portal.show(request, view.template, title, view, status=status)

    def shown(at: str, page: Page) -> HTTPRouteHandler:
        @get(f"{HERE}/{at}", opt=needs(MAY), operation_id=f"merge-ask-{at}")
        async def ask(
            request: AnyRequest,
            app: FromPath[str],
            function: FromQuery[str] = "",
            kind: FromQuery[str] = "",
            path: FromQuery[str] = "",
            target: FromQuery[str] = "",
        ) -> Response[Any]:
            """Show the form of an act."""
            asked = {"function": function, "kind": kind, "path": path, "target": target}
            given = {name: value for name, value in asked.items() if value}
            return await show(request, app, page, given)

        return ask

    @post(f"{HERE}/data", opt=needs(MAY, body=DataForm), operation_id="merge-do-data")
    async def enter(request: AnyRequest, app: FromPath[str]) -> Response[Any]:
        """Take what an old app elsewhere holds of a kind, and compare it."""
        try:
            sent = await read_form(request, DataForm, actor_of(request), max_files=1)
            form = sent.form
            if sent.files:
                old = await asyncio.to_thread(_tally, form.kind, sent.files[0][2])
            elif form.rows is None or form.digest is None:
                raise Invalid(field_error("digest", "merge-digest"))
            else:
                old = Tally(form.kind, form.rows, form.digest)
            async with portal.read() as tx:
                case = await open_case(portal, request, tx, app)
            if case.app in portal.apps.hubs and case.app in portal.apps.hooks.implemented(
                "tallies"
            ):
                raise Conflict("merge-own-data")
            there = await held(portal, case)
            facts = {"kind": old.kind, "rows": old.rows, "digest": old.digest}
            async with portal.change(request, "merge-data", f"app:{app}", **facts) as tx:
                await open_case(portal, request, tx, app)
                by = actor_of(request).real_person_id
                await reconciling.enter(tx, case.app, case.into, old, there, by)
        except Invalid as wrong:
            if not portal.renderer.wants_page(request.scope):
                raise
            given = await typed(request)
            return await show(request, app, data_page, given, wrong.errors, status=422)
        return portal.done(request, home(app), "merge.data.entered")

    return [
        act("choose", ChooseForm, "merge.choose.done", choose),
        act("add", AddForm, "merge.act.added", add),
        shown("place", place_page),
        act("place", PlaceForm, "merge.act.placed", place, page=place_page),
        shown("waiver", waiver_page),
        act("waiver", WaiverForm, "merge.act.waived", waive, page=waiver_page, fresh=True),
        act("withdraw", WhichForm, "merge.act.withdrawn", withdraw, fresh=True),
        shown("data", data_page),
        enter,
        shown("link", link_page),
        act("link", LinkForm, "merge.links.added", link, page=link_page),
        act("unlink", RemoveForm, "merge.links.removed", remove),
    ]


def _tally(kind: str, content: bytes) -> Tally:
    """Return the tally of a file that was sent. Raises `Invalid`."""
    with tempfile.NamedTemporaryFile(suffix=".csv") as kept:
        kept.write(content)
        kept.flush()
        try:
            return tally_of_file(kind, Path(kept.name))
        except TableError:
            raise Invalid(field_error("file", "merge-file")) from None


async def place_page(
    portal: Portal,
    tx: Transaction,
    case: Case,
    given: dict[str, Any],
    errors: tuple[FieldError, ...],
) -> FormView:
    """Return the form of where a function is served now."""
    one = await parity.function(tx, case.app, case.into, str(given.get("function", "")))
    manifest = portal.apps.manifest(case.into)
    called = {f.route: f.name for f in (manifest.porting.functions if manifest else ()) if f.route}
    options = [
        Option(route, Phrase("merge.place.option", {"route": route, "name": called[route]}))
        if route in called
        else Option(route, route)
        for route in sorted(routes_in(portal, case.into), key=lambda one: one.split()[::-1])
    ]
    return ChangeView(
        title=Phrase("merge.place.title", {"function": one.name}),
        intro=Phrase("merge.place.intro"),
        action=f"{home(case.app)}/place",
        verb=Phrase("merge.place.verb"),
        fields=field_views(
            PlaceForm,
            "merge.place",
            values={"route": one.route, "example": one.example, **given},
            errors=errors,
            options={"route": options},
            hints=frozenset({"route", "example"}),
        ),
        cancel=home(case.app),
    )


async def waiver_page(
    portal: Portal,
    tx: Transaction,
    case: Case,
    given: dict[str, Any],
    errors: tuple[FieldError, ...],
) -> FormView:
    """Return the form in which a function or a kind of data is signed away."""
    what: Any
    if given.get("function"):
        what = (await parity.function(tx, case.app, case.into, str(given["function"]))).name
    else:
        kinds = await reconciling.kinds(tx, case.app, case.into)
        what = next((one.label for one in kinds if one.kind == given.get("kind")), None)
    if what is None:
        raise NotFound
    return ChangeView(
        title=Phrase("merge.waiver.title", {"what": what}),
        intro=Phrase("merge.waiver.intro"),
        action=f"{home(case.app)}/waiver",
        verb=Phrase("merge.waiver.sign"),
        fields=field_views(WaiverForm, "merge.waiver", values=given, errors=errors),
        cancel=home(case.app),
    )


async def data_page(
    portal: Portal,
    tx: Transaction,
    case: Case,
    given: dict[str, Any],
    errors: tuple[FieldError, ...],
) -> FormView:
    """Return the form of what an old app elsewhere holds."""
    return DataView(
        title=Phrase("merge.data.enter"),
        intro=Phrase("merge.data.enter_intro"),
        action=f"{home(case.app)}/data",
        verb=Phrase("merge.data.compare"),
        fields=field_views(
            DataForm,
            "merge.data",
            values=given,
            errors=errors,
            hints=frozenset({"kind", "digest"}),
        ),
        multipart=True,
        conflict=next((error.message for error in errors if error.field == "file"), None),
        cancel=home(case.app),
    )


async def link_page(
    portal: Portal,
    tx: Transaction,
    case: Case,
    given: dict[str, Any],
    errors: tuple[FieldError, ...],
) -> FormView:
    """Return the form of an old link."""
    known = {one.path: one for one in await links.links(tx, case.app)}
    there = known.get(str(given.get("path", "")))
    values = {"target": there.target, "example": there.example} if there else {}
    return ChangeView(
        title=Phrase("merge.links.add"),
        intro=Phrase("merge.links.intro"),
        action=f"{home(case.app)}/link",
        verb=Phrase("merge.links.add"),
        fields=field_views(
            LinkForm,
            "merge.links",
            values={**values, **given},
            errors=errors,
            hints=frozenset({"path", "target", "example"}),
        ),
        cancel=home(case.app),
    )

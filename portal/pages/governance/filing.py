"""Filing an app beyond the door: the form, its change, and files of many."""

from typing import Any

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from core.database import Transaction
from core.governance.declared import Declared
from core.governance.filing import FilingForm, declared_of, file_fields, form_of, tried, weigh
from core.governance.register import entered, register
from core.identity import organizations
from plugin_sdk.forms import read_form, typed
from plugin_sdk.problems import FieldError, Invalid, NotFound, field_error
from plugin_sdk.registers.files import (
    FileForm,
    ImportView,
    counted,
    file_rows,
    file_template,
    text_of,
)
from plugin_sdk.routes import actor_of, needs
from plugin_sdk.views import FieldView, FormView, Option, Phrase
from portal.pages.admin.reach import need_everything
from portal.pages.context import AnyRequest, Portal
from portal.pages.governance.files import CSV, file
from portal.pages.governance.register import HERE

CHANGE = "register.change"
IMPORT = f"{HERE}/import"


def routes(portal: Portal) -> list[HTTPRouteHandler]:
    """Return the routes."""
    return [*_forms(portal), *_imports(portal)]


def _forms(portal: Portal) -> list[HTTPRouteHandler]:
    async def view(
        values: dict[str, Any], errors: tuple[FieldError, ...] = (), app: str = ""
    ) -> FormView:
        fields = await _fields(portal, values, errors)
        return FormView(
            title=Phrase("app_register.change" if app else "app_register.new"),
            intro=Phrase("app_register.change_intro" if app else "app_register.new_intro"),
            action=f"{HERE}/{app}/change" if app else HERE,
            verb=Phrase("registers.act.save"),
            fields=[field for field in fields if not app or field.name != "app"],
            hidden={"app": app} if app else {},
            cancel=HERE,
        )

    async def shown(request: AnyRequest, found: FormView) -> Response[Any]:
        async with portal.read() as tx:
            need_everything(tx, request)
        return await portal.show(request, found.template, found.title.key, found)  # type: ignore[union-attr]  # both titles are phrases

    @get(f"{HERE}/new", opt=needs(CHANGE), operation_id="filing-form")
    async def new(request: AnyRequest) -> Response[Any]:
        """Show the form on which an app beyond the door is filed."""
        return await shown(request, await view({}))

    @get(f"{HERE}/{{app:str}}/change", opt=needs(CHANGE), operation_id="filing-change-form")
    async def change(request: AnyRequest, app: FromPath[str]) -> Response[Any]:
        """Show the filing of an app beyond the door as it is, to be changed."""
        async with portal.read() as tx:
            need_everything(tx, request)
            known = await _beyond(portal, tx, app)
        return await shown(request, await view(form_of(known), app=app))

    async def take(request: AnyRequest, app: str) -> Response[Any]:
        actor = actor_of(request)
        try:
            form = (await read_form(request, FilingForm, actor)).form
            if app and form.app != app:
                raise Invalid(field_error("app", "choice"))
            declared = declared_of(form)
            async with portal.change(request, "app-registered", f"app:{declared.app}") as tx:
                need_everything(tx, request)
                if app:
                    await _beyond(portal, tx, app)
                weighed = await weigh(tx, declared, portal.apps.instances)
                if not app and weighed.outcome != "new":
                    raise Invalid(field_error("app", "registered"))
                await register(tx, declared, actor)
        except Invalid as wrong:
            wrong.view = await view(await typed(request), wrong.errors, app)
            raise
        outcome = weighed.outcome
        status = 201 if outcome == "new" else 200
        return portal.done(
            request, HERE, f"app_register.said.{outcome}", status=status, app=declared.app
        )

    @post(HERE, opt=needs(CHANGE, body=FilingForm), operation_id="filing")
    async def enter(request: AnyRequest) -> Response[Any]:
        """Put an app beyond the door on the register."""
        return await take(request, "")

    @post(
        f"{HERE}/{{app:str}}/change",
        opt=needs(CHANGE, body=FilingForm),
        operation_id="filing-change",
    )
    async def alter(request: AnyRequest, app: FromPath[str]) -> Response[Any]:
        """Change what is filed of an app beyond the door; how it stands is governance's to say."""
        return await take(request, app)

    return [new, change, enter, alter]


async def _beyond(portal: Portal, tx: Transaction, app: str) -> Declared:
    """Return what is filed of an app beyond the door. Raises `NotFound`."""
    known = None if app in portal.apps.instances else await entered(tx, app)
    if known is None:
        raise NotFound
    return known


async def _fields(
    portal: Portal, values: dict[str, Any], errors: tuple[FieldError, ...] = ()
) -> list[FieldView]:
    async with portal.read() as tx:
        tree = await organizations.tree(tx)
    owners = [Option(one.code, f"{one.name}（{one.code}）") for one in tree]
    owner = str(values.get("owner") or "")
    if owner and owner not in {option.value for option in owners}:
        owners.append(Option(owner, owner))  # a village, or what is not in the tree
    return file_fields(values, errors, owners)


def _imports(portal: Portal) -> list[HTTPRouteHandler]:
    say = portal.renderer.say

    async def blank() -> ImportView:
        return ImportView(
            title=Phrase("app_register.apps"),
            action=IMPORT,
            template_href=f"{IMPORT}/template.csv",
            list_href=HERE,
            columns=await _fields(portal, {}),
        )

    @get(IMPORT, opt=needs(CHANGE), operation_id="register-import-form")
    async def show(request: AnyRequest) -> Response[Any]:
        """Show how a file of apps beyond the door is brought in."""
        async with portal.read() as tx:
            need_everything(tx, request)
        view = await blank()
        return await portal.show(request, view.template, "registers.import.title", view)

    @get(f"{IMPORT}/template.csv", opt=needs(CHANGE), operation_id="register-import-template")
    async def template(request: AnyRequest) -> Response[bytes]:
        """Return a file with the columns and no rows."""
        language = portal.renderer.language(request.scope)
        return file(file_template((await blank()).columns, say, language), CSV, "apps.csv")

    @post(IMPORT, opt=needs(CHANGE, body=FileForm), operation_id="register-import")
    async def take(request: AnyRequest) -> Response[Any]:
        """Try a file of apps beyond the door, or bring it in: as a whole or not at all."""
        actor, view, behind = actor_of(request), await blank(), portal.apps.instances
        try:
            sent = await read_form(request, FileForm, actor, max_files=1)
            view.content = text_of(sent.form, sent.files)
            rows = file_rows(view.content, view.columns, say)
            if not sent.form.bring_in:
                async with portal.read() as tx:
                    need_everything(tx, request)
                    found = await tried(tx, rows, view.columns, behind)
                view.rows = [one.row for one in found]
                view.counts = counted(view.rows)
                return await portal.show(request, view.template, "registers.import.title", view)
            async with portal.change(request, "apps-imported", "register:apps") as tx:
                need_everything(tx, request)
                found = await tried(tx, rows, view.columns, behind)
                view.rows = [one.row for one in found]
                view.counts = counted(view.rows)
                for one in found:
                    if one.declared is None:
                        raise Invalid(field_error("file", "rows-refused"))
                    await register(tx, one.declared, actor)
        except Invalid as wrong:
            view.error = wrong.errors[0].message
            wrong.view = view
            raise
        return portal.done(request, HERE, "registers.import.brought_in", **view.counts)

    return [show, template, take]

"""The administrator's page of apps at run time."""

from typing import Any
from uuid import UUID

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from pydantic import Field

from core.apps import runtime
from core.apps.hooks import HookFailure
from core.identity import people
from plugin_sdk.extension import Health
from plugin_sdk.forms import Form, read_form
from plugin_sdk.identifiers import mask_name
from plugin_sdk.problems import NotFound
from plugin_sdk.routes import actor_of, needs
from plugin_sdk.views import Phrase, Words
from portal.pages.admin.reach import need_everything
from portal.pages.context import AnyRequest, Portal

ACKNOWLEDGE_SECONDS = 35.0


class StateForm(Form):
    """Why an app's state is changed."""

    reason: str | None = Field(default=None, max_length=300)


def routes(portal: Portal) -> list[HTTPRouteHandler]:
    """Return the routes."""

    @get("/admin/apps", opt=needs("apps.read"))
    async def listing(request: AnyRequest) -> Response[Any]:
        """Show every app's state, and how many workers run it."""
        async with portal.read() as tx:
            gates = await runtime.gates(tx)
            events = await runtime.recent(tx)
            acting = [UUID(event.facts["by"]) for event in events if event.facts.get("by")]
            who = await people.names(tx, acting)
        may = portal.may(actor_of(request), "apps.operate", everywhere=True)
        english = portal.renderer.language(request.scope) == "en"
        view = {
            "apps": [
                await _app(portal, name, gates.get(name), may=may, english=english)
                for name in portal.apps.instances
            ],
            "history": [
                {
                    "at": event.at,
                    "app": event.app,
                    "what": Phrase(f"page.app.event.{event.what}"),
                    "reason": str(event.facts.get("reason", "")),
                    "who": mask_name(who.get(UUID(event.facts["by"]), ""))
                    if event.facts.get("by")
                    else portal.renderer.text(request.scope, Phrase("case.who.system")),
                }
                for event in events
            ],
        }
        return await portal.show(request, "admin_apps.html", "page.admin.apps", view)

    @post("/admin/apps/{app:str}/{act:str}", opt=needs("apps.operate", body=StateForm))
    async def change(request: AnyRequest, app: FromPath[str], act: FromPath[str]) -> Response[Any]:
        """Enable, drain or disable an app; answer once every worker follows (or is late)."""
        states = {"enable": "enabled", "drain": "draining", "disable": "disabled"}
        if act not in states or app not in portal.apps.instances:
            raise NotFound
        actor = actor_of(request)
        form = (await read_form(request, StateForm, actor)).form
        reason = form.reason or ""
        async with portal.change(request, f"app-{act}", f"app:{app}", reason=reason) as tx:
            need_everything(tx, request)
            number = await portal.apps.change_within(
                tx, app, state=states[act], reason=reason, by=actor.person_id
            )
        known = await portal.apps.until_acknowledged(number, ACKNOWLEDGE_SECONDS)
        return portal.done(
            request,
            "/admin/apps",
            f"page.admin.app_did.{act}",
            applied=known.ready,
            workers=known.live,
        )

    return [listing, change]


async def _app(portal: Portal, name: str, gate: Any, *, may: bool, english: bool) -> dict[str, Any]:
    slot = portal.apps.door.slots[name]
    manifest = portal.apps.manifest(name)
    known = await portal.apps.acknowledged(gate.generation if gate else 0)
    refusal = slot.app.refusal
    state = slot.gate.state
    error: Words | None = None
    if refusal is not None:
        error = Phrase("page.app.refused", {"code": refusal.code, "detail": refusal.detail})
    elif state == "enabled":
        error = await _unwell(portal, name)
    acts = {"enabled": ("drain", "disable"), "draining": ("enable", "disable")}.get(
        state, ("enable",)
    )
    names = manifest.identity.names if manifest else None
    return {
        "id": name,
        "name": (names.en if english else names.zh) if names else name,
        "version": manifest.identity.version if manifest else "",
        "level": manifest.porting.level if manifest else "",
        "state": state,
        "mode": slot.gate.mode,
        "reason": slot.gate.reason if refusal is None else "",
        "error": error,
        "applied": known.ready,
        "workers": known.live,
        "breaker": None if slot.instance.breaker.closed else Phrase("page.app.breaker_open"),
        "href": f"/about/{name}",
        "acts": [{"verb": verb, "action": f"/admin/apps/{name}/{verb}"} for verb in acts]
        if may and refusal is None
        else [],
    }


async def _unwell(portal: Portal, name: str) -> Words | None:
    """Return in words why an app cannot do its work, None when it says it can."""
    try:
        state: Health = await portal.apps.hooks.call_async(
            name, "health", Health(ok=True), hub=portal.apps.hubs[name], seconds=2.0
        )
    except HookFailure as failure:
        return Phrase("page.app.unwell", {"detail": str(failure)})
    return None if state.ok else Phrase("page.app.unwell", {"detail": state.detail})

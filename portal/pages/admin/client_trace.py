"""The trace of sign-ins by a client: what failed at which step, and what to change."""

from typing import Any, Final

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from core.identity.provider import trace
from plugin_sdk.routes import needs
from plugin_sdk.views import FactView, Phrase, Words
from portal.oidc.answers import why as why_of
from portal.pages.admin.clients import PAGE, PERMISSION, the
from portal.pages.admin.reach import need_everything
from portal.pages.context import AnyRequest, Portal

WORDS: Final = "page.client_trace"
STRANGERS: Final = "/admin/client-trace"
"""What clients tried that are not registered."""


def routes(portal: Portal) -> list[HTTPRouteHandler]:
    """Return the routes."""

    async def show(request: AnyRequest, client: str, back: str) -> Response[Any]:
        name = None
        async with portal.read() as tx:
            need_everything(tx, request)
            if client != trace.UNKNOWN:
                name = (await the(tx, client)).name
            found = await trace.of_client(tx, client)
        catalogue = portal.renderer.catalogue

        def why(step: trace.Traced) -> Phrase | None:
            return None if step.outcome == "done" else why_of(portal, step.reason)

        def called(fact: str) -> Words:
            key = f"{WORDS}.fact.{fact}"
            return Phrase(key) if key in catalogue else fact

        title = f"{WORDS}.title" if name else "page.clients.strangers"
        view = {
            "title": Phrase(title),
            "name": name,
            "back": back,
            "steps": [
                {
                    "at": step.at,
                    "step": Phrase(f"{WORDS}.step.{step.step}"),
                    "done": step.outcome == "done",
                    "error": step.error,
                    "why": why(step),
                    "facts": [FactView(called(fact), said) for fact, said in step.facts.items()],
                }
                for step in found
            ],
        }
        return await portal.show(request, "admin_client_trace.html", title, view)

    @get(f"{PAGE}/{{id:str}}/trace", opt=needs(PERMISSION))
    async def one(request: AnyRequest, id: FromPath[str]) -> Response[Any]:
        """Show the last steps of a client, newest first."""
        return await show(request, id, f"{PAGE}/{id}")

    @get(STRANGERS, opt=needs(PERMISSION))
    async def strangers(request: AnyRequest) -> Response[Any]:
        """Show what was tried under ids that are not registered."""
        return await show(request, trace.UNKNOWN, PAGE)

    return [one, strangers]

"""Searching apps and what the reader may see in them."""

import asyncio
from typing import Any

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromQuery

from core.apps.hooks import HookFailure
from plugin_sdk.extension import Hit
from plugin_sdk.ports import Actor
from plugin_sdk.routes import PUBLIC, actor_of, needs
from portal.pages.context import AnyRequest, Portal
from portal.pages.rows import answering, app_name, in_words, tiles

HITS = 3


def routes(portal: Portal) -> list[HTTPRouteHandler]:
    """Return the routes."""

    @get("/search", opt=needs(PUBLIC))
    async def search(request: AnyRequest, q: FromQuery[str] = "") -> Response[Any]:
        """Search apps and what the reader may see in them, by kind, three of each."""
        actor = actor_of(request)
        query = q.strip()[:100]
        hits: list[Hit] = []
        searchable, failed = answering(portal, actor, "search")
        if query:
            hits += [
                Hit(kind="help", title=tile.name, text=tile.summary, href=tile.href)
                for tile in tiles(portal, request, {})
                if query.lower() in f"{tile.name} {tile.summary} {tile.id}".lower()
            ]
            outcomes = await asyncio.gather(
                *(_search(portal, app, actor, query) for app in searchable)
            )
            for app, result in zip(searchable, outcomes, strict=True):
                if result is None:
                    failed.append(app)
                else:
                    hits += result
        kinds = [
            {"kind": kind, "hits": found[:HITS], "more_href": None}
            for kind, found in (
                ("apps", [hit for hit in hits if hit.kind == "help"]),
                ("work", [hit for hit in hits if hit.kind == "work"]),
                ("public", [hit for hit in hits if hit.kind == "public"]),
            )
            if found
        ]
        view = {
            "query": query,
            "kinds": kinds,
            "unavailable": in_words(portal, request, [app_name(portal, app) for app in failed]),
        }
        return await portal.show(request, "search.html", "frame.search", view)

    return [search]


async def _search(portal: Portal, app: str, actor: Actor, query: str) -> list[Hit] | None:
    try:
        found: list[Hit] = await portal.apps.hooks.call_async(
            app,
            "search",
            (),
            hub=portal.apps.hubs[app],
            actor=actor,
            query=query,
            limit=HITS + 1,
            seconds=portal.services.settings.search_seconds,
        )
    except HookFailure:
        return None
    return list(found)

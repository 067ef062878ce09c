"""What machines ask: alive, serving, the API's description, assets, files."""

import gzip
import mimetypes
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery
from sqlalchemy import literal, select

from core.apps.native import BEFORE_FACTORS, FOR_PROGRAMS
from plugin_sdk.problems import NotFound, Problem
from plugin_sdk.routes import PUBLIC, actor_of, needs
from portal.gallery import gallery_html
from portal.openapi import describe
from portal.pages.context import AnyRequest, Portal

ASSET_AGE = "public, max-age=31536000, immutable"


def routes(portal: Portal) -> list[HTTPRouteHandler]:
    """Return the routes."""

    @get("/healthz", opt=needs(PUBLIC) | BEFORE_FACTORS)
    async def healthz() -> dict[str, str]:
        """Say that the process is alive."""
        return {"status": "alive"}

    @get("/readyz", opt=needs(PUBLIC) | BEFORE_FACTORS)
    async def readyz() -> dict[str, Any]:
        """Say that the hub serves: started, database answering, apps at their state."""
        if not portal.ready:
            raise Problem("not-ready", status=503)
        try:
            async with portal.read() as tx:
                await tx.session.execute(select(literal(1)))
        except Exception:
            raise Problem("not-ready", status=503) from None
        return {"status": "ready", "generation": portal.apps.generation}

    @get("/openapi.json", opt=needs(PUBLIC))
    async def openapi() -> Response[dict[str, Any]]:
        """Describe every operation of the shell and of the apps, with its permission."""
        return Response(
            describe(portal.handlers, portal.apps.instances),
            headers={"Cache-Control": "no-cache"},
        )

    @get("/assets/{name:path}", opt=needs(PUBLIC) | BEFORE_FACTORS)
    async def asset(request: AnyRequest, name: FromPath[str]) -> Response[bytes]:
        """Return an asset by its hashed name, compressed where the browser takes it so."""
        path = portal.assets.path(str(name).lstrip("/"))
        if path is None:
            raise NotFound
        kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        headers = {"Cache-Control": ASSET_AGE, "Vary": "Accept-Encoding"}
        if "gzip" not in request.headers.get("accept-encoding", ""):
            return Response(path.read_bytes(), media_type=kind, headers=headers)
        headers["Content-Encoding"] = "gzip"
        return Response(_compressed(path), media_type=kind, headers=headers)

    @get("/files/{id:uuid}", opt=needs(PUBLIC) | FOR_PROGRAMS)
    async def file(
        request: AnyRequest, id: FromPath[UUID], t: FromQuery[str] = ""
    ) -> Response[bytes]:
        """Return a stored picture to the session whose page showed it, in the same seat."""
        async with portal.read() as tx:
            found = await portal.services.files.open(tx, id, t[:64], actor_of(request))
        if found is None:
            raise NotFound
        stored, data = found
        return Response(
            data,
            media_type=stored.media_type,
            headers={
                "Cache-Control": "private, no-store",
                "Content-Disposition": "inline",
                "Cross-Origin-Resource-Policy": "same-origin",
            },
        )

    @get("/_components", opt=needs(PUBLIC))
    async def components(request: AnyRequest) -> Response[str]:
        """Show every component in every state (never in production)."""
        page = await portal.renderer.page(request.scope, "Components")
        return Response(
            gallery_html(portal.renderer.environment, page.lang, page.mode),
            media_type="text/html",
        )

    found = [healthz, readyz, openapi, asset, file]
    return [*found, components] if portal.services.settings.mode == "demonstration" else found


@cache
def _compressed(path: Path) -> bytes:
    """Return a file of ours, compressed once in a process.

    Pages are sent as they are: they hold the token of the session beside what the reader
    typed, and compressing the two together would let the length tell the token (BREACH).
    """
    return gzip.compress(path.read_bytes(), mtime=0)

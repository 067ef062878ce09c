"""The administrator's pages of imports of people: try, bring in, follow, take back."""

import asyncio
import hashlib
from collections.abc import Set
from typing import Any
from uuid import UUID

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery

from core.access.granting import everywhere
from core.database import Transaction
from core.identity import people, people_reports
from core.identity.people_files import FileRefused, read_people, template
from core.identity.people_imports import ImportRefused
from plugin_sdk.forms import read_form
from plugin_sdk.identifiers import mask_name
from plugin_sdk.ports import Actor
from plugin_sdk.problems import Conflict, FieldError, Invalid, NotFound, field_error
from plugin_sdk.routes import actor_of, needs
from plugin_sdk.tables import csv_chunks
from plugin_sdk.views import FilterView, Option, Phrase
from portal.pages.context import AnyRequest, Portal
from portal.pages.session import Nothing
from portal.people_imports import why

PAGE = 100
LAST_LINE = 2**31 - 1  # what a line's column holds
HERE = "/admin/people/import"


def routes(portal: Portal) -> list[HTTPRouteHandler]:
    """Return the routes."""
    imports = portal.services.people_imports

    async def page(
        request: AnyRequest, *, error: FieldError | None = None, status: int = 200
    ) -> Response[Any]:
        async with portal.read() as tx:
            found = await people_reports.recent(tx, of=_whose(tx, request))
            who = await people.names(tx, [item.created_by for item in found if item.created_by])
        view = {
            "action": HERE,
            "error": error.message if error else None,
            "imports": [
                {
                    "name": item.name,
                    "href": f"{HERE}/{item.id}",
                    "state": Phrase(f"people_import.state.{item.state}"),
                    "total": item.total,
                    "at": item.created_at,
                    "who": mask_name(who.get(item.created_by, "")) if item.created_by else "",
                }
                for item in found
            ],
        }
        return await portal.show(
            request, "admin_people_imports.html", "people_import.title", view, status=status
        )

    @get(HERE, opt=needs("people.manage"))
    async def listing(request: AnyRequest) -> Response[Any]:
        """Show the form for a file of people, and earlier imports."""
        return await page(request)

    @get(f"{HERE}/template.csv", opt=needs("people.manage"))
    async def example(request: AnyRequest) -> Response[bytes]:
        """Return a file with the columns of an import and no rows."""
        return _csv(template(portal.renderer.language(request.scope)), "people.csv")

    @post(HERE, opt=needs("people.manage", body=Nothing))
    async def attempt(request: AnyRequest) -> Response[Any]:
        """Try a file: report what each row would do, and change nothing."""
        actor = actor_of(request)
        try:
            sent = await read_form(request, Nothing, actor, max_files=1)
            if not sent.files:
                raise Invalid(field_error("file", "file-missing"))
            _, name, content = sent.files[0]
            try:
                rows = await asyncio.to_thread(read_people, name, content)
            except FileRefused as refused:
                raise Invalid(field_error("file", refused.code, **refused.params)) from None
        except Invalid as wrong:
            if not portal.renderer.wants_page(request.scope):
                raise
            return await page(request, error=wrong.errors[0], status=422)
        plans = await imports.tried(rows, by=actor)
        digest = hashlib.sha256(content).hexdigest()
        id = await imports.keep(name, digest, plans, by=actor)
        return portal.done(request, f"{HERE}/{id}", "people_import.tried", status=201, n=len(rows))

    @get(f"{HERE}/{{id:uuid}}", opt=needs("people.manage"))
    async def one(
        request: AnyRequest,
        id: FromPath[UUID],
        outcome: FromQuery[str] = "",
        after: FromQuery[int] = 0,
    ) -> Response[Any]:
        """Show how an import stands, and its report by row."""
        wanted = outcome if outcome in people_reports.OUTCOMES else None
        async with portal.read() as tx:
            job = await _standing(tx, request, id)
            counted = await people_reports.counts(tx, id)
            found = await people_reports.rows(
                tx, id, outcome=wanted, after=min(max(after, 0), LAST_LINE), limit=PAGE + 1
            )
        here = f"{HERE}/{id}"
        rows = found[:PAGE]
        takes = sum(sum(of.values()) for key, of in counted.items() if key in ("ok", "warn"))
        view = {
            "name": job.name,
            "state": Phrase(f"people_import.state.{job.state}"),
            "job": {
                "label": Phrase(f"people_import.state.{job.state}"),
                "done": job.done,
                "total": job.total,
                "running": job.running,
                "href": here,
            }
            if job.state != "tried"
            else None,
            "counts": [
                {
                    "outcome": key,
                    "label": Phrase(f"people_import.outcome.{key}"),
                    "n": sum(counted[key].values()),
                    "href": f"{here}?outcome={key}",
                    "does": [
                        {"label": Phrase(f"people_import.does.{does}"), "n": n}
                        for does, n in sorted(counted[key].items())
                    ],
                }
                for key in people_reports.OUTCOMES
                if key in counted
            ],
            "filters": [
                FilterView(
                    name="outcome",
                    label=Phrase("people_import.outcome_label"),
                    options=[
                        Option(key, Phrase(f"people_import.outcome.{key}"))
                        for key in people_reports.OUTCOMES
                        if key in counted
                    ],
                    value=wanted or "",
                )
            ],
            "rows": [
                {
                    "line": row.line,
                    "username": row.username,
                    "outcome": row.outcome,
                    "does": row.does,
                    "reasons": [why(r["code"], r["params"]) for r in row.reasons],
                }
                for row in rows
            ],
            "next_href": f"{here}?outcome={wanted or ''}&after={rows[-1].line}"
            if len(found) > PAGE
            else None,
            "report_href": f"{here}/report.csv",
            "start": f"{here}/start" if job.state == "tried" and takes else None,
            "takes": takes,
            "roll_back": f"{here}/roll-back" if job.state == "done" else None,
            "again": HERE,
        }
        return await portal.show(request, "admin_people_import.html", "people_import.title", view)

    @get(f"{HERE}/{{id:uuid}}/report.csv", opt=needs("people.manage"))
    async def report(request: AnyRequest, id: FromPath[UUID]) -> Response[bytes]:
        """Return the report by row as CSV."""
        language = portal.renderer.language(request.scope)

        def say(key: str) -> str:
            return portal.renderer.say(Phrase(f"people_import.{key}"), language)

        header = [
            say(key) for key in ("line", "username", "outcome_label", "does_label", "reasons")
        ]
        async with portal.read() as tx:
            await _standing(tx, request, id)
            rows = [
                (
                    row.line,
                    row.username,
                    say(f"outcome.{row.outcome}"),
                    say(f"does.{row.does}"),
                    " ".join(
                        portal.renderer.say(why(r["code"], r["params"]), language)
                        for r in row.reasons
                    ),
                )
                async for row in people_reports.all_rows(tx, id)
            ]
        return _csv(b"".join(csv_chunks(header, rows)), "people-report.csv")

    async def start(tx: Transaction, id: UUID, actor: Actor) -> None:
        await imports.start(tx, id, by=actor)

    async def roll_back(tx: Transaction, id: UUID, actor: Actor) -> None:
        await imports.roll_back(tx, id)

    def act(name: str, said: str, do: Any) -> HTTPRouteHandler:
        @post(
            f"{HERE}/{{id:uuid}}/{name}",
            opt=needs("people.manage", body=Nothing),
            name=f"people-import-{name}",
        )
        async def handler(request: AnyRequest, id: FromPath[UUID]) -> Response[Any]:
            actor = actor_of(request)
            await read_form(request, Nothing, actor)
            async with portal.read() as tx:
                await _standing(tx, request, id)
            async with portal.change(request, f"people-import-{name}", f"import:{id}") as tx:
                try:
                    await do(tx, id, actor)
                except ImportRefused as refused:
                    raise Conflict(refused.code) from None
            portal.services.jobs.wake()
            return portal.done(request, f"{HERE}/{id}", said)

        handler.fn.__doc__ = f"Let an import {name.replace('-', ' ')}, in the background."
        return handler

    return [
        listing,
        example,
        attempt,
        one,
        report,
        act("start", "people_import.started", start),
        act("roll-back", "people_import.rolling_back", roll_back),
    ]


def _whose(tx: Transaction, request: AnyRequest) -> Set[UUID] | None:
    """Return whose imports are seen: one's own, or everybody's (None) where everything is."""
    actor = actor_of(request)
    return None if everywhere(actor, actor.permission, tx.now) else actor.hands


async def _standing(tx: Transaction, request: AnyRequest, id: UUID) -> people_reports.ImportFacts:
    """Return an import that is seen. Raises `NotFound`."""
    found, whose = await people_reports.standing(tx, id), _whose(tx, request)
    if found is None or (whose is not None and found.created_by not in whose):
        raise NotFound
    return found


def _csv(content: bytes, name: str) -> Response[bytes]:
    return Response(
        content,
        media_type="text/csv; charset=utf-8",
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "X-Content-Type-Options": "nosniff",
        },
    )

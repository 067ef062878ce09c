"""What is counted of the use of apps, and what is not: for anybody, from the tables themselves."""

from typing import Any, Final

import msgspec
from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from sqlmodel import SQLModel

from core.usage import models
from plugin_sdk.routes import PUBLIC, needs
from plugin_sdk.views import Phrase, View, Words
from portal.pages.context import AnyRequest, Portal

COUNTED: Final[tuple[type[SQLModel], ...]] = (
    models.UsageMinute,
    models.UsageHour,
    models.UsageCell,
    models.UsageDay,
    models.UsageEffect,
    models.UsageElement,
    models.UsageLatency,
    models.UsageExit,
    models.UsageSession,
    models.UsageReach,
    models.UsageReachKey,
    models.UsageBatch,
    models.UsageWorker,
    models.UsageGap,
)
"""Every table in which use is stored, what is counted first."""
SENTENCES: Final = range(1, 7)


class Column(msgspec.Struct, frozen=True):
    """A column as it is called in the database, and what it means."""

    name: str
    means: Phrase


class Stored(msgspec.Struct, frozen=True):
    """A table as it is called in the database, what a row of it is, and every column."""

    table: str
    title: Phrase
    columns: tuple[Column, ...]


class Collected(msgspec.Struct, frozen=True, kw_only=True):
    """What an app keeps of people (not of its use), and how long."""

    app: str
    name: Words
    href: str
    collected: tuple[Phrase, ...]
    retention: Phrase


class TransparencyView(View, kw_only=True):
    """What is counted, in six sentences, column by column and app by app."""

    sentences: tuple[Phrase, ...]
    stored: tuple[Stored, ...]
    apps: tuple[Collected, ...]


def routes(portal: Portal) -> list[HTTPRouteHandler]:
    """Return the routes."""

    @get("/transparency", opt=needs(PUBLIC))
    async def transparency(request: AnyRequest) -> Response[Any]:
        """Say what is counted of the use of apps, and what is not."""
        view = TransparencyView(
            sentences=tuple(Phrase(f"page.transparency.s{n}") for n in SENTENCES),
            stored=tuple(_stored(portal, model) for model in COUNTED),
            apps=_collected(portal),
        )
        return await portal.show(request, "transparency.html", "page.transparency.title", view)

    return [transparency]


def _stored(portal: Portal, model: type[SQLModel]) -> Stored:
    table = model.metadata.tables[str(model.__tablename__)]
    short = table.name.removeprefix("usage_")
    return Stored(
        table.name,
        Phrase(f"stored.{short}.row"),
        tuple(Column(c.name, _meaning(portal, short, c.name)) for c in table.columns),
    )


def _meaning(portal: Portal, table: str, column: str) -> Phrase:
    """Return what a column means: in its own table, or wherever it stands."""
    own = f"stored.{table}.{column}"
    return Phrase(own if own in portal.renderer.catalogue else f"stored.any.{column}")


def _collected(portal: Portal) -> tuple[Collected, ...]:
    return tuple(
        Collected(
            app=name,
            name=Phrase("text", {"text": manifest.identity.names}),
            href=f"/about/{name}",
            collected=tuple(
                Phrase(f"page.personal.{kind}")
                for kind in dict.fromkeys(field.kind for field in manifest.data.personal)
            ),
            retention=Phrase("page.transparency.months", {"n": manifest.data.retention_months}),
        )
        for name in portal.apps.instances
        if (manifest := portal.apps.manifest(name)) is not None
    )

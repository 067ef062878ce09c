"""The register of apps (应用台账): every app, behind the door or beyond it, and what changed."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, ClassVar, Final
from urllib.parse import urlencode

import msgspec
from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromQuery

from core.database import Transaction
from core.governance.lifecycle.dependants import Dependant, dependants
from core.governance.register import RegisterEntry
from core.governance.reports import APP_FIGURES, AppLine, Period, app_lines, counted
from plugin_sdk.deadlines import local_day
from plugin_sdk.documents import Document, Table, csv, workbook
from plugin_sdk.problems import Problem
from plugin_sdk.routes import actor_of, needs
from plugin_sdk.tables import Cell
from plugin_sdk.text import Text
from plugin_sdk.views import FilterView, Option, Phrase, View
from portal.pages.admin.reach import need_everything
from portal.pages.context import AnyRequest, Portal
from portal.pages.governance.files import CSV, XLSX, file

HERE: Final = "/governance/register"
LOG: Final = f"{HERE}/changes"
OVERSIGHT: Final = "oversight"
PAGE: Final = 50
LONGEST: Final = 100
DOORS: Final = ("behind", "beyond")
COLUMNS: Final = (
    *("app", "name", "owner", "stage", "since", "door", "filing_number"),
    *("sign_in", "closed_on", "successor"),
)


class Tab(msgspec.Struct, frozen=True, kw_only=True):
    """One of the registers, as the head of each leads to the others."""

    label: Phrase
    href: str
    current: bool = False


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked of the register, as its address carries it; a figure is one of a report."""

    q: str = ""
    stage: str = ""
    owner: str = ""
    door: str = ""
    figure: str = ""
    since: str = ""
    until: str = ""

    def parameters(self) -> dict[str, str]:
        """Return the parameters of the address."""
        values = {name: getattr(self, name) for name in self.__struct_fields__}
        return {name: value for name, value in values.items() if value}


class AppLineView(msgspec.Struct, frozen=True, kw_only=True):
    """An app of the register; `relying` are those that rely on it, `change` leads to its filing
    where the reader may change it."""

    app: str
    name: Text
    href: str
    owner: str
    stage: str
    stage_label: Phrase
    since: date
    behind_door: bool
    filing_number: str | None
    closed_on: date | None
    successor: str | None
    successor_name: Text | None
    relying: tuple[Text, ...]
    change: str | None


class RegisterView(View, kw_only=True):
    """One page of the register of apps."""

    template: ClassVar[str] = "register_apps.html"
    title: Phrase
    tabs: list[Tab]
    said: Phrase | None
    rows: list[AppLineView]
    total: int
    filters: list[FilterView]
    query: str
    action: str
    next_href: str | None
    exports: dict[str, str]
    create: str | None
    imports: str | None


def routes(portal: Portal) -> list[HTTPRouteHandler]:
    """Return the routes."""

    @get(HERE, opt=needs("usage.read"), operation_id="register-of-apps")
    async def show(
        request: AnyRequest,
        q: FromQuery[str] = "",
        stage: FromQuery[str] = "",
        owner: FromQuery[str] = "",
        door: FromQuery[str] = "",
        figure: FromQuery[str] = "",
        since: FromQuery[str] = "",
        until: FromQuery[str] = "",
        cursor: FromQuery[str] = "",
    ) -> Response[Any]:
        """List the apps of the register, or those that a figure of a report counts."""
        asked = Asked(
            q=q, stage=stage, owner=owner, door=door, figure=figure, since=since, until=until
        )
        async with portal.read() as tx:
            need_everything(tx, request)
            view = await _page(portal, request, tx, asked, cursor)
        return await portal.show(request, view.template, view.title.key, view)

    return [show, *(_export(portal, kind) for kind in ("csv", "xlsx"))]


def _export(portal: Portal, kind: str) -> HTTPRouteHandler:
    @get(f"{HERE}.{kind}", opt=needs("usage.read"), operation_id=f"export-register-{kind}")
    async def export(
        request: AnyRequest,
        q: FromQuery[str] = "",
        stage: FromQuery[str] = "",
        owner: FromQuery[str] = "",
        door: FromQuery[str] = "",
        figure: FromQuery[str] = "",
        since: FromQuery[str] = "",
        until: FromQuery[str] = "",
    ) -> Response[bytes]:
        """Export the apps that were asked for."""
        asked = Asked(
            q=q, stage=stage, owner=owner, door=door, figure=figure, since=since, until=until
        )
        async with portal.read() as tx:
            need_everything(tx, request)
            _, chosen, _ = await _chosen(portal, tx, asked)
        table = app_table(portal, request, chosen)
        if kind == "csv":
            return file(csv(table), CSV, "register.csv")
        book = workbook(Document(title=table.title, about=(), parts=(table,)))
        return file(book, XLSX, "register.xlsx")

    return export


def tabs(portal: Portal, request: AnyRequest, here: str) -> list[Tab]:
    """Return the registers that the reader may see."""
    actor, now = actor_of(request), portal.services.database.clock()
    found = [Tab(label=Phrase("app_register.apps"), href=HERE, current=here == HERE)]
    found += [
        Tab(label=Phrase(f"oversight.{name}.list"), href=f"/apps/{OVERSIGHT}/{name}s")
        for name in ("account", "group")
        if actor.permits_for(f"{OVERSIGHT}.{name}.read", now)
    ]
    return [*found, Tab(label=Phrase("app_register.changes"), href=LOG, current=here == LOG)]


def period_of(since: str, until: str, today: date) -> Period:
    """Return the days asked for: from the first of the year to today, unless others are. Raises
    `Problem` (422)."""
    try:
        period = Period(
            date.fromisoformat(since) if since else today.replace(month=1, day=1),
            date.fromisoformat(until) if until else today,
        )
    except ValueError:
        raise Problem("bad-report-period", status=422) from None
    if period.since > period.until:
        raise Problem("bad-report-period", status=422)
    return period


async def _chosen(
    portal: Portal, tx: Transaction, asked: Asked
) -> tuple[list[AppLine], list[AppLine], Period]:
    """Return the whole register, the apps of it that are asked for, and the days of a figure.
    Raises `Problem` (422) for what is no choice."""
    lines = await app_lines(tx, (await portal.governance.register(tx)).values())
    period = period_of(asked.since, asked.until, local_day(tx.now))
    for value, choices in (
        (asked.figure, set(APP_FIGURES)),
        (asked.owner, {line.entry.owner.code for line in lines}),
        (asked.stage, {line.entry.stage for line in lines}),
        (asked.door, set(DOORS)),
    ):
        if value and value not in choices:
            raise Problem("unknown-choice", status=422)
    found = counted(lines, asked.figure, period) if asked.figure else lines
    words = asked.q.strip()[:LONGEST].lower()
    return lines, [line for line in found if _fits(line.entry, asked, words)], period


def _fits(entry: RegisterEntry, asked: Asked, words: str) -> bool:
    return (
        (not asked.owner or entry.owner.code == asked.owner)
        and (not asked.stage or entry.stage == asked.stage)
        and (not asked.door or entry.behind_door == (asked.door == "behind"))
        and (not words or words in f"{entry.app} {entry.names.zh} {entry.names.en}".lower())
    )


async def _page(
    portal: Portal, request: AnyRequest, tx: Transaction, asked: Asked, cursor: str
) -> RegisterView:
    every, chosen, period = await _chosen(portal, tx, asked)
    rest = [line for line in chosen if line.entry.app > cursor]  # by app, as the register is
    page, parameters = rest[:PAGE], asked.parameters()
    following = {**parameters, "cursor": page[-1].entry.app} if len(rest) > PAGE else {}
    may = portal.may(actor_of(request), "register.change", everywhere=True)
    entries = {line.entry.app: line.entry for line in every}
    names = {app: entry.names for app, entry in entries.items()}
    relying = await dependants(tx, portal.apps, entries)
    return RegisterView(
        title=Phrase("app_register.apps"),
        tabs=tabs(portal, request, HERE),
        said=Phrase(
            "app_register.of_figure",
            {
                "figure": Phrase(f"report.app.{asked.figure}"),
                "what": Phrase(f"report.what.app.{asked.figure}"),
                "since": period.since,
                "until": period.until,
            },
        )
        if asked.figure
        else None,
        rows=[_line(line, may, names, relying.get(line.entry.app, ())) for line in page],
        total=len(chosen),
        filters=_filters(every, asked),
        query=asked.q.strip()[:LONGEST],
        action=HERE,
        next_href=f"{HERE}?{urlencode(following)}" if following else None,
        exports={
            kind: f"{HERE}.{kind}" + (f"?{urlencode(parameters)}" if parameters else "")
            for kind in ("xlsx", "csv")
        },
        create=f"{HERE}/new" if may else None,
        imports=f"{HERE}/import" if may else None,
    )


def _line(
    line: AppLine, may: bool, names: Mapping[str, Text], relying: Sequence[Dependant]
) -> AppLineView:
    entry, next = line.entry, line.successor
    return AppLineView(
        app=entry.app,
        name=entry.names,
        href=f"/governance/apps/{entry.app}",
        owner=entry.owner.name,
        stage=entry.stage,
        stage_label=Phrase(f"stage.{entry.stage}"),
        since=entry.since,
        behind_door=entry.behind_door,
        filing_number=entry.filing_number,
        closed_on=line.closed_on,
        successor=next,
        successor_name=names.get(next, Text(next, next)) if next else None,
        relying=tuple({one.app: one.names for one in relying}.values()),
        change=f"{HERE}/{entry.app}/change" if may and not entry.behind_door else None,
    )


def _filters(lines: Sequence[AppLine], asked: Asked) -> list[FilterView]:
    owners = {line.entry.owner.code: line.entry.owner.name for line in lines}
    stages = sorted({line.entry.stage for line in lines})
    filters = [
        FilterView(
            name="stage",
            label=Phrase("page.governance.state"),
            options=[Option(stage, Phrase(f"stage.{stage}")) for stage in stages],
            value=asked.stage,
        ),
        FilterView(
            name="owner",
            label=Phrase("page.governance.owner"),
            options=[Option(code, name) for code, name in sorted(owners.items())],
            value=asked.owner,
        ),
        FilterView(
            name="door",
            label=Phrase("app_register.door"),
            options=[Option(door, Phrase(f"app_register.{door}")) for door in DOORS],
            value=asked.door,
        ),
    ]
    if asked.figure:
        filters.append(
            FilterView(
                name="figure",
                label=Phrase("app_register.figure"),
                options=[Option(name, Phrase(f"report.app.{name}")) for name in APP_FIGURES],
                value=asked.figure,
            )
        )
        filters += [
            FilterView(
                name=name,
                label=Phrase(f"report.{name}"),
                options=[],
                value=getattr(asked, name),
            )
            for name in ("since", "until")
        ]
    return filters


def app_table(portal: Portal, request: AnyRequest, lines: Sequence[AppLine]) -> Table:
    """Return apps of the register as a table, in the reader's language."""

    def say(words: Any) -> str:
        return portal.renderer.text(request.scope, words)

    def cells(line: AppLine) -> list[Cell]:
        entry = line.entry
        return [
            entry.app,
            say(entry.names),
            entry.owner.name,
            say(Phrase(f"stage.{entry.stage}")),
            entry.since,
            say(Phrase(f"app_register.{DOORS[0] if entry.behind_door else DOORS[1]}")),
            entry.filing_number,
            say(Phrase(f"app_register.sign_in.{'own' if entry.own_sign_in else 'one'}")),
            line.closed_on,
            line.successor,
        ]

    return Table(
        say(Phrase("app_register.apps")),
        [say(Phrase(f"app_register.column.{name}")) for name in COLUMNS],
        [cells(line) for line in lines],
    )

"""The routes of road works and incidents: the public list, and what one follows."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Any, ClassVar, Final
from urllib.parse import urlencode
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, QueryParameter
from sqlalchemy import ColumnElement, and_, or_
from sqlmodel import col

from plugin_sdk.cursors import Position, cut, older, read_cursor
from plugin_sdk.deadlines import local_day
from plugin_sdk.forms import Submission, read_form
from plugin_sdk.ports import Answer, Hub, Read, Work
from plugin_sdk.publishing import published_text
from plugin_sdk.registers import register_routes
from plugin_sdk.routes import PUBLIC, actor_of, needs, respond
from plugin_sdk.taking import BLANK, Typed, take
from plugin_sdk.views import ActionView, FactView, FieldView, FilterView, Phrase, View, Words
from plugins.traffic.desk import desk_of as traffic_of
from plugins.traffic.roads.following import FOLLOW, Following
from plugins.traffic.roads.forms import FollowForm, UnfollowForm
from plugins.traffic.roads.models import RoadNotice
from plugins.traffic.roads.notices import RoadDesk, desk_of, holds

Ask = Request[Any, Any, Any]
Chosen = Annotated[str, QueryParameter(max_length=70)]
Cursor = Annotated[str, QueryParameter(max_length=200)]
PAGE: Final = 50
COMING: Final = "+"
"""Before a cursor among what will be, which comes after what is the matter now."""


class RoadItem(msgspec.Struct, frozen=True, kw_only=True):
    """A notice in the public list."""

    name: str
    kind: Phrase
    where: str
    since: date
    until: date | None
    hours: str | None
    advice: str
    coming: bool
    changed_at: datetime | None
    href: str


class RoadsView(View, kw_only=True):
    """What is the matter on the county's roads, for everybody."""

    template: ClassVar[str] = "traffic_roads.html"
    items: list[RoadItem]
    filters: list[FilterView]
    follows: ActionView
    publish: ActionView | None
    next_href: str | None = None


class StoodView(msgspec.Struct, frozen=True, kw_only=True):
    """A notice as it stood from a moment on."""

    at: datetime
    said: Phrase
    reason: str | None
    facts: list[FactView]


class RoadView(View, kw_only=True):
    """One notice, and how it stood before."""

    template: ClassVar[str] = "traffic_road.html"
    title: str
    kind: Phrase
    state: Phrase
    tone: str
    facts: list[FactView]
    stood: list[StoodView]
    follows: ActionView


class FollowItem(msgspec.Struct, frozen=True, kw_only=True):
    """A road or a township that one follows."""

    name: str
    end_href: str


class FollowsView(View, kw_only=True):
    """What one follows, and what one might."""

    template: ClassVar[str] = "traffic_road_follows.html"
    items: list[FollowItem]
    fields: list[FieldView]
    action: str
    conflict: Words | None = None


def of(hub: Hub) -> list[HTTPRouteHandler]:
    """Return the routes of road works and incidents."""
    desk = desk_of(hub)
    return [*register_routes(desk), *_public(desk), *_following(Following(desk))]


def _public(desk: RoadDesk) -> list[HTTPRouteHandler]:
    hub = desk.hub
    here = f"/apps/{hub.app}/roads"
    follows = ActionView(verb="follow", label=Phrase("traffic.road.follow"), href=f"{here}/follows")

    def item(row: RoadNotice, names: Mapping[str, str], today: date) -> RoadItem:
        where = (row.road, names.get(row.region or ""), row.stretch)
        return RoadItem(
            name=published_text(row.name) or "",
            kind=Phrase(f"traffic.road_notice.kind.{row.kind}"),
            where=" · ".join(published_text(part) or "" for part in where if part),
            since=row.starts_on,
            until=row.ends_on,
            hours=published_text(row.hours),
            advice=published_text(row.advice) or "",
            coming=row.starts_on > today,
            changed_at=row.changed_at if row.version > 1 else None,
            href=f"{here}/{row.id}",
        )

    def filters(chosen: Mapping[str, str], options: Any) -> list[FilterView]:
        return [
            FilterView(
                name=name,
                label=Phrase(f"traffic.road_notice.field.{name}"),
                options=options[name],
                value=value if value in {one.value for one in options[name]} else "",
            )
            for name, value in chosen.items()
            if options[name]
        ]

    @get("/roads", opt=needs(PUBLIC), operation_id="roads")
    async def show_roads(
        request: Ask, road: Chosen = "", region: Chosen = "", cursor: Cursor = ""
    ) -> Response[Any]:
        """List what is the matter on the roads now, and what will be."""
        actor = actor_of(request)
        async with hub.read(hub.system("roads")) as read:
            options = await desk.options(read)
            asked = filters({"road": road, "region": region}, options)
            today = local_day(read.now)
            statement = read.rows(RoadNotice).where(holds(today))
            for one in asked:
                if one.value:
                    statement = statement.where(col(getattr(RoadNotice, one.name)) == one.value)
            if cursor:
                statement = statement.where(_after(cursor, today))
            changed_at, id = col(RoadNotice.changed_at).desc(), col(RoadNotice.id).desc()
            order = (col(RoadNotice.starts_on) > today, changed_at, id)
            found = await read.session.execute(statement.order_by(*order).limit(PAGE + 1))
            rows, following = cut(
                list(found.scalars()), PAGE, lambda row: Position(row.changed_at, row.id)
            )
            names = {one.value: str(one.label) for one in options["region"]}
            items = [item(row, names, today) for row in rows]
        next_href = None
        if following:
            sign = COMING if items[-1].coming else ""
            chosen = {one.name: one.value for one in asked if one.value}
            next_href = f"{here}?{urlencode({**chosen, 'cursor': sign + following})}"
        publish = None
        async with hub.read(actor) as read:
            if await read.holds(desk.register.edit):
                publish = ActionView(
                    verb="publish",
                    label=Phrase("traffic.road_notice.list"),
                    href=f"/apps/{hub.app}{desk.register.path}",
                )
        view = RoadsView(
            items=items, filters=asked, follows=follows, publish=publish, next_href=next_href
        )
        return await respond(hub, request, Answer(view=view))

    @get("/roads/{id:uuid}", opt=needs(PUBLIC), operation_id="road")
    async def show_road(request: Ask, id: FromPath[UUID]) -> Response[Any]:
        """Show a notice, and how it stood before it was corrected."""
        async with hub.read(hub.system("roads")) as read:
            row = await desk.engine.find(read, id)
            record = await desk.record_view(read, row)
        state = "over" if record.state == "ended" else record.state
        tone = {"ended": "paused", "future": "state"}.get(record.state, "soon")
        view = RoadView(
            title=published_text(row.name) or "",
            kind=Phrase(f"traffic.road_notice.kind.{row.kind}"),
            state=Phrase(f"traffic.road.state.{state}"),
            tone=tone,
            facts=_open(record.facts),
            stood=[
                StoodView(
                    at=one.at,
                    said=Phrase(f"traffic.road.said.{_verb(one.label)}"),
                    reason=published_text(one.reason),
                    facts=_open(one.facts),
                )
                for one in record.versions
            ],
            follows=follows,
        )
        return await respond(hub, request, Answer(view=view))

    return [show_roads, show_road]


def _after(cursor: str, today: date) -> ColumnElement[bool]:
    """Return the condition for what comes after a cursor. Raises `Problem` (`bad-cursor`)."""
    coming = col(RoadNotice.starts_on) > today
    position = read_cursor(cursor.removeprefix(COMING))
    following = older(position, col(RoadNotice.changed_at), col(RoadNotice.id))
    if cursor.startswith(COMING):
        return and_(coming, following)
    return or_(coming, following)


def _verb(label: Words) -> str:
    return label.key.rpartition(".")[2] if isinstance(label, Phrase) else ""


def _open(facts: list[FactView]) -> list[FactView]:
    return [
        msgspec.structs.replace(fact, value=published_text(fact.value))
        if isinstance(fact.value, str)
        else fact
        for fact in facts
    ]


def _following(following: Following) -> list[HTTPRouteHandler]:
    hub = following.hub
    here = f"/apps/{hub.app}/roads/follows"

    async def page(read: Read, typed: Typed = BLANK) -> FollowsView:
        mine = await following.mine(read)
        known = {row.subject for row in mine}
        options = [one for one in await following.options() if one.value not in known]
        return FollowsView(
            items=[FollowItem(name=row.name, end_href=f"{here}/{row.id}/end") for row in mine],
            fields=typed.fields(FollowForm, "traffic.road", options={"subject": options})
            if options
            else [],
            action=here,
            conflict=typed.conflict,
        )

    @get("/roads/follows", opt=needs(FOLLOW), operation_id="road-follows")
    async def show_follows(request: Ask) -> Response[Any]:
        """Show which roads and townships one follows."""
        async with hub.read(actor_of(request)) as read:
            view = await page(read)
        return await respond(hub, request, Answer(view=view))

    @post("/roads/follows", opt=needs(FOLLOW, body=FollowForm), operation_id="road-follow")
    async def follow(request: Ask) -> Response[Any]:
        """Follow a road or a township."""
        unit, offered = await traffic_of(hub).unit(), await following.options()

        async def do(work: Work, sent: Submission[FollowForm]) -> Answer:
            await following.follow(work, sent.form, unit, offered)
            said = Phrase("traffic.road.followed")
            return Answer(view=await page(work), location=here, status=201, said=said)

        return await take(hub, request, FollowForm, page, do)

    @post(
        "/roads/follows/{id:uuid}/end",
        opt=needs(FOLLOW, body=UnfollowForm),
        operation_id="road-unfollow",
    )
    async def unfollow(request: Ask, id: FromPath[UUID]) -> Response[Any]:
        """Follow it no more."""
        actor = actor_of(request)
        sent = await read_form(request, UnfollowForm, actor)
        async with hub.work(actor, sent.key) as work:
            await following.unfollow(work, id)
            await work.session.flush()
            said = Phrase("traffic.road.unfollowed")
            answer = work.answer(Answer(view=await page(work), location=here, said=said))
        return await respond(hub, request, answer)

    return [show_follows, follow, unfollow]

"""Tiles, rows, notices and cards: what several pages show alike."""

import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import date, datetime, time
from typing import Any
from uuid import UUID

import msgspec

from core.apps.hooks import HookFailure
from core.messages import service as messages
from core.work import items
from plugin_sdk.deadlines import CalendarUnknown, local_day, remaining
from plugin_sdk.drafts import Draft
from plugin_sdk.extension import MOST_CARDS, Card
from plugin_sdk.manifest import Manifest
from plugin_sdk.ports import Actor
from plugin_sdk.problems import Denied
from plugin_sdk.routes import PUBLIC, SIGNED_IN, actor_of
from plugin_sdk.text import Text
from plugin_sdk.times import SHANGHAI
from plugin_sdk.views import CaseItem, DeadlineView, Phrase, Words
from portal.pages.context import AnyRequest, Portal
from portal.templating import Link

DAY = re.compile(r"\d{4}-\d\d-\d\d")
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d[0-9:.]*(Z|[+-]\d\d:\d\d)")


class Tile(msgspec.Struct, frozen=True, kw_only=True):
    """An app as a tile: where it leads, how it stands, how much of mine waits in it."""

    id: str
    name: str
    summary: str
    category: str
    href: str
    state: str  # normal | external | paused | read_only | sunset
    until: date | None = None
    mine: int = 0


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A work item in a list."""

    id: str
    title: Words
    state_label: Words
    href: str
    deadline: DeadlineView
    unit: str
    opened_at: datetime
    number: str = ""
    kind: Words | None = None
    unread: bool = False
    note: Words | None = None
    acts: list[Any] = []

    @classmethod
    def of_case(cls, case: CaseItem) -> "Row":
        """Return a case of the reader's own as a row."""
        return cls(
            id=case.id,
            title=case.title,
            state_label=case.state_label,
            href=case.href,
            deadline=case.deadline,
            unit=case.unit,
            opened_at=case.opened_at,
            number=case.number,
            kind=case.kind,
        )


class NoticeRow(msgspec.Struct, frozen=True, kw_only=True):
    """A notice in a list; it opens the thing itself."""

    id: str
    title: Words
    text: Words
    app: str
    href: str
    at: datetime
    read: bool


def tiles(portal: Portal, request: AnyRequest, waiting: dict[str, int]) -> list[Tile]:
    """Return the apps that the reader can use, as tiles in order of category and name."""
    actor = actor_of(request)
    now = portal.services.database.clock()
    english = portal.renderer.language(request.scope) == "en"
    found = []
    for name, slot in portal.apps.door.slots.items():
        manifest = portal.apps.manifest(name)
        if manifest is None or slot.gate.mode == "closed":
            continue
        if not _usable(manifest, actor, now):
            continue
        state, until = "normal", slot.gate.until
        if manifest.porting.level == "linked":
            state = "external"
        if slot.gate.state != "enabled":
            state = "paused"
        elif slot.gate.sunset_at is not None:
            state, until = "sunset", slot.gate.sunset_at
        elif slot.gate.mode == "read_only":
            state = "read_only"
        names, summary = manifest.identity.names, manifest.identity.summary
        found.append(
            Tile(
                id=name,
                name=names.en if english else names.zh,
                summary=summary.en if english else summary.zh,
                category=manifest.identity.category,
                href=f"/apps/{name}/",
                state=state,
                until=local_day(until) if until else None,
                mine=waiting.get(name, 0),
            )
        )
    return sorted(found, key=lambda tile: (tile.category, tile.name))


def open_sections(portal: Portal, request: AnyRequest) -> list[Link]:
    """Return the sections that apps open to everybody without sign-in (`permission = "public"`)."""
    language = portal.renderer.language(request.scope)
    found = []
    for name, slot in sorted(portal.apps.door.slots.items()):
        manifest = portal.apps.manifest(name)
        if manifest is not None and slot.gate.mode != "closed":
            found += [
                Link(
                    portal.renderer.catalogue.shown(language, item.title),
                    f"/apps/{name}{item.path}",
                )
                for item in manifest.navigation
                if item.permission == PUBLIC
            ]
    return found


def _usable(manifest: Manifest, actor: Actor, now: datetime) -> bool:
    """Return whether an app has something for a reader, were its door open."""
    app = manifest.identity.id
    if not actor.signed_in and "resident" in manifest.audience:
        return True
    return any(
        item.permission == "public" or actor.permits_for(f"{app}.{item.permission}", now)
        for item in manifest.navigation
    ) or any(
        actor.permits_for(f"{app}.{permission.key}", now) for permission in manifest.permissions
    )


def answering(portal: Portal, actor: Actor, hook: str) -> tuple[list[str], list[str]]:
    """Return the apps that answer a hook now, and those whose door is shut for now though the
    reader could use them: what they hold is not known, which is not the same as none."""
    now = portal.services.database.clock()
    open_now, shut = [], []
    for app in portal.apps.hooks.implemented(hook):
        slot, manifest = portal.apps.door.slots.get(app), portal.apps.manifest(app)
        if slot is None or manifest is None:
            continue
        if slot.gate.state == "enabled":
            open_now.append(app)
        elif slot.gate.mode != "closed" and _usable(manifest, actor, now):
            shut.append(app)
    return open_now, shut


def app_name(portal: Portal, app: str) -> Words:
    """Return an app's name in both languages."""
    manifest = portal.apps.manifest(app)
    return Phrase("text", {"text": manifest.identity.names}) if manifest else Phrase("name")


def row_of(portal: Portal, request: AnyRequest, item: items.WorkItemFacts, now: datetime) -> Row:
    """Return a work item as it is listed, with its deadline in words."""
    return Row(
        id=str(item.id),
        title=Phrase(item.title_key, kept(item.params)) if item.title_key else item.title,
        state_label=Phrase(item.label_key, kept(item.params)),
        unit=portal.renderer.text(request.scope, app_name(portal, item.app)),
        href=_done_href(item) if item.closed_at else item.href,
        deadline=deadline_of(portal, item.due_at, now, item.closed_at),
        opened_at=item.opened_at,
    )


def kept(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters of words as they were before they were kept as JSON: days,
    moments, texts in both languages, and words inside words."""
    return {name: _kept(value) for name, value in params.items()}


def _kept(value: Any) -> Any:
    if isinstance(value, dict) and value.keys() == {"zh", "en"}:
        return Text(**value)
    if isinstance(value, dict) and value.keys() == {"key", "params"}:
        return Phrase(value["key"], kept(value["params"]))
    if isinstance(value, str):
        with suppress(ValueError):
            if DAY.fullmatch(value):
                return date.fromisoformat(value)
            if MOMENT.fullmatch(value):
                return datetime.fromisoformat(value)
    return value


def _done_href(item: items.WorkItemFacts) -> str:
    """Return where a thing that is done is seen. What waited for one act on a case
    (`order:1:extension`, below the page of the case) leads to the case: the act is over."""
    return item.href.rpartition("/")[0] if item.subject.count(":") > 1 else item.href


def deadline_of(
    portal: Portal, due_at: datetime | None, now: datetime, done_at: datetime | None = None
) -> DeadlineView:
    """Return a deadline as people read it; of what is done, whether it was in time."""
    if due_at is None:
        return DeadlineView(kind="none")
    if done_at is not None:
        return DeadlineView(
            kind="done_on_time" if done_at <= due_at else "done_late", due_at=due_at
        )
    try:
        left = remaining(now, due_at, portal.services.calendar)
    except CalendarUnknown:
        return DeadlineView(kind="unknown", due_at=due_at)
    kind: Any = left.kind
    return DeadlineView(kind=kind, n=left.n, due_at=due_at)


def end_of_day(now: datetime) -> datetime:
    """Return the end of the day in Shanghai."""
    day = now.astimezone(SHANGHAI).date()
    return datetime.combine(day, time.max, SHANGHAI)


async def cards_of(portal: Portal, actor: Actor) -> tuple[list[Card], list[Words]]:
    """Return the apps' cards, and the names of the apps that did not answer or are shut."""
    cards: list[Card] = []
    answer, shut = answering(portal, actor, "portal_cards")
    unavailable = [app_name(portal, app) for app in shut]
    for app in answer:
        try:
            found = await portal.apps.hooks.call_async(
                app, "portal_cards", (), hub=portal.apps.hubs[app], actor=actor, seconds=2.0
            )
            cards += found[:MOST_CARDS]
        except HookFailure:
            unavailable.append(app_name(portal, app))
    return cards, unavailable


def request_href(portal: Portal, actor: Actor) -> str | None:
    """Return where a request is filed: the first app that lets this reader begin one."""
    for instance in portal.apps.running:
        for handler in instance.handlers:
            if handler.opt.get("start") and "GET" in handler.http_methods:
                path = min(handler.paths)
                return f"/apps/{instance.app.id}{path}"
    return None


def person_of(actor: Actor) -> UUID:
    """Return the person behind an actor of a signed-in route. Raises `Denied`."""
    if actor.person_id is None:
        raise Denied(SIGNED_IN, reason="sign-in")
    return actor.person_id


def notice_row(portal: Portal, request: AnyRequest, notice: messages.NoticeFacts) -> NoticeRow:
    """Return a notice as it is listed."""
    words = Phrase(notice.key, kept(notice.params))
    return NoticeRow(
        id=str(notice.id),
        title=words,
        text=words,
        app=portal.renderer.text(request.scope, app_name(portal, notice.app)),
        href=f"/messages/{notice.id}",
        at=notice.at,
        read=notice.read,
    )


class DraftLine(msgspec.Struct, frozen=True, kw_only=True):
    """A draft in a list: what it is, and what it still lacks."""

    key: str
    title: Words
    href: str
    lacking: Words
    saved_at: datetime | None


def draft_row(portal: Portal, request: AnyRequest, draft: Draft) -> DraftLine:
    """Return a draft as it is listed."""
    comma = portal.renderer.text(request.scope, Phrase("ui.list_comma"))
    fields = comma.join(in_words(portal, request, list(draft.lacking)))
    lacks = Phrase("page.home.draft_lacks", {"fields": fields})
    return DraftLine(
        key=draft.key,
        title=draft.title,
        href=draft.href,
        lacking=lacks if fields else Phrase("page.home.draft_whole"),
        saved_at=draft.saved_at,
    )


def in_words(portal: Portal, request: AnyRequest, words: list[Words]) -> list[str]:
    """Return words in the reader's language."""
    return [portal.renderer.text(request.scope, item) for item in words]

"""What stands beside an intake while it is taken down: requests that it may repeat, and answers of
the knowledge base for the caller.

Nothing is shown of a secret caller or of a report, not even that somebody asked: who is accused
could find out by calling. What is typed is compared and forgotten.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar, Final
from uuid import UUID

import msgspec
from sqlalchemy import or_
from sqlmodel import col

from plugin_sdk.cases.titles import title_of
from plugin_sdk.ports import Read
from plugin_sdk.views import FormView, Phrase, Words
from plugins.hotline.dispatching.alike import COMPARED, like
from plugins.hotline.engine import OrderEngine
from plugins.hotline.forms import Kind
from plugins.hotline.knowledge.answering import OFFERED, Answering, called
from plugins.hotline.knowledge.keeping import READ as READ_ANSWERS
from plugins.hotline.knowledge.models import KnowledgeVersion
from plugins.hotline.models import Order

SEARCHED: Final = 6
"""How many answers a search shows: each has a key of its own."""
LONGEST_QUERY: Final = 100


class RepeatedView(msgspec.Struct, frozen=True, kw_only=True):
    """A request that the caller's may repeat; `chosen` where the caller says that it does."""

    number: str
    title: str
    state_label: Words
    unit: str
    place: str
    opened_at: datetime
    reasons: list[Phrase]
    href: str
    chosen: bool


class OfferedView(msgspec.Struct, frozen=True, kw_only=True):
    """An answer to read out; `href` begins the reply with it, and so does `key`."""

    id: str
    label: str
    text: str
    basis: str
    key: str
    href: str


class BesideView(msgspec.Struct, frozen=True, kw_only=True):
    """What was found by what was typed so far; without `asked` nothing was looked for. `href` is
    where a form is sent to look again."""

    href: str
    asked: bool
    with_answers: bool
    repeated: list[RepeatedView]
    answers: list[OfferedView]
    none_chosen: bool
    """Whether the caller's request is not (yet) said to repeat one of those shown."""


class IntakeView(FormView, kw_only=True):
    """The form of an intake, with what stands beside it."""

    template: ClassVar[str] = "hotline_intake.html"
    beside: BesideView


class Beside:
    """What is looked up for those who take down requests of a hub."""

    def __init__(self, engine: OrderEngine, answering: Answering) -> None:
        self.engine = engine
        self.answering = answering

    def matter(self, read: Read, values: Mapping[str, Any]) -> Order:
        """Return what was typed so far as an order that is never kept. What cannot be read is left
        out: that is said once it is filed."""
        text = str(values.get("text") or "")[:COMPARED]
        known: dict[str, Any] = {
            "number": "",
            "title": title_of(text) if text.strip() else "",
            "text": text,
            "place": str(values.get("place") or "")[:200],
            "category_code": str(values.get("category") or "")[:100] or None,
            "region_id": _uuid(values.get("region")),
            "longitude": _degrees(values.get("longitude"), 180),
            "latitude": _degrees(values.get("latitude"), 90),
            "opened_at": read.now,
        }
        return Order(**known)

    async def view(
        self,
        read: Read,
        href: str,
        values: Mapping[str, Any],
        query: str = "",
        *,
        answers: bool = False,
    ) -> BesideView:
        """Return what is like what was typed; with `answers` those near to the words of the query,
        or else to what was typed."""
        row = self.matter(read, values)
        repeated = await self._repeated(read, row, str(values.get("repeats") or ""))
        query = query.strip()[:LONGEST_QUERY]
        found: Sequence[KnowledgeVersion] = []
        if answers and (query or row.title) and await read.holds(READ_ANSWERS):
            most = SEARCHED if query else OFFERED
            found = await self.answering.find(read, row, query or row.title, most)
        return BesideView(
            href=href,
            asked=bool(query or row.title),
            with_answers=answers,
            repeated=repeated,
            answers=[
                OfferedView(
                    id=str(one.id),
                    label=called(one),
                    text=self.answering.completed(read, row, one.text),
                    basis=one.basis,
                    key=str(n),
                    href=f"{href}?begin={one.id}",
                )
                for n, one in enumerate(found, 1)
            ],
            none_chosen=not any(one.chosen for one in repeated),
        )

    async def _repeated(self, read: Read, row: Order, chosen: str) -> list[RepeatedView]:
        if not row.title:
            return []
        no_report = or_(col(Order.kind).is_(None), col(Order.kind) != str(Kind.REPORT))
        found = await like(read, row, col(Order.secret).is_(False), no_report)
        names = await self.engine.hub.directory.names([one.organization_id for one in found])
        return [
            RepeatedView(
                number=one.number,
                title=one.title,
                state_label=self.engine.words(f"state.{one.state}"),
                unit=names.get(one.organization_id, ""),
                place=one.place,
                opened_at=one.opened_at,
                reasons=list(one.reasons),
                href=self.engine.href(one.number),
                chosen=one.number == chosen,
            )
            for one in found
        ]


def _uuid(value: Any) -> UUID | None:
    try:
        return UUID(str(value))
    except ValueError:
        return None


def _degrees(value: Any, most: float) -> float | None:
    try:
        found = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return found if -most <= found <= most else None

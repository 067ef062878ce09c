"""Guidance cards (办事指引卡): what to do, where, with which documents, whom to ask, until when;
on paper with a code by which anybody checks whether it still holds."""

import asyncio
from datetime import date, timedelta
from typing import Final, Literal
from uuid import UUID

from sqlmodel import col

from plugin_sdk.codes.registry import new_code
from plugin_sdk.data import new_id
from plugin_sdk.deadlines import local_day
from plugin_sdk.documents import Document, Part, pdf
from plugin_sdk.ports import Hub, Read, Work
from plugin_sdk.problems import AppConflict, FieldError, Invalid, NotFound, field_error
from plugin_sdk.signing import signature
from plugin_sdk.views import FactView, Phrase, Words
from plugins.hotline.enterprises.forms import WORDS, CardForm, shown_phone
from plugins.hotline.enterprises.models import Enterprise, GuidanceCard
from plugins.hotline.enterprises.registers import READ, EnterpriseDesk

LENGTH: Final = 12
LONGEST: Final = timedelta(days=366)
"""For how long a card is said to hold at most: what a counter asks for changes."""
LANGUAGE: Final = "zh-CN"
"""In what language the paper is: the official one, whoever prints it."""

Standing = Literal["good", "expired", "withdrawn"]


class Cards:
    """The cards of enterprises."""

    def __init__(self, enterprises: EnterpriseDesk) -> None:
        self.enterprises = enterprises
        self.hub: Hub = enterprises.hub

    async def hand_out(self, work: Work, enterprise_id: UUID, form: CardForm) -> GuidanceCard:
        """Hand out a card and return it. Raises as `EnterpriseDesk.take_care` does, and
        `Invalid` for a day that has passed or lies too far ahead."""
        row, own = await self.enterprises.take_care(work, enterprise_id)
        today = local_day(work.now)
        if form.valid_until < today:
            raise Invalid(field_error("valid_until", "in-the-past"))
        if form.valid_until - today > LONGEST:
            raise Invalid(FieldError("valid_until", Phrase(f"{WORDS}.wrong.card-long")))
        card = GuidanceCard(
            id=new_id(),
            organization_id=work.actor.organization_id or row.organization_id,
            enterprise_id=row.id,
            code=new_code(LENGTH),
            specialist=own.name,
            phone=own.phone,
            **form.model_dump(),
            **signature(work),
        )
        await work.add(card)
        work.audit("enterprise.card", f"enterprise:{row.id}", code=card.code)
        return card

    async def withdraw(self, work: Work, code: str, reason: str) -> GuidanceCard:
        """Say that a card no longer holds. Raises `NotFound`, `Denied`, `AppConflict` for one
        that was withdrawn."""
        found = await self.find(work, code)
        await self.enterprises.take_care(work, found.enterprise_id)
        card = await work.get(GuidanceCard, found.id, permission=READ)
        if card.withdrawn_at is not None:
            raise AppConflict(self.hub.app, "card-withdrawn")
        card.withdrawn_at, card.withdrawn_for = work.now, reason
        work.audit("enterprise.card-withdrawn", f"enterprise:{card.enterprise_id}", code=code)
        return card

    async def find(self, read: Read, code: str) -> GuidanceCard:
        """Return a card by its code. Raises `NotFound`."""
        statement = read.rows(GuidanceCard, permission=READ).where(col(GuidanceCard.code) == code)
        found: GuidanceCard | None = (await read.session.execute(statement)).scalar_one_or_none()
        if found is None:
            raise NotFound
        return found

    async def of(self, read: Read, row: Enterprise) -> list[GuidanceCard]:
        """Return the cards of an enterprise, newest first."""
        statement = read.rows(GuidanceCard, permission=READ).where(
            col(GuidanceCard.enterprise_id) == row.id
        )
        newest = statement.order_by(col(GuidanceCard.at).desc(), col(GuidanceCard.id).desc())
        return list((await read.session.execute(newest.limit(50))).scalars())

    def standing(self, card: GuidanceCard, today: date) -> Standing:
        """Return whether a card still holds."""
        if card.withdrawn_at is not None:
            return "withdrawn"
        return "expired" if card.valid_until < today else "good"

    def href(self, card: GuidanceCard, act: str = "") -> str:
        """Return where a card is checked, or an act on it."""
        return f"/apps/{self.hub.app}/cards/{card.code}" + (f"/{act}" if act else "")

    def facts(self, card: GuidanceCard, standing: Standing) -> list[FactView]:
        """Return what a card says; of one that no longer holds only what it was."""
        about: list[tuple[str, Words | date]] = [
            ("title", card.title),
            ("valid_until", card.valid_until),
        ]
        if standing == "good":
            about[1:1] = [
                ("steps", card.steps),
                ("place", card.place),
                ("documents", card.documents),
                ("specialist", card.specialist),
                ("phone", shown_phone(card.phone)),
            ]
        return [FactView(Phrase(f"{WORDS}.card.field.{name}"), value) for name, value in about]

    async def pdf(self, card: GuidanceCard, name: str) -> bytes:
        """Return a card on A4 for the enterprise of that name."""
        title = self._say(Phrase(f"{WORDS}.card.heading"))
        void = card.withdrawn_at is not None
        written = Document(
            title=f"{title} · {card.title}",
            about=[
                self._line("for", name),
                self._line("issued_on", local_day(card.at)),
                self._line("valid_until", card.valid_until),
                *([self._say(Phrase(f"{WORDS}.card.state.withdrawn"))] if void else []),
            ],
            parts=[
                self._part("steps", card.steps),
                self._part("place", card.place),
                self._part("documents", card.documents),
                self._part("ask", f"{card.specialist} {shown_phone(card.phone)}"),
                self._part("check", self._say(Phrase(f"{WORDS}.card.how", {"code": card.code}))),
            ],
            address=self.hub.site + self.href(card),
        )
        foot = f"{title} {card.code}"
        return await asyncio.to_thread(pdf, written, lang=LANGUAGE, foot=foot)

    def _part(self, name: str, said: str) -> Part:
        return Part(self._say(Phrase(f"{WORDS}.card.field.{name}")), said.splitlines())

    def _line(self, name: str, value: object) -> str:
        label = self._say(Phrase(f"{WORDS}.card.field.{name}"))
        return f"{label}：{value}"

    def _say(self, words: Words) -> str:
        return self.hub.pages.say(words, LANGUAGE)

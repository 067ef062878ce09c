"""The paper of a decision (协调决定书): a PDF that the chair signed, with a code by which anybody
checks it. Nothing in it says who called."""

import asyncio
from collections.abc import Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlmodel import col

from plugin_sdk.codes.registry import new_code
from plugin_sdk.deadlines import local_day
from plugin_sdk.documents import Document, Part, Table, pdf
from plugin_sdk.ports import Hub, Read, Work
from plugin_sdk.times import SHANGHAI
from plugin_sdk.views import FactView, Phrase, Words
from plugins.hotline.coordination.models import (
    Coordination,
    CoordinationPaper,
    CoordinationSeat,
    CoordinationShare,
)

LENGTH: Final = 12
WORDS: Final = "hotline.coordination"
LANGUAGE: Final = "zh-CN"
"""In what language the paper is: the official one, whoever opens it."""


class Papers:
    """The papers of decisions."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub

    async def issue(self, work: Work, row: Coordination) -> None:
        """Issue the paper of a decision that is signed."""
        code = new_code(LENGTH)
        await work.add(CoordinationPaper(case_id=row.id, code=code, issued_at=work.now))

    async def of(self, read: Read, row: Coordination) -> CoordinationPaper | None:
        """Return the paper of a decision that the actor may see, None where there is none."""
        statement = select(CoordinationPaper).where(col(CoordinationPaper.case_id) == row.id)
        found: CoordinationPaper | None = (
            await read.session.execute(statement)
        ).scalar_one_or_none()
        return found

    def address(self, paper: CoordinationPaper) -> str:
        """Return where a paper is checked."""
        return f"/apps/{self.hub.app}/coordinations/verify/{paper.code}"

    async def check(self, code: str) -> list[FactView] | None:
        """Return what a code tells of a paper, no more than a check needs; None for one that
        never was."""
        async with self.hub.read(self.hub.system("check")) as read:
            statement = select(CoordinationPaper).where(col(CoordinationPaper.code) == code)
            paper: CoordinationPaper | None = (
                await read.session.execute(statement)
            ).scalar_one_or_none()
            if paper is None:
                return None
            found = read.rows(Coordination).where(col(Coordination.id) == paper.case_id)
            row: Coordination = (await read.session.execute(found)).scalar_one()
            parts = select(CoordinationShare).where(col(CoordinationShare.case_id) == row.id)
            shares = (await read.session.execute(parts)).scalars().all()
        ids = [share.organization_id for share in shares]
        names = await self.hub.directory.names(
            [*ids, *([row.chair_unit] if row.chair_unit else [])]
        )
        facts: dict[str, Words | object] = {
            "number": row.number,
            "order": row.order_number,
            "signed_on": local_day(paper.issued_at),
            "chair_unit": names.get(row.chair_unit, "") if row.chair_unit else "",
        }
        said = [FactView(Phrase(f"{WORDS}.field.{k}"), v) for k, v in facts.items()]  # type: ignore[arg-type]  # words or a day
        return said + [
            FactView(names.get(s.organization_id, ""), Phrase(f"{WORDS}.until", {"date": s.due_on}))
            for s in shares
        ]

    async def pdf(
        self,
        row: Coordination,
        paper: CoordinationPaper,
        seats: list[CoordinationSeat],
        shares: list[CoordinationShare],
    ) -> bytes:
        """Return the paper on A4: the matter, who took part, the decision, each unit's part."""
        names = await self.hub.directory.names(units_of(row, seats, shares))
        title = self._say("paper.title")
        code = f"{paper.code[:4]} {paper.code[4:8]} {paper.code[8:]}"
        written = Document(
            title=title,
            about=[
                self._line("number", row.number),
                self._line("order", row.order_number),
                self._line("signed_on", local_day(paper.issued_at)),
            ],
            parts=[
                Part(self._say("paper.matter"), [row.matter, *self._placed(row)]),
                self._seated(seats, names),
                *self._opinions(seats, names),
                Part(self._say("paper.decision"), self._decided(row, seats, names)),
                self._shared(shares, names),
                Part(self._say("paper.signed"), self._signed(row, names)),
                Part(self._say("paper.check"), [self._say("paper.how", code=code)]),
            ],
            address=self.hub.site + self.address(paper),
        )
        foot = f"{title} {row.number} {paper.code}"
        return await asyncio.to_thread(pdf, written, lang=LANGUAGE, foot=foot)

    def _placed(self, row: Coordination) -> list[str]:
        lines = [self._line("place", row.place)] if row.place else []
        lines.append(self._line("question", row.question))
        if row.starts_at is not None:
            when = f"{row.starts_at.astimezone(SHANGHAI):%Y-%m-%d %H:%M}"
            lines.append(self._line("when", f"{when} {row.venue}"))
        return lines

    def _seated(self, seats: list[CoordinationSeat], names: dict[UUID, str]) -> Table:
        return Table(
            title=self._say("seats"),
            columns=[self._say(f"field.{n}") for n in ("seat", "name", "standing", "reason")],
            rows=[
                [
                    names.get(s.organization_id, "")
                    if s.organization_id
                    else self._say("seat.requester"),
                    s.name,
                    self._say(f"standing.{s.state}"),
                    s.reason,
                ]
                for s in seats
            ],
            wide=(3, 2, 2, 5),
        )

    def _opinions(self, seats: list[CoordinationSeat], names: dict[UUID, str]) -> list[Part]:
        return [
            Part(
                self._say(
                    f"paper.{'opinion_outside' if s.outside else 'opinion'}",
                    person=s.name,
                    unit=names.get(s.organization_id, ""),
                ),
                [s.opinion, self._line("legal_basis", s.opinion_basis or "")],
            )
            for s in seats
            if s.opinion and s.organization_id
        ]

    def _decided(
        self, row: Coordination, seats: list[CoordinationSeat], names: dict[UUID, str]
    ) -> list[str]:
        lines = [row.decision or "", self._line("legal_basis", row.legal_basis or "")]
        if row.chair_reason:
            lines.append(self._line("chair_reason", row.chair_reason))
        lines += [
            self._say(f"ruled.{s.ruling}", unit=names.get(s.organization_id, ""))
            for s in seats
            if s.ruling and s.organization_id
        ]
        return lines

    def _shared(self, shares: list[CoordinationShare], names: dict[UUID, str]) -> Table:
        return Table(
            title=self._say("parts"),
            columns=[self._say(f"field.{n}") for n in ("unit", "task", "task_due_on")],
            rows=[[names.get(s.organization_id, ""), s.task, s.due_on] for s in shares],
            wide=(3, 7, 2),
        )

    def _signed(self, row: Coordination, names: dict[UUID, str]) -> list[str]:
        unit = names.get(row.chair_unit, "") if row.chair_unit else ""
        at = f"{row.signed_at.astimezone(SHANGHAI):%Y-%m-%d %H:%M}" if row.signed_at else ""
        return [self._say("paper.by", unit=unit, person=row.chair_name, time=at)]

    def _line(self, name: str, value: object) -> str:
        return f"{self._say(f'field.{name}')}：{value}"

    def _say(self, key: str, /, **params: object) -> str:
        return self.hub.pages.say(Phrase(f"{WORDS}.{key}", params), LANGUAGE)


def units_of(
    row: Coordination, seats: Sequence[CoordinationSeat], shares: Sequence[CoordinationShare]
) -> list[UUID]:
    """Return the organizations that a coordination names."""
    found = {seat.organization_id for seat in seats} | {share.organization_id for share in shares}
    return [id for id in (*found, row.chair_unit) if id is not None]

"""The paper of an accident (文书): an agreement of both sides or an officer's decision, as a PDF
with a code by which anybody checks it."""

import asyncio
import secrets
from datetime import datetime, timedelta
from typing import Final, Literal

import msgspec
from sqlalchemy import select
from sqlmodel import col

from plugin_sdk.codes.registry import ALPHABET
from plugin_sdk.deadlines import local_day
from plugin_sdk.documents import Document, Part, Table, pdf
from plugin_sdk.ports import Hub, Read, Work
from plugin_sdk.times import SHANGHAI
from plugin_sdk.views import FactView, Phrase, Words
from plugins.traffic.accidents.forms import OTHER, Outcome, Share
from plugins.traffic.accidents.models import Accident, AccidentPaper, AccidentSide
from plugins.traffic.accidents.sides import sides_of
from plugins.traffic.identifiers import mask_plate, shown_plate

LENGTH: Final = 12
DAYS: Final = ("accident_paper_days", 1095)
"""Setting of the county, with what holds without it: for how many days a paper is said to be good;
claims lapse after three years (民法典 第一百八十八条)."""
LAW: Final = ("accident_law", "《道路交通事故处理程序规定》（公安部令第146号）")
"""Setting of the county: by what its papers say that they were made, as its legal staff confirmed
it. Without it the regulation alone is named: no text of it was at hand to cite an article by."""
WORDS: Final = "traffic.accident.paper"
LANGUAGE: Final = "zh-CN"
"""In what language the paper is: the official one, whoever opens it."""

Kind = Literal["agreement", "decision"]
Standing = Literal["good", "expired", "withdrawn"]


class Checked(msgspec.Struct, frozen=True):
    """What a code tells of a paper: how it stands, and no more than a check needs."""

    state: Standing
    facts: list[FactView]
    expires_at: datetime


class Papers:
    """The papers of accidents."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.days = timedelta(days=int(hub.settings.get(*DAYS)))

    async def issue(self, work: Work, row: Accident, kind: Kind) -> AccidentPaper:
        """Issue the paper of an accident that has its outcome."""
        paper = AccidentPaper(
            case_id=row.id,
            code="".join(secrets.choice(ALPHABET) for _ in range(LENGTH)),
            kind=kind,
            issued_at=work.now,
            expires_at=work.now + self.days,
        )
        await work.add(paper)
        work.audit("accident.issue", f"accident:{row.id}", number=row.number, kind=kind)
        return paper

    async def revoke(self, work: Work, row: Accident) -> None:
        """Withdraw the paper of an accident: its code says so from now on."""
        paper = await self.of(work, row)
        if paper is not None:
            paper.revoked_at = work.now

    async def of(self, read: Read, row: Accident) -> AccidentPaper | None:
        """Return the paper of an accident that the actor may see, None where there is none."""
        statement = select(AccidentPaper).where(col(AccidentPaper.case_id) == row.id)
        found: AccidentPaper | None = (await read.session.execute(statement)).scalar_one_or_none()
        return found

    def standing(self, paper: AccidentPaper, now: datetime) -> Standing:
        """Return whether a paper still counts."""
        if paper.revoked_at is not None:
            return "withdrawn"
        return "expired" if paper.expires_at <= now else "good"

    def address(self, paper: AccidentPaper) -> str:
        """Return where a paper is checked."""
        return f"/apps/{self.hub.app}/verify/{paper.code}"

    async def check(self, code: str) -> Checked | None:
        """Return what a code tells, None for one that never was."""
        async with self.hub.read(self.hub.system("check")) as read:
            statement = select(AccidentPaper).where(col(AccidentPaper.code) == code)
            paper: AccidentPaper | None = (
                await read.session.execute(statement)
            ).scalar_one_or_none()
            if paper is None:
                return None
            row = (
                await read.session.execute(
                    read.rows(Accident).where(col(Accident.id) == paper.case_id)
                )
            ).scalar_one()
            facts = [
                _fact("kind", Phrase(f"{WORDS}.kind.{paper.kind}")),
                _fact("number", row.number),
                _fact("issued_on", local_day(paper.issued_at)),
                _fact("happened_on", local_day(row.happened_at)),
                *(
                    FactView(mask_plate(side.plate), liable)
                    for side, liable in _liable(row, await sides_of(read, row.id))
                ),
            ]
            state = self.standing(paper, read.now)
            return Checked(state, facts if state == "good" else facts[:3], paper.expires_at)

    async def pdf(self, read: Read, row: Accident, paper: AccidentPaper) -> bytes:
        """Return the paper of an accident on A4."""
        sides = await sides_of(read, row.id)
        address = self.hub.site + self.address(paper)
        title = self._say(Phrase(f"{WORDS}.kind.{paper.kind}"))
        written = Document(
            title=title,
            about=[
                self._line("number", row.number),
                self._line("issued_on", local_day(paper.issued_at)),
                *([self._say(Phrase(f"{WORDS}.void"))] if paper.revoked_at else []),
            ],
            parts=[self._happened(row), self._sides(row, sides), *self._ends(row, sides, paper)],
            address=address,
        )
        foot = f"{title} {row.number} {paper.code}"
        return await asyncio.to_thread(pdf, written, lang=LANGUAGE, foot=foot)

    def basis(self, kind: str) -> Phrase:
        """Return by what a paper was made, in words."""
        return Phrase(f"{WORDS}.basis.{kind}", {"law": str(self.hub.settings.get(*LAW))})

    def _happened(self, row: Accident) -> Part:
        known: dict[str, Words | None] = {
            "happened_at": f"{row.happened_at.astimezone(SHANGHAI):%Y-%m-%d %H:%M}",
            "place": row.place,
            "weather": Phrase(f"traffic.accident.weather.{row.weather}"),
            "road": Phrase(f"traffic.accident.road.{row.road}"),
            "collision": Phrase(f"traffic.accident.collision.{row.collision}"),
            "what": row.what,
        }
        lines = [self._line(name, value) for name, value in known.items()]
        return Part(self._say(Phrase(f"{WORDS}.happened")), lines)

    def _sides(self, row: Accident, sides: dict[str, AccidentSide]) -> Table:
        columns = ("side", "name", "car", "insurer", "liability", "agreed_at")
        return Table(
            title=self._say(Phrase(f"{WORDS}.sides")),
            columns=[self._say(Phrase(f"traffic.accident.field.{name}")) for name in columns],
            rows=[
                [
                    self._say(Phrase(f"traffic.accident.side.{side.side}")),
                    side.name,
                    shown_plate(side.plate),
                    side.insurer,
                    self._say(liable),
                    f"{side.agreed_at.astimezone(SHANGHAI):%Y-%m-%d %H:%M}"
                    if side.agreed_at and side.statement == row.statement
                    else self._say(Phrase(f"{WORDS}.not_agreed")),
                ]
                for side, liable in _liable(row, sides)
            ],
            wide=(2, 3, 4, 5, 4, 5),
        )

    def _ends(
        self, row: Accident, sides: dict[str, AccidentSide], paper: AccidentPaper
    ) -> list[Part]:
        said = [self._say(self.basis(paper.kind))]
        if paper.kind == "decision":
            said.append(self._line("reply", row.reply))
        check = {"code": f"{paper.code[:4]} {paper.code[4:8]} {paper.code[8:]}"}
        return [
            Part(self._say(Phrase(f"{WORDS}.outcome")), said),
            Part(self._say(Phrase(f"{WORDS}.check")), [self._say(Phrase(f"{WORDS}.how", check))]),
        ]

    def _line(self, name: str, value: Words | object) -> str:
        label = self._say(Phrase(f"traffic.accident.field.{name}"))
        said = self._say(value) if isinstance(value, Phrase) else str(value)
        return f"{label}：{said}"

    def _say(self, words: Words) -> str:
        return self.hub.pages.say(words, LANGUAGE)


def _liable(row: Accident, sides: dict[str, AccidentSide]) -> list[tuple[AccidentSide, Phrase]]:
    """Return the sides with the liability of each by the outcome."""
    shares, words = shares_of(row.outcome), "traffic.accident.share"
    return [(side, Phrase(f"{words}.{shares[key]}")) for key, side in sorted(sides.items())]


def shares_of(outcome: str | None) -> dict[str, Share]:
    """Return the liability of each side by an outcome."""
    if outcome in (None, Outcome.NOBODY):
        return {"a": Share.NONE, "b": Share.NONE}
    share = Share(str(outcome))
    return {"a": share, "b": OTHER[share]}


def _fact(name: str, value: Words | object) -> FactView:
    return FactView(Phrase(f"traffic.accident.field.{name}"), value)  # type: ignore[arg-type]  # words or a day

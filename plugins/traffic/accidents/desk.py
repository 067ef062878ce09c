"""The desk of accidents: reporting one, and what each side and the officers see of it."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

import msgspec
from sqlalchemy import func
from sqlmodel import col

from plugin_sdk.cases.desk import Way
from plugin_sdk.cases.flow import Who
from plugin_sdk.deadlines import local_day
from plugin_sdk.figures import counted
from plugin_sdk.forms import Submission
from plugin_sdk.identifiers import redact
from plugin_sdk.ports import Audience, Hub, Read, Work
from plugin_sdk.problems import AppConflict, NotFound
from plugin_sdk.taking import BLANK, Typed
from plugin_sdk.times import SHANGHAI
from plugin_sdk.views import (
    ActionView,
    ActView,
    AttachmentView,
    CaseListView,
    FactView,
    FiguresView,
    FormView,
    Phrase,
    SubmittedView,
)
from plugins.traffic.accidents.evidence import LICENCE
from plugins.traffic.accidents.flow import HOURS, AccidentEngine, check_time
from plugins.traffic.accidents.forms import AccidentForm
from plugins.traffic.accidents.models import Accident, AccidentPhoto, AccidentSide
from plugins.traffic.accidents.papers import shares_of
from plugins.traffic.accidents.sides import Invitations, in_person, own_side, sides_of
from plugins.traffic.accidents.views import AccidentView, InviteView, ShotView, SideView
from plugins.traffic.binding import Binding
from plugins.traffic.daily import refuse_more
from plugins.traffic.drafting import DraftingDesk, spelled_day, spelled_moment
from plugins.traffic.identifiers import shown_plate

WORDS: Final = "traffic.accident"
OPEN: Final = frozenset({"scene", "confirming"})
NOTHING: Final = frozenset({"withdrawn", "revoked"})
"""How an accident stands of which nothing came."""
PER_DAY: Final = ("accident_per_day", 5)
"""Setting of the county, with what holds without it: so many accidents one person reports a day."""


class AccidentDesk(DraftingDesk[Accident]):
    """Accidents without injury."""

    form = AccidentForm
    kind = "collision"
    hints = frozenset({"stop", "place", "other_plate", "what", "share"})
    with_files = True
    engine: AccidentEngine

    def __init__(self, hub: Hub, binding: Binding) -> None:
        super().__init__(AccidentEngine(hub))
        self.binding = binding
        self.evidence = self.engine.evidence
        self.papers = self.engine.papers
        self.invitations = Invitations(hub)
        self.per_day = int(hub.settings.get(*PER_DAY))

    async def file(self, work: Work, sent: Submission[AccidentForm]) -> Accident:
        """Open an accident of which the actor is side a. Raises `AppConflict` for whoever acts for
        another or has reported it before, `Invalid` for one of the future or of too long ago."""
        form, me = sent.form, in_person(work)
        await work.number("accident-turn")  # who sends it twice at once waits here for the first
        await refuse_more(self.engine, work, me, self.per_day)
        happened = check_time(self.hub, work.now, form)
        before = work.rows(Accident, col(Accident.number), permission="accident.read").where(
            col(Accident.person_id) == me,
            col(Accident.other_plate) == form.other_plate,
            col(Accident.state).in_(OPEN),
        )
        if number := (await work.session.execute(before.limit(1))).scalar():
            raise AppConflict(self.hub.app, "accident-open", number=number)
        place = redact(form.place)
        row = await self.engine.open(
            work,
            title=place,
            organization_id=await self.engine.receiver(work.actor),
            person_id=me,
            term=None,
            happened_at=happened,
            place=place,
            longitude=form.longitude,
            latitude=form.latitude,
            other_plate=form.other_plate,
            collision=form.collision,
            weather=form.weather,
            road=form.road,
            what=redact(form.what),
        )
        await work.add(
            AccidentSide(
                case_id=row.id,
                person_id=me,
                side="a",
                name=work.actor.name[:60],
                plate=form.plate,
                insurer=form.insurer,
            )
        )
        return row

    async def new_view(self, read: Read, way: Way, typed: Typed = BLANK) -> FormView:
        """Return the form: now, and one's own car where it is the only one."""
        if not typed.values:
            now = read.now.astimezone(SHANGHAI)
            known = {"happened_on": local_day(read.now), "happened_time": f"{now:%H:%M}"}
            if await read.holds("vehicle.own"):
                own = await self.binding.vehicles(read)
                known |= {"plate": own[0].plate} if len(own) == 1 else {}
            typed = msgspec.structs.replace(typed, values=known)
        return await super().new_view(read, way, typed)

    def known(self, row: Accident) -> Mapping[str, Any]:
        """Return the statement as it stands, for whoever changes it or agrees to it."""
        at = row.happened_at.astimezone(SHANGHAI)
        said = {name: getattr(row, name) for name in ("place", "other_plate", "collision")}
        said |= {name: getattr(row, name) for name in ("weather", "road", "what", "statement")}
        if row.outcome:
            said |= {"outcome": row.outcome, "text": row.reply}
        return {**said, "happened_on": local_day(row.happened_at), "happened_time": f"{at:%H:%M}"}

    def submitted_view(self, row: Accident) -> SubmittedView:
        """Return what is said after the report: the photos come next."""
        view = super().submitted_view(row)
        view.track_href = None  # both sides have it on their own phones
        return view

    async def summary(self, read: Read, row: Accident) -> list[FactView]:
        """Return the statement, and what an officer said of it: to the sides once it counts."""
        shown = self.flow.state(row.state).final or await self._inside(read, row)
        outcome = Phrase(f"{WORDS}.outcome.{row.outcome}") if row.outcome and shown else None
        return self.facts(
            happened_at=row.happened_at,
            place=row.place,
            collision=Phrase(f"{WORDS}.collision.{row.collision}"),
            weather=Phrase(f"{WORDS}.weather.{row.weather}"),
            road=Phrase(f"{WORDS}.road.{row.road}"),
            what=row.what,
            statement=Phrase(f"{WORDS}.version", {"n": row.statement}),
            outcome=outcome,
            reply=row.reply if shown else None,
        )

    async def _inside(self, read: Read, row: Accident) -> bool:
        """Return whether the actor is an officer of it: no side is, nor who acts in its post."""
        if read.actor.hands & await self.engine.filers(read, row):
            return False
        return await super()._inside(read, row)

    async def act_view(self, read: Read, row: Accident, verb: str, typed: Typed = BLANK) -> ActView:
        """Return the form of an act. Raises `NotFound` for a side where officers act."""
        officers = {Who.HOLDER, Who.NOT_REQUESTER} & set(self.flow.by_verb(verb).who)
        if officers and not await self._inside(read, row):
            raise NotFound
        return await super().act_view(read, row, verb, typed)

    async def said_of(self, read: Read, row: Accident) -> dict[str, str]:
        """See `DraftingDesk`."""
        sides = await sides_of(read, row.id)
        return {
            "编号": row.number,
            "甲方车牌": shown_plate(sides["a"].plate),
            "乙方车牌": shown_plate(row.other_plate),
            "事故时间": spelled_moment(row.happened_at),
            "事故地点": row.place,
            "今天": spelled_day(local_day(read.now)),
        }

    async def attachments(self, read: Read, row: Accident) -> list[AttachmentView]:
        """Return nothing: photos stand by their view."""
        return []

    async def list_view(self, read: Read, filters: Any, cursor: str) -> CaseListView:
        """Return a page of the list. Who is on duty has none to report."""
        view = await super().list_view(read, filters, cursor)
        if read.actor.audience is Audience.STAFF:
            view.create = None
        return view

    async def links(self, read: Read) -> list[ActionView]:
        """Return the figures to who is on duty, to others the page on which one joins."""
        if read.actor.audience is Audience.STAFF:
            words = Phrase(f"{WORDS}.figures")
            return await self.link(read, "/accidents/figures", words, "figures.read")
        words = Phrase(f"{WORDS}.join.title")
        return await self.link(read, "/accidents/join", words, "accident.agree")

    async def add_figures(self, read: Read, view: FiguresView) -> None:
        """Add how many ended in an agreement of both sides, and how many officers decided."""
        ended = [
            await counted(
                *(read, f"{WORDS}.figure.{state}", Accident, Accident.resolved_at),
                *(view.since, view.until),
                value=func.count().filter(col(Accident.state) == state),
            )
            for state in ("agreed", "decided")
        ]
        view.cards = [*ended, *view.cards]

    async def actions(self, read: Read, row: Accident) -> list[ActionView]:
        """Return what may be done, the photos that are missing and the invitation before it."""
        found = await super().actions(read, row)
        side = await own_side(read, row.id)
        if side is None:
            return found
        if row.state in NOTHING:
            return [await self._onwards(read, row), *found]
        photos = await self.evidence.photos(read, row)
        missing = self.evidence.missing(photos, side.side) if row.state in OPEN else []
        if side.statement == row.statement or missing:
            found = [one for one in found if one.verb != "agree"]
        guided = None
        if missing:
            words = Phrase(f"{WORDS}.shoot", {"view": Phrase(f"{WORDS}.view.{missing[0]}")})
            guided = self._action(row, f"photos/{missing[0]}", words)
        elif row.state == "scene":
            guided = self._action(row, "invite", Phrase(f"{WORDS}.invite.title"))
        if guided is None:
            return found
        for one in found:
            one.primary = False
        return [guided, *found]

    async def _onwards(self, read: Read, row: Accident) -> ActionView:
        """Return what a side can do where nothing came of it: report it anew while it is not too
        long ago, else ask the office."""
        hours = timedelta(hours=int(self.hub.settings.get(*HOURS)))
        anew = read.now - row.happened_at <= hours and await read.holds("accident.file")
        name, href = ("anew", f"{self.here}/new") if anew else ("office", f"/about/{self.hub.app}")
        return ActionView(verb="next", label=Phrase(f"{WORDS}.{name}"), href=href, primary=True)

    def _action(self, row: Accident, verb: str, words: Phrase) -> ActionView:
        href = self.engine.href(row.number, verb)
        return ActionView(verb="next", label=words, href=href, primary=True)

    async def detail_view(self, read: Read, row: Accident) -> AccidentView:
        """Return an accident as one side of it, or an officer, sees it."""
        base = await super().detail_view(read, row)
        sides, mine = await sides_of(read, row.id), await own_side(read, row.id)
        photos = await self.evidence.photos(read, row)
        paper = await self.papers.of(read, row)
        missing = self.evidence.missing(photos, mine.side) if mine and row.state in OPEN else []
        view = AccidentView(
            **{name: getattr(base, name) for name in base.__struct_fields__},
            sides=[self._side(row, side, mine) for _, side in sorted(sides.items())],
            shots=await self._shots(read, row, photos, mine),
            lacking=[Phrase(f"{WORDS}.view.{view}") for view in missing],
            what_next=self._next(row, mine, missing),
            paper=[],
            inside=mine is None,
        )
        if row.state in OPEN:
            view.holder = None  # it waits for its sides, not for an officer
        if paper is not None:
            kind = Phrase(f"{WORDS}.paper.kind.{paper.kind}")
            state = self.papers.standing(paper, read.now)
            view.paper = self.facts(
                kind=kind,
                issued_at=paper.issued_at,
                paper_code=f"{paper.code[:4]} {paper.code[4:8]} {paper.code[8:]}",
                standing=Phrase(f"{WORDS}.paper.standing.{state}"),
            )
            view.paper_href = self.engine.href(row.number, "paper.pdf")
            view.check_href = self.papers.address(paper)
        return view

    def _next(self, row: Accident, mine: AccidentSide | None, missing: Sequence[str]) -> Phrase:
        """Return what happens now, in a sentence."""
        if row.state not in OPEN or mine is None:
            return Phrase(f"{WORDS}.now.{row.state}")
        if missing:
            return Phrase(f"{WORDS}.now.photos", {"n": len(missing)})
        if row.state == "confirming" and mine.statement == row.statement:
            return Phrase(f"{WORDS}.now.agreed_waits")
        return Phrase(f"{WORDS}.now.{row.state}")

    def _side(self, row: Accident, side: AccidentSide, mine: AccidentSide | None) -> SideView:
        agreed = side.statement == row.statement
        share = Phrase(f"{WORDS}.share.{side.share}") if side.share and agreed else None
        if row.outcome and row.state in ("agreed", "decided"):
            share = Phrase(f"{WORDS}.share.{shares_of(row.outcome)[side.side]}")
        return SideView(
            side=side.side,
            label=Phrase(f"{WORDS}.side.{side.side}"),
            mine=mine is not None and side.id == mine.id,
            facts=self.facts(
                name=side.name,
                car=shown_plate(side.plate),
                insurer=side.insurer,
                liability=share,
                agreed_at=side.agreed_at if agreed else None,
            ),
            said=Phrase(f"{WORDS}.said_side.{'agreed' if agreed else 'waits'}"),
            agreed=agreed,
        )

    async def _shots(
        self,
        read: Read,
        row: Accident,
        photos: Sequence[AccidentPhoto],
        mine: AccidentSide | None,
    ) -> list[ShotView]:
        """Return the photos: to a side those of the place and its own licence, to officers all."""
        seen = [one for one in photos if _for(one, mine)]
        sides = {one.side for one in seen if one.view == LICENCE}
        kept = {file.id: file for file in await self.evidence.files(read, row, sorted(sides))}
        shots = []
        for photo in seen:
            file = kept.get(photo.file_id)
            again = mine is not None and photo.side == mine.side and self.may_take(row, mine)
            shots.append(
                ShotView(
                    label=_view(photo, mine),
                    href=self.hub.files.href(file, read.actor) if file else None,
                    doubts=[
                        Phrase(f"{WORDS}.doubt.{name}") for name in self.evidence.doubts(row, photo)
                    ],
                    taken_at=photo.taken_at,
                    metres=photo.metres,
                    take_href=self.engine.href(row.number, f"photos/{photo.view}")
                    if again
                    else None,
                )
            )
        return shots

    def may_take(self, row: Accident, side: AccidentSide) -> bool:
        """Return whether a side may take photos now: side a before the other has seen them, side b
        until it agrees."""
        if side.side == "a":
            return row.state == "scene"
        return row.state == "confirming" and side.statement != row.statement

    def invite_view(self, row: Accident) -> InviteView:
        """Return the page of the invitation, without a code."""
        return InviteView(
            number=row.number,
            plate=shown_plate(row.other_plate),
            make_href=self.engine.href(row.number, "invite"),
            back_href=self.engine.href(row.number),
            minutes=self.invitations.minutes,
        )


def _for(photo: AccidentPhoto, mine: AccidentSide | None) -> bool:
    return mine is None or photo.view != LICENCE or photo.side == mine.side


def _view(photo: AccidentPhoto, mine: AccidentSide | None) -> Phrase:
    """Return what a photo shows, in words of who looks at it."""
    if photo.view.startswith("plate_") and (mine is None or mine.side != photo.side):
        return Phrase(f"{WORDS}.seen.{photo.view}")
    if photo.view == LICENCE and mine is None:
        return Phrase(f"{WORDS}.seen.licence_{photo.side}")
    return Phrase(f"{WORDS}.view.{photo.view}")

"""What is shown of reports, and how one is filed: who reported is nobody's business but theirs, and
of the officer who decides and says why they must know."""

import hashlib
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, ClassVar, Final

import msgspec
from sqlmodel import col

from plugin_sdk.cases.desk import Way
from plugin_sdk.cases.queries import CaseFacts
from plugin_sdk.cases.rules import is_requester
from plugin_sdk.data import new_id
from plugin_sdk.deadlines import Term, local_day
from plugin_sdk.forms import Submission
from plugin_sdk.identifiers import redact
from plugin_sdk.ports import Hub, Read, Work
from plugin_sdk.problems import AppConflict, NotFound
from plugin_sdk.taking import BLANK, Typed
from plugin_sdk.views import (
    ActionView,
    ActView,
    CaseDetailView,
    CaseListView,
    FactView,
    FormView,
    Phrase,
)
from plugins.traffic.daily import refuse_more
from plugins.traffic.drafting import DraftingDesk, spelled_day, spelled_moment
from plugins.traffic.holders import concerns, held
from plugins.traffic.identifiers import shown_plate
from plugins.traffic.reports import photos
from plugins.traffic.reports.flow import ReportEngine
from plugins.traffic.reports.forms import ReportForm
from plugins.traffic.reports.models import Report, ReportEntry, ReportPhoto
from plugins.traffic.reports.photos import Rules

REVEAL: Final = "report.reveal"
LIVING: Final = ("filed", "accepted", "recorded")
"""States of a report which another of the same violation follows."""


class ReportDesk(DraftingDesk[Report]):
    """Reports of violations."""

    kind = "kind"
    hints: ClassVar[frozenset[str]] = frozenset(
        {"photos", "plate", "clock", "place", "text", "reason", "number"}
    )
    with_files = True

    def __init__(self, hub: Hub) -> None:
        super().__init__(ReportEngine(hub))
        self.rules = Rules.of(hub.settings)

    async def draw(self, sent: Submission[Any]) -> Submission[Any]:
        """Return the submission with its photos drawn anew, once nothing that they say stands
        against the report. Raises `Invalid`."""
        drawn = await super().draw(sent)
        if isinstance(sent.form, ReportForm):
            photos.check(self.rules, sent.form, drawn.pictures, self.hub.now())
        return drawn

    async def file(self, work: Work, sent: Submission[ReportForm]) -> Report:
        """Open a report; one of a violation that was reported before follows that. Raises
        `AppConflict` for one's own second one, a photo that was sent before, and too many."""
        form, me = sent.form, work.actor.person_id
        await work.number("report-turn")  # who files at the same moment waits here for the other
        await refuse_more(self.engine, work, me, self.rules.per_day)
        told = await self._told(work, sent)
        at, place = form.happened_at, photos.place_of(form, sent.pictures)
        where = redact(form.place)  # the owner of the vehicle reads it
        span = timedelta(minutes=self.rules.same_minutes)
        columns = ("id", "person_id", "number", "longitude", "latitude")
        statement = work.beyond_scope(
            Report,
            *(col(getattr(Report, name)) for name in columns),
            reason="is it reported already",
        ).where(
            col(Report.plate) == form.plate,
            col(Report.kind) == str(form.kind),
            col(Report.state).in_((*LIVING, "joined")),
            col(Report.happened_at).between(at - span, at + span),
        )
        found = (await work.session.execute(statement.order_by(col(Report.opened_at)))).all()
        same = [row for row in found if photos.near(self.rules, place, _place(row))]
        if mine := next((row for row in same if row.person_id == me), None):
            raise AppConflict("traffic", "report-twice", number=mine.number)
        first = await self._first(work, [row.id for row in same])
        row = await self.engine.open(
            work,
            title=f"{shown_plate(form.plate)} {where}",
            organization_id=await self.engine.receiver(work.actor),
            person_id=me,
            term=Term(working_days=self.rules.review_days),
            state="joined" if first else None,
            kind=str(form.kind),
            plate=form.plate,
            happened_at=at,
            place=where,
            text=redact(form.text or ""),
            longitude=place[0] if place else None,
            latitude=place[1] if place else None,
            remarks=[*photos.lacking(sent.pictures), *told],
            reporter_name=work.actor.name[:100],
            same_as=first,
            reference=hashlib.sha256(new_id().bytes).hexdigest()[:32],
        )
        entry = work.rows(ReportEntry, permission="report.read")
        entry = entry.where(col(ReportEntry.case_id) == row.id)
        filed = (await work.session.execute(entry)).scalar_one()
        filed.role = filed.unit = ""  # not even in which post somebody reports
        await self.keep_files(work, row, sent)
        return row

    async def _told(self, work: Work, sent: Submission[ReportForm]) -> list[str]:
        """Return what an officer is told of photos that came before: `seen`, of another person's.
        Raises `AppConflict` for one's own."""
        digests = [picture.sha256 for picture in sent.pictures]
        statement = work.beyond_scope(
            *(ReportPhoto, col(ReportPhoto.person_id), col(ReportPhoto.report_id)),
            reason="was the photo sent before",
        ).where(col(ReportPhoto.digest).in_(digests))
        found = (await work.session.execute(statement)).all()
        for person_id, report_id in found:
            if person_id == work.actor.person_id:
                before = await work.get(Report, report_id, permission="report.read")
                raise AppConflict("traffic", "report-photo-used", number=before.number)
        return ["seen"] if found else []

    async def _first(self, work: Work, ids: list[Any]) -> Any:
        """Return the report that the others of the same violation follow, None where there is
        none."""
        if not ids:
            return None
        statement = work.beyond_scope(
            Report, col(Report.id), reason="which was the first of them"
        ).where(col(Report.id).in_(ids), col(Report.state).in_(LIVING))
        return (await work.session.execute(statement.order_by(col(Report.opened_at)))).scalar()

    async def keep_files(self, work: Work, row: Report, sent: Submission[Any]) -> None:
        """Keep the photos under names of ours (a file may be called after who took it), and what
        they are known by again."""
        named = [
            msgspec.structs.replace(picture, name=f"{n}.jpg")
            for n, picture in enumerate(sent.pictures, 1)
        ]
        await super().keep_files(work, row, msgspec.structs.replace(sent, pictures=tuple(named)))
        for picture in sent.pictures:
            photo = ReportPhoto(
                organization_id=row.organization_id,
                person_id=row.person_id,
                report_id=row.id,
                digest=picture.sha256,
            )
            await work.add(photo, placed=True)

    def notices(self, row: Report) -> list[Phrase]:
        """Return that another was quicker, and what the photos lack."""
        said = [self.engine.words("joined")] if row.same_as else []
        return said + [self.engine.words(f"remark.{one}") for one in row.remarks if one != "seen"]

    async def summary(self, read: Read, row: Report) -> list[FactView]:
        """Return what was seen; who saw it is not in it."""
        words = self.engine.words
        mine = is_requester(read.actor, row)
        facts = self.facts(
            kind=words(f"kind.{row.kind}"),
            plate=shown_plate(row.plate),
            happened_at=row.happened_at,
            place=row.place,
            text=row.text,
            recorded_as=(row.recorded_as or "") if not mine else "",
        )
        if row.same_as and mine:
            facts.append(FactView(words("field.same_as"), words("joined")))
        elif row.same_as:
            facts.append(FactView(words("field.same_as"), await self._number(read, row.same_as)))
        told = [one for one in row.remarks if not (mine and one == "seen")]
        return facts + [FactView(words("field.remark"), words(f"remark.{one}")) for one in told]

    async def _number(self, read: Read, id: Any) -> str | None:
        statement = read.rows(Report, col(Report.number), permission="report.read")
        found: str | None = (
            await read.session.execute(statement.where(col(Report.id) == id))
        ).scalar_one_or_none()
        return found

    def revealed(self, row: Report) -> list[FactView]:
        """Return who reported it."""
        return [FactView(self.engine.words("field.reporter"), row.reporter_name or None)]

    async def detail_view(self, read: Read, row: Report) -> CaseDetailView:
        """Return a report: to who reported it, and to officers whom it does not concern. Raises
        `NotFound` for the reported."""
        mine = is_requester(read.actor, row)
        if not mine and await concerns(read, row.plate, row.happened_at):
            raise NotFound
        view = await super().detail_view(read, row)
        if mine:
            return view
        for entry in view.timeline:
            if entry.verb == self.flow.opening:
                entry.acting = None
        if await read.holds(REVEAL, row):
            view.actions.append(
                ActionView(
                    verb="reveal",
                    label=self.engine.words("reveal"),
                    href=self.engine.href(row.number, "reveal"),
                    permission=f"{self.hub.app}.{REVEAL}",
                )
            )
        return view

    async def act_view(self, read: Read, row: Report, verb: str, typed: Typed = BLANK) -> ActView:
        """Return the form of an act. Raises `NotFound` for the reported."""
        if not is_requester(read.actor, row) and await concerns(read, row.plate, row.happened_at):
            raise NotFound
        return await super().act_view(read, row, verb, typed)

    async def said_of(self, read: Read, row: Report) -> dict[str, str]:
        """See `DraftingDesk`."""
        kind = self.engine.words(f"kind.{row.kind}")
        return {
            "编号": row.number,
            "车牌": shown_plate(row.plate),
            "违法时间": spelled_moment(row.happened_at),
            "违法地点": row.place,
            "违法行为": self.hub.pages.say(kind, "zh-CN"),
            "今天": spelled_day(local_day(read.now)),
        }

    async def new_view(self, read: Read, way: Way, typed: Typed = BLANK) -> FormView:
        """Return the form, whose photos leave the device with what the camera wrote."""
        view = await super().new_view(read, way, typed)
        for field in view.fields:
            field.original = field.kind == "photo"
        return view

    async def shown(self, read: Read, found: Sequence[CaseFacts]) -> Sequence[CaseFacts]:
        """Return what of a page is one's own, or of a vehicle that does not concern who looks."""
        mine = await held(read)
        if not mine or not found:
            return found
        columns = (Report.id, Report.person_id, Report.plate, Report.happened_at)
        statement = read.rows(Report, *map(col, columns), permission=self.flow.read)
        rows = await read.session.execute(
            statement.where(col(Report.id).in_([one.id for one in found]))
        )
        hidden = {
            id
            for id, person_id, plate, at in rows
            if person_id != read.actor.person_id and any(one.concerned(plate, at) for one in mine)
        }
        return [one for one in found if one.id not in hidden]

    async def list_view(self, read: Read, filters: Any, cursor: str) -> CaseListView:
        """Return a page of the list, with the way to report for whoever does not decide."""
        view = await super().list_view(read, filters, cursor)
        if await read.holds("report.file") and not await read.holds("report.accept"):
            view.create = ActionView(
                verb="file", label=self.engine.words("new"), href=f"{self.here}/new", primary=True
            )
        return view

    async def links(self, read: Read) -> list[ActionView]:
        """Return the figures of reports."""
        return await self.link(
            read, "/reports/figures", Phrase("traffic.report.figures"), "figures.read"
        )


def _place(row: Any) -> photos.Place | None:
    return None if row.longitude is None else (row.longitude, row.latitude)

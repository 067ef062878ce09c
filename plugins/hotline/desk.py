"""What the hotline shows of an order, and the three ways to open one."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from msgspec import structs
from sqlmodel import col

from plugin_sdk.cases import rules
from plugin_sdk.cases.counting import CaseCounting
from plugin_sdk.cases.desk import CaseDesk, Way
from plugin_sdk.cases.flow import Transition
from plugin_sdk.cases.rules import is_requester
from plugin_sdk.cases.titles import title_of
from plugin_sdk.cases.views import AskWho
from plugin_sdk.forms import Form, Submission
from plugin_sdk.identifiers import mask_name, mask_phone, normalize_phone
from plugin_sdk.ports import Audience, Hub, Organization, Read, Work
from plugin_sdk.problems import Invalid, field_error
from plugin_sdk.taking import BLANK, Typed
from plugin_sdk.views import (
    ActionView,
    ActView,
    DeadlineView,
    EntryView,
    FactView,
    FiguresView,
    FormView,
    Option,
    PartView,
    Phrase,
    Words,
)
from plugins.hotline import categories
from plugins.hotline.beside import Beside, IntakeView
from plugins.hotline.checking import rating, supervising
from plugins.hotline.coordination.desk import CoordinationDesk
from plugins.hotline.dispatching.alike import unfit
from plugins.hotline.dispatching.following import bonds
from plugins.hotline.engine import OrderEngine
from plugins.hotline.enterprises.facts import enterprise_facts
from plugins.hotline.figures import OrderFigures
from plugins.hotline.flow import reply_term
from plugins.hotline.forms import FileForm, IntakeForm, Kind, SnapForm, TakenForm, Urgency
from plugins.hotline.knowledge import counting
from plugins.hotline.knowledge import keeping as knowledge
from plugins.hotline.knowledge.answering import Answering
from plugins.hotline.models import Order
from plugins.hotline.open311.publishing import may_be_public, public_state, publicize
from plugins.hotline.reception.holding import sponsor_facts, waits_for_signature

WHOLE: Final = frozenset({"coordinate", "return", "extend"})
"""What is done to an order and never to the part of a decision."""
INTAKE: Final = "intake"
"""The way in which an operator opens an order, by its name."""


class OrderDesk(CaseDesk[Order]):
    """Orders of the hotline."""

    form = FileForm
    kind = "kind"
    hints = frozenset(
        {"text", "place", "category", "photos", "secret", "due_on", "legal_basis"}
        | {"dispatch_category", "dispatch_reason", "original", "question"}
        | {"wishes_public"}
    )
    with_files = True
    engine: OrderEngine

    def __init__(self, engine: OrderEngine) -> None:
        super().__init__(engine)
        self.coordinations = CoordinationDesk(engine.coordinations)
        self.answering = Answering(engine.hub)
        self.beside = Beside(engine, self.answering)

    @property
    def counting(self) -> CaseCounting:
        """Return what counts orders for the figures."""
        return CaseCounting(self.hub, Order, self.flow)

    @property
    def breakdown(self) -> OrderFigures:
        """Return the figures of orders by what tells them apart."""
        return OrderFigures(self.counting, self.flow.name)

    def organizations(self) -> Mapping[str, AskWho]:
        """Return the divisions where it may be."""
        return {"region": self.regions}

    async def regions(self) -> list[Organization]:
        """Return the divisions where a matter can lie; ask before a unit of work begins."""
        return await self.engine.look_up("regions", self.hub.directory.regions, max_age=5)

    async def file(self, work: Work, sent: Submission[FileForm]) -> Order:
        """Open an order that a resident files on the web."""
        actor = work.actor
        return await self.open_order(work, sent, "web", actor.person_id, caller_name=actor.name)

    async def snap(self, work: Work, sent: Submission[SnapForm]) -> Order:
        """Open an order from a photo (随手拍)."""
        actor = work.actor
        return await self.open_order(work, sent, "snap", actor.person_id, caller_name=actor.name)

    async def intake(self, work: Work, sent: Submission[IntakeForm]) -> Order:
        """Open an order that an operator takes down for a caller."""
        form = sent.form
        return await self.open_order(
            work, sent, "operator", None, caller_name=form.caller_name or "", form=form
        )

    async def new_view(self, read: Read, way: Way, typed: Typed = BLANK) -> FormView:
        """Return the form that opens an order; an operator's with what it may repeat."""
        view = await super().new_view(read, way, typed)
        if way.name != INTAKE:
            return view
        given = {name: getattr(view, name) for name in view.__struct_fields__}
        given["fields"] = [field for field in view.fields if field.name != "repeats"]
        beside = await self.beside.view(read, f"{way.here}/look", typed.values)
        return IntakeView(**given, beside=beside)

    async def open_order(
        self,
        work: Work,
        sent: Submission[FileForm]
        | Submission[IntakeForm]
        | Submission[SnapForm]
        | Submission[TakenForm],
        channel: str,
        person_id: UUID | None,
        *,
        caller_name: str,
        form: TakenForm | None = None,
        **bonds: Any,
    ) -> Order:
        """Open an order that came by a channel; `bonds` are its other columns."""
        filed = sent.form
        urgency = form.urgency if form else Urgency.NORMAL
        row = await self.engine.open(
            work,
            title=title_of(filed.text),
            organization_id=await self.engine.receiver(work.actor),
            person_id=person_id,
            term=reply_term(self.hub.settings, filed.kind, urgency, channel),
            due_on=form.due_on if form else None,
            kind=str(filed.kind),
            category_code=filed.category,
            region_id=UUID(filed.region) if filed.region else None,
            place=filed.place or "",
            longitude=filed.longitude,
            latitude=filed.latitude,
            outside_boundary=self._outside(filed.longitude, filed.latitude),
            urgency=str(urgency),
            secret=filed.secret or filed.kind is Kind.REPORT,  # who reports is kept secret
            channel=channel,
            caller_name=caller_name,
            caller_phone=normalize_phone(filed.phone) if filed.phone else "",
            text=filed.text,
            repeats_id=await self._repeated(work, form.repeats if form else None),
            **bonds,
        )
        await self.keep_files(work, row, sent)
        if filed.wishes_public and may_be_public(row):
            await publicize(work, row)
        return row

    async def _repeated(self, read: Read, number: str | None) -> UUID | None:
        """Return the order that a caller says theirs repeats. Raises `Invalid` for one that may
        not be shown to who takes it down, or not be followed."""
        if number is None:
            return None
        statement = read.rows(Order, permission=self.flow.read).where(col(Order.number) == number)
        row = (await read.session.execute(statement)).scalar_one_or_none()
        if row is None or row.split_from_id is not None or unfit(row) is not None:
            raise Invalid(field_error("repeats", "choice"))
        found: UUID = row.id
        return found

    def _outside(self, longitude: float | None, latitude: float | None) -> bool:
        boundary: Sequence[Sequence[float]] = self.hub.settings.get("boundary", ())
        if longitude is None or latitude is None or not boundary:
            return False
        return not inside(longitude, latitude, boundary)

    async def summary(self, read: Read, row: Order) -> list[FactView]:
        """Return what was asked. Who asked is masked, and hidden where it is secret."""
        names = await self.hub.directory.names([row.region_id]) if row.region_id else {}
        follows, repeats, followers = await self._bonds(read, row)
        words = self.engine.words
        unclassified = words("unclassified")
        hidden = row.secret and not is_requester(read.actor, row)
        name: Words = words("hidden") if hidden else mask_name(row.caller_name)
        phone: Words = words("hidden") if hidden else ""
        if row.caller_phone and not hidden:
            phone = mask_phone(row.caller_phone)
        facts = self.facts(
            text=row.text,
            kind=self.kind_words(row.kind) or unclassified,
            category=row.category_code or unclassified,
            urgency=words(f"urgency.{row.urgency}"),
            region=names.get(row.region_id, "") if row.region_id else "",
            place=row.place,
            position=words("outside") if row.outside_boundary else "",
            public=words(f"public.{public_state(row)}") if row.wishes_public else "",
            caller_name=name,
            phone=phone,
            reply=row.reply or "",
            votes=words("votes", n=row.votes_for, against=row.votes_against)
            if row.votes_for is not None
            else "",
            follows=follows,
            repeats=repeats,
            followers=followers,
        )
        facts += await self.answering.used(read, row)
        facts += await enterprise_facts(read, row)
        facts += await sponsor_facts(read, row)
        facts += await rating.facts(read, row)
        return facts + await supervising.facts(read, row)

    def deadline(self, row: Order, now: datetime) -> DeadlineView:
        """Return by when an order must be answered, and which days do not count."""
        return self._deadline(row, now, skipped=True)

    async def timeline(self, read: Read, row: Order) -> list[EntryView]:
        """Return the steps; why an order goes to a unit is the centre's and the units' own."""
        found = await super().timeline(read, row)
        if await self._inside(read, row):
            return found
        return [
            structs.replace(one, reason=None) if one.verb == "dispatch" else one for one in found
        ]

    async def _inside(self, read: Read, row: Order) -> bool:
        """Return whether the actor sees the inner steps: of a part, who asked for the whole does
        not."""
        if row.split_from_id and read.actor.hands & await self.engine.filers(read, row):
            return False
        return await super()._inside(read, row)

    async def links(self, read: Read) -> list[ActionView]:
        """Return the way to the knowledge base, which everybody else knows as common questions; to
        coordinations, supervisions and what checks found."""
        staff = read.actor.audience is Audience.STAFF
        keeps = staff and await read.holds(knowledge.READ)
        knowing = Phrase(f"hotline.knowledge.{'title' if keeps else 'public_title'}")
        coordinated = self.coordinations.engine.words("list")
        supervised = Phrase("hotline.supervision.list")
        return [
            *await self.link(read, "/knowledge", knowing, self.flow.read),
            *await self.link(read, "/coordinations", coordinated, "coordination.read"),
            *await self.link(read, "/supervisions", supervised, "supervision.read"),
            *await self.link(read, "/checks", Phrase("hotline.checking.checks"), "check.read"),
        ]

    async def act_view(self, read: Read, row: Order, verb: str, typed: Typed = BLANK) -> ActView:
        """Return the form of an act; that of an answer with what it may begin with."""
        view = await super().act_view(read, row, verb, typed)
        return await self.answering.offered(read, row, view, verb)

    async def add_figures(self, read: Read, view: FiguresView) -> None:
        """Add how often answers began with the knowledge base, and the way to the figures by unit,
        category, region, line and channel."""
        view.cards.append(await counting.figure(read, view.since, view.until))
        await self.breakdown.frame(read, view, "")

    async def _bonds(self, read: Read, row: Order) -> tuple[str | None, str | None, int]:
        """Return whom an order follows (or else repeats, as its caller said) and how many follow
        it: for staff, since a requester is told of nobody else's request."""
        if read.actor.audience is not Audience.STAFF or is_requester(read.actor, row):
            return None, None, 0
        follows, followers = await bonds(read, row)
        if follows is not None or row.repeats_id is None:
            return follows, None, followers
        said = read.rows(Order, col(Order.number), permission=self.flow.read)
        said = said.where(col(Order.id) == row.repeats_id, col(Order.secret).is_(False))
        repeats: str | None = (await read.session.execute(said)).scalar_one_or_none()
        return None, repeats, followers

    def revealed(self, row: Order) -> list[FactView]:
        """Return who called."""
        words = self.engine.words
        return [
            FactView(words("field.caller_name"), row.caller_name or None),
            FactView(words("field.phone"), row.caller_phone or None),
        ]

    async def options(
        self, read: Read, form: type[Form], transition: Transition | None
    ) -> dict[str, list[Option]]:
        """Return the units, categories and divisions to choose from."""
        found = await super().options(read, form, transition)
        if "category" in form.model_fields:
            found["category"] = categories.options()
        return found

    def known(self, row: Order) -> Mapping[str, Any]:
        """Return the category that the requester chose."""
        return {"category": row.category_code}

    async def _offered(
        self, read: Read, row: Order, transition: Transition
    ) -> tuple[dict[str, Any], dict[str, list[Option]]]:
        known, options = await super()._offered(read, row, transition)
        if transition.verb == "summarize":
            known["text"] = await self.engine.coordinations.answers(read, row)
        return known, options

    async def actions(self, read: Read, row: Order) -> list[ActionView]:
        """Return what the actor may do (of making public and taking back the one that is left;
        dispatching at the desk that proposes to whom), the call to who asked where there is an
        exchange, and to who takes part in it the way to the coordination that decides, or
        decided, whose it is."""
        idle = {"withhold"} if not row.wishes_public else {"publicize"}
        if not may_be_public(row):
            idle |= {"publicize", "keep-secret"}
        if row.split_from_id:
            idle |= WHOLE
        if await waits_for_signature(read, row):
            idle |= {"rate"}
        found = [one for one in await super().actions(read, row) if one.verb not in idle]
        for one in found:
            if one.verb == "dispatch" and not one.missing:
                one.href = f"/apps/{self.hub.app}/dispatch/{row.number}"
        found += await self._call_back(read, row)
        if rules.is_of_requester(read.actor, row) or not await read.holds("coordination.read"):
            return found
        engine = self.engine.coordinations
        of = engine.of_part if row.split_from_id else engine.latest
        about = await of(read, row.id)
        if about is None:
            return found
        label, href = engine.words("see"), engine.href(about.number)
        leads = row.state == "coordinating" and about.state != "decided"
        seen = ActionView(verb="see", label=label, href=href, primary=leads or not found)
        for one in found:
            one.primary = one.primary and not leads
        return [seen, *found] if leads else [*found, seen]

    async def _call_back(self, read: Read, row: Order) -> list[ActionView]:
        asked = row.caller_phone and "telephony" in self.hub.settings
        if not asked or not await read.holds("call.take", row):
            return []
        call, href = Phrase("hotline.call.act.back"), self.engine.href(row.number, "call")
        return [ActionView(verb="call", label=call, href=href, needs_form=False)]

    async def parts(self, read: Read, row: Order) -> list[PartView]:
        """Return the parts that the latest decision made of an order, to who runs it."""
        if rules.is_of_requester(read.actor, row) or not await read.holds("coordination.read"):
            return []
        about = await self.engine.coordinations.latest(read, row.id)
        found = await self.engine.coordinations.parts(read, about) if about else []
        names = await self.hub.directory.names([share.organization_id for share, _ in found])
        return [
            PartView(
                unit=names.get(share.organization_id, ""),
                asked=share.task,
                deadline=self._deadline(part, read.now),
                reply=part.reply,
                replied_at=part.answered_at,
            )
            for share, part in found
        ]

    def notices(self, row: Order) -> list[Phrase]:
        """Return the warning that a position lies outside the county, which is allowed."""
        return [self.engine.words("outside")] if row.outside_boundary else []


def inside(x: float, y: float, polygon: Sequence[Sequence[float]]) -> bool:
    """Return whether a point lies in a polygon (even-odd rule), given as longitude, latitude."""
    found = False
    for (x1, y1), (x2, y2) in zip(polygon, [*polygon[1:], polygon[0]], strict=True):
        if (y1 > y) != (y2 > y) and x < (x2 - x1) * (y - y1) / (y2 - y1) + x1:
            found = not found
    return found


def desk_of(hub: Hub) -> OrderDesk:
    """Return the desk of a hub's orders."""
    return hub.once(_desk)


def _desk(hub: Hub) -> OrderDesk:
    return OrderDesk(OrderEngine(hub))

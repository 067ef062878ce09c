"""The desk of coordinations: what each who takes part sees of them, and may do."""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from sqlmodel import col

from plugin_sdk.cases.desk import CaseDesk
from plugin_sdk.cases.flow import Transition
from plugin_sdk.deadlines import local_day
from plugin_sdk.directory import OFFICIALS
from plugin_sdk.ports import Read
from plugin_sdk.taking import BLANK, Typed
from plugin_sdk.times import SHANGHAI
from plugin_sdk.views import ActionView, ActView, EntryView, FactView, Option, Phrase, Words
from plugins.hotline.coordination.deciding import needs_chair, shares_of, unheard
from plugins.hotline.coordination.engine import ASKED, POSTS, CoordinationEngine
from plugins.hotline.coordination.models import Coordination, CoordinationSeat, CoordinationShare
from plugins.hotline.coordination.papers import units_of
from plugins.hotline.coordination.seats import (
    CONFIRMED,
    DECLINED,
    LEGAL,
    REQUESTER,
    UNIT,
    in_person,
    may_opine,
    seat_of,
    seats_of,
)
from plugins.hotline.coordination.views import CoordinationView, SeatView, ShareView
from plugins.hotline.models import ANSWERED, Order

DRAFTED: Final = frozenset({"held", "proposed"})
"""States in which a decision is drafted: by the centre and the chair's unit alone."""
DRAFTING: Final = frozenset({"share", "drop", "propose", "send-back"})
"""Steps of the draft, which who takes part does not see: what counts is what was signed."""


class CoordinationDesk(CaseDesk[Coordination]):
    """Coordinations."""

    kind = "ground"
    hints = frozenset(
        {"name", "expert", "expert_name", "expert_unit", "chair", "hour", "task", "task_due_on"}
        | {"rule_unit", "chair_reason", "to_unit", "note", "photos", "decision", "opinion"}
    )
    with_files = True
    engine: CoordinationEngine

    async def summary(self, read: Read, row: Coordination) -> list[FactView]:
        """Return the matter as those who take part may know it: never who called."""
        names = await self.hub.directory.names([row.region_id]) if row.region_id else {}
        words = self.engine.words
        return self.facts(
            order=row.order_number,
            matter=row.matter,
            place=row.place,
            region=names.get(row.region_id, "") if row.region_id else None,
            category=row.category_code,
            ground=words(f"ground.{row.ground}"),
            question=row.question,
        )

    async def _offered(
        self, read: Read, row: Coordination, transition: Transition
    ) -> tuple[dict[str, Any], dict[str, list[Option]]]:
        known, options = await super()._offered(read, row, transition)
        verb, fields = transition.verb, transition.form.model_fields
        seats, shares = await seats_of(read, row.id), await shares_of(read, row.id)
        taken = {seat.organization_id for seat in seats}
        if "chair" not in fields:  # who presides takes no part
            taken.add(row.chair_unit)
        known |= _drafted(row, verb)
        if verb in POSTS:
            officials = await self.engine.officials_with(POSTS[verb])
            free = [one for one in officials if one.organization_id not in taken]
            options["chair" if "chair" in fields else "expert"] = [
                Option(str(one.post_id), f"{one.name} {one.title}".strip(), one.organization)
                for one in free
            ]
            if verb == "convene":
                chair = (row.chair_unit, row.chair_person_id)
                found = (o for o in free if (o.organization_id, o.person_id) == chair)
                known["chair"] = next((str(one.post_id) for one in found), None)
        if verb in ("invite", "invite-expert"):
            units = await self.engine.units_with(ASKED[verb])
            options["unit"] = [Option(str(u.id), u.name) for u in units if u.id not in taken]
        elif "unit" in fields:
            options["unit"] = await self._units(verb, seats, shares)
        if "rule_unit" in fields:
            options["rule_unit"] = await self._named(s.organization_id for s in shares)
        if "to_unit" in fields:
            units = await self.engine.orders.units_with("order.sign")
            own = read.actor.organization_id
            options["to_unit"] = [Option(str(u.id), u.name) for u in units if u.id != own]
        return known, options

    async def act_view(
        self, read: Read, row: Coordination, verb: str, typed: Typed = BLANK
    ) -> ActView:
        """Return the form of an act; where so many could preside, or give the opinion, that not all
        of them are listed, it says so."""
        view = await super().act_view(read, row, verb, typed)
        if verb in POSTS and len(await self.engine.officials_with(POSTS[verb])) >= OFFICIALS:
            for field in view.fields:
                if field.name in ("chair", "expert"):
                    field.hint = self.engine.words(f"hint.{field.name}_crowded", n=OFFICIALS)
        return view

    async def _units(
        self, verb: str, seats: Sequence[CoordinationSeat], shares: Sequence[CoordinationShare]
    ) -> list[Option]:
        if verb == "drop":
            return await self._named(share.organization_id for share in shares)
        if verb == "share":
            chosen = [seat for seat in seats if seat.kind == UNIT]
        elif verb == "absent":
            chosen = [seat for seat in seats if seat.state == CONFIRMED]
        else:
            chosen = [seat for seat in seats if seat.objected_at and seat.ruled_at is None]
        return await self._named(seat.organization_id for seat in chosen)

    async def _named(self, ids: Any) -> list[Option]:
        found: list[UUID] = [id for id in ids if id is not None]
        names = await self.hub.directory.names(found)
        return [Option(str(id), names.get(id, "")) for id in found]

    async def actions(self, read: Read, row: Coordination) -> list[ActionView]:
        """Return what the actor may do now: by their seat, and the next step first."""
        found = await super().actions(read, row)
        seats, shares = await seats_of(read, row.id), await shares_of(read, row.id)
        own = seat_of(seats, read.actor.organization_id)
        left = [a for a in found if self._makes_sense(read, row, a.verb, own, seats, shares)]
        first = self._first(row, seats, shares)
        left.sort(key=lambda action: action.verb != first)
        for n, action in enumerate(left):
            action.primary = n == 0 and action.missing is None
        return left

    def _makes_sense(
        self,
        read: Read,
        row: Coordination,
        verb: str,
        own: CoordinationSeat | None,
        seats: Sequence[CoordinationSeat],
        shares: Sequence[CoordinationShare],
    ) -> bool:
        """Return whether an act that the flow allows can be done by this seat as things are."""
        there = own is not None and own.state == CONFIRMED
        mine = own is not None and any(s.organization_id == own.organization_id for s in shares)
        asked = [s for s in seats if s.objected_at is not None and s.ruled_at is None]
        match verb:
            case "sign":
                return in_person(row.chair_person_id, read)
            case "confirm":
                return own is not None and not there
            case "decline":
                return own is not None and own.state != DECLINED
            case "send-another":
                return own is not None and own.kind == UNIT
            case "leave":
                return there
            case "opine":
                return own is not None and may_opine(own, read)
            case "object":
                rules = read.actor.organization_id == row.origin_organization_id
                return own is not None and own.objected_at is None and mine and not rules
            case "judge":
                return bool(asked)
            case "invite-requester":
                return not row.secret and all(s.kind != REQUESTER for s in seats)
            case "hold":
                return row.starts_at is not None and row.starts_at <= read.now
            case "propose" | "drop":
                return bool(shares)
            case "convene":
                return any(s.kind == UNIT for s in seats)
        return True

    def _first(
        self,
        row: Coordination,
        seats: Sequence[CoordinationSeat],
        shares: Sequence[CoordinationShare],
    ) -> str:
        if row.state == "convening":
            return "convene" if sum(seat.kind == UNIT for seat in seats) > 1 else "invite"
        return "propose" if row.state == "held" and len(shares) > 1 else ""

    async def detail_view(self, read: Read, row: Coordination) -> CoordinationView:
        """Return a coordination as the actor may see it: until the decision is signed, its draft
        is seen by the centre and the chair's unit alone."""
        base = await super().detail_view(read, row)
        seats, shares = await seats_of(read, row.id), await shares_of(read, row.id)
        if row.signed_at is None and not self._drafts(read, row):
            shares = []
        names = await self.hub.directory.names(units_of(row, seats, shares))
        paper = await self.engine.papers.of(read, row)
        view = CoordinationView(
            **{name: getattr(base, name) for name in base.__struct_fields__},
            order_number=row.order_number,
            order_href=await self._order_href(read, row),
            what_next=self.engine.words(f"now.{row.state}"),
            warnings=self._warnings(row, seats, shares, names),
            meeting=self._meeting(row, names),
            seats=[self._seat(seat, names) for seat in seats],
            decision=self._decision(read, row, names),
            shares=await self._shares(read, shares, names),
            paper=[],
        )
        if paper is not None:
            code = f"{paper.code[:4]} {paper.code[4:8]} {paper.code[8:]}"
            view.paper = self.facts(paper_code=code, signed_on=paper.issued_at)
            view.paper_href = self.engine.href(row.number, "decision.pdf")
            view.check_href = self.engine.papers.address(paper)
        return view

    async def timeline(self, read: Read, row: Coordination) -> list[EntryView]:
        """Return the steps, newest first; those of the draft to who drafts it."""
        found = await super().timeline(read, row)
        if self._drafts(read, row):
            return found
        return [step for step in found if step.verb not in DRAFTING]

    async def _inside(self, read: Read, row: Coordination) -> bool:
        """Return whether the actor takes part for a post: who asked for the order does not, nor
        who acts in a post of theirs."""
        if read.actor.hands & await self.engine.filers(read, row):
            return False
        return await super()._inside(read, row)

    def _drafts(self, read: Read, row: Coordination) -> bool:
        own = read.actor.organization_id
        return own is not None and own in (row.origin_organization_id, row.chair_unit)

    async def _order_href(self, read: Read, row: Coordination) -> str | None:
        found = read.rows(Order, col(Order.id), permission="order.read")
        seen = (await read.session.execute(found.where(col(Order.id) == row.order_id))).first()
        return f"/apps/{self.hub.app}/orders/{row.order_number}" if seen else None

    def _warnings(
        self,
        row: Coordination,
        seats: Sequence[CoordinationSeat],
        shares: Sequence[CoordinationShare],
        names: Mapping[UUID, str],
    ) -> list[Words]:
        if row.state not in DRAFTED or not shares:
            return []
        said: list[Words] = []
        if needs_chair(row, seats):
            said.append(self.engine.words("warning.needs_chair", chair=row.chair_name))
        if absent := unheard(seats, shares):
            units = "、".join(names.get(s.organization_id, "") for s in absent if s.organization_id)
            opined = any(seat.kind == LEGAL and seat.opinion for seat in seats)
            name = "unheard" if opined else "unheard_without_opinion"
            said.append(self.engine.words(f"warning.{name}", units=units))
        return said

    def _meeting(self, row: Coordination, names: Mapping[UUID, str]) -> list[FactView]:
        if row.starts_at is None or row.chair_unit is None:
            return []
        chair = f"{names.get(row.chair_unit, '')} {row.chair_name}"
        how = self.engine.words(f"how.{row.how}")
        return self.facts(how=how, when=row.starts_at, venue=row.venue, chair=chair)

    def _seat(self, seat: CoordinationSeat, names: Mapping[UUID, str]) -> SeatView:
        words = self.engine.words
        unit = names.get(seat.organization_id, "") if seat.organization_id else ""
        ruling = words(f"ruling.{seat.ruling}") if seat.ruling else None
        return SeatView(
            title=unit or words("seat.requester"),
            name=seat.name,
            role=words(f"seat.{'outside' if seat.outside else seat.kind}"),
            standing=words(f"standing.{seat.state}"),
            there=seat.state == CONFIRMED,
            reason=seat.reason,
            facts=self.facts(
                opinion=seat.opinion,
                opinion_basis=seat.opinion_basis,
                objection=seat.objection,
                objection_basis=seat.objection_basis,
                ruling=ruling,
                ruling_reason=seat.ruling_reason,
            ),
        )

    def _decision(self, read: Read, row: Coordination, names: Mapping[UUID, str]) -> list[FactView]:
        if row.signed_at is None and not self._drafts(read, row):
            return []
        return self.facts(
            decision=row.decision,
            legal_basis=row.legal_basis,
            chair_reason=row.chair_reason,
            rule_unit=names.get(row.rule_unit, "") if row.rule_unit else None,
        )

    async def _shares(
        self, read: Read, shares: Sequence[CoordinationShare], names: Mapping[UUID, str]
    ) -> list[ShareView]:
        ids = [share.order_id for share in shares if share.order_id is not None]
        columns = (Order.id, Order.number, Order.state, Order.reply)
        found = read.rows(Order, *map(col, columns), permission="order.read")
        rows = await read.session.execute(found.where(col(Order.id).in_(ids)))
        orders = {row[0]: row for row in rows}
        views = []
        for share in shares:
            order = orders.get(share.order_id) if share.order_id else None
            views.append(
                ShareView(
                    unit=names.get(share.organization_id, ""),
                    task=share.task,
                    due_on=share.due_on,
                    mine=share.organization_id == read.actor.organization_id,
                    number=order.number if order else "",
                    href=f"/apps/{self.hub.app}/orders/{order.number}" if order else None,
                    state_label=Phrase(f"hotline.order.state.{order.state}") if order else "",
                    answered=bool(order and order.state in ANSWERED),
                    reply=order.reply if order else None,
                )
            )
        return views


def _drafted(row: Coordination, verb: str) -> dict[str, Any]:
    """Return what a form says already, for whoever moves the meeting or changes the draft."""
    said: dict[str, Any] = {}
    if verb == "propose":
        said = {"text": row.decision, "legal_basis": row.legal_basis, "rule_unit": row.rule_unit}
    elif verb == "convene" and row.starts_at is not None:
        at = row.starts_at.astimezone(SHANGHAI)
        said = {"how": row.how, "day": local_day(row.starts_at), "hour": f"{at:%H:%M}"}
        said |= {"venue": row.venue}
    return {name: str(value) for name, value in said.items() if value}

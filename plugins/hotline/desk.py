"""What the hotline shows of an order, and the three ways to open one."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from plugin_sdk.cases.desk import CaseDesk
from plugin_sdk.cases.flow import Transition
from plugin_sdk.cases.rules import is_requester
from plugin_sdk.cases.titles import title_of
from plugin_sdk.cases.views import AskWho
from plugin_sdk.forms import Form, Submission
from plugin_sdk.identifiers import mask_name, mask_phone, normalize_phone
from plugin_sdk.ports import Audience, Hub, Organization, Read, Work
from plugin_sdk.views import FactView, Option, Phrase, Words
from plugins.hotline import categories
from plugins.hotline.dispatching.following import FollowingEngine, bonds
from plugins.hotline.flow import order_flow, reply_term
from plugins.hotline.forms import FileForm, IntakeForm, Kind, SnapForm, Urgency
from plugins.hotline.models import Order


class OrderDesk(CaseDesk[Order]):
    """Orders of the hotline."""

    form = FileForm
    kind = "kind"
    hints = frozenset(
        {"text", "place", "category", "photos", "secret", "due_on", "legal_basis"}
        | {"dispatch_category", "dispatch_reason", "original"}
    )
    with_files = True

    def organizations(self) -> Mapping[str, AskWho]:
        """Return the divisions where it may be."""
        return {"region": self._regions}

    async def _regions(self) -> list[Organization]:
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

    async def open_order(
        self,
        work: Work,
        sent: Submission[FileForm] | Submission[IntakeForm] | Submission[SnapForm],
        channel: str,
        person_id: UUID | None,
        *,
        caller_name: str,
        form: IntakeForm | None = None,
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
            term=reply_term(self.hub.settings, filed.kind, urgency),
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
            **bonds,
        )
        await self.keep_files(work, row, sent)
        return row

    def _outside(self, longitude: float | None, latitude: float | None) -> bool:
        boundary: Sequence[Sequence[float]] = self.hub.settings.get("boundary", ())
        if longitude is None or latitude is None or not boundary:
            return False
        return not inside(longitude, latitude, boundary)

    async def summary(self, read: Read, row: Order) -> list[FactView]:
        """Return what was asked. Who asked is masked, and hidden where it is secret."""
        names = await self.hub.directory.names([row.region_id]) if row.region_id else {}
        follows, followers = await self._bonds(read, row)
        words = self.engine.words
        unclassified = words("unclassified")
        hidden = row.secret and not is_requester(read.actor, row)
        name: Words = words("hidden") if hidden else mask_name(row.caller_name)
        phone: Words = words("hidden") if hidden else ""
        if row.caller_phone and not hidden:
            phone = mask_phone(row.caller_phone)
        return self.facts(
            text=row.text,
            kind=self.kind_words(row.kind) or unclassified,
            category=row.category_code or unclassified,
            urgency=words(f"urgency.{row.urgency}"),
            region=names.get(row.region_id, "") if row.region_id else "",
            place=row.place,
            position=words("outside") if row.outside_boundary else "",
            caller_name=name,
            phone=phone,
            reply=row.reply or "",
            follows=follows,
            followers=followers,
        )

    async def _bonds(self, read: Read, row: Order) -> tuple[str | None, int]:
        """Return whom an order follows and how many follow it: for staff, since a requester is
        told of nobody else's request."""
        if read.actor.audience is not Audience.STAFF or is_requester(read.actor, row):
            return None, 0
        return await bonds(read, row)

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
    return OrderDesk(FollowingEngine(hub, order_flow(hub), Order))

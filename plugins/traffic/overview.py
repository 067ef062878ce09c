"""Pages of vehicles, licence and violations, from how somebody stands."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Final

from plugin_sdk.deadlines import local_day
from plugin_sdk.ports import Hub
from plugin_sdk.sources import FreshView, Known, freshness
from plugin_sdk.views import ActionView, FactView, Money, Phrase
from plugins.traffic.identifiers import shown_plate
from plugins.traffic.models import Handling, OwnLicence, OwnVehicle
from plugins.traffic.rules import inspection_kind, points_left, scoring_period
from plugins.traffic.sources import NAME, Licence, Vehicle, Violation
from plugins.traffic.views import (
    DateView,
    LicenceItem,
    MineView,
    Tone,
    VehicleItem,
    ViolationItem,
    ViolationsView,
    ViolationView,
)
from plugins.traffic.violations import Bound, Standing, listed

SOON_DAYS: Final = 30
TONES: Final[dict[str, Tone]] = {
    "open": "late",
    "accepted": "soon",
    "paid": "ok",
    "elsewhere": "ok",
    "objected": "state",
    "cancelled": "ok",
    "handled": "paused",
}
WAITING: Final = ("accepted", "open", "objected")
"""What waits for something, that with a day to pay by first."""


class Overview:
    """What is shown of how somebody stands."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub

    def href(self, path: str) -> str:
        """Return an address of the app."""
        return f"/apps/{self.hub.app}{path}"

    def mine(self, standing: Standing, now: datetime) -> MineView:
        """Return the page of everything bound, what waits first."""
        items = [self.item(standing, item, now) for item in standing.items()]
        waiting = [item for item in items if item.state in WAITING]
        waiting.sort(key=lambda item: WAITING.index(item.state))
        vehicles = [self._vehicle(standing, one, now) for one in standing.vehicles]
        licence = self._licence(standing.licence, now) if standing.licence else None
        dates = [one.inspection for one in vehicles if one.inspection]
        if licence and licence.validity:
            dates.append(licence.validity)
        actions = [_action("bind-vehicle", self.href("/vehicles/new"), primary=not vehicles)]
        if licence is None:
            actions.append(_action("bind-licence", self.href("/licence/new")))
        return MineView(
            title=Phrase("traffic.mine.title"),
            open=waiting,
            next_date=min(dates, key=lambda one: one.on, default=None),
            vehicles=vehicles,
            licence=licence,
            actions=actions,
        )

    def violations(self, standing: Standing, of: str, now: datetime) -> ViolationsView:
        """Return the violations of a vehicle or of the licence (`of` its id), or of all."""
        bound = [one for one in standing.bound if not of or str(one.row.id) == of]
        listing = Standing(tuple(bound), None, standing.handled)
        here = self.href("/violations")
        chosen = [_action("all", here)] + [
            ActionView(verb="of", label=_called(one), href=f"{here}?of={one.row.id}")
            for one in standing.bound
        ]
        return ViolationsView(
            title=Phrase("traffic.violations.title"),
            items=[self.item(standing, item, now) for item in listing.items()],
            of=chosen if len(standing.bound) > 1 else [],
            fresh=_worst(bound, now),
            bound=bool(standing.bound),
        )

    def violation(
        self,
        item: Violation,
        state: str,
        handling: Handling | None,
        known: Known,
        objectable: date | None,
        now: datetime,
    ) -> ViolationView:
        """Return one violation; `objectable` is the last day to object, None where it has passed
        or was done before."""
        here = self.href(f"/violations/{item.number}")
        actions = []
        if state == "open":
            actions.append(_action("accept", f"{here}/accept", primary=True))
        elif state == "accepted" and item.fine:
            actions.append(_action("pay", f"{here}/pay", primary=True))
        elif state == "paid":
            actions.append(_action("payments", self.href("/payments"), primary=True))
        if objectable is not None and state in ("open", "accepted", "paid", "elsewhere"):
            actions.append(_action("object", f"{here}/object"))
        due_on = handling.due_on if handling else None
        facts = [
            FactView(Phrase(f"traffic.violation.field.{name}"), value)
            for name, value in (
                ("plate", shown_plate(item.plate)),
                ("at", item.at),
                ("place", item.place),
                ("points", Phrase("traffic.points", {"n": item.points})),
                ("fine", Money(item.fine)),
                ("due_on", due_on),
                ("number", item.number),
            )
            if value is not None
        ]
        said = Phrase(
            f"traffic.violation.said.{state}", {"date": due_on or objectable or local_day(now)}
        )
        late = state == "accepted" and _late(item, due_on, now)
        if state == "open" and objectable is None:
            said = Phrase("traffic.violation.said.open_late")
        elif late:
            said = Phrase("traffic.violation.said.late", {"date": due_on})
        return ViolationView(
            title=item.what,
            number=item.number,
            state=state,
            state_label=Phrase(f"traffic.violation.state.{'late' if late else state}"),
            tone="late" if late else TONES[state],
            facts=facts,
            pictures=[f"{here}/pictures/{n}" for n in range(len(item.pictures))],
            actions=actions,
            fresh=freshness(known, now, NAME),
            said=said,
            list_href=self.href("/violations"),
        )

    def item(self, standing: Standing, item: Violation, now: datetime) -> ViolationItem:
        """Return a violation as lists show it: one that is late to be paid says so."""
        state = standing.state(item)
        handling = standing.handled.get(item.number)
        due_on = handling.due_on if handling and state == "accepted" else None
        late = _late(item, due_on, now)
        return ViolationItem(
            number=item.number,
            plate=shown_plate(item.plate),
            what=item.what,
            place=item.place,
            at=item.at,
            points=item.points,
            fine=Money(item.fine),
            state=state,
            state_label=Phrase(f"traffic.violation.state.{'late' if late else state}"),
            tone="late" if late else TONES[state],
            href=self.href(f"/violations/{item.number}"),
            due_on=due_on,
        )

    def _vehicle(self, standing: Standing, one: Bound, now: datetime) -> VehicleItem:
        row, record = one.row, one.record.record
        inspection = None
        if isinstance(record, Vehicle):
            kind = inspection_kind(record.use, record.registered_on, record.inspect_by)
            inspection = due(f"inspection_{kind}", record.inspect_by, local_day(now))
        open_ones = [item for item in listed(one.violations) if standing.state(item) == "open"]
        key = row.plate if isinstance(row, OwnVehicle) else ""
        return VehicleItem(
            id=str(row.id),
            plate=shown_plate(key),
            model=record.model if record else None,
            inspection=inspection,
            violations=len(open_ones),
            fresh=freshness(_older(one), now, NAME),
            href=self.href(f"/violations?of={row.id}"),
            unbind_href=self.href(f"/vehicles/{row.id}/unbind"),
        )

    def _licence(self, one: Bound, now: datetime) -> LicenceItem:
        row, record = one.row, one.record.record
        facts = standing_of(record, one.record, now) if isinstance(record, Licence) else None
        number = row.file_number if isinstance(row, OwnLicence) else ""
        return LicenceItem(
            id=str(row.id),
            file_number=mask_file_number(number),
            name=record.name if record else None,
            classes=record.classes if record else None,
            points_left=facts[0] if facts else None,
            period=facts[1] if facts else None,
            validity=due("validity", record.valid_until, local_day(now)) if record else None,
            fresh=freshness(_older(one), now, NAME),
            href=self.href("/licence"),
            unbind_href=self.href("/licence/unbind"),
        )


def _late(item: Violation, due_on: date | None, now: datetime) -> bool:
    return due_on is not None and bool(item.fine) and local_day(now) > due_on


def standing_of(record: Licence, known: Known, now: datetime) -> tuple[int | None, Phrase]:
    """Return the points that are left, and the period: None where what was said is of a period
    that has ended since."""
    today = local_day(now)
    period = scoring_period(record.first_issued, today)
    told = local_day(known.seen_at or now)
    left = points_left(record.points) if told >= period.first else None
    words = Phrase("traffic.licence.period", {"first": period.first, "last": period.last})
    return left, words


def due(name: str, on: date, today: date) -> DateView:
    """Return a day that matters with how near it is."""
    left = (on - today).days
    tone: Tone = "late" if left < 0 else "soon" if left <= SOON_DAYS else "ok"
    if left < 0:
        words = Phrase("traffic.left.over", {"n": -left})
    elif left == 0:
        words = Phrase("traffic.left.today")
    else:
        words = Phrase("traffic.left.days", {"n": left})
    return DateView(label=Phrase(f"traffic.date.{name}"), on=on, left=words, tone=tone)


def mask_file_number(number: str) -> str:
    """Return a file number of which the last four are seen."""
    return f"{'*' * 8}{number[-4:]}"


def _older(one: Bound) -> Known:
    """Return of a record and its violations what is less fresh, that with a fault before all."""
    if (one.record.fault is None) != (one.violations.fault is None):
        return one.record if one.record.fault else one.violations
    if one.record.seen_at is None or one.violations.seen_at is None:
        return one.record if one.record.seen_at is None else one.violations
    return one.record if one.record.seen_at <= one.violations.seen_at else one.violations


def _worst(bound: Sequence[Bound], now: datetime) -> FreshView | None:
    """Return how fresh the least fresh of several states is."""
    each = [freshness(one.violations, now, NAME) for one in bound]
    never = datetime.min.replace(tzinfo=UTC)
    return min(each, key=lambda one: (one.tone == "state", one.seen_at or never), default=None)


def _called(one: Bound) -> Phrase | str:
    row = one.row
    return shown_plate(row.plate) if isinstance(row, OwnVehicle) else Phrase("traffic.mine.licence")


def _action(verb: str, href: str, *, primary: bool = False) -> ActionView:
    return ActionView(verb=verb, label=Phrase(f"traffic.act.{verb}"), href=href, primary=primary)

"""Road works and incidents as a register: published, corrected with what stood before, ended."""

import time
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final

from sqlalchemy import ColumnElement, and_
from sqlmodel import col

from plugin_sdk.deadlines import local_day
from plugin_sdk.ports import Hub, Organization, Read, Work
from plugin_sdk.problems import AppConflict
from plugin_sdk.registers import Register, RegisterDesk, RegisterEngine, RegisterRow
from plugin_sdk.registers.views import State
from plugin_sdk.views import Option, Words
from plugins.traffic.roads.forms import RoadForm
from plugins.traffic.roads.models import RoadNotice

NOTICES: Final = Register(
    name="road_notice",
    path="/road-notices",
    read="road.read",
    edit="road.publish",
    form=RoadForm,
    effect="road.published",
)
SUBSTANTIAL: Final = (
    *("kind", "road", "region", "stretch", "hours", "advice", "starts_on", "ends_on"),
)
"""What followers are told of when it changes: all but the title."""
LOOKED_UP_SECONDS: Final = 60.0


class RoadEngine(RegisterEngine[RoadNotice]):
    """Notices; each version that says something new is news to who follows."""

    async def keep(
        self,
        work: Work,
        row: RoadNotice,
        verb: str,
        reason: str | None,
        *,
        touched: bool = False,
    ) -> None:
        """Keep a version. Raises `AppConflict` for a change of what is over."""
        if verb == "change" and row.over_at is not None:
            raise AppConflict("traffic", "road-over")
        over = verb == "end" and row.over_at is None and _is_over(row, local_day(work.now))
        if over:
            row.over_at = work.now
        await super().keep(work, row, verb, reason, touched=touched)
        if not touched:
            return
        await work.session.flush()
        now, before, *_ = await self.history(work, row.id)
        if over or any(now.data.get(name) != before.data.get(name) for name in SUBSTANTIAL):
            row.news, row.told_to = row.version, None


class RoadDesk(RegisterDesk[RoadNotice]):
    """Notices, on roads of the county's list (setting `roads`) and in its townships."""

    hints = frozenset({"stretch", "hours", "advice", "road", "ends_on"})

    def __init__(self, engine: RoadEngine) -> None:
        super().__init__(engine)
        self.roads: tuple[str, ...] = tuple(str(one) for one in self.hub.settings.get("roads", ()))
        self._regions: tuple[float, list[Organization]] | None = None

    async def regions(self) -> list[Organization]:
        """Return the townships, as the directory said a minute ago at most."""
        if self._regions is None or time.monotonic() - self._regions[0] > LOOKED_UP_SECONDS:
            found = await self.hub.directory.regions()
            towns = [one for one in found if one.level == "township"]
            self._regions = time.monotonic(), towns
        return self._regions[1]

    async def options(self, read: Read) -> Mapping[str, list[Option]]:
        """Return the roads and the townships."""
        return {
            "road": [Option(road, road) for road in self.roads],
            "region": [Option(str(one.id), one.name) for one in await self.regions()],
        }

    def state(self, row: RegisterRow, today: date) -> State:
        """Return whether a notice holds: one that is over has ended."""
        if isinstance(row, RoadNotice) and row.over_at is not None:
            return "ended"
        return super().state(row, today)

    def note(self, row: RoadNotice) -> Words | None:
        """Return where it is."""
        return " ".join(part for part in (row.road, row.stretch) if part)


def desk_of(hub: Hub) -> RoadDesk:
    """Return the notices of a hub."""
    return RoadDesk(RoadEngine(hub, NOTICES, RoadNotice))


def holds(today: date) -> ColumnElement[bool]:
    """Return the condition for notices that hold on a day, or will later."""
    ends_on = col(RoadNotice.ends_on)
    lasts = and_(ends_on >= today, ends_on >= col(RoadNotice.starts_on))
    return and_(col(RoadNotice.over_at).is_(None), ends_on.is_(None) | lasts)


def _is_over(row: RoadNotice, today: date) -> bool:
    """Return whether today is the last day, or it was called off before it begins."""
    return row.ends_on is not None and (row.ends_on <= today or row.ends_on < row.starts_on)


def subjects(row: Any) -> Sequence[str]:
    """Return what one may follow to hear of a notice."""
    found = (("road", row.road), ("region", row.region))
    return [f"{kind}:{value}" for kind, value in found if value]

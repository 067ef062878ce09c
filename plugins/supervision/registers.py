"""The registers that the county edits: topics of supervision, and liaison stations."""

from collections.abc import AsyncIterator, Mapping
from datetime import date
from typing import Final
from uuid import UUID

from plugin_sdk.ports import Hub, Read
from plugin_sdk.registers import Register, RegisterDesk, RegisterEngine
from plugin_sdk.views import Option, Words
from plugins.supervision.forms import StationForm, TopicForm
from plugins.supervision.models import Station, Topic

TOPICS: Final = Register(
    name="topic", path="/topics", read="topic.read", edit="topic.edit", form=TopicForm
)
STATIONS: Final = Register(
    name="station", path="/stations", read="station.read", edit="station.edit", form=StationForm
)


def topics(hub: Hub) -> RegisterEngine[Topic]:
    """Return the topics: one that has ended is read of old checks and chosen for none."""
    return RegisterEngine(hub, TOPICS, Topic)


def stations(hub: Hub) -> RegisterEngine[Station]:
    """Return the liaison stations."""
    return RegisterEngine(hub, STATIONS, Station)


class StationDesk(RegisterDesk[Station]):
    """Stations, each at a village, community or town."""

    async def options(self, read: Read) -> Mapping[str, list[Option]]:
        """Return the divisions a station may be at."""
        regions = await self.hub.directory.regions()
        return {"place_id": [Option(str(region.id), region.name) for region in regions]}

    def note(self, row: Station) -> Words | None:
        """Return who heads it."""
        return row.head


async def enter_topics(
    register: RegisterEngine[Topic],
    keeper: UUID,
    named: Mapping[str, str],
    since: date | None = None,
) -> AsyncIterator[bool]:
    """Enter topics by code where there are none of it yet, kept by an organization and in use
    since a day (today); yield for each whether it is new."""
    hub = register.hub
    for code, name in named.items():
        async with hub.work(hub.system("topics")) as work:
            new = await register.by_code(work, code) is None
            if new:
                form = TopicForm(code=code, name=name, starts_on=since)
                await register.add(work, form, organization_id=keeper)
        yield new

"""What the traffic police's system (公安交管系统) is asked, and what of its answers is kept."""

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Final, Protocol

import msgspec
from msgspec import Meta

from plugin_sdk.identifiers import mask_name
from plugin_sdk.ports import Hub
from plugin_sdk.sources import Ask, Kind, SourceEngine
from plugin_sdk.sources.engine import PATIENCE_SECONDS, Record
from plugin_sdk.views import Phrase
from plugins.traffic.handed import TakesEvidence, TakesStudy
from plugins.traffic.identifiers import read_file_number, read_plate, read_vin
from plugins.traffic.models import State
from plugins.traffic.rules import POINTS, Use
from plugins.traffic.simulated import Simulated

NAME: Final = Phrase("traffic.source.name")
MOST: Final = 200
"""How many violations one answer may hold."""
FRESH_SECONDS: Final = 120

Short = Annotated[str, Meta(max_length=40)]
Long = Annotated[str, Meta(max_length=200)]


class Vehicle(Record, frozen=True, kw_only=True):
    """A vehicle as it is kept: of its identification number the last six alone."""

    vin_tail: str
    use: Use
    model: str
    registered_on: date
    inspect_by: date


class Licence(Record, frozen=True, kw_only=True):
    """A driving licence as it is kept; the name is masked."""

    name: str
    classes: str
    first_issued: date
    valid_until: date
    points: int


class Violation(msgspec.Struct, frozen=True, kw_only=True):
    """One violation as the source says it. `fine` is in fen; `open` until it is dealt with there,
    `paid` once its fine is; `pictures` name its evidence."""

    number: Annotated[str, Meta(pattern="^[0-9A-Z]{6,32}$")]
    plate: Short
    at: datetime
    place: Long
    what: Long
    points: int
    fine: Annotated[int, Meta(ge=0, le=10_000_000)]
    open: bool
    paid: bool = False
    pictures: Annotated[tuple[Short, ...], Meta(max_length=5)] = ()


class Violations(Record, frozen=True, kw_only=True):
    """The violations of a vehicle or of a licence, newest first."""

    items: tuple[Violation, ...]


class _VehicleSaid(msgspec.Struct, frozen=True):
    plate: Short
    owner_number: Short
    vin: Short
    use: Use
    model: Long
    registered_on: date
    inspect_by: date


class _LicenceSaid(msgspec.Struct, frozen=True):
    file_number: Short
    owner_number: Short
    name: Long
    classes: Short
    first_issued: date
    valid_until: date
    points: Annotated[int, Meta(ge=0, le=1000)]


class _ViolationsSaid(msgspec.Struct, frozen=True):
    key: Short
    owner_number: Short
    items: Annotated[list[Violation], Meta(max_length=MOST)]


Index = Callable[[str], str]


class Told(TakesEvidence, TakesStudy, Protocol):
    """Where it is said that a fine was paid, and what else the system takes."""

    async def settle(self, number: str, *, on: date, paid: bool) -> None:
        """Say that a violation's fine was paid on a day, or has been given back. Saying it twice
        is saying it once."""
        ...


class Police:
    """The system of the traffic police as this app asks it."""

    def __init__(self, hub: Hub, engine: SourceEngine, provider: Told) -> None:
        self.engine = engine
        self.provider = provider
        index = hub.numbers.index

        def vehicle(content: bytes) -> Record:
            said = msgspec.json.decode(content, type=_VehicleSaid)
            return Vehicle(
                key=read_plate(said.plate).text,
                owner=index(said.owner_number),
                vin_tail=read_vin(said.vin)[-6:],
                use=said.use,
                model=said.model,
                registered_on=said.registered_on,
                inspect_by=said.inspect_by,
            )

        def licence(content: bytes) -> Record:
            said = msgspec.json.decode(content, type=_LicenceSaid)
            return Licence(
                key=read_file_number(said.file_number),
                owner=index(said.owner_number),
                name=mask_name(said.name),
                classes=said.classes,
                first_issued=said.first_issued,
                valid_until=said.valid_until,
                points=said.points,
            )

        def violations(content: bytes) -> Record:
            said = msgspec.json.decode(content, type=_ViolationsSaid)
            items = sorted(said.items, key=lambda item: item.at, reverse=True)
            for item in items:
                of_vehicle = said.key == read_plate(item.plate).text
                if item.points not in POINTS or item.at.tzinfo is None:
                    raise ValueError("no rule knows such a violation")
                if not (of_vehicle or said.key.isdecimal()):
                    raise ValueError("a violation of another vehicle")
            return Violations(key=said.key, owner=index(said.owner_number), items=tuple(items))

        self.kinds: Final[Mapping[str, Kind]] = {
            "vehicle": Kind(name="vehicle", record=Vehicle, read=vehicle),
            "licence": Kind(name="licence", record=Licence, read=licence),
            "violations": Kind(name="violations", record=Violations, read=violations),
        }

    def vehicle(self, plate: str, owner: str) -> Ask:
        """Return the question for somebody's vehicle."""
        return Ask(self.kinds["vehicle"], plate, owner)

    def licence(self, file_number: str, owner: str) -> Ask:
        """Return the question for somebody's licence."""
        return Ask(self.kinds["licence"], file_number, owner)

    def violations(self, key: str, owner: str) -> Ask:
        """Return the question for the violations of somebody's vehicle or licence."""
        return Ask(self.kinds["violations"], key, owner)


def police_of(hub: Hub) -> Police:
    """Return the system of the traffic police as the grant's settings reach it.

    `[settings.source]` names its `provider`: there is the simulated one, whose `file` is its
    database where that is not in the app's own folder. `patience` (2) is in seconds, and so is
    `fresh` (120), for which what was said is not asked again. Raises `ValueError` where no
    provider is named that there is: nobody is shown an invented vehicle unawares.
    """
    settings: Mapping[str, Any] = hub.settings.get("source", {})
    if settings.get("provider") != "simulated":
        raise ValueError('name a provider under [settings.source]: there is "simulated"')
    file = settings.get("file") or hub.folder / "simulated-source.db"
    provider = Simulated(Path(str(file)), now=hub.now)
    engine = SourceEngine(
        hub,
        provider,
        State,
        patience_seconds=float(settings.get("patience", PATIENCE_SECONDS)),
        fresh=timedelta(seconds=float(settings.get("fresh", FRESH_SECONDS))),
    )
    return Police(hub, engine, provider)

"""What is handed to the traffic police's system beside payments: evidence, and study. It is the
authority for both: it says what became of them."""

from datetime import date, datetime
from typing import Protocol

import msgspec


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """A violation that an officer accepted a report of: what, and the photos; nothing of who
    reported it. `reference` makes it one however often it is said."""

    reference: str
    kind: str
    plate: str
    at: datetime
    place: str
    pictures: tuple[bytes, ...]


class Study(msgspec.Struct, frozen=True, kw_only=True):
    """A finished study that asks for points to be taken off a licence. `reference` makes it one
    however often it is said."""

    reference: str
    file_number: str
    points: int
    on: date


class Ruling(msgspec.Struct, frozen=True):
    """What the system said: `number` under which it took something, or in `refused` a word for why
    it does not (`unknown`, `full`, `barred`, `period`, `nothing`)."""

    number: str = ""
    refused: str = ""


class TakesEvidence(Protocol):
    """Where evidence becomes a record."""

    async def record(self, evidence: Evidence) -> Ruling:
        """Take evidence of a violation. Saying it twice is saying it once."""
        ...


class TakesStudy(Protocol):
    """Where study is credited."""

    async def credit(self, study: Study) -> Ruling:
        """Take points off a licence for study. Saying it twice is saying it once."""
        ...

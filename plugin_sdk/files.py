"""Files as apps know them: what they are, never where they are kept."""

import math
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec

EARTH_METRES: Final = 6_371_000
"""The mean radius of the earth."""


class StoredFile(msgspec.Struct, frozen=True):
    """A file the hub keeps: what it is, never where."""

    id: UUID
    name: str
    media_type: str
    size: int
    width: int | None = None
    height: int | None = None


class Taken(msgspec.Struct, frozen=True):
    """What the camera wrote of a photo: when, and where in degrees (WGS 84), as far as it did.

    It does not outlive the drawing unless an app keeps it. Anybody can write anything there, so
    it may speak against a photo and never proves one.
    """

    at: datetime | None = None
    longitude: float | None = None
    latitude: float | None = None

    def metres_from(self, longitude: float | None, latitude: float | None) -> float | None:
        """Return how far from a place it was taken, None where one of the two is not known."""
        if None in (self.longitude, self.latitude, longitude, latitude):
            return None
        return metres(
            (self.longitude or 0.0, self.latitude or 0.0), (longitude or 0.0, latitude or 0.0)
        )


def metres(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Return how far apart two places are, given as longitude and latitude in degrees."""
    (x1, y1), (x2, y2) = (tuple(map(math.radians, place)) for place in (one, other))
    chord = (
        math.sin((y2 - y1) / 2) ** 2 + math.cos(y1) * math.cos(y2) * math.sin((x2 - x1) / 2) ** 2
    )
    return 2 * EARTH_METRES * math.asin(min(1.0, math.sqrt(chord)))


class Picture(msgspec.Struct, frozen=True):
    """A photo that was drawn anew, so that nothing but the picture survives; ready to keep.
    `taken` is what the camera had written into it: kept with it nowhere."""

    name: str
    data: bytes
    width: int
    height: int
    media_type: str
    sha256: str
    taken: Taken = Taken()

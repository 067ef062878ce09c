"""Files as apps know them: what they are, never where they are kept."""

from datetime import datetime
from uuid import UUID

import msgspec


class StoredFile(msgspec.Struct, frozen=True):
    """A file the hub keeps: what it is, never where."""

    id: UUID
    name: str
    media_type: str
    size: int
    width: int | None = None
    height: int | None = None


class Taken(msgspec.Struct, frozen=True):
    """What the camera wrote into a photo: when (a time without a zone is Shanghai's) and where,
    in degrees. It can be forged, and many phones leave it out: a hint, never a proof. It is not
    kept with the file."""

    at: datetime | None = None
    longitude: float | None = None
    latitude: float | None = None


class Picture(msgspec.Struct, frozen=True):
    """A photo that was drawn anew, so that nothing but the picture survives; ready to keep."""

    name: str
    data: bytes
    width: int
    height: int
    media_type: str
    sha256: str
    taken: Taken = Taken()

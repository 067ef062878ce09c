"""Files as apps know them: what they are, never where they are kept."""

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


class Picture(msgspec.Struct, frozen=True):
    """A photo that was drawn anew, so that nothing but the picture survives; ready to keep."""

    name: str
    data: bytes
    width: int
    height: int
    media_type: str
    sha256: str

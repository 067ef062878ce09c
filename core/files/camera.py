"""What a camera wrote into a photo of when and where it was taken, read before it is drawn anew.

It is handed to the app that asked for the drawing and kept nowhere here. Whoever wants to can
write anything there: it speaks against a photo, never for one.
"""

import math
from contextlib import suppress
from datetime import datetime
from typing import Any, Final

from PIL import Image

from plugin_sdk.files import Taken
from plugin_sdk.times import SHANGHAI

# EXIF 2.32, tables 4 to 17
_DETAILS: Final = 0x8769
_TAKEN: Final = 0x9003
_ZONE: Final = 0x9011
_POSITION: Final = 0x8825
_LAST_UNSET, _NEXT_CENTURY = 1990, 2100
"""Years of a clock that was never set, and of what nobody took: the last ones overflow."""
_SOUTH_OR_NORTH, _LATITUDE, _EAST_OR_WEST, _LONGITUDE = 1, 2, 3, 4


def taken_of(image: Image.Image) -> Taken:
    """Return what the camera wrote; nothing of it where it wrote none, or what nobody can read."""
    try:
        exif = image.getexif()
        details, position = exif.get_ifd(_DETAILS), exif.get_ifd(_POSITION)
    except Exception:  # hostile bytes raise anything
        return Taken()
    at = None
    with suppress(Exception):
        at = _moment(details)
    north = east = None
    with suppress(Exception):
        north = _degrees(position[_LATITUDE], position[_SOUTH_OR_NORTH], "S", 90)
        east = _degrees(position[_LONGITUDE], position[_EAST_OR_WEST], "W", 180)
    if north is None or east is None or (north, east) == (0.0, 0.0):  # a phone that knew no place
        return Taken(at=at)
    return Taken(at=at, longitude=east, latitude=north)


def _moment(details: Any) -> datetime | None:
    """Return when it was taken; a camera that names no zone is taken to keep the county's."""
    written = str(details[_TAKEN]).strip("\0 ")
    moment = datetime.strptime(written, "%Y:%m:%d %H:%M:%S").replace(tzinfo=SHANGHAI)
    with suppress(KeyError, ValueError):
        zone = datetime.strptime(str(details[_ZONE]).strip("\0 "), "%z").tzinfo
        moment = moment.replace(tzinfo=zone)
    return moment if _LAST_UNSET < moment.year < _NEXT_CENTURY else None


def _degrees(parts: Any, side: Any, negative: str, most: int) -> float | None:
    degrees, minutes, seconds = (float(part) for part in parts)
    found = degrees + minutes / 60 + seconds / 3600
    if not math.isfinite(found) or not 0 <= found <= most:
        return None
    return -found if str(side).strip("\0 ").upper() == negative else found

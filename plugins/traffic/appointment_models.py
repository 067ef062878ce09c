"""The tables of appointments: places, their hours, and who comes when."""

from typing import ClassVar

from plugin_sdk.appointments import BookingRow, HoursRow, PlaceRow, SlotRow
from plugin_sdk.registers import RegisterVersion
from plugins.traffic.models import Base


class PlaceVersion(RegisterVersion, Base, table=True):
    """A place as it stood."""

    __tablename__ = "traffic_place_version"
    shared: ClassVar[bool] = True


class Place(PlaceRow, Base, table=True):
    """A place where traffic business is done (车管所、检测站、考场)."""

    __tablename__ = "traffic_place"
    versions: ClassVar[type[RegisterVersion]] = PlaceVersion


class HoursVersion(RegisterVersion, Base, table=True):
    """Hours as they stood."""

    __tablename__ = "traffic_hours_version"
    shared: ClassVar[bool] = True


class Hours(HoursRow, Base, table=True):
    """Hours of a place, or its closings."""

    __tablename__ = "traffic_hours"
    versions: ClassVar[type[RegisterVersion]] = HoursVersion


class Slot(SlotRow, Base, table=True):
    """An hour that somebody asked for."""

    __tablename__ = "traffic_slot"


class Booking(BookingRow, Base, table=True):
    """Somebody's appointment."""

    __tablename__ = "traffic_booking"

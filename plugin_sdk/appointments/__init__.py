"""The appointment kit (预约): places, hours with quotas, waiting lists, the counter."""

from plugin_sdk.appointments import serving
from plugin_sdk.appointments.declared import Appointments, Service
from plugin_sdk.appointments.desk import AppointmentDesk
from plugin_sdk.appointments.engine import AppointmentEngine
from plugin_sdk.appointments.keeping import HoursDesk, hours_of, places_of
from plugin_sdk.appointments.models import BookingRow, HoursRow, PlaceRow, SlotRow
from plugin_sdk.appointments.routes import appointment_routes
from plugin_sdk.appointments.rules import Rules
from plugin_sdk.appointments.tending import tending

__all__ = [
    "AppointmentDesk",
    "AppointmentEngine",
    "Appointments",
    "BookingRow",
    "HoursDesk",
    "HoursRow",
    "PlaceRow",
    "Rules",
    "Service",
    "SlotRow",
    "appointment_routes",
    "hours_of",
    "places_of",
    "serving",
    "tending",
]

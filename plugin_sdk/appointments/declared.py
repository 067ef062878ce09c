"""Appointments as an app declares them, and the states of one."""

from typing import Final

import msgspec

from plugin_sdk.appointments.rules import Rules

WAITING, OFFERED, BOOKED, ARRIVED = "waiting", "offered", "booked", "arrived"
FINISHED, ABSENT, CANCELLED, LAPSED, CALLED_OFF = (
    "finished",
    "absent",
    "cancelled",
    "lapsed",
    "called_off",
)
AHEAD: Final = (WAITING, OFFERED, BOOKED, ARRIVED)
"""States of what is still to come."""
PLACED: Final = (OFFERED, BOOKED, ARRIVED, FINISHED, ABSENT)
"""States that take a place."""


class Service(msgspec.Struct, frozen=True, kw_only=True):
    """What one comes for. Its words stand at `<app>.<name>.service.<key>`, what to bring at
    `<app>.<name>.bring.<key>`; queue numbers begin with its `letter`."""

    key: str
    letter: str


class Appointments(msgspec.Struct, frozen=True, kw_only=True):
    """Appointments as an app declares them. Permissions are the app's own keys: to `book` for
    oneself, to `read` one's own, to `serve` at the counter, to see `figures`."""

    name: str = "appointment"
    path: str = "/appointments"
    services: tuple[Service, ...]
    rules: Rules
    book: str = "appointment.book"
    read: str = "appointment.read"
    serve: str = "appointment.serve"
    figures: str = "figures.read"
    effect: str | None = None
    event: str | None = None

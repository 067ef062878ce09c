"""Appointments for licences, vehicles and tests, at the places of the county."""

import json
from collections.abc import AsyncIterator, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

import msgspec
from litestar.handlers import HTTPRouteHandler
from sqlmodel import col

from plugin_sdk.appointments import (
    AppointmentDesk,
    AppointmentEngine,
    Appointments,
    HoursDesk,
    Rules,
    Service,
    appointment_routes,
    hours_of,
    places_of,
    serving,
    tending,
)
from plugin_sdk.appointments.forms import HoursForm, PlaceForm
from plugin_sdk.appointments.hours import Slot as Hour
from plugin_sdk.deadlines import local_day
from plugin_sdk.extension import ImportReport, Job
from plugin_sdk.forms import validate
from plugin_sdk.ports import Actor, Hub
from plugin_sdk.registers import RegisterDesk, register_routes
from plugins.traffic.appointment_models import Booking, Hours, Place, Slot

SOURCE: Final = Path(__file__).parent / "data" / "appointments.json"
SERVICES: Final = (
    Service(key="licence", letter="J"),  # 驾驶证业务
    Service(key="vehicle", letter="C"),  # 机动车业务
    Service(key="test", letter="K"),  # 驾驶人考试
)


def engine_of(hub: Hub) -> AppointmentEngine[Booking]:
    """Return the appointments of a hub; the rules are settings, `appointment_<rule>`."""
    declared = Appointments(
        services=SERVICES,
        rules=Rules.of(hub.settings),
        figures="appointment.figures",
        effect="appointment.finished",
    )
    places = places_of(hub, Place, "appointment.serve", "appointment.keep")
    hours = hours_of(hub, Hours, "appointment.serve", "appointment.keep")
    return AppointmentEngine(hub, declared, places, hours, Slot, Booking)


def of(hub: Hub) -> list[HTTPRouteHandler]:
    """Return the routes of appointments, places and hours."""
    engine = engine_of(hub)
    return [
        *appointment_routes(engine),
        *register_routes(RegisterDesk(engine.places)),
        *register_routes(HoursDesk(engine.declared, engine.places, engine.hours)),
    ]


def job(hub: Hub) -> Job:
    """Return what tends waiting lists, offers, closings and reminders."""
    return tending(engine_of(hub), "appointments")


def desk_of(hub: Hub) -> AppointmentDesk:
    """Return the desk, whose card says one's next appointment, or who comes today."""
    return AppointmentDesk(engine_of(hub))


async def demonstrate(hub: Hub, cast: Mapping[str, Actor]) -> AsyncIterator[ImportReport]:
    """Enter places and hours, and let three residents book; what is there is left as it is."""
    told, engine = json.loads(SOURCE.read_text(encoding="utf-8")), engine_of(hub)
    keeper = _by(cast["brigade"], "appointment.keep")
    async with hub.read(hub.system("demonstration")) as read:
        known = {row.code for row in await engine.places.in_force(read)}
        booked = read.rows(Booking, col(Booking.id)).limit(1)
        done = (await read.session.execute(booked)).first() is not None
    began = (local_day(hub.now()) - timedelta(days=60)).isoformat()
    for line, place in enumerate(told["places"], 1):
        hours = place.pop("hours")
        if place["code"] not in known:
            async with hub.work(keeper) as work:
                form = validate(PlaceForm, {**place, "starts_on": began})
                await engine.places.add(work, form)
                for one in hours:
                    values = {**one, "place": place["code"], "starts_on": began}
                    await engine.hours.add(work, validate(HoursForm, values))
        yield ImportReport(
            line=line,
            outcome="present" if place["code"] in known else "added",
            total=len(told["places"]) + 1,
        )
    if not done:
        await _act_out(hub, cast, told["bookings"])
    n = len(told["places"]) + 1
    yield ImportReport(line=n, outcome="present" if done else "added", total=n)


async def _act_out(hub: Hub, cast: Mapping[str, Actor], told: list[dict[str, Any]]) -> None:
    """Book hours of the days to come, and one that lies behind and was kept."""
    engine, today = engine_of(hub), local_day(hub.now())
    for one in told:
        by = _by(cast[one["who"]], "appointment.book")
        slots = await _hours(engine, one["place"], one["service"], today, one["past"])
        if not slots:
            continue
        slot = slots[one["nth"] % len(slots)]
        there = engine_of(hub.at(slot.starts_at - timedelta(days=2))) if one["past"] else engine
        offer = await there.offer(by, slot.place, slot.service, slot.day, slot.clock)
        async with there.hub.work(by) as work:
            made = await there.book(work, offer)
        if one["past"]:
            counter = engine_of(hub.at(slot.starts_at))
            async with counter.hub.work(_by(cast["officer"], "appointment.serve")) as work:
                await serving.arrive(counter, work, made.number)
                await serving.finish(counter, work, made.number)


async def _hours(
    engine: AppointmentEngine[Booking], place: str, service: str, today: date, past: bool
) -> list[Hour]:
    schedule = await engine.schedule()
    days = range(-10, -2) if past else range(1, engine.rules.ahead)
    plans = (schedule.plan(place, service, today + timedelta(days=n)) for n in days)
    return [slot for plan in plans for slot in plan.slots]


def _by(actor: Actor, permission: str) -> Actor:
    return msgspec.structs.replace(actor, permission=f"traffic.{permission}")

"""Samples for the gallery and its tests: what the appointment kit shows."""

from datetime import date, timedelta

from plugin_sdk.appointments.views import (
    BookingItem,
    BookingsView,
    BookingView,
    CheckView,
    ChooseView,
    CounterView,
    DayChip,
    DayView,
    HourGroup,
    HourItem,
    HourState,
    PlaceItem,
    PlaceLink,
    ServiceItem,
    VisitorItem,
)
from plugin_sdk.views import ActionView, FieldView, Phrase, View
from portal.samples import NOW, both, facts

DAY = date(2026, 3, 5)
HOUR = timedelta(hours=1)
LICENCE = both("驾驶证业务", "Driving licences")
BRING = both("身份证、驾驶证", "Identity card and licence")
RULES = [
    Phrase("appointments.rule.cut_off", {"n": 4}),
    Phrase("appointments.rule.missed", {"n": 3, "days": 90, "barred": 30}),
]
STATES = (
    "offered",
    "booked",
    "waiting",
    "arrived",
    "finished",
    "absent",
    "cancelled",
    "lapsed",
    "called_off",
)


def bookings() -> list[BookingItem]:
    """Return an appointment in each state."""
    return [
        BookingItem(
            number=f"20260305000{n}",
            service=LICENCE,
            place="车管所业务大厅",
            starts_at=NOW,
            state=state,
            state_label=Phrase(f"appointments.state.{state}"),
            queue=None if state in ("offered", "waiting") else f"J0900-0{n}",
            href="/x",
        )
        for n, state in enumerate(STATES)
    ]


def days() -> list[DayChip]:
    """Return a fortnight of days, of every kind."""
    kinds = ("over", "left", "full", "closed", "left", "left", "unknown")
    return [
        DayChip(
            day=DAY + timedelta(days=n),
            note=Phrase(f"appointments.day.{kinds[n % 7]}", {"n": n}),
            chosen=n == 1,
            href="/x",
        )
        for n in range(15)
    ]


def hours() -> list[HourItem]:
    """Return an hour in each state."""
    states: tuple[HourState, ...] = ("over", "mine", "free", "full")
    return [
        HourItem(
            starts_at=NOW + n * HOUR,
            ends_at=NOW + (n + 1) * HOUR,
            state=state,
            left=3 if state == "free" else 0,
            waiting=2 if state == "full" else 0,
            href=None if state == "over" else "/x",
        )
        for n, state in enumerate(states)
    ]


def pages() -> dict[str, View]:
    """Return the pages of the appointment kit, by name."""
    act = ActionView(verb="confirm", label=both("确认", "Confirm"), href="/x", primary=True)
    code = FieldView(
        name="code",
        kind="text",
        label=Phrase("appointments.field.code"),
        hint=Phrase("appointments.hint.code"),
        max_length=40,
        error=Phrase("problem.field.not-today"),
    )
    return {
        "appointment_choose": ChooseView(
            title=both("预约办理", "Book an appointment"),
            services=[
                ServiceItem(
                    label=LICENCE,
                    bring=BRING,
                    places=[
                        PlaceItem(
                            name=name,
                            address="富国街道金海五路",
                            phone=None,
                            next=Phrase("appointments.next", {"day": DAY, "n": 5})
                            if free
                            else Phrase("appointments.next_none", {"n": 14}),
                            open=free,
                            href="/x",
                        )
                        for name, free in (("车管所业务大厅", True), ("泊头服务点", False))
                    ],
                )
            ],
            rules=RULES,
            barred=Phrase("appointments.barred", {"n": 3, "days": 90, "date": DAY}),
        ),
        "appointment_day": DayView(
            title=LICENCE,
            place="车管所业务大厅",
            address="富国街道金海五路",
            phone=None,
            bring=BRING,
            day=DAY,
            days=days(),
            hours=hours(),
            back_href="/x",
        ),
        "appointment_check": CheckView(
            title=Phrase("appointments.check.book"),
            intro=Phrase("appointments.check.left", {"n": 3}),
            action="/x",
            verb=Phrase("appointments.act.book"),
            fields=[],
            facts=facts(),
            rules=RULES,
            cancel="/x",
        ),
        "appointment_list": BookingsView(
            title=both("我的预约", "My appointments"), items=bookings(), create=act
        ),
        "appointment": BookingView(
            number="202603050001",
            service=LICENCE,
            state="booked",
            state_label=Phrase("appointments.state.booked"),
            version=1,
            starts_at=NOW,
            ends_at=NOW + HOUR,
            queue="J0900-01",
            notice=Phrase("appointments.until", {"date": NOW}),
            facts=facts(),
            actions=[act],
            list_href="/x",
        ),
        "appointment_counter": CounterView(
            title=both("预约窗口", "Counter"),
            place="车管所业务大厅",
            day=DAY,
            places=[
                PlaceLink(name=name, chosen=not n, href="/x")
                for n, name in enumerate(("车管所业务大厅", "泊头服务点"))
            ],
            before_href="/x",
            after_href="/x",
            links=[act],
            sentence=Phrase(
                "appointments.counter.sentence", {"n": 9, "here": 2, "done": 3, "absent": 1}
            ),
            groups=[
                HourGroup(
                    starts_at=NOW,
                    visitors=[
                        VisitorItem(
                            number=one.number,
                            queue=one.queue,
                            name="周晓岚",
                            service=LICENCE,
                            state=one.state,
                            state_label=one.state_label,
                            href="/x",
                            acts=[act] if one.state == "booked" else [],
                        )
                        for one in bookings()[:6]
                    ],
                )
            ],
            check_in="/x",
            fields=[code],
        ),
    }

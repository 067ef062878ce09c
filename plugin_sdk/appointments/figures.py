"""Figures of appointments: booked, served, missed, and how many moved up from waiting lists."""

from datetime import date
from typing import Any

from sqlalchemy import case, func
from sqlmodel import col

from plugin_sdk.appointments.declared import ABSENT, CANCELLED, FINISHED
from plugin_sdk.appointments.engine import AppointmentEngine
from plugin_sdk.figures import bounds, window
from plugin_sdk.ports import Read
from plugin_sdk.views import ChartView, FigureCard, FiguresView, Phrase


async def figures_view(
    engine: AppointmentEngine[Any], read: Read, since: date, until: date
) -> FiguresView:
    """Return what became of the appointments that lay in a period, within scope."""
    row, (start, end) = engine.row, bounds(since, until)
    states = (FINISHED, ABSENT, CANCELLED)
    columns = [func.sum(case((col(row.state) == state, 1), else_=0)) for state in states]
    moved = (col(row.waited), col(row.queue).is_not(None))
    columns.append(func.sum(case((moved[0] & moved[1], 1), else_=0)))
    statement = (
        read.rows(row, col(row.service), func.count(), *columns, permission=engine.declared.figures)
        .where(col(row.starts_at) >= start, col(row.starts_at) < end)
        .group_by(col(row.service))
        .order_by(func.count().desc())
    )
    found = [
        (service, *(int(n or 0) for n in counts))
        for service, *counts in await read.session.execute(statement)
    ]
    total, finished, absent, cancelled, up = (sum(one[n] for one in found) for n in range(1, 6))
    kept = finished + absent
    span = window(since, until)

    def card(name: str, value: float | None, **more: Any) -> FigureCard:
        words = f"appointments.figure.{name}"
        label, what = Phrase(f"{words}.label"), Phrase(f"{words}.what")
        return FigureCard(label=label, what=what, value=value, window=span, **more)

    rate = round(100 * absent / kept, 1) if kept else None
    return FiguresView(
        title=engine.words("figures"),
        since=since,
        until=until,
        cards=[
            card("booked", total),
            card("finished", finished),
            card("absent", rate, unit="percent", n=kept, not_applicable=not kept),
            card("cancelled", cancelled),
            card("moved_up", up),
        ],
        charts=[
            ChartView(
                kind="bars",
                title=Phrase("appointments.figure.by_service"),
                sentence=Phrase("appointments.figure.by_service_said", {"n": total}),
                columns=[Phrase("appointments.fact.service"), Phrase("appointments.figure.number")],
                rows=[[engine.words(f"service.{one[0]}"), one[1]] for one in found],
            )
        ]
        if found
        else [],
    )

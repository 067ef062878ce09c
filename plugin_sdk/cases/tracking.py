"""Public progress by number and code, without sign-in."""

import secrets
from typing import TYPE_CHECKING, Any

import msgspec
from sqlmodel import col

from plugin_sdk.cases import clock
from plugin_sdk.cases.flow import Does, Flow
from plugin_sdk.ports import Read
from plugin_sdk.views import EntryView, TrackView

if TYPE_CHECKING:
    from plugin_sdk.cases.traces import CaseTraces

MOST_STEPS = 100


async def track(
    engine: "CaseTraces[Any]", read: Read, number: str, code: str, *, title: str = ""
) -> TrackView:
    """Return the public progress of a case.

    A wrong number and a wrong code get one answer; guessing is slowed by the portal. What is
    shown are the public steps with their units: no words that a person wrote, no name, no place.
    """
    answer = TrackView(number=number, code=code, found=False)
    if not engine.flow.followed:
        return answer
    statement = read.beyond_scope(engine.row, reason="track").where(
        col(engine.row.number) == number
    )
    row = (await read.session.execute(statement)).scalar_one_or_none()
    held = row.code if row is not None else "-"
    if not secrets.compare_digest(held.encode(), code.encode()) or row is None:
        return answer
    entry = engine.row.entries
    steps = (
        await read.session.execute(
            read.beyond_scope(
                entry,
                col(entry.verb),
                col(entry.at),
                col(entry.on_date),
                col(entry.unit),
                col(entry.target),
                reason="track",
            )
            .where(col(entry.case_id) == row.id, col(entry.public))
            .order_by(col(entry.seq).desc())
            .limit(MOST_STEPS)
        )
    ).all()
    rate = _rate_verb(engine.flow, row.state) if row.rating is None else None
    return msgspec.structs.replace(
        answer,
        found=True,
        title=title,
        state_label=engine.words(f"state.{row.state}"),
        deadline=clock.deadline_view(
            engine.hub.calendar,
            read.now,
            due_at=row.due_at,
            pending=row.due_pending,
            paused_at=row.paused_at,
            done_at=row.resolved_at,
        ),
        timeline=[
            EntryView(
                verb=verb,
                label=engine.said(verb),
                at=at,
                on=on,
                unit=unit,
                tone=engine.tone(verb, target),
            )
            for verb, at, on, unit, target in steps
        ],
        rate_href=engine.href(number, rate) if rate and row.person_id else None,
    )


def _rate_verb(flow: Flow, state: str) -> str | None:
    return next((t.verb for t in flow.possible(state) if t.does is Does.RATE), None)

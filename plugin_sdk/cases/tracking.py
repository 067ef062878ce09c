"""Public progress by number and code, without sign-in; and what a requester without an account says
of the outcome."""

import secrets
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec
from sqlmodel import col

from plugin_sdk.cases import clock
from plugin_sdk.cases.flow import Does, Flow
from plugin_sdk.cases.forms import CodeRating, RateForm
from plugin_sdk.forms import field_views
from plugin_sdk.ports import Read, Work
from plugin_sdk.problems import Conflict, NotFound
from plugin_sdk.views import EntryView, TrackView

if TYPE_CHECKING:
    from plugin_sdk.cases.acts import CaseActs
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
    id = await _id(engine, read, number, code)
    if id is None:
        return answer
    found = read.beyond_scope(engine.row, reason="track").where(col(engine.row.id) == id)
    row = (await read.session.execute(found)).scalar_one()
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
    here = rate is not None and engine.rated_by_code(row)
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
        rating=field_views(CodeRating, engine.prefix)[2:] if here else [],
    )


async def rate(engine: "CaseActs[Any]", work: Work, form: CodeRating) -> None:
    """Keep what the requester says of the outcome, who is known by number and code alone; once,
    as one with an account. Raises `NotFound`, `Conflict`, and what the app's guard does."""
    id = await _id(engine, work, form.number, form.code)
    if id is None:
        raise NotFound
    row = await work.get(engine.row, id, permission=engine.flow.read)
    verb = _rate_verb(engine.flow, row.state)
    if verb is None or not engine.rated_by_code(row):
        raise Conflict("case.illegal", state=engine.words(f"state.{row.state}"))
    said = RateForm(version=row.version, rating=form.rating, comment=form.comment)
    await engine.act(work, row.id, verb, said)


async def _id(engine: "CaseTraces[Any]", read: Read, number: str, code: str) -> UUID | None:
    """Return the case of a number and its code, None where either is wrong."""
    if not engine.flow.followed:
        return None
    columns = (col(engine.row.id), col(engine.row.code))
    statement = read.beyond_scope(engine.row, *columns, reason="track")
    found = await read.session.execute(statement.where(col(engine.row.number) == number))
    id, held = found.one_or_none() or (None, "-")
    return id if secrets.compare_digest(held.encode(), code.encode()) else None


def _rate_verb(flow: Flow, state: str) -> str | None:
    return next((t.verb for t in flow.possible(state) if t.does is Does.RATE), None)

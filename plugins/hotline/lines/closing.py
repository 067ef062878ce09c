"""How far the closing of an old line is: of its number, and of the app that goes with it."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Literal

import msgspec

from plugin_sdk.deadlines import local_day
from plugin_sdk.life import Life
from plugin_sdk.views import EntryView, Phrase
from plugins.hotline.lines.models import Line, LineVersion


class AppLife(msgspec.Struct, kw_only=True):
    """Where the app of a line stands, and its steps on its way out, newest first."""

    stage: str
    stage_label: Phrase
    closes_on: date | None
    steps: list[EntryView]


def number_steps(line: Line, versions: Sequence[LineVersion], today: date) -> list[EntryView]:
    """Return what became of the old number and what is to come, newest first; `versions` are
    those of the line, newest first."""
    found = []
    if line.takes_over_on is not None:
        found.append(_step("merged", line.takes_over_on, today))
    if line.ends_on is not None:
        # forwarded through its last day: it is over on the next
        found.append(_step("announced", _announced(line.ends_on, versions) or today, today))
        after = line.ends_on + timedelta(days=1)
        found.append(_step("forwarded", line.ends_on, today, done=after <= today))
        found.append(_step("number_closed", after, today))
    return _newest_first(found)


def _announced(last_day: date, versions: Sequence[LineVersion]) -> date | None:
    """Return since when a line says that its number ends on that day."""
    since = None
    for version in versions:
        if version.data.get("ends_on") != last_day.isoformat():
            break
        since = local_day(version.at)
    return since


def app_life(life: Life, today: date) -> AppLife:
    """Return how the life of an app is shown on the page of its line."""
    steps = [_step(one.stage, one.on, today, done=True) for one in life.steps]
    if life.stage == "sunset" and life.closes_on is not None:
        steps.append(_step("closes", life.closes_on, today, done=False))
    return AppLife(
        stage=life.stage,
        stage_label=Phrase(f"stage.{life.stage}"),
        closes_on=life.closes_on,
        steps=_newest_first(steps),
    )


def _step(verb: str, on: date, today: date, *, done: bool | None = None) -> EntryView:
    past = on <= today if done is None else done
    tone: Literal["done", "step"] = "done" if past else "step"
    return EntryView(
        verb=verb, label=Phrase(f"hotline.line.step.{verb}"), at=None, on=on, tone=tone
    )


def _newest_first(steps: list[EntryView]) -> list[EntryView]:
    """Return steps by their days; those of one day in the order in which they were said."""
    return sorted(steps, key=lambda step: step.on or date.max)[::-1]

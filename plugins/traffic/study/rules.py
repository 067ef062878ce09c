"""Who may take points off by study, and how much (公安部令第163号, 记分减免).

Of the rule these stand here as they were known: up to 6 points in a scoring period; study online of
30 minutes within three days and a test passed take one off; not while violations are not dealt
with, nor with 12 points, in the first twelve months (实习期), with a licence that is over, or with
a vehicle whose inspection is. The text itself was not at hand (newspapers told it in April 2022,
and that a test may be taken again twice), so that all figures are settings (`study_<name>`). What
else the rule excludes (drink, flight, fraud in the last three periods) only the police's system
knows, which decides.
"""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Final

import msgspec

from plugin_sdk.deadlines import local_day
from plugin_sdk.views import Phrase
from plugins.traffic.binding import SourceAway
from plugins.traffic.identifiers import shown_plate
from plugins.traffic.models import OwnVehicle
from plugins.traffic.rules import FULL_POINTS, add_months, scoring_period
from plugins.traffic.sources import Licence, Vehicle
from plugins.traffic.violations import Standing, still_counts

PROBATION_MONTHS: Final = 12
UNHANDLED: Final = ("open", "objected")


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of the county, with what holds without them: how many points one study takes off
    (`points`), how many a period at most (`most`), within how many `days` and no sooner than after
    how many `minutes` it ends, how many questions of the quiz must be right (`pass_at` of ten), and
    how often the quiz may be tried (`tries`)."""

    points: int = 1
    most: int = 6
    days: int = 3
    minutes: int = 30
    pass_at: int = 9
    tries: int = 3

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> "Rules":
        """Return the rules that the settings of an app give."""
        given = {name: settings.get(f"study_{name}") for name in cls.__struct_fields__}
        return cls(**{name: int(value) for name, value in given.items() if value is not None})


class Obstacle(msgspec.Struct, frozen=True):
    """Why somebody may not study for points: a code with its words at
    `traffic.problem.study-<code>`."""

    code: str
    params: Mapping[str, Any] = {}

    @property
    def words(self) -> Phrase:
        """Return the sentence that says so."""
        return Phrase(f"traffic.problem.study-{self.code}.detail", dict(self.params))


class Ground(msgspec.Struct, frozen=True):
    """What the source said of a licence that counts for study."""

    file_number: str
    period_first: date
    points: int


def ground_of(standing: Standing, now: datetime) -> Ground | None:
    """Return what counts of somebody's licence, None where none is bound. Raises `SourceAway` where
    the source has said nothing of it lately."""
    bound = standing.licence
    if bound is None:
        return None
    record = bound.record.record
    if not isinstance(record, Licence) or not still_counts(bound.record, now):
        raise SourceAway
    period = scoring_period(record.first_issued, local_day(now))
    points = record.points if local_day(bound.record.seen_at or now) >= period.first else 0
    return Ground(record.key, period.first, points)


def obstacles(
    rules: Rules, standing: Standing, ground: Ground | None, taken_off: int, now: datetime
) -> list[Obstacle]:
    """Return all that stands in the way; `taken_off` is what study took off in the period."""
    if ground is None or standing.licence is None:
        return [Obstacle("licence")]
    today, found = local_day(now), []
    record: Licence = standing.licence.record.record
    if ground.points >= FULL_POINTS:
        found.append(Obstacle("full"))
    elif not ground.points:
        found.append(Obstacle("nothing"))
    if record.valid_until < today:
        found.append(Obstacle("over", {"date": record.valid_until}))
    if today < (until := add_months(record.first_issued, PROBATION_MONTHS)):
        found.append(Obstacle("probation", {"date": until}))
    unhandled = [item for item in standing.items() if standing.state(item) in UNHANDLED]
    if unhandled:
        found.append(Obstacle("open", {"n": len(unhandled)}))
    for one in standing.vehicles:
        vehicle, row = one.record.record, one.row
        if (
            isinstance(vehicle, Vehicle)
            and isinstance(row, OwnVehicle)
            and (vehicle.inspect_by < today)
        ):
            found.append(Obstacle("inspection", {"plate": shown_plate(row.plate)}))
    if taken_off + rules.points > rules.most:
        found.append(Obstacle("period", {"n": rules.most}))
    return found

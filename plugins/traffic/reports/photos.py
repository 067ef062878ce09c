"""What the photos of a report say against it, and whether two reports are of one violation.

A photo's own time and place can be forged and are often missing, since messengers take them out:
where they contradict what was reported, it is refused with a sentence; where they are missing, the
officer is told.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import combinations
from typing import Any, Final

import msgspec

from plugin_sdk.files import Picture, metres
from plugin_sdk.problems import Invalid, field_error
from plugins.traffic.forms import wrong
from plugins.traffic.reports.forms import ReportForm

Place = tuple[float, float]
KILOMETRE: Final = 1000


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of the county, `report_<name>`, with what holds without them.

    A report and its photos are at most `days` old; a photo is taken within `minutes` and `metres`
    of what is reported; two reports of a plate and kind are of one violation within `same_minutes`
    and, where both places are known, `same_metres`; one person reports `per_day` a day; an officer
    decides within `review_days` working days. No text of a rule was at hand for any of them.
    Positions of phones may be several hundred metres off (WGS 84 and GCJ-02 are mixed up).
    """

    days: int = 3
    minutes: int = 30
    metres: int = 1000
    same_minutes: int = 10
    same_metres: int = 500
    per_day: int = 10
    review_days: int = 5

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> "Rules":
        """Return the rules that the settings of an app give."""
        given = {name: settings.get(f"report_{name}") for name in cls.__struct_fields__}
        return cls(**{name: int(value) for name, value in given.items() if value is not None})


def check(rules: Rules, form: ReportForm, pictures: Sequence[Picture], now: datetime) -> None:
    """Raise `Invalid` for what happened too long ago or not yet, and for a photo that is too old,
    or that was taken at another time or place than the report says."""
    said = form.happened_at
    if said > now:
        raise Invalid(field_error("happened_on", "in-the-future"))
    if said < now - timedelta(days=rules.days):
        raise Invalid(wrong("happened_on", "report-old", n=rules.days))
    here = (form.longitude, form.latitude)
    for picture in pictures:
        at = picture.taken.at
        if at is not None and at < now - timedelta(days=rules.days):
            raise Invalid(wrong("photos", "photo-old", n=rules.days, time=at))
        if at is not None and abs(at - said) > timedelta(minutes=rules.minutes):
            raise Invalid(wrong("photos", "photo-time", time=at, said=said))
        off = picture.taken.metres_from(*here)
        if off is not None and off > rules.metres:
            raise Invalid(wrong("photos", "photo-place", n=_kilometres(off)))
    for one, other in combinations(places(pictures), 2):
        if metres(one, other) > rules.metres:
            raise Invalid(wrong("photos", "photos-apart", n=_kilometres(metres(one, other))))
    if len({picture.sha256 for picture in pictures}) < len(pictures):
        raise Invalid(wrong("photos", "photo-twice"))


def places(pictures: Iterable[Picture]) -> list[Place]:
    """Return where photos were taken, as far as they say."""
    found = ((one.taken.longitude, one.taken.latitude) for one in pictures)
    return [(east, north) for east, north in found if east is not None and north is not None]


def place_of(form: ReportForm, pictures: Sequence[Picture]) -> Place | None:
    """Return where it happened: as the form says, else the first photo that does."""
    if form.longitude is not None and form.latitude is not None:
        return form.longitude, form.latitude
    return next(iter(places(pictures)), None)


def lacking(pictures: Sequence[Picture]) -> list[str]:
    """Return what none of the photos says: `no-time`, `no-place`, or `bare` for both."""
    timed, placed = any(one.taken.at for one in pictures), bool(places(pictures))
    if not timed and not placed:
        return ["bare"]
    return [name for name, known in (("no-time", timed), ("no-place", placed)) if not known]


def near(rules: Rules, one: Place | None, other: Place | None) -> bool:
    """Return whether two places may be one: they are, where one of them is not known."""
    return one is None or other is None or metres(one, other) <= rules.same_metres


def _kilometres(distance: float) -> str:
    return f"{distance / KILOMETRE:.1f}"

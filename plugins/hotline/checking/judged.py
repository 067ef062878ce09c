"""What a check found, and how that is counted."""

from typing import Final

from plugin_sdk.deadlines import local_day
from plugin_sdk.ports import Work
from plugins.hotline.checking.models import Check
from plugins.hotline.counts import CHECKS, JUDGED, PASSED, count

ASKED: Final = ("answered", "verified", "polite", "on_time", "evidence")


def count_judged(work: Work, check: Check, n: int = 1) -> None:
    """Count a check that was judged, of the unit of which it is said (with `n` = -1: no more)."""
    if check.judged_at is None:
        return
    found = [JUDGED, *([PASSED] if check.state == PASSED else [])]
    found += [name for name in ASKED if getattr(check, name)]
    day, unit, centre = local_day(check.judged_at), check.organization_id, check.centre_id
    for value in found:
        count(work, CHECKS, value, day, unit, centre=centre, n=n)

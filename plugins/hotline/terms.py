"""The terms (时限) of the hotline: what the county set, and what holds where it set nothing."""

from collections.abc import Mapping
from typing import Any, Final

from plugin_sdk.deadlines import Term

WORKING: Final = {
    "sign_days": 1,
    "return_days": 2,
    "reply_days": 15,
    "consult_days": 5,
    "urgent_days": 1,
    "enterprise_days": 5,
    "coordination_days": 5,
    "objection_days": 3,
    "late_days": 3,
    "supervise_days_1": 3,
    "supervise_days_2": 2,
    "supervise_days_3": 1,
    "correction_days": 5,
    "window_days": 5,
    "window_take_days": 1,
    "window_state_days": 2,
}
"""Settings of working days, with their defaults (`docs/hotline.md` says of what)."""
CALENDAR: Final = {"reopen_days": 15, "close_days": 7, "window_reopen_days": 15}
"""Settings of calendar days."""


def term(settings: Mapping[str, Any], name: str) -> Term:
    """Return a term as the county set it."""
    if name in CALENDAR:
        return Term(calendar_days=int(settings.get(name, CALENDAR[name])))
    return Term(working_days=int(settings.get(name, WORKING[name])))

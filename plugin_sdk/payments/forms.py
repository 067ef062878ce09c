"""Forms of payments."""

from enum import StrEnum
from typing import Any, ClassVar

from pydantic import Field

from plugin_sdk.forms import Form
from plugin_sdk.payments.simulated import How
from plugin_sdk.views import FieldKind

REASON = 1000


class RefundForm(Form):
    """Give a payment back: why, and the version that was seen."""

    kinds: ClassVar[dict[str, FieldKind]] = {"version": "hidden", "reason": "textarea"}

    version: int = Field(ge=1)
    reason: str = Field(min_length=1, max_length=REASON)


class Decision(StrEnum):
    """What a second person says of a refund."""

    APPROVE = "approve"
    DECLINE = "decline"
    DELAY = "delay"

    @classmethod
    def of(cls, refund: Any) -> "tuple[Decision, ...]":
        """Return what may be said of a refund: what is owed is not declined, only delayed."""
        return (cls.APPROVE, cls.DELAY if refund.owed else cls.DECLINE)


class DecideForm(Form):
    """Approve or decline what another proposed to give back; delay, with a reason, what is owed."""

    kinds: ClassVar[dict[str, FieldKind]] = {"decision": "radio", "reason": "textarea"}
    words: ClassVar[dict[str, str]] = {"reason": "decision_reason"}

    decision: Decision
    reason: str | None = Field(default=None, max_length=REASON)


class Settled(StrEnum):
    """How a finding is settled: with a note alone, or with the money going back."""

    NOTE = "note"
    BACK = "back"


class SettleForm(Form):
    """Settle a finding: what was done about it."""

    kinds: ClassVar[dict[str, FieldKind]] = {"note": "textarea"}

    how: Settled
    note: str = Field(min_length=1, max_length=REASON)


class SimulatedForm(Form):
    """Pay, at the simulated provider: how it goes."""

    how: How = How.AT_ONCE

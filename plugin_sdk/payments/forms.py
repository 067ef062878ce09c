"""Forms of payments."""

from enum import StrEnum
from typing import ClassVar

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


class DecideForm(Form):
    """Approve or decline what another proposed to give back."""

    decision: Decision


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

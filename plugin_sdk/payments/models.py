"""Mixins of payments, what came in for them, what goes back, and what does not agree with the
provider's statement. The tables are the app's own; sums are integer fen everywhere.

class Payment(PaymentRow, Base, table=True): ...
"""

from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import JSON, BigInteger
from sqlmodel import Field

from plugin_sdk.data import Owned, UtcTime, Versioned
from plugin_sdk.signing import Signed

STATES: Final = ("open", "paid", "refunding", "refunded", "expired", "failed")

IMPORTED: Final = "imported"
"""The `source` of a transaction that an old app took: another provider's, so that no statement of
this one has it."""

TRANSITIONS: Final[dict[tuple[str, str], str]] = {
    ("open", "pay"): "paid",
    ("open", "expire"): "expired",
    ("open", "fail"): "failed",
    ("expired", "pay"): "paid",  # the money arrived, however late it is said
    ("failed", "pay"): "paid",
    ("paid", "refund"): "refunding",
    ("refunding", "keep"): "paid",  # the provider could not give it back
    ("refunding", "return"): "refunded",
}
"""Every step a payment can take: its state and what happens to it, and the state it is in then."""


class PaymentRow(Owned, Versioned):
    """A sum that a person owes for a subject, asked for once and fixed until `expires_at`.

    `organization_id` receives it, `person_id` pays. `claim` is unique: at most one payment of a
    subject is open, and at most one has settled it, whatever is sent at the same moment.
    `transaction` is the provider's that settled it; others are extra and go back.
    """

    number: str = Field(max_length=20, unique=True)
    subject: str = Field(max_length=100, index=True)
    claim: str | None = Field(default=None, max_length=120, unique=True)
    title: str = Field(max_length=200)
    lines: list[dict[str, Any]] = Field(default_factory=list, sa_type=JSON)
    amount: int = Field(sa_type=BigInteger)
    state: str = Field(default="open", max_length=20, index=True)
    late: bool = False
    transaction: str | None = Field(default=None, max_length=64)
    opened_at: datetime = Field(sa_type=UtcTime)
    expires_at: datetime = Field(sa_type=UtcTime, index=True)
    paid_at: datetime | None = Field(default=None, sa_type=UtcTime, index=True)
    changed_at: datetime = Field(sa_type=UtcTime, index=True)


class TransactionRow(Owned):
    """Money that came in: what the provider calls it, how we learnt of it (`source`: notice,
    asked, statement, imported), and whether it is `extra`, so that it goes back."""

    payment_id: UUID = Field(index=True)
    transaction: str = Field(max_length=64, unique=True)
    amount: int = Field(sa_type=BigInteger)
    paid_at: datetime = Field(sa_type=UtcTime, index=True)
    known_at: datetime = Field(sa_type=UtcTime)
    source: str = Field(max_length=20)
    extra: bool = False


class RefundRow(Owned, Signed):
    """Money that goes back, in whole: who asked for it, who else decided, how far it is.

    States: proposed (waits for a second person) → asked (of the provider, by the job) → sent →
    done; declined and failed end it. `claim` is unique: the money of a transaction goes back
    once. The provider knows it by its `number`, so that asking twice is asking once. One that is
    `owed`, because what was paid for fell away, is never declined; `note` says why it was delayed,
    or why another was declined.
    """

    number: str = Field(max_length=20, unique=True)
    payment_id: UUID = Field(index=True)
    transaction: str = Field(max_length=64)
    claim: str | None = Field(default=None, max_length=64, unique=True)
    amount: int = Field(sa_type=BigInteger)
    reason: str = Field(max_length=1000)
    automatic: bool = False
    owed: bool = False
    note: str | None = Field(default=None, max_length=1000)
    state: str = Field(max_length=20, index=True)
    decided_by: UUID | None = None
    decided_role: str = Field(default="", max_length=200)
    sent_at: datetime | None = Field(default=None, sa_type=UtcTime)
    done_at: datetime | None = Field(default=None, sa_type=UtcTime, index=True)


class FindingRow(Owned):
    """What does not agree with the provider: on which day, of which transaction or refund, and
    what each side says (None: nothing). `state`: open, repaired by itself, settled by staff."""

    key: str = Field(max_length=120, unique=True)
    day: date = Field(index=True)
    kind: str = Field(max_length=20)
    number: str = Field(max_length=64)
    transaction: str = Field(max_length=64)
    ours: int | None = Field(default=None, sa_type=BigInteger)
    theirs: int | None = Field(default=None, sa_type=BigInteger)
    state: str = Field(default="open", max_length=20, index=True)
    note: str | None = Field(default=None, max_length=1000)
    found_at: datetime = Field(sa_type=UtcTime)
    settled_at: datetime | None = Field(default=None, sa_type=UtcTime)
    settled_by: UUID | None = None

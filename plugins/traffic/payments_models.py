"""The tables of payments of fines."""

from sqlmodel import Field

from plugin_sdk.payments import FindingRow, PaymentRow, RefundRow, TransactionRow
from plugins.traffic.models import Base


class Payment(PaymentRow, Base, table=True):
    """A fine, with what was added for its lateness, as it is asked for once. `told` is the state
    that the source has heard of."""

    __tablename__ = "traffic_payment"

    told: str | None = Field(default=None, max_length=20)


class PaymentTransaction(TransactionRow, Base, table=True):
    """Money that came in for a fine."""

    __tablename__ = "traffic_payment_transaction"


class PaymentRefund(RefundRow, Base, table=True):
    """Money that goes back."""

    __tablename__ = "traffic_payment_refund"


class PaymentFinding(FindingRow, Base, table=True):
    """What does not agree with who takes the money."""

    __tablename__ = "traffic_payment_finding"

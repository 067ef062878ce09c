"""The payment kit (缴费): a sum asked for once, taken when the provider says so, given back."""

from collections.abc import Callable

import msgspec

from plugin_sdk.payments.desk import PaymentDesk
from plugin_sdk.payments.engine import PaymentEngine, Payments, PaymentTables, Terms
from plugin_sdk.payments.minding import payment_jobs
from plugin_sdk.payments.models import FindingRow, PaymentRow, RefundRow, TransactionRow
from plugin_sdk.payments.provider import Provider
from plugin_sdk.payments.refunds import give_back
from plugin_sdk.payments.routes import payment_routes
from plugin_sdk.payments.simulated import SimulatedProvider
from plugin_sdk.ports import Hub
from plugin_sdk.webhooks import shared_key

__all__ = [
    "FindingRow",
    "PaymentDesk",
    "PaymentEngine",
    "PaymentRow",
    "PaymentTables",
    "Payments",
    "Provider",
    "RefundRow",
    "TransactionRow",
    "give_back",
    "payment_jobs",
    "payment_routes",
    "provided",
]

MakeProvider = Callable[[Hub, Payments, Terms], Provider]


def _simulated(hub: Hub, payments: Payments, terms: Terms) -> Provider:
    own = hub.folder / "simulated-payments.key"
    return SimulatedProvider(
        hub.folder,
        hub.now,
        at=f"/apps/{hub.app}{payments.path}/simulated",
        key=shared_key(terms.key_file, own),
        notice_seconds=terms.notice_seconds,
        refund_seconds=terms.refund_seconds,
    )


def provided(
    hub: Hub, payments: Payments, **others: MakeProvider
) -> tuple[Payments, Terms, Provider]:
    """Return what an engine is made with beside its hub, as the grant has it; `others` are
    providers that the app brings, by name. Raises `ValueError` for a grant that names none."""
    terms = msgspec.convert(hub.settings.get("payments", {}), Terms)
    make = {"simulated": _simulated, **others}.get(terms.provider)
    if make is None:
        raise ValueError(f"[settings.payments] provider = {terms.provider!r} is none of the app's")
    return payments, terms, make(hub, payments, terms)

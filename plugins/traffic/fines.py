"""Paying fines: what a violation costs today, and what follows once it is paid or given back."""

from typing import ClassVar

from litestar.handlers import HTTPRouteHandler

from plugin_sdk.extension import Job
from plugin_sdk.payments import (
    PaymentDesk,
    PaymentEngine,
    Payments,
    PaymentTables,
    payment_jobs,
    payment_routes,
    provided,
)
from plugin_sdk.ports import Hub
from plugins.traffic.payments_models import (
    Payment,
    PaymentFinding,
    PaymentRefund,
    PaymentTransaction,
)

PAYMENTS = Payments(effect="fine.paid")


class Fines(PaymentEngine):
    """The payments of fines."""

    tables: ClassVar[PaymentTables] = PaymentTables(
        payment=Payment,
        transaction=PaymentTransaction,
        refund=PaymentRefund,
        finding=PaymentFinding,
    )


def desk_of(hub: Hub) -> PaymentDesk:
    """Return the desk of fines."""
    return PaymentDesk(Fines(hub, *provided(hub, PAYMENTS)))


def routes(hub: Hub) -> list[HTTPRouteHandler]:
    """Return the routes of payments."""
    return payment_routes(desk_of(hub))


def jobs(hub: Hub) -> list[Job]:
    """Return what minds payments and compares statements."""
    return payment_jobs(desk_of(hub).engine, often="payments", daily="payment_statements")

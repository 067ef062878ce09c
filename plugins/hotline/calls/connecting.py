"""Which exchange a hub has: `[settings.telephony]` of its grant."""

from collections.abc import Callable
from typing import Final

import msgspec

from plugin_sdk.ports import Hub
from plugin_sdk.webhooks import shared_key
from plugins.hotline.calls.simulated import SimulatedExchange
from plugins.hotline.calls.switchboard import Switchboard
from plugins.hotline.calls.telephony import Telephony
from plugins.hotline.desk import OrderDesk


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """The grant's terms: the exchange, and the file with the key that it signs with."""

    provider: str
    key_file: str | None = None


def _simulated(hub: Hub, terms: Terms) -> Telephony:
    own = hub.folder / "simulated-exchange.key"
    return SimulatedExchange(hub.folder, hub.now, key=shared_key(terms.key_file, own))


EXCHANGES: Final[dict[str, Callable[[Hub, Terms], Telephony]]] = {"simulated": _simulated}
"""Exchanges by name: a county's own is entered here."""


def switchboard_of(orders: OrderDesk) -> Switchboard | None:
    """Return the switchboard of a hub, None where the grant names no exchange. Raises
    `ValueError` for one that is none of ours."""
    given = orders.hub.settings.get("telephony")
    if given is None:
        return None
    terms = msgspec.convert(given, Terms)
    make = EXCHANGES.get(terms.provider)
    if make is None:
        raise ValueError(f"[settings.telephony] provider = {terms.provider!r} is none of the app's")
    return Switchboard(orders, make(orders.hub, terms))

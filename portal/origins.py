"""Where a request comes from, as far as it can be believed."""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

NETWORK_BITS = 64  # what one subscriber is given of IPv6 (RFC 6177): its addresses are one


def believed_network(peer: str, forwarded: str, trusted: Iterable[str]) -> str:
    """Return the network of the first address, from the peer outward, that no trusted proxy has.

    `forwarded` is X-Forwarded-For, to which each proxy adds at the end who came to it: an entry
    is believed only when the one who wrote it is trusted.
    """
    ours = {_address(proxy) for proxy in trusted}
    believed = _address(peer)
    for named in reversed(forwarded.split(",")):
        if believed not in ours or believed is None:
            break
        if named.strip():
            named_address = _address(named)
            if named_address is None:  # "unknown" and its like: it came from the proxy
                break
            believed = named_address
    match believed:
        case IPv4Address():
            return str(believed)
        case IPv6Address():
            return str(ip_network((believed.packed, NETWORK_BITS), strict=False))
        case _:
            return "unknown"


def _address(text: str) -> IPv4Address | IPv6Address | None:
    """Return an address, without the port that some proxies add; None for anything else."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        found = ip_address(text)
    except ValueError:
        return None
    if isinstance(found, IPv6Address):
        return found.ipv4_mapped or IPv6Address(found.packed)  # without the name of an interface
    return found

"""Where a request comes from, as far as it can be believed."""

from collections.abc import Iterable, Mapping
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import urlsplit, urlunsplit

from core.settings import LOOPBACK

NETWORK_BITS = 64  # what one subscriber is given of IPv6 (RFC 6177): its addresses are one
PORTS = {"http": 80, "https": 443}


def origin_of(address: str) -> str:
    """Return the origin (RFC 6454) of an address as browsers write it; '' where there is none."""
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port
    except ValueError:
        return ""
    if parts.scheme not in PORTS or not host or parts.username is not None:
        return ""
    name = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{name}" + (
        f":{port}" if port not in (None, PORTS[parts.scheme]) else ""
    )


def own_origins(public_url: str) -> frozenset[str]:
    """Return the origins that pages of this hub have: that of the public address, and where
    that names this machine, the same under the other names of it.

    What a client says in `Host` is no proof: whoever leads a browser here chooses it.
    """
    own = origin_of(public_url)
    parts = urlsplit(own)
    if parts.hostname not in LOOPBACK:
        return frozenset({own})
    port = f":{parts.port}" if parts.port else ""
    hosts = (f"[{name}]" if ":" in name else name for name in LOOPBACK)
    return frozenset(f"{parts.scheme}://{host}{port}" for host in hosts)


def own_hosts(public_url: str) -> frozenset[str]:
    """Return the names of the hosts that pages of this hub have."""
    return frozenset(urlsplit(origin).hostname or "" for origin in own_origins(public_url))


def led_here(headers: Mapping[str, str], own: frozenset[str]) -> bool:
    """Return whether a page of ours led to this request by a link or a form.

    Browsers say so (Fetch Metadata); of those that do not, the page's address must be ours.
    A picture or another part of a page is no navigation, wherever the page stands.
    """
    site = headers.get("sec-fetch-site")
    if site is None:
        return origin_of(headers.get("referer", "")) in own
    navigates = headers.get("sec-fetch-dest", "document") in ("document", "empty")
    return site == "same-origin" and navigates


def page_of(referer: str, own: frozenset[str]) -> str | None:
    """Return the path of the page that a request names as the one it came from, None unless
    that is a page of ours."""
    if origin_of(referer) not in own:
        return None
    came = urlsplit(referer)
    return urlunsplit(("", "", came.path, came.query, ""))


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

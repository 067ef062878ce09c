"""Whom a request is counted under: only what trusted proxies say is believed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.origins import believed_network, origin_of, own_origins

PROXIES = ("10.0.0.1", "10.0.0.2", "2001:db8::1")
addresses = st.ip_addresses(v=4).map(str) | st.ip_addresses(v=6).map(str)
lines = st.lists(addresses | st.sampled_from([*PROXIES, "unknown", "", "_x", "1.2.3"])).map(
    ",".join
)


@pytest.mark.parametrize(
    ("peer", "forwarded", "found"),
    [
        ("203.0.113.7", "198.51.100.1", "203.0.113.7"),
        ("10.0.0.1", "198.51.100.1, 203.0.113.7", "203.0.113.7"),
        ("10.0.0.1", "198.51.100.1, 203.0.113.7, 10.0.0.2", "203.0.113.7"),
        ("::ffff:10.0.0.1", "203.0.113.7", "203.0.113.7"),
        ("2001:DB8:0::1", "203.0.113.7", "203.0.113.7"),
        ("10.0.0.1", "203.0.113.7:4711", "203.0.113.7"),
        ("10.0.0.1", "[2001:db8:1:2:3::4]:4711", "2001:db8:1:2::/64"),
        ("10.0.0.1", "203.0.113.7, unknown", "10.0.0.1"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("2001:db8:1:2:aaaa::1", "", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "", "fe80::/64"),
        ("", "203.0.113.7", "unknown"),
        ("a socket", "203.0.113.7", "unknown"),
    ],
)
def test_the_nearest_that_is_not_ours_counts(peer, forwarded, found):
    assert believed_network(peer, forwarded, PROXIES) == found


@given(addresses, lines)
def test_a_stranger_changes_nothing_by_what_it_says(peer, forwarded):
    plain = believed_network(peer, "", ())
    assert believed_network(peer, forwarded, ()) == plain
    # nor behind a proxy, which adds who came to it at the end
    through = ",".join(filter(None, (forwarded, peer)))
    if peer not in PROXIES:
        assert believed_network("10.0.0.1", through, PROXIES) == plain


@given(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1))
def test_the_addresses_of_a_subscriber_are_one(network, one, another):
    from ipaddress import IPv6Address

    first, second = [str(IPv6Address(network << 64 | host)) for host in (one, another)]
    assert believed_network(first, "", ()) == believed_network(second, "", ())
    neighbour = str(IPv6Address((network ^ 1) << 64 | one))
    if network > 1:  # the lowest hold the forms of IPv4
        assert believed_network(neighbour, "", ()) != believed_network(first, "", ())


@pytest.mark.parametrize(
    ("address", "origin"),
    [
        ("https://Hub.Example/x?y", "https://hub.example"),
        ("https://hub.example:443/", "https://hub.example"),
        ("http://hub.example:443/", "http://hub.example:443"),
        ("http://[::1]:8000/", "http://[::1]:8000"),
        ("http://127.0.0.1@evil.example/", ""),
        ("http://[::1", ""),
        ("http://hub.example:x/", ""),
        ("null", ""),
        ("javascript:alert(1)", ""),
        ("", ""),
    ],
)
def test_an_origin_is_written_as_browsers_write_it(address, origin):
    assert origin_of(address) == origin


def test_the_public_address_alone_is_ours_but_for_the_names_of_this_machine():
    assert own_origins("https://hub.example") == {"https://hub.example"}
    assert own_origins("https://hub.example:8443/x") == {"https://hub.example:8443"}
    loopback = {"http://127.0.0.1:8000", "http://localhost:8000", "http://[::1]:8000"}
    for name in ("127.0.0.1", "localhost", "[::1]"):
        assert own_origins(f"http://{name}:8000") == loopback

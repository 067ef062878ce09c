"""What an app says on its way out, and where its old links lead: nowhere but within the hub."""

from datetime import UTC, datetime

import pytest

from core.apps.farewell import leads_to, parting, with_query

LINKS = (
    ("/orders/new", "/apps/snap/reports/new"),
    ("/orders/{number}", "/apps/snap/reports/{number}?old=1"),
    ("/away", "https://evil.example/"),
    ("/away2", "//evil.example/"),
    ("/away3", "/\\evil.example"),
    ("/a/{x}", "/{x}/{x}"),
    ("/b/{x}", "/apps/{y}"),
    ("/c/{x}/{x}", "/apps/snap/{x}"),
    ("/d.d/{x}", "/{x}evil"),
)


def test_headers_are_those_of_the_rfcs():
    at = datetime(2026, 3, 5, 9, 30, tzinfo=UTC)
    found = dict(parting(at, datetime(2026, 6, 29, 16, tzinfo=UTC), "/apps/snap/"))
    assert found == {
        b"deprecation": b"@1772703000",
        b"sunset": b"Mon, 29 Jun 2026 16:00:00 GMT",
        b"link": b'</apps/snap/>; rel="successor-version"',
    }
    assert parting(None, at, "/x") == ()


@pytest.mark.parametrize(
    ("path", "address"),
    [
        ("/orders/new", "/apps/snap/reports/new"),
        ("/orders/2026 1", "/apps/snap/reports/2026%201?old=1"),
        ("/orders/a?b#c", "/apps/snap/reports/a%3Fb%23c?old=1"),
        ("/orders/1/2", None),
        ("/orders/", None),
        ("/orders/..", None),
        ("/away", None),
        ("/away2", None),
        ("/away3", None),
        ("/a/evil.example", "/evil.example/evil.example"),
        ("/b/1", None),
        ("/c/1/1", None),
        ("/dxd/1", None),
        ("/d.d/\\", "/%5Cevil"),
        ("/nothing", None),
        ("", None),
    ],
)
def test_an_old_link_leads_to_its_place_or_nowhere(path, address):
    assert leads_to(LINKS, path) == address


def test_a_query_is_kept_beside_what_the_address_has():
    assert with_query("/x", "") == "/x"
    assert with_query("/x", "a=1") == "/x?a=1"
    assert with_query("/x?old=1#top", "a=%2F") == "/x?old=1&a=%2F#top"

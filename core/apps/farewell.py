"""What an app says on its way out: to programs in headers, and where its old links lead."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import lru_cache
from typing import Final
from urllib.parse import quote

Headers = tuple[tuple[bytes, bytes], ...]
Links = tuple[tuple[str, str], ...]

_NAMED: Final = re.compile(r"\{([a-z_][a-z0-9_]*)\}")


def parting(
    deprecated_at: datetime | None, sunset_at: datetime | None, successor: str | None
) -> Headers:
    """Return the headers of every answer of an app that is on its way out: `Deprecation` (RFC
    9745), `Sunset` (RFC 8594) and the address of its `successor`; none where it is not."""
    if deprecated_at is None:
        return ()
    found = [(b"deprecation", f"@{int(deprecated_at.timestamp())}".encode())]
    if sunset_at is not None:
        day = format_datetime(sunset_at.astimezone(UTC), usegmt=True)
        found.append((b"sunset", day.encode()))
    if successor is not None:
        found.append((b"link", f'<{quote(successor)}>; rel="successor-version"'.encode()))
    return tuple(found)


def is_own(address: str) -> bool:
    """Return whether an address stays within this hub."""
    return (
        address.startswith("/")
        and not address.startswith("//")
        and not any(ord(character) < 33 or character == "\\" for character in address)
    )


def leads_to(links: Links, path: str) -> str | None:
    """Return where an old path of an app leads: the address of the first pattern that fits it,
    with the segments that the pattern names. None: to nothing, or out of this hub."""
    for pattern, target in _compiled(links):
        found = pattern.fullmatch(path)
        if found is not None and not {".", ".."}.intersection(found.groups()):
            address = target
            for name, segment in found.groupdict().items():
                address = address.replace(f"{{{name}}}", quote(segment, safe=""))
            return address if is_own(address) else None
    return None


def with_query(address: str, query: str) -> str:
    """Return an address with a query after what it has of its own, before its fragment."""
    if not query:
        return address
    whole, mark, fragment = address.partition("#")
    return f"{whole}{'&' if '?' in whole else '?'}{query}{mark}{fragment}"


def pairs(links: Sequence[Sequence[str]]) -> Links:
    """Return links as they were kept, as pairs of a pattern and an address."""
    return tuple((str(path), str(target)) for path, target in links)


@lru_cache(maxsize=64)
def _compiled(links: Links) -> tuple[tuple[re.Pattern[str], str], ...]:
    """Return the patterns of links; one whose address needs what its path does not name, or
    leads out of this hub, is left out."""
    found = []
    for path, target in links:
        names = _NAMED.findall(path)
        if len(set(names)) < len(names) or not set(_NAMED.findall(target)) <= set(names):
            continue
        if not is_own(target):
            continue
        parts = _NAMED.split(path)  # text and names in turn
        pattern = "".join(
            f"(?P<{part}>[^/]+)" if n % 2 else re.escape(part) for n, part in enumerate(parts)
        )
        found.append((re.compile(pattern), target))
    return tuple(found)

"""How answers are written: JSON, and the XML of which it is the mapping (Spark convention)."""

import re
from enum import StrEnum
from typing import Any, Final
from xml.etree import ElementTree

import msgspec
from litestar import Response

from plugin_sdk.views import Phrase

ITEMS: Final = {
    "services": "service",
    "attributes": "attribute",
    "values": "value",
    "service_requests": "request",
    "errors": "error",
    "endpoints": "endpoint",
    "formats": "format",
    "photos": "photo",
}
"""What the elements of a list are called in XML."""
ANY_SITE: Final = {"Access-Control-Allow-Origin": "*"}
"""Browsers let pages of other sites read what they ask for without anybody's cookies (CORS)."""
_NOT_XML = re.compile(r"[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Format(StrEnum):
    """The formats of GeoReport v2."""

    XML = "xml"
    JSON = "json"

    @property
    def media_type(self) -> str:
        """Return the type that an answer is sent with; the framework says UTF-8 of text itself."""
        return "text/xml" if self is Format.XML else "application/json; charset=utf-8"


class Refusal(Exception):
    """A request that cannot be answered as asked, in words for whoever sent it.

    `status` is the protocol's: 404 for what is not there, 403 for the key, 400 for all else; and
    429 (RFC 6585) for too much at once, which it does not know.
    """

    def __init__(self, status: int, *said: Phrase, wait: int | None = None) -> None:
        super().__init__(status, *(phrase.key for phrase in said))
        self.status = status
        self.said = said
        self.wait = wait


def refused(status: int, name: str, /, *, wait: int | None = None, **params: Any) -> Refusal:
    """Return a refusal with the words `hotline.open311.error.<name>`."""
    return Refusal(status, Phrase(f"hotline.open311.error.{name}", params), wait=wait)


def written(format: Format, root: str, data: Any) -> bytes:
    """Return data as a document; `root` is the element that holds it in XML."""
    if format is Format.JSON:
        return msgspec.json.encode(data)
    head = b'<?xml version="1.0" encoding="utf-8"?>\n'
    text = ElementTree.tostring(_element(root, data), encoding="unicode")
    return head + text.encode()


def answer(
    format: Format, root: str, data: Any, status: int = 200, headers: dict[str, str] | None = None
) -> Response[bytes]:
    """Return data as an answer that nobody keeps, unless `headers` say otherwise; pages of any
    site may read it, as far as it is said to everybody."""
    return Response(
        written(format, root, data),
        status_code=status,
        media_type=format.media_type,
        headers={"Cache-Control": "no-store", **ANY_SITE, **(headers or {})},
    )


def _element(name: str, value: Any) -> ElementTree.Element:
    element = ElementTree.Element(name)
    if isinstance(value, list):
        element.extend(_element(ITEMS[name], one) for one in value)
    elif isinstance(value, dict):
        element.extend(_element(key, one) for key, one in value.items())
    elif isinstance(value, bool):
        element.text = str(value).lower()
    elif value is not None:
        element.text = _NOT_XML.sub("", str(value))
    return element

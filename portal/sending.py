"""Leading a browser on to another site after a form of ours.

Browsers let a form end at our own addresses alone (form-action), so a page stands between that
goes on by itself, and has a button for where it does not.
"""

from collections.abc import Mapping
from typing import Any

from litestar import Response

from plugin_sdk.text import Text
from plugin_sdk.views import Phrase
from portal.pages.context import AnyRequest, Portal

TEMPLATE = "sent_on.html"


async def send_on(
    portal: Portal, request: AnyRequest, address: str, name: Text, words: str
) -> Response[Any]:
    """Return the page that leads on to an address; `words` are the family of its texts."""
    view = sent_view(address, name, words)
    response = await portal.show(request, TEMPLATE, f"{words}.title", view)
    response.headers["Refresh"] = f"0;url={address}"
    return response


def sent_view(
    address: str, name: Text, words: str, fields: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Return what the page shows; with `fields` a form is sent there."""
    return {
        "title": Phrase(f"{words}.title"),
        "said": Phrase(f"{words}.to", {"name": name}),
        "go": Phrase(f"{words}.go"),
        "address": address,
        "fields": fields or {},
    }

"""A small form beside a list."""

from typing import Any

from plugin_sdk.views import Phrase


def side_form(title: str, action: str, fields: list[Any]) -> dict[str, Any]:
    """Return a small form in a panel: its title is its verb."""
    return {
        "title": Phrase(title),
        "action": action,
        "verb": Phrase(title),
        "fields": fields,
        "hidden": {},
    }

"""Pages that are groups of lines, each with what may be done about it, and small forms beside."""

from collections.abc import Mapping
from typing import Any

import msgspec

from plugin_sdk.views import Words

TEMPLATE = "groups.html"


class Act(msgspec.Struct, frozen=True):
    """A button of a line: one POST."""

    href: str
    label: Words
    danger: bool = False
    hidden: dict[str, str] = {}


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One thing of a group: what it is, what is to be known of it, what may be done."""

    title: Words
    id: str = ""
    facts: list[Words] = []
    badge: Words | None = None
    acts: list[Act] = []
    over: bool = False


class Group(msgspec.Struct, frozen=True):
    """A heading with its lines, or with the sentence that there are none."""

    title: Words
    empty: Words
    lines: list[Line]


def groups_view(
    title: Words,
    intro: Words,
    groups: list[Group],
    forms: list[dict[str, Any]],
    links: Mapping[str, Words] | None = None,
) -> dict[str, Any]:
    """Return the view of such a page; `links` lead to its neighbours, by address."""
    return {
        "title": title,
        "intro": intro,
        "groups": groups,
        "forms": forms,
        "links": dict(links or {}),
    }

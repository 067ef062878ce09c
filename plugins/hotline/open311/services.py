"""What may be asked for (services): the leaves of the tree of categories, and one for the rest."""

import hashlib
from functools import cache
from typing import Any, Final

import msgspec

from plugin_sdk.ports import Hub
from plugin_sdk.views import Phrase
from plugins.hotline.categories import tree
from plugins.hotline.forms import Kind

OTHER: Final = "other"
"""The service of whoever does not know the category: it is set when the order is dispatched."""
KINDS: Final = (Kind.HELP, Kind.COMPLAIN, Kind.CONSULT, Kind.SUGGEST)
"""What a request may be. A report (举报) is none of them: it is never public, and is made where
the hub itself keeps the secret."""
YES, NO = "yes", "no"


class Service(msgspec.Struct, frozen=True):
    """A service: its code, and the category that it stands for (None: not classified)."""

    code: str
    category: str | None
    name: str
    group: str
    keywords: str


def code_of(category: str | None) -> str:
    """Return the code of a category, which fits into an address and stays when leaves are added."""
    return hashlib.sha256(category.encode()).hexdigest()[:8] if category in tree() else OTHER


@cache
def services() -> dict[str, Service]:
    """Return every service by its code, in the order of the tree."""
    found = [
        Service(
            code=code_of(leaf.code),
            category=leaf.code,
            name=leaf.level3,
            group=leaf.level1,
            keywords=f"{leaf.level1},{leaf.level2},{leaf.level3}",
        )
        for leaf in tree().values()
    ]
    found.append(Service(code=OTHER, category=None, name="其他诉求", group="其他", keywords="其他"))
    return {one.code: one for one in found}


def screened(hub: Hub) -> bool:
    """Return whether the county looks at what applications file before it is an order."""
    return bool(hub.settings.get("open311_screened", False))


def described(hub: Hub, language: str) -> list[dict[str, Any]]:
    """Return the services as the protocol has them."""
    say = hub.pages.say
    kind = "batch" if screened(hub) else "realtime"
    return [
        {
            "service_code": one.code,
            "service_name": one.name,
            "description": one.category or say(Phrase("hotline.open311.other"), language),
            "metadata": True,
            "type": kind,
            "keywords": one.keywords,
            "group": one.group,
        }
        for one in services().values()
    ]


def definition(hub: Hub, service: Service, language: str) -> dict[str, Any]:
    """Return what a service asks for beside place and text."""

    def say(name: str) -> str:
        return hub.pages.say(Phrase(f"hotline.{name}"), language)

    def choice(code: str, order: int, values: dict[str, str]) -> dict[str, Any]:
        return {
            "variable": True,
            "code": code,
            "datatype": "singlevaluelist",
            "required": False,
            "datatype_description": say("open311.choose"),
            "order": order,
            "description": say(f"open311.attribute.{code}"),
            "values": [{"key": key, "name": say(name)} for key, name in values.items()],
        }

    return {
        "service_code": service.code,
        "attributes": [
            choice("kind", 1, {str(kind): f"order.kind.{kind}" for kind in KINDS}),
            choice("public", 2, {NO: "open311.private", YES: "open311.public"}),
        ],
    }

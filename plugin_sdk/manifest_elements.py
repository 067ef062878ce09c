"""What a manifest owes for the data elements that it asks for."""

from collections.abc import Iterator
from typing import Any

from plugin_sdk.elements import ELEMENTS
from plugin_sdk.manifest_rules import Finding, strings, table, tables, text
from plugin_sdk.text import Text


def findings(data: dict[str, Any]) -> Iterator[Finding]:
    """Yield every element of a person that the app says to keep in no column: what it is
    filled with it stores, and what it stores of a person it must account for."""
    section = table(data, "data")
    kept = {text(field, "kind") for _, field in tables(section, "personal")}
    for number, key in strings(section, "elements"):
        element = ELEMENTS.get(key)
        if element is not None and element.personal is not None and element.personal not in kept:
            yield (
                ("data", "elements", number),
                Text(
                    f"没有说明{element.personal}存在哪一列、为什么要用",
                    f"no personal column of the kind {element.personal} says where and why",
                ),
                Text(
                    f'加一项 [[data.personal]]，kind = "{element.personal}"，或删去这个数据元',
                    f'add a [[data.personal]] of kind = "{element.personal}", or drop the element',
                ),
            )

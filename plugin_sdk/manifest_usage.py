"""What a manifest owes for what it says of its usage."""

from collections.abc import Iterator
from typing import Any

from plugin_sdk.manifest_rules import Finding, strings, table
from plugin_sdk.manifest_source import shorten
from plugin_sdk.text import Text


def findings(data: dict[str, Any]) -> Iterator[Finding]:
    """Yield every check-in that is none of the effects: it would be counted as neither."""
    usage = table(data, "usage")
    effects = {name for _, name in strings(usage, "effects")}
    for number, name in strings(usage, "check_ins"):
        if name not in effects:
            yield (
                ("usage", "check_ins", number),
                Text(
                    f"“{shorten(name)}”不在 usage.effects 之内",
                    f"“{shorten(name)}” is none of usage.effects",
                ),
                Text("先列入 effects，或在此删去", "list it under effects, or remove it here"),
            )

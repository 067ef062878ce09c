"""How many section links an app shows to one person: six at most, since more are not read.

An app has more where its roles work at different desks; what counts is what one of them sees.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, Final

from plugin_sdk.manifest_lines import Path
from plugin_sdk.manifest_model import OPEN_PERMISSIONS
from plugin_sdk.text import Text

MOST: Final = 6
Rows = Sequence[tuple[int, dict[str, Any]]]


def crowded(entries: Rows, permissions: Rows) -> Iterator[tuple[Path, Text, Text]]:
    """Yield a finding if some role would see more than six of the navigation's entries."""
    held: dict[str, list[str]] = {}
    for _, permission in permissions:
        roles = permission.get("default_roles")
        if isinstance(key := permission.get("key"), str) and isinstance(roles, list):
            held[key] = [role for role in roles if isinstance(role, str)]
    names = [entry.get("permission") for _, entry in entries]
    seen: Counter[str] = Counter(role for name in names for role in held.get(str(name), ()))
    most = sum(name in OPEN_PERMISSIONS for name in names) + max(seen.values(), default=0)
    if most > MOST:
        yield (
            ("navigation",),
            Text(
                f"一个角色最多看到 {MOST} 项导航，现在是 {most} 项",
                f"at most {MOST} entries may be seen by one role; here it is {most}",
            ),
            Text("并入其他页面", "let other pages lead there"),
        )

"""Apps to test a hub with: one that is well made, and many that are not.

`bad_apps()` returns their entry points and `GRANTS` what the platform granted them:
`await make_hub(points=[good_app(), *bad_apps()], grants=GRANTS)`.
"""

from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Final

from core.apps.registry import GROUP

GRANTS: Final = Path(__file__).parent / "grants"
HERE: Final = "portal.testing.apps"

REFUSED: Final = {
    "import-error": "import",
    "exit-at-import": "import",
    "wrong-sdk": "sdk",
    "not-granted": "not-granted",
    "no-permission": "route-permission",
    "unknown-permission": "route-permission",
    "route-twice": "route-taken",
    "taken-table": "table",
    "foreign-prefix": "import",
}
"""The apps that do not load, and the code of the refusal of each."""

FAILING: Final = ("raising", "slow", "blocking")
"""The apps that load, and fail when they are called."""


def _point(app: str, package: str) -> EntryPoint:
    return EntryPoint(name=app, value=f"{HERE}.{package}", group=GROUP)


def good_app() -> EntryPoint:
    """Return the app that is well made."""
    return _point("good", "good")


def old_app() -> EntryPoint:
    """Return the app that is merged into the hotline, and then retired."""
    return _point("mailbox", "mailbox")


def blocking_import() -> EntryPoint:
    """Return the app whose import never returns: for processes of its own alone."""
    return _point("blocking-import", "blocking_import")


def bad_apps() -> list[EntryPoint]:
    """Return the apps that are not, the one with a taken id among them."""
    named = [_point(app, app.replace("-", "_")) for app in (*REFUSED, *FAILING)]
    return [*named, _point("good", "taken_id")]

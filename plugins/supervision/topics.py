"""The topics of supervision, which a county edits."""

from plugin_sdk.ports import Read
from plugin_sdk.views import Option

_TOPICS = {"funds": "民生资金", "conduct": "工作作风"}


async def options(read: Read) -> list[Option]:
    """Return the topics in force."""
    return [Option(code, name) for code, name in _TOPICS.items()]


async def title(read: Read, code: str, *, retired: bool = False) -> str | None:
    """Return the name of a topic in force."""
    return _TOPICS.get(code)

"""Work items of a unit of work."""

from datetime import datetime
from typing import TYPE_CHECKING

from core.work.items import close_items, open_item
from plugin_sdk.ports import To
from plugin_sdk.views import Phrase

if TYPE_CHECKING:
    from core.hub.unit import Unit


class UnitTodo:
    """`plugin_sdk.ports.Todo` in one unit of work."""

    def __init__(self, unit: "Unit") -> None:
        self._unit = unit

    async def open(
        self,
        subject: str,
        to: To,
        title: Phrase | str,
        href: str,
        *,
        label: Phrase,
        due_at: datetime | None = None,
    ) -> None:
        """See `plugin_sdk.ports.Todo`."""
        unit = self._unit
        await open_item(
            unit.tx,
            unit.app,
            subject,
            unit.recipient(to),
            title,
            href,
            label=label,
            due_at=due_at,
        )

    async def close(self, subject: str, to: To | None = None) -> None:
        """See `plugin_sdk.ports.Todo`."""
        unit = self._unit
        await close_items(unit.tx, unit.app, subject, unit.recipient(to) if to else None)

"""An old app to merge: the mailbox of the county's leaders (领导信箱), which the hotline succeeds.

Letters with photos, a number series, a timeline; `export` writes them as the hotline takes them.
"""

from collections.abc import AsyncIterator, Sequence
from typing import Any

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from sqlmodel import col

from plugin_sdk import hookimpl
from plugin_sdk.cases.routes import case_routes
from plugin_sdk.hooks import case_hooks, case_tallies
from plugin_sdk.ports import Hub
from plugin_sdk.routes import PUBLIC, needs
from plugin_sdk.tables import csv_chunks
from plugin_sdk.times import SHANGHAI
from portal.testing.apps.mailbox.letters import LEADERS, desk_of
from portal.testing.apps.mailbox.models import Letter

COLUMNS = ("留言编号", "留言用户", "留言主题", "留言时间", "留言详情", "答复意见", "答复时间")


@hookimpl
def register_routes(hub: Hub) -> Sequence[HTTPRouteHandler]:
    """Return the routes of letters, and to whom one may write."""

    @get("/leaders", opt=needs(PUBLIC))
    async def leaders() -> Response[Any]:
        """List to whom one may write."""
        return Response(LEADERS)

    return [*case_routes(desk_of(hub)), leaders]


register_flows, portal_cards, search, health, can_retire = case_hooks(
    lambda hub: [desk_of(hub)], needs="letter.answer"
)
tallies = case_tallies(lambda hub: [desk_of(hub)])


async def export(hub: Hub) -> AsyncIterator[bytes]:
    """Yield all letters as a CSV file in the form that the hotline's import reads."""
    row = Letter
    async with hub.read(hub.system("export")) as read:
        found = await read.session.execute(
            read.rows(
                row,
                *(col(row.number), col(row.sender), col(row.title), col(row.opened_at)),
                *(col(row.text), col(row.reply), col(row.resolved_at)),
            ).order_by(col(row.number))
        )
        letters = [tuple(letter) for letter in found]

    def lines() -> Any:
        for number, sender, title, opened_at, text, reply, resolved_at in letters:
            answered = resolved_at.astimezone(SHANGHAI) if resolved_at else None
            asked = opened_at.astimezone(SHANGHAI)
            yield number, sender, title, asked, text, reply or "", answered or ""

    for chunk in csv_chunks(COLUMNS, lines()):
        yield chunk

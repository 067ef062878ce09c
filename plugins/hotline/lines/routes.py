"""The routes of lines: the register, each line with its use, the use of all of them."""

from datetime import timedelta
from typing import Any, ClassVar

from litestar.handlers import HTTPRouteHandler

from plugin_sdk.deadlines import local_day
from plugin_sdk.figures import figures_route
from plugin_sdk.ports import Read
from plugin_sdk.registers import register_routes
from plugin_sdk.registers.views import RecordView, RegisterView
from plugin_sdk.views import ActionView, ChartView, EntryView, Phrase, Words
from plugins.hotline.desk import OrderDesk
from plugins.hotline.lines.closing import AppLife, app_life, number_steps
from plugins.hotline.lines.figures import after_closing, by_month, figures_view, months_of, use
from plugins.hotline.lines.models import Line
from plugins.hotline.lines.register import READ, LineDesk, line_engine


class LineView(RecordView, kw_only=True):
    """A line: how far it is, what came by it in a year, how the closing of its number and of its
    app goes. The register of apps does not have an `unknown_app`."""

    template: ClassVar[str] = "hotline_line.html"
    stage: Phrase
    about_href: str | None
    notice: Words | None
    chart: ChartView
    number: list[EntryView]
    life: AppLife | None
    unknown_app: str | None


class LinePages(LineDesk):
    """Lines with what came by them."""

    async def record_view(self, read: Read, row: Line) -> RecordView:
        """Return a line with its versions and its use in the last twelve months."""
        plain = await super().record_view(read, row)
        today = local_day(read.now)
        used = await use(read, months_of(today - timedelta(days=334), today), row.code)
        late = await after_closing(read, row)
        versions = await self.engine.history(read, row.id)
        life = await self.hub.life(read, row.app) if row.app else None
        return LineView(
            **{name: getattr(plain, name) for name in RecordView.__struct_fields__},
            stage=self.stage(row, today),
            about_href=f"/about/{row.app}" if life else None,
            notice=Phrase("hotline.line.still_called", {"n": late}) if late else None,
            chart=by_month(used),
            number=number_steps(row, versions, today),
            life=app_life(life, today) if life else None,
            unknown_app=row.app if life is None else None,
        )

    async def list_view(self, read: Read, *asked: Any) -> RegisterView:
        """Return a page of the register, with what else is known of lines."""
        view = await super().list_view(read, *asked)
        links = [("figures", "hotline.line.figures.title", self.engine.href("figures"))]
        if await read.holds("call.read"):
            links.append(("calls", "hotline.call.list", f"/apps/{self.hub.app}/calls"))
        view.links = [ActionView(verb=verb, label=Phrase(key), href=at) for verb, key, at in links]
        return view


def of(orders: OrderDesk) -> list[HTTPRouteHandler]:
    """Return the handlers of lines, each marked with its permission."""
    pages = LinePages(line_engine(orders.hub), orders)
    figures = figures_route(
        orders.hub, READ, figures_view, name="line-figures", at="/lines/figures"
    )
    return [*register_routes(pages), figures]

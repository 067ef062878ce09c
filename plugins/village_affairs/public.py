"""The public page of a village: what everybody may read, by its code."""

from datetime import date

from plugin_sdk.codes.views import PublicPage
from plugin_sdk.deadlines import local_day
from plugin_sdk.duties import public as duties
from plugin_sdk.duties.calendar import add_months, month_of, spell_period
from plugin_sdk.meetings import public as meetings
from plugin_sdk.registers import public as registers
from plugin_sdk.views import ActionView, Phrase
from plugins.village_affairs.desk import Desk

PREFIX = "village-affairs.public"
MONTHS = 12


async def page(desk: Desk, code: str, period: date | None) -> PublicPage:
    """Return the page of a code. It stays where it is when the village is renamed; merged into
    another, it opens that one's page, the old publications among them. Raises `NotFound`."""
    hub = desk.hub
    owner, village = await desk.book.open(code)
    names = await hub.directory.names([owner, *([village.parent_id] if village.parent_id else [])])
    today = month_of(local_day(hub.now()))
    newest = add_months(today, -desk.publications.duty.months_later)
    month = min(period or newest, today)
    due_at = desk.publications.engine.due(month)
    merged = {"name": names.get(owner, ""), "into": village.name}
    async with hub.read(hub.system("public page")) as read:
        organizations = list({owner, village.id})
        sections = await duties.published(desk.publications, read, organizations, month)
        sections.append(await registers.published(desk.assets, read, organizations))
        sections.append(await meetings.published(desk.meetings, read, organizations))
    return PublicPage(
        title=village.name,
        code=code,
        href=desk.book.href(code),
        place=names.get(village.parent_id, "") if village.parent_id else "",
        period=month,
        lead=Phrase(f"{PREFIX}.due", {"date": local_day(due_at)}) if due_at else "",
        notices=[Phrase("codes.merged", merged)] if owner != village.id else [],
        sections=sections,
        actions=[
            _link("ask", f"{desk.book.href(code)}/ask", primary=True),
            _link("subsidies", f"/apps/{hub.app}/subsidies"),
        ],
        links=_months(desk, code, month, newest),
    )


def _link(name: str, href: str, *, primary: bool = False) -> ActionView:
    return ActionView(verb=name, label=Phrase(f"{PREFIX}.{name}"), href=href, primary=primary)


def _months(desk: Desk, code: str, month: date, newest: date) -> list[ActionView]:
    at = f"{desk.book.href(code)}?period="
    links = []
    if month > add_months(newest, -MONTHS):
        links.append(_link("before", at + spell_period(add_months(month, -1))))
    if month < newest:
        links.append(_link("after", at + spell_period(add_months(month, 1))))
    return links

"""Everything of village affairs on one hub."""

from collections.abc import Sequence
from datetime import date

import msgspec

from plugin_sdk.codes import CodeBook
from plugin_sdk.duties.closing import close_day
from plugin_sdk.meetings import MeetingDesk
from plugin_sdk.ports import Actor, Hub
from plugin_sdk.questions import QuestionDesk
from plugins.village_affairs.catalogue import AssetDesk, Catalogue, assets_of, catalogue_of
from plugins.village_affairs.meetings import meetings_of
from plugins.village_affairs.models import Code, Meeting, Question
from plugins.village_affairs.publications import PublicationDesk, owing, publications_of


class Desk(msgspec.Struct, frozen=True):
    """The kits as this app sets them up."""

    hub: Hub
    catalogue: Catalogue
    publications: PublicationDesk
    assets: AssetDesk
    book: CodeBook
    questions: QuestionDesk[Question]
    meetings: MeetingDesk[Meeting]

    async def close_day(self, actor: Actor) -> None:
        """Do what is due today (see `plugin_sdk.duties.closing`), and give new villages a code."""
        await self.catalogue.seed(actor)

        async def expected(period: date) -> Sequence[str]:
            async with self.hub.read(actor) as read:
                items = await self.publications.items(read, period)
            return [item.code for item in items if item.owed]

        villages = await owing(self.hub)
        await self.book.give_all(actor, [one.organization_id for one in villages])
        await close_day(self.publications.engine, actor, villages, expected)


def desk_of(hub: Hub) -> Desk:
    """Return the app on a hub."""
    catalogue, book = catalogue_of(hub), CodeBook(hub, Code)
    meetings = meetings_of(hub, book)
    return Desk(
        hub=hub,
        catalogue=catalogue,
        publications=publications_of(hub, catalogue),
        assets=assets_of(hub),
        book=book,
        questions=meetings.questions,
        meetings=meetings,
    )

"""The hooks that every app of procedures implements alike.

register_flows, portal_cards, search, health, can_retire = case_hooks(desks, needs="order.dispatch")
"""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from plugin_sdk import hookimpl
from plugin_sdk.cases import CaseEngine, queries
from plugin_sdk.cases.desk import CaseDesk
from plugin_sdk.cases.tallies import tally_of_cases
from plugin_sdk.extension import MOST_CARDS, Card, Health, Hit
from plugin_sdk.ports import Actor, Hub, Read
from plugin_sdk.tallies import Tally
from plugin_sdk.views import Phrase


class Shown(Protocol):
    """What has a card on a home page: the desk of cases, the desk of a duty."""

    async def card(self, read: Read) -> Card | None:
        """Return the card, None where there is nothing to say."""


def case_hooks(
    desks: Callable[[Hub], Sequence[CaseDesk[Any]]],
    *,
    needs: str,
    shown: Callable[[Hub], Sequence[Shown]] | None = None,
) -> tuple[Any, Any, Any, Any, Any]:
    """Return `register_flows`, `portal_cards`, `search`, `health` and `can_retire` of the desks
    of an app.

    An app is well while some unit has a post that holds the permission it `needs`, else it says
    `<app>.health.nobody`. `shown` are the desks with a card where they are others.
    """

    @hookimpl
    def register_flows(hub: Hub) -> Sequence[CaseEngine[Any]]:
        """Return the engines, one a flow."""
        return [desk.engine for desk in desks(hub)]

    @hookimpl
    async def portal_cards(hub: Hub, actor: Actor) -> Sequence[Card]:
        """Return the cards of the first desks that have one: what is late, due today or under
        way."""
        cards: list[Card] = []
        async with hub.read(actor) as read:
            for desk in (shown or desks)(hub):
                if len(cards) < MOST_CARDS and (card := await desk.card(read)):
                    cards.append(card)
        return cards

    @hookimpl
    async def search(hub: Hub, actor: Actor, query: str, limit: int) -> Sequence[Hit]:
        """Return the cases in scope that match."""
        async with hub.read(actor) as read:
            found = [await desk.hits(read, query, limit) for desk in desks(hub)]
        return [hit for hits in found for hit in hits][:limit]

    @hookimpl
    async def health(hub: Hub) -> Health:
        """Return whether some unit can take what is filed."""
        if await hub.directory.units(needs):
            return Health(ok=True)
        return Health(ok=False, detail=Phrase(f"{hub.app}.health.nobody"))

    @hookimpl
    async def can_retire(hub: Hub) -> Sequence[Phrase]:
        """Return how many cases of each kind are not finished."""
        said = []
        async with hub.read(hub.system("retirement")) as read:
            for desk in desks(hub):
                n = await queries.unfinished(desk.engine, read)
                if n:
                    said.append(
                        Phrase("case.unfinished", {"n": n, "cases": desk.engine.words("list")})
                    )
        return said

    return register_flows, portal_cards, search, health, can_retire


def case_tallies(desks: Callable[[Hub], Sequence[CaseDesk[Any]]]) -> Any:
    """Return `tallies` of the desks of an app: its cases, under the numbers that they had where
    they came from."""

    @hookimpl
    async def tallies(hub: Hub, of: str) -> Sequence[Tally]:
        """Return the tally of the app's cases that came from `of`, or of all of them."""
        return [await tally_of_cases([desk.engine for desk in desks(hub)], of)]

    return tallies

"""The oversight app (应用监管): reviews of apps as cases, public accounts and work groups as
registers. It is an app behind the door like any other, on the same kits; since its subject is the
hub itself, it stands in the shell and may use what the room holds.
"""

from collections.abc import AsyncIterator, Mapping, Sequence

from litestar.handlers import HTTPRouteHandler

from core.governance.oversight import demonstration, routes, stock
from core.governance.oversight.accounts import accounts_of
from core.governance.oversight.desk import desk_of, desks
from core.governance.oversight.group_desk import groups_of
from plugin_sdk import hookimpl
from plugin_sdk.extension import ImportReport, Job
from plugin_sdk.hooks import case_hooks
from plugin_sdk.ports import Actor, Hub


@hookimpl
def register_routes(hub: Hub) -> Sequence[HTTPRouteHandler]:
    """Return the routes of oversight."""
    return routes.of(hub)


register_flows, portal_cards, search, health, can_retire = case_hooks(desks, needs="review.decide")


@hookimpl
def register_jobs(hub: Hub) -> Sequence[Job]:
    """Return what is done of accounts and groups each night: what is over closes, and units are
    told of what they have to see to."""
    accounts, groups = accounts_of(hub).accounts, groups_of(hub).groups

    async def run(actor: Actor) -> None:
        await groups.close_over(actor)
        await groups.tell(actor)
        await accounts.tell(actor)

    return [Job(key="registers", run=run)]


@hookimpl
async def load_demonstration(hub: Hub, cast: Mapping[str, Actor]) -> AsyncIterator[ImportReport]:
    """Act out a month of reviews of the example apps, and take stock of accounts and groups."""
    async for report in demonstration.run(desk_of(hub), cast):
        yield report
    async for report in stock.run(accounts_of(hub).accounts, groups_of(hub).groups):
        yield report

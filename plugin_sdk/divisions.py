"""The divisions below the county that an app works with, and who looks after each."""

from collections.abc import Sequence
from uuid import UUID

from plugin_sdk.ports import Hub, Organization


async def villages(hub: Hub, top: UUID | None = None) -> Sequence[Organization]:
    """Return the villages and communities below an organization (None: all of the county) in
    order of code; those of a unit of the county too, which works for all of them. One that was
    merged into another (撤并) is none. A village has itself alone."""
    regions = await hub.directory.regions()
    towns = [unit for unit in regions if unit.level == "township"]
    own = await hub.directory.organization(top) if top else None
    if own is not None and own.level == "village":
        return [own]
    if own is not None and own.level == "township":
        towns = [own]
    return [
        unit
        for town in towns
        for unit in await hub.directory.children(town.id)
        if unit.level == "village"
    ]


async def county(hub: Hub) -> Organization | None:
    """Return the county, None where the directory has none."""
    regions = await hub.directory.regions()
    return next((unit for unit in regions if unit.level == "county"), None)

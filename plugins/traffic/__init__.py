"""Traffic (交管业务): vehicles and licences, violations, and what an officer decides."""

from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path

from litestar.handlers import HTTPRouteHandler

from plugin_sdk import hookimpl
from plugin_sdk.cases.tallies import tally_of_cases
from plugin_sdk.extension import ImportReport, Job
from plugin_sdk.hooks import Shown, case_hooks
from plugin_sdk.ports import Actor, Hub
from plugin_sdk.tallies import Tally
from plugins.traffic import appointments, demonstration, imports, routes
from plugins.traffic.accidents import demonstration as accidents
from plugins.traffic.desk import desk_of
from plugins.traffic.fine_routes import fine_jobs
from plugins.traffic.reports import demonstration as reports
from plugins.traffic.reports.evidence import Handing
from plugins.traffic.roads import demonstration as roads
from plugins.traffic.roads import notices
from plugins.traffic.roads.following import Following
from plugins.traffic.study.studying import Crediting, Studying


@hookimpl
def register_routes(hub: Hub) -> Sequence[HTTPRouteHandler]:
    """Return the routes of every part of the app."""
    return routes.of(hub)


def _shown(hub: Hub) -> Sequence[Shown]:
    desk = desk_of(hub)
    return [desk, appointments.desk_of(hub), *desk.cases]


register_flows, portal_cards, search, health, can_retire = case_hooks(
    lambda hub: desk_of(hub).cases, needs="objection.cancel", shown=_shown
)


@hookimpl
def register_jobs(hub: Hub) -> Sequence[Job]:
    """Return the reminders of inspections and validity, what minds payments and appointments, and
    what hands reports and studies to the police's system and tells who follows roads."""
    desk = desk_of(hub)
    return [
        Job(key="reminders", run=desk.reminders.run),
        *fine_jobs(desk),
        appointments.job(hub),
        Handing(desk.reports, desk.police.provider).job(),
        Following(notices.desk_of(hub)).job(),
        Crediting(Studying(hub), desk.police.provider).job(),
    ]


@hookimpl
def import_legacy(hub: Hub, source: Path, of: str) -> AsyncIterator[ImportReport]:
    """Bring in one table of the old app's export."""
    return imports.run(desk_of(hub), source, of)


@hookimpl
async def tallies(hub: Hub, of: str) -> Sequence[Tally]:
    """Return what the app holds of what came from `of`: its cases, then everything else."""
    desk = desk_of(hub)
    return [
        await tally_of_cases([one.engine for one in desk.cases], of),
        *await imports.tallies(desk, of),
    ]


@hookimpl
def load_demonstration(hub: Hub, cast: Mapping[str, Actor]) -> AsyncIterator[ImportReport]:
    """Bind what the simulated source knows of the cast, act out objections, appointments,
    accidents and reports, publish what is the matter on the roads."""
    return _act_out(hub, cast)


async def _act_out(hub: Hub, cast: Mapping[str, Actor]) -> AsyncIterator[ImportReport]:
    for part in (
        demonstration.run(desk_of(hub), cast),
        appointments.demonstrate(hub, cast),
        accidents.demonstrate(hub, cast),
        reports.demonstrate(hub, cast),
        roads.demonstrate(hub, cast),
    ):
        async for report in part:
            yield report

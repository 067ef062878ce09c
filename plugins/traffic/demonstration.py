"""The demonstration: two residents with vehicles and licences of the simulated source, and what
they did about their violations."""

from collections.abc import AsyncIterator, Mapping
from typing import Any, Final
from uuid import UUID

import msgspec

from plugin_sdk.cases.rehearsal import Act, Scene, rehearse
from plugin_sdk.extension import ImportReport
from plugin_sdk.forms import Submission, validate
from plugin_sdk.ports import Actor, Work
from plugin_sdk.problems import AppConflict
from plugins.traffic.binding import Proof
from plugins.traffic.desk import Desk
from plugins.traffic.forms import ObjectionForm

NUMBERS: Final = {"resident": "999999199003070012", "resident2": "999999198806120023"}
"""Identity numbers of the cast: of a place that there is not."""
VEHICLES: Final = {"resident": ("鲁M8D136", "鲁MD12345"), "resident2": ("鲁M5H207",)}
LICENCES: Final = {"resident": "371600123456", "resident2": "371600654321"}
OBJECTIONS: Final = (
    (
        *(
            "resident2",
            "3716030000010006",
            "当时车辆在故障车道等待救援，有拖车单据，请核对。",
            20.0,
        ),
        (Act("cancel", "officer", 3.0, {"text": "经核对拖车单据属实，撤销这条违法记录。"}),),
    ),
    ("resident", "3716030000010002", "停车的位置有停车泊位标线，请核对照片。", 0.2, ()),
)


async def run(desk: Desk, cast: Mapping[str, Actor]) -> AsyncIterator[ImportReport]:
    """Yield a report for each thing that is bound and each objection."""
    bound = [(role, plate) for role, plates in VEHICLES.items() for plate in plates]
    total, line, unit = len(bound) + len(LICENCES) + len(OBJECTIONS), 0, await desk.unit()
    for role, plate in bound:
        line += 1
        new = await _bind(desk, cast[role], unit, vehicle=plate, number=NUMBERS[role])
        yield ImportReport(line=line, outcome="added" if new else "present", total=total)
    for role, file_number in LICENCES.items():
        line += 1
        new = await _bind(desk, cast[role], unit, licence=file_number, number=NUMBERS[role])
        yield ImportReport(line=line, outcome="added" if new else "present", total=total)
    scenes = [_scene(desk, *told) for told in OBJECTIONS]
    async for report in rehearse(desk.objections.engine, cast, scenes):
        line += 1
        yield msgspec.structs.replace(report, line=line, total=total)


async def _bind(
    desk: Desk, actor: Actor, unit: UUID, *, number: str, vehicle: str = "", licence: str = ""
) -> bool:
    """Bind one thing and ask the source what it says of it; return whether it is new."""
    owner, police, binding = desk.hub.numbers.index(number), desk.police, desk.binding
    asked = police.vehicle(vehicle, owner) if vehicle else police.licence(licence, owner)
    await police.engine.ask_all([asked, police.violations(vehicle or licence, owner)])
    by = _by(actor, "vehicle.own")
    try:
        async with desk.hub.work(by) as work:
            bind: Any = binding.bind_vehicle if vehicle else binding.bind_licence
            await bind(work, Proof(asked, owner), unit)
    except AppConflict:
        return False
    return True


def _scene(
    desk: Desk, role: str, violation: str, text: str, days_ago: float, acts: tuple[Act, ...]
) -> Scene:
    async def file(work: Work) -> Any:
        form = validate(ObjectionForm, {"violation": violation, "text": text})
        return await desk.objections.file(work, Submission(form, None))

    return Scene(key=f"objection:{violation}", by=role, days_ago=days_ago, open=file, acts=acts)


def _by(actor: Actor, permission: str) -> Actor:
    """Return an actor as the door hands them on for a route of that permission."""
    return msgspec.structs.replace(actor, permission=f"traffic.{permission}")

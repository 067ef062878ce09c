"""The demonstration: two residents with vehicles and licences of the simulated source, and what
they did about their violations."""

from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlmodel import col

from plugin_sdk.cases.rehearsal import Act, Scene, rehearse
from plugin_sdk.extension import ImportReport
from plugin_sdk.forms import Submission, validate
from plugin_sdk.payments.simulated import How, SimulatedProvider
from plugin_sdk.ports import Actor, Work
from plugin_sdk.problems import AppConflict
from plugins.traffic.binding import Proof
from plugins.traffic.desk import Desk, desk_of
from plugins.traffic.desk_models import Template
from plugins.traffic.drafting import TemplateForm
from plugins.traffic.fines import FineDesk
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
FINES: Final = (
    ("resident", "3716030000010007", 12, How.AT_ONCE),
    ("resident", "3716030000010008", 9, How.PAID_TWICE),  # one of them goes back
    ("resident", "3716030000010009", 25, None),  # accepted, and late by now
)


BLOCKS: Final = (
    (
        *("标线清楚，维持", "objection-uphold"),
        "{车牌}于{违法时间}在{违法地点}的违法记录（{违法编号}），照片中标志标线清楚，维持原记录。"
        "对本意见不服的，可以自收到之日起六十日内申请行政复议。",
    ),
    (
        *("证据不足，撤销", "objection-cancel"),
        "{车牌}于{违法时间}在{违法地点}的违法记录（{违法编号}），经核对现有照片不足以认定，予以撤销。",
    ),
)
"""Words that decisions begin with: for which, and how they read."""


async def run(desk: Desk, cast: Mapping[str, Actor]) -> AsyncIterator[ImportReport]:
    """Yield a report for each thing that is bound, each objection, fine and block."""
    bound = [(role, plate) for role, plates in VEHICLES.items() for plate in plates]
    total = len(bound) + len(LICENCES) + len(OBJECTIONS) + len(FINES) + len(BLOCKS)
    line, unit = 0, await desk.unit()
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
    for role, number, days_ago, how in FINES:
        line += 1
        new = await _fine(desk, cast[role], number, days_ago, how)
        yield ImportReport(line=line, outcome="added" if new else "present", total=total)
    for told in BLOCKS:
        line += 1
        new = await _block(desk, cast["brigade"], *told)
        yield ImportReport(line=line, outcome="added" if new else "present", total=total)


async def _block(desk: Desk, actor: Actor, name: str, decision: str, text: str) -> bool:
    """Enter a block that decisions begin with; return whether it is new."""
    engine = desk.objections.drafting.engine
    async with desk.hub.work(_by(actor, "template.edit")) as work:
        known = work.rows(Template, col(Template.id)).where(col(Template.name) == name)
        if (await work.session.execute(known)).first() is not None:
            return False
        form = validate(TemplateForm, {"name": name, "decision": decision, "text": text})
        await engine.add(work, form)
    return True


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


async def _fine(desk: Desk, actor: Actor, number: str, days_ago: int, how: How | None) -> bool:
    """Accept a violation so many days ago, and pay its fine as `how` says; return whether it is
    new. A provider that is not simulated is paid nothing."""
    there = desk_of(desk.hub.at(desk.hub.now() - timedelta(days=days_ago)))
    try:
        async with there.hub.work(_by(actor, "violation.own")) as work:
            await there.violations.accept(work, number)
    except AppConflict:
        return False
    provider = there.fines.provider
    if how is not None and isinstance(provider, SimulatedProvider):
        async with there.hub.work(_by(actor, "payment.pay")) as work:
            order = FineDesk(there.fines).order(await there.fines.ask_for(work, number))
        await provider.pay(order, how)
        await provider.deliver(there.fines.receive)
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

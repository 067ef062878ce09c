"""The demonstration: accidents of two invented people, each as far as it went."""

import asyncio
import io
from collections.abc import AsyncIterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlmodel import col

from plugin_sdk.cases.forms import ActForm
from plugin_sdk.extension import ImportReport
from plugin_sdk.files import Picture
from plugin_sdk.forms import Submission, validate
from plugin_sdk.ports import Actor, Hub, Work
from plugin_sdk.times import SHANGHAI
from plugins.traffic.accidents.desk import AccidentDesk
from plugins.traffic.accidents.forms import AccidentForm, JoinForm
from plugins.traffic.accidents.models import Accident
from plugins.traffic.accidents.sides import own_side
from plugins.traffic.desk import desk_of

PLATES: Final = {"resident": "鲁M8D136", "resident2": "鲁M5H207"}
INSURERS: Final = {"resident": "鲁北财险（演示）", "resident2": "渤海财险（演示）"}
SHOTS: Final = {"front": (300, 470), "rear": (270, 500), "contact": (180, 560)}


class Step(msgspec.Struct, frozen=True):
    """An act after both sides are there: who does it, what, with which form."""

    by: str
    verb: str
    form: dict[str, Any]


class Told(msgspec.Struct, frozen=True):
    """An accident that is acted out, so many days ago, up to its last step."""

    by: str
    other: str
    days_ago: float
    place: str
    collision: str
    what: str
    steps: tuple[Step, ...] = ()


def _agrees(by: str, share: str) -> Step:
    return Step(by, "agree", {"share": share, "statement": 1})


REASONS: Final = "后车未与前车保持安全距离，负全部责任（道路交通安全法第四十三条）。"
CASES: Final = (
    Told(
        *("resident", "resident2", 6.0, "黄河五路渤海七路路口东", "rear"),
        "我车等红灯，被后车追尾，后保险杠损坏。",
        (_agrees("resident2", "full"), _agrees("resident", "none")),
    ),
    Told(
        *("resident2", "resident", 12.0, "富国路金海大道路口", "rear"),
        "前车减速让行，我车追尾，前车说我车还变了道。",
        (
            _agrees("resident2", "main"),
            _agrees("resident", "none"),
            Step("officer", "propose", {"outcome": "full", "text": REASONS}),
            Step("officer2", "confirm", {}),
        ),
    ),
    Told(
        *("resident", "resident2", 0.2, "银河三路与恒业四路路口", "lane"),
        "我车直行，对方变道时刮到右前门。",
        (_agrees("resident", "none"), _agrees("resident2", "none")),
    ),
    Told(
        *("resident2", "resident", 0.1, "富国商场停车场出口", "reverse"),
        "我车倒车出库，与通过的车相碰，各有轻微损坏。",
        (_agrees("resident2", "main"),),
    ),
)


async def demonstrate(hub: Hub, cast: Mapping[str, Actor]) -> AsyncIterator[ImportReport]:
    """Yield a report for each accident; one that was acted out before is left as it is."""
    for line, told in enumerate(CASES, 1):
        new = await _play(hub, cast, told, f"rehearsal:accident:{line}")
        yield ImportReport(line=line, outcome="added" if new else "present", total=len(CASES))


async def _play(hub: Hub, cast: Mapping[str, Actor], told: Told, key: str) -> bool:
    async with hub.read(hub.system("rehearsal")) as read:
        known = read.rows(Accident, col(Accident.id)).where(col(Accident.source_key) == key)
        if (await read.session.execute(known)).first() is not None:
            return False
    moment = hub.now() - timedelta(days=told.days_ago)
    desk = desk_of(hub.at(moment)).accidents
    await desk.prepare()
    async with desk.hub.work(_by(cast[told.by], "file")) as work:
        form = validate(AccidentForm, _reported(told, moment))
        row = await desk.file(work, Submission(form, None))
        row.source_key, id = key, row.id
        await _hold(desk, work, id)
    await _shoot(desk, cast[told.by], id, told, moment)
    async with desk.hub.work(_by(cast[told.by], "agree")) as work:
        code, _ = await desk.invitations.make(work, await work.get(Accident, id))
    async with desk.hub.work(_by(cast[told.other], "agree")) as work:
        own = {"plate": PLATES[told.other], "insurer": INSURERS[told.other]}
        joins = validate(JoinForm, {"code": code, "stop": "none", **own})
        await desk.engine.joined(work, await desk.invitations.join(work, joins))
        await _hold(desk, work, id)
    await _shoot(desk, cast[told.other], id, told, moment)
    for n, step in enumerate(told.steps, 1):
        later = desk_of(hub.at(moment + timedelta(minutes=10 * n))).accidents
        await later.engine.prepare(step.verb)
        transition = later.flow.by_verb(step.verb)
        async with later.hub.work(_by(cast[step.by], transition.permission.partition(".")[2])) as w:
            row = await w.get(Accident, id, permission=later.flow.read)
            values = {**step.form, "version": row.version}
            filled: ActForm = validate(transition.form, values)
            await later.engine.act(w, id, step.verb, filled)
            if n < len(told.steps):
                await _hold(later, w, id)
    return True


async def _hold(desk: AccidentDesk, work: Work, id: UUID) -> None:
    """Let nothing lapse before what follows is acted out: on a running hub days have passed."""
    for kind in ("lapse", "stage"):
        await work.timer(kind, desk.engine.subject(id), None)


async def _shoot(desk: AccidentDesk, actor: Actor, id: UUID, told: Told, moment: datetime) -> None:
    """Keep the photos that a side is asked for."""
    async with desk.hub.read(_by(actor, "read")) as read:
        side = await own_side(read, id)
    views = desk.evidence.asked(side.side if side else "")
    pictures = [await _picture(desk.hub, view, told, moment) for view in views]
    async with desk.hub.work(_by(actor, "agree")) as work:
        row = await work.get(Accident, id)
        mine = await own_side(work, id)
        for view, picture in zip(views, pictures, strict=True):
            if mine is not None:
                await desk.evidence.add(work, row, mine, view, picture)


async def _picture(hub: Hub, view: str, told: Told, moment: datetime) -> Picture:
    drawn = await asyncio.to_thread(_draw, view, told, moment)
    return await hub.files.draw(f"{view}.jpg", drawn)


def _draw(view: str, told: Told, moment: datetime) -> bytes:
    """Return a picture of a view: two cars on a road, a plate, or a paper."""
    from PIL import Image, ImageDraw  # 100 ms of every start, for pictures alone

    image = Image.new("RGB", (640, 480), (96, 102, 108))
    pen = ImageDraw.Draw(image)
    said = view
    if view in SHOTS:
        left, right = SHOTS[view]
        pen.polygon([(200, 90), (440, 90), (630, 480), (10, 480)], fill=(58, 62, 66))
        pen.rectangle((left - 130, 200, left, 320), fill=(150, 30, 34))
        pen.rectangle((left + 4, 230, right, 340), fill=(60, 90, 150))
    elif view.startswith("plate"):
        plate = PLATES[told.by if view == "plate_a" else told.other]
        pen.rectangle((150, 190, 490, 290), fill=(11, 87, 164))
        said = plate[1:]
    else:
        pen.rectangle((120, 110, 520, 370), fill=(214, 222, 230))
    pen.text((280, 230), said, fill=(255, 255, 255) if view != "licence" else (40, 40, 40))
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9003] = f"{moment.astimezone(SHANGHAI):%Y:%m:%d %H:%M:%S}"
    out = io.BytesIO()
    image.save(out, "JPEG", quality=80, exif=exif)
    return out.getvalue()


def _reported(told: Told, moment: datetime) -> dict[str, Any]:
    at = (moment - timedelta(minutes=10)).astimezone(SHANGHAI)
    return {
        "stop": "none",
        "happened_on": f"{at:%Y-%m-%d}",
        "happened_time": f"{at:%H:%M}",
        "place": told.place,
        "plate": PLATES[told.by],
        "insurer": INSURERS[told.by],
        "other_plate": PLATES[told.other],
        "collision": told.collision,
        "weather": "clear",
        "road": "crossing",
        "what": told.what,
    }


def _by(actor: Actor, key: str) -> Actor:
    """Return an actor as the door hands them on for a route of that permission."""
    return msgspec.structs.replace(actor, permission=f"traffic.accident.{key}")

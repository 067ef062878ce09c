"""The demonstration: what two residents reported, with photos that are drawn."""

import asyncio
import io
from collections.abc import AsyncIterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from plugin_sdk.cases.rehearsal import Act, Scene, rehearse
from plugin_sdk.extension import ImportReport
from plugin_sdk.files import Picture, Taken
from plugin_sdk.forms import Submission, validate
from plugin_sdk.ports import Actor, Hub, Work
from plugin_sdk.times import SHANGHAI
from plugins.traffic.desk import desk_of
from plugins.traffic.reports.desk import ReportDesk
from plugins.traffic.reports.forms import ReportForm


class Told(msgspec.Struct, frozen=True):
    """A report that is acted out: filed so many days ago, an hour and a half after it happened."""

    by: str
    days_ago: float
    kind: str
    plate: str
    place: str
    acts: tuple[Act, ...] = ()


REPORTS: Final = (
    Told(
        *("resident", 4.0, "no_yield", "鲁M5H207", "富桥路学校门前"),
        (Act("accept", "officer", 20.0, {"reason": "照片能看清号牌和人行横道上的行人"}),),
    ),
    Told(
        *("resident", 3.0, "parking", "鲁M7K301", "金海五路农贸市场门前"),
        (Act("reject", "officer2", 6.0, {"reason": "照片里看不清号牌，补拍后可以再报"}),),
    ),
    Told("resident", 0.3, "line", "鲁M2B915", "中心路与银河五路路口"),
    Told("resident2", 0.299, "line", "鲁M2B915", "中心路银河五路"),
    Told("resident2", 0.2, "throwing", "鲁M6C028", "富源大街"),
)
BEFORE: Final = timedelta(minutes=90)
CROSSING: Final = (118.131, 37.698)
"""Longitude and latitude of a crossing in the county."""


async def demonstrate(hub: Hub, cast: Mapping[str, Actor]) -> AsyncIterator[ImportReport]:
    """Yield a report for each; one that was acted out before is left as it is."""
    desk = desk_of(hub).reports
    drawn = [await hub.files.draw(f"{n}.png", await _photo(n, one)) for n, one in told_all()]
    scenes = [
        _scene(desk, n, one, picture) for (n, one), picture in zip(told_all(), drawn, strict=True)
    ]
    async for report in rehearse(desk.engine, cast, scenes):
        yield report


def told_all() -> list[tuple[int, Told]]:
    """Return what is told, numbered."""
    return list(enumerate(REPORTS, 1))


def _scene(desk: ReportDesk, n: int, told: Told, picture: Picture) -> Scene:
    async def file(work: Work) -> Any:
        happened = (work.now - BEFORE).astimezone(SHANGHAI)
        form = validate(ReportForm, _values(told, happened))
        taken = msgspec.structs.replace(picture, taken=Taken(happened, *CROSSING))
        return await desk.file(work, Submission(form, None, pictures=(taken,)))

    key = f"report:{n}"
    return Scene(key=key, by=told.by, days_ago=told.days_ago, open=file, acts=told.acts)


def _values(told: Told, happened: datetime) -> dict[str, Any]:
    return {
        "kind": told.kind,
        "plate": told.plate,
        "place": told.place,
        "happened_on": happened.date(),
        "clock": f"{happened:%H:%M}",
    }


async def _photo(n: int, told: Told) -> bytes:
    return await asyncio.to_thread(_draw, n, told)


def _draw(n: int, told: Told) -> bytes:
    from PIL import Image, ImageDraw  # 100 ms of every start, for pictures alone

    picture = Image.new("RGB", (800, 600), (126, 142, 154))
    pen = ImageDraw.Draw(picture)
    pen.polygon([(260, 160), (540, 160), (800, 600), (0, 600)], fill=(62, 66, 70))
    for y in range(180, 600, 80):
        pen.rectangle((396, y, 404, y + 40), fill=(236, 236, 228))
    left, top = 220 + 40 * n, 250 + 12 * n
    pen.rectangle((left, top, left + 210, top + 130), fill=(40 * n % 200, 70, 120))
    pen.rectangle((left + 60, top + 92, left + 150, top + 116), fill=(11, 87, 164))
    pen.text((left + 76, top + 98), told.plate[1:], fill=(255, 255, 255))
    out = io.BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()

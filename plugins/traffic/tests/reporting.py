"""Reports under test: photos as a phone takes them, and residents who send them."""

import io
from random import Random
from typing import Any

from PIL import Image

from plugins.traffic.reports.desk import ReportDesk
from plugins.traffic.reports.evidence import Handing
from plugins.traffic.reports.models import Report
from plugins.traffic.tests.conftest import HERE, Town

CROSSING = (118.13, 37.51)
SEEN = {
    "kind": "red_light",
    "plate": "鲁M5H207",
    "happened_on": "2026-09-01",
    "clock": "08:40",
    "place": "富国路与中心路路口",
}


def photo(seed: int = 0, at: str | None = "2026:09:01 08:41:00", place: Any = None) -> bytes:
    """Return a photo in which the phone wrote when (Shanghai) and where it was taken."""
    exif = Image.Exif()
    if at is not None:
        exif.get_ifd(0x8769)[0x9003] = at
    if place is not None:
        exif.get_ifd(0x8825).update({1: "N", 2: (place[1], 0, 0), 3: "E", 4: (place[0], 0, 0)})
    out = io.BytesIO()
    seen = Image.frombytes("L", (64, 48), Random(seed).randbytes(64 * 48))
    seen.save(out, "JPEG", exif=exif)
    return out.getvalue()


class Reporters:
    """Those who report, and the officers, of one town."""

    def __init__(self, town: Town) -> None:
        self.town = town
        hub = town.desk.hub
        self.desk = ReportDesk(hub)
        self.handing = Handing(self.desk, town.desk.police.provider)

    async def send(self, by: str = "resident", *photos: bytes, **changed: Any) -> Any:
        client = await self.town.client(by)
        files = [("photos", (f"{client.role}-{n}.jpg", one)) for n, one in enumerate(photos)]
        values = {name: str(value) for name, value in {**SEEN, **changed}.items()}
        values["_csrf"] = client.csrf
        return await client.post(f"{HERE}/reports", data=values, files=files or None)

    async def report(self, by: str = "resident", *photos: bytes, **changed: Any) -> Any:
        answer = await self.send(by, *(photos or (photo(),)), **changed)
        assert answer.status_code == 201, answer.text
        return answer.json()["number"]

    async def act(
        self, number: str, verb: str, /, by: str = "officer", status: int = 200, **form: Any
    ) -> Any:
        version = (await self.row(number)).version
        path = f"/reports/{number}/{verb}"
        return await self.town.post(path, by, status, version=version, **form)

    async def row(self, number: str) -> Report:
        return next(row for row in await self.town.rows(Report) if row.number == number)

    async def states(self) -> dict[str, str]:
        return {row.number: row.state for row in await self.town.rows(Report)}

    async def work(self) -> None:
        """Let the hub do what it does by itself."""
        await self.handing.run(self.town.desk.hub.system("job reports"))

    async def messages(self, by: str) -> str:
        await self.town.hub.settle()
        return str((await (await self.town.client(by)).page("/messages")).text)

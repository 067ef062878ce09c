"""Two people and their vehicles after a collision, for tests."""

import io
from datetime import datetime, timedelta
from typing import Any

from PIL import Image
from sqlalchemy import select

from plugin_sdk.times import SHANGHAI

PLATES = {"resident": "鲁M8D136", "resident2": "鲁M5H207"}
EAST, NORTH = 118.0200, 37.3750
VIEWS = ("front", "rear", "contact", "plate_a", "plate_b", "licence")


def shot(at: datetime | None = None, north: float = NORTH, *, where: bool = True) -> bytes:
    """Return a photo as a phone takes it: with its time and place, or (`at` None) with nothing."""
    exif = Image.Exif()
    if at is not None:
        exif.get_ifd(0x8769)[0x9003] = f"{at.astimezone(SHANGHAI):%Y:%m:%d %H:%M:%S}"
    if at is not None and where:
        gps = exif.get_ifd(0x8825)
        gps[1], gps[2], gps[3], gps[4] = "N", (north, 0.0, 0.0), "E", (EAST, 0.0, 0.0)
    out = io.BytesIO()
    Image.new("RGB", (320, 240), (96, 102, 108)).save(out, "JPEG", exif=exif)
    return out.getvalue()


def report(now: datetime, **changed: Any) -> dict[str, Any]:
    """Return what the resident reports ten minutes after it happened."""
    at = now.astimezone(SHANGHAI) - timedelta(minutes=10)
    return {
        "stop": "none",
        "happened_on": f"{at:%Y-%m-%d}",
        "happened_time": f"{at:%H:%M}",
        "place": "黄河五路渤海七路路口东",
        "longitude": EAST,
        "latitude": NORTH,
        "plate": PLATES["resident"],
        "insurer": "鲁北财险",
        "other_plate": PLATES["resident2"],
        "collision": "rear",
        "weather": "clear",
        "road": "crossing",
        "what": "我车等红灯，被后车追尾，后保险杠损坏。",
        **changed,
    }


class Crash:
    """An accident as its two sides and the officers go through it."""

    def __init__(self, town: Any) -> None:
        self.town = town
        self.number = ""

    async def report(self, status: int = 201, **changed: Any) -> Any:
        sent = report(self.town.hub.clock(), **changed)
        answer = await self.town.post("/accidents", "resident", status, **sent)
        self.number = answer.get("number", self.number)
        return answer

    async def photo(
        self, view: str, by: str = "resident", status: int = 201, data: bytes | None = None
    ) -> Any:
        client = await self.town.client(by)
        at = f"/apps/traffic/accidents/{self.number}/photos/{view}"
        data = data if data is not None else shot(self.town.hub.clock())
        files = {"photo": ("p.jpg", data, "image/jpeg")}
        answer = await client.post(at, data={"_csrf": client.csrf}, files=files)
        assert answer.status_code == status, answer.text
        return answer.json()

    async def photos(self, **data: bytes) -> None:
        for view in VIEWS:
            await self.photo(view, data=data.get(view))

    async def invite(self, by: str = "resident", status: int = 201) -> str:
        answer = await self.town.post(f"/accidents/{self.number}/invite", by, status)
        return str(answer.get("code", ""))

    async def join(self, code: str, by: str = "resident2", status: int = 201, **more: Any) -> Any:
        form = {"code": code, "stop": "none", "plate": PLATES["resident2"], "insurer": "渤海财险"}
        return await self.town.post("/accidents/join", by, status, **{**form, **more})

    async def both(self, **data: bytes) -> None:
        """Bring it as far as that both sides see the statement."""
        await self.report()
        await self.photos(**data)
        await self.join(await self.invite())
        await self.photo("licence", "resident2")

    async def see(self, by: str = "resident", status: int = 200) -> Any:
        return await self.town.get(f"/accidents/{self.number}", by, status)

    async def agree(self, by: str, share: str, status: int = 200, statement: int = 1) -> Any:
        return await self.act("agree", by, status, share=share, statement=statement)

    async def act(self, verb: str, by: str, status: int = 200, **form: Any) -> Any:
        seen = await self.town.get(f"/accidents/{self.number}", by)
        form.setdefault("version", seen["version"])
        return await self.town.post(f"/accidents/{self.number}/{verb}", by, status, **form)


async def plain_rows(town: Any, model: Any) -> list[Any]:
    """Return the rows of a table that is in nobody's scope."""
    hub = town.desk.hub
    async with hub.read(hub.system("test")) as read:
        found = list((await read.session.execute(select(model))).scalars())
        read.session.expunge_all()
    return found

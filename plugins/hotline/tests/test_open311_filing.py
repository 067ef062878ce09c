"""Filing by an application: what a request costs before it is refused, and what is sent again."""

from core.files import images
from core.hub import app
from plugins.hotline.tests.conftest import Desk
from plugins.hotline.tests.test_filing import photo
from plugins.hotline.tests.test_open311 import PLACE, SERVICE, errors, granted, key, refusal
from plugins.hotline.tests.test_open311_published import V2


async def test_nothing_is_drawn_of_what_is_refused_anyway(make_hub, tmp_path, monkeypatch):
    desk = Desk(await make_hub(grants=granted(tmp_path, "open311_hourly = 1")))
    secret, visitor = await key(desk), desk.hub.client()
    drawn = []

    async def draw(data):
        drawn.append(1)
        return await images.reencode_async(data)

    monkeypatch.setattr(app, "reencode_async", draw)

    async def send(again="1", **more):
        return await visitor.post(
            f"{V2}/requests.json",
            data={"api_key": secret, "service_code": SERVICE, **PLACE, **more},
            files={"media": ("a.jpg", photo(), "image/jpeg")},
            headers={"idempotency-key": again},
        )

    for wrong in ({"lat": "95", "long": "118"}, {"phone": "1"}, {"again": "a b"}):
        assert errors(await send(**wrong), 400), wrong
    assert drawn == []
    assert (await send()).status_code == 200
    assert drawn == [1]
    late = await send()
    refusal(late, "open311.error.hourly", 429)
    assert int(late.headers["retry-after"]) > 0
    assert drawn == [1]

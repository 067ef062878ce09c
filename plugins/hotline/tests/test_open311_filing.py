"""Filing by an application: what a request costs before it is refused, and what is sent again."""

from core.files import images
from core.hub import app
from plugins.hotline.tests.conftest import HERE, Desk
from plugins.hotline.tests.open311_schemas import check
from plugins.hotline.tests.test_filing import photo
from plugins.hotline.tests.test_open311 import PLACE, SERVICE, errors, granted, key, post, refusal
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


async def test_what_is_sent_again_once_it_was_looked_at_is_what_its_token_stands_for(
    make_hub, tmp_path
):
    desk = Desk(await make_hub(grants=granted(tmp_path, "open311_screened = true")))
    secret, dispatcher = await key(desk), await desk.client("dispatcher")
    person = {"first_name": "秀英", "last_name": "王", "phone": "13800005678"}

    async def send(again, **more):
        headers = {"idempotency-key": again}
        return await post(desk, api_key=secret, headers=headers, **{**person, **more})

    async def decide(how, **form):
        (waiting,) = (await dispatcher.get(f"{HERE}/open311/filings")).json()["items"]
        assert (await dispatcher.post(waiting[f"{how}_href"], json=form)).status_code == 200

    (filed,) = (await send("1")).json()
    assert (await send("1")).json() == [filed]
    await decide("accept")
    known = await desk.hub.client().get(f"{V2}/tokens/{filed['token']}.json")
    (found,) = known.json()
    again = await send("1")
    check("filed", again.json())
    (one,) = again.json()
    assert one["service_request_id"] == found["service_request_id"]
    assert "token" not in one
    refusal(await send("1", description="别的"), "open311.error.key-reused", 400)
    assert (await dispatcher.get(f"{HERE}/open311/filings")).json()["items"] == []
    assert set((await send("2", description="井盖响")).json()[0]) == {"token"}
    await decide("refuse", reason="测试数据")
    for more in ({"description": "井盖响"}, {}):
        refusal(await send("2", **more), "open311.error.filing-refused", 400)
    assert set((await send("3", description="井盖响")).json()[0]) == {"token"}

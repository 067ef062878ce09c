"""Two Open311 clients from PyPI, as they are, against a served hub: they read and file.

civicbot reads and files, in JSON; georeport reads, in JSON and in XML.
"""

import asyncio

import pytest
from civicbot.http import HttpError, HttpTransport, RateLimiter
from civicbot.open311 import Open311Client
from civicbot.registry import Endpoint
from georeport import GeoReport

from plugins.hotline.open311.services import services
from plugins.hotline.tests.conftest import HERE, LIGHTS, Desk
from plugins.hotline.tests.test_open311 import SERVICE, key
from plugins.hotline.tests.test_open311_published import moderate


async def away(call, *args, **more):
    """Call a client that waits for its answers, while the hub in this process gives them."""
    return await asyncio.to_thread(call, *args, **more)


def civicbot_of(hub):
    endpoint = Endpoint(
        id="zhanhua", name="沾化区", base_url=f"{hub.url}{HERE}/open311/v2", write=True
    )
    transport = HttpTransport(rate_limiter=RateLimiter(min_interval=0.0))
    return Open311Client(endpoint, transport, jurisdiction_id="127.0.0.1")


async def test_unchanged_clients_file_and_read(served_hub):
    desk, bot = Desk(served_hub), civicbot_of(served_hub)
    with pytest.raises(HttpError) as wrong:
        await away(
            bot.create_request,
            SERVICE,
            dry_run=False,
            confirm="SEND",
            api_key="o311_wrong",
            address_string="文化路",
        )
    assert wrong.value.status == 403
    assert '"code":403' in wrong.value.body
    sent = await away(
        bot.create_request,
        SERVICE,
        dry_run=False,
        confirm="SEND",
        api_key=await key(desk),
        validate_remote=True,  # against our own services and definition
        lat=37.69,
        lng=118.13,
        address_string="文化路",
        description="路灯不亮\n连着五盏",
        attributes={"kind": "complain", "public": "yes"},
    )
    number = sent.response[0]["service_request_id"]
    assert LIGHTS in str((await desk.see(number))["summary"])
    assert await away(bot.list_requests) == []
    answer = await moderate(desk, number, text="路灯不亮\n连着五盏", address="文化路")
    assert answer.status_code == 200
    found = await away(bot.get_request, number)
    assert found["description"] == "路灯不亮\n连着五盏"
    assert found["status"] == "open"
    assert [one["service_request_id"] for one in await away(bot.list_requests, status="open")] == [
        number
    ]
    assert await away(bot.list_requests, service_code=SERVICE, page_size=1) == [found]
    for format in ("json", "xml"):
        reader = GeoReport(f"{served_hub.url}{HERE}/open311/v2/", output_format=format)
        offered = await away(reader.get_service_list)
        assert len(offered) == len(services())
        assert SERVICE in {one["service_code"] for one in offered}
        assert await away(reader.get_service_definition, SERVICE)
        one = await away(reader.get_service_request, number)
        assert one["description"] == "路灯不亮\n连着五盏"
        many = await away(reader.get_service_requests, service_request_id=number)
        assert one in (many if format == "json" else [many])
    await desk.act(number, "keep-secret", "operator")
    assert await away(bot.list_requests) == []
    with pytest.raises(HttpError) as gone:
        await away(bot.get_request, number)
    assert gone.value.status == 404

"""GeoReport v2 by the letter: discovery, services, filing, tokens, lists, errors."""

import asyncio
import re
import tomllib
from datetime import timedelta
from typing import Any
from xml.etree import ElementTree

import pytest
from sqlalchemy import select
from sqlmodel import col

from core.hub.models import RequestRecord
from plugins.hotline.desk import desk_of
from plugins.hotline.open311.models import Open311Filing
from plugins.hotline.open311.services import services
from plugins.hotline.tests.conftest import HERE, LIGHTS
from plugins.hotline.tests.open311_schemas import check
from plugins.hotline.tests.test_filing import photo
from plugins.hotline.tests.test_open311_published import V2, listed, moderate, publish
from plugins.hotline.tests.test_words import APP

SERVICE = next(code for code, one in services().items() if one.category == LIGHTS)
WORDS = tomllib.loads((APP / "open311" / "locale.toml").read_text("utf-8"))["open311"]["error"]
PLACE = {"address_string": "文化路与金海三路路口"}


async def key(desk, **form):
    """Return a new key, as its page shows it this once."""
    values = {"name": "随手拍小程序", "contact": "开发组 0543-7312345", **form}
    answer = await (await desk.client("dispatcher")).post(f"{HERE}/open311/keys", json=values)
    assert answer.status_code == 201, answer.text
    secret = answer.json()["secret"]
    assert secret
    return secret


async def post(desk, format="json", headers=None, **values):
    values = {"service_code": SERVICE, "description": "路灯不亮", **PLACE, **values}
    sent = {name: value for name, value in values.items() if value is not None}
    return await desk.hub.client().post(f"{V2}/requests.{format}", data=sent, headers=headers)


def errors(answer, status):
    """Return what an answer says is wrong, in either format."""
    assert answer.status_code == status, answer.text
    if answer.headers["content-type"] == "application/json; charset=utf-8":
        assert {one["code"] for one in answer.json()} == {status}
        return [one["description"] for one in answer.json()]
    assert answer.headers["content-type"] == "text/xml; charset=utf-8"
    root = tree(answer)
    assert root.tag == "errors"
    assert {one.findtext("code") for one in root} == {str(status)}
    return [one.findtext("description") for one in root]


def tree(answer):
    assert answer.content.startswith(b'<?xml version="1.0" encoding="utf-8"?>')
    return ElementTree.fromstring(answer.content)


def refusal(answer, name, status):
    """Return what an answer says is wrong, of which one is said in the words of a name."""
    said, words = errors(answer, status), WORDS[name.removeprefix("open311.error.")]["zh"]
    sentence = re.sub(r"\\{\w+\\}", ".*", re.escape(words))
    assert any(re.fullmatch(sentence, one) for one in said), (name, said)
    return said


async def test_discovery_services_and_definitions_in_both_formats(desk):
    visitor = desk.hub.client()
    found = (await visitor.get(f"{V2}/discovery.json")).json()
    (endpoint,) = found["endpoints"]
    for path in ("discovery.json", "services.xml", "requests.json", "nothing.json"):
        read = await visitor.get(f"{V2}/{path}")  # by a page of another site, nobody's session
        assert read.headers["access-control-allow-origin"] == "*"
    assert endpoint["specification"] == "http://wiki.open311.org/GeoReport_v2"
    assert endpoint["url"] == "http://127.0.0.1/apps/hotline/open311/v2"
    assert endpoint["formats"] == ["text/xml", "application/json"]
    root = tree(await visitor.get(f"{V2}/discovery.xml"))
    assert [one.text for one in root.find("endpoints/endpoint/formats")] == endpoint["formats"]
    offered = (await visitor.get(f"{V2}/services.json")).json()
    check("services", offered)
    assert len(offered) == len({one["service_code"] for one in offered}) == len(services())
    root = tree(await visitor.get(f"{V2}/services.xml"))
    assert [one.findtext("service_code") for one in root.iter("service")] == [
        one["service_code"] for one in offered
    ]
    assert {one.findtext("metadata") for one in root} == {"true"}
    definition = (await visitor.get(f"{V2}/services/{SERVICE}.json")).json()
    check("service-definition", definition)
    assert [one["code"] for one in definition["attributes"]] == ["kind", "public"]
    assert "report" not in str(definition)
    root = tree(await visitor.get(f"{V2}/services/{SERVICE}.xml"))
    assert root.tag == "service_definition"
    assert [one.text for one in root.iter("key")][-2:] == ["no", "yes"]


async def test_what_an_application_files_is_an_order(desk):
    secret = await key(desk)
    answer = await post(
        desk,
        api_key=secret,
        lat="37.69",
        long="118.13",
        first_name="秀英",
        last_name="王",
        phone="13800005678",
        email="x@example.com",
        media_url="https://example.com/a.jpg",
        jurisdiction_id="127.0.0.1",
        **{"attribute[kind]": "complain", "attribute[public]": "yes"},
    )
    assert answer.status_code == 200, answer.text
    check("filed", answer.json())
    (filed,) = answer.json()
    number = filed["service_request_id"]
    assert "token" not in filed
    seen = await desk.see(number)
    said = str(seen["summary"])
    for words in ("路灯不亮", "https://example.com/a.jpg", "文化路", "complain", "王*英", LIGHTS):
        assert words in said, words
    assert "x@example.com" not in str(seen)
    assert await listed(desk) == []
    assert (await moderate(desk, number, show_position=True)).status_code == 200
    assert await listed(desk, service_code=SERVICE) == [number]
    answer = await desk.hub.client().get(f"{V2}/requests.json?extensions=true")
    check("requests", answer.json())
    (one,) = answer.json()
    assert (one["lat"], one["long"]) == (37.69, 118.13)
    assert one["extended_attributes"]["channel"] == "open311"
    root = tree(await desk.hub.client().get(f"{V2}/requests/{number}.xml"))
    assert root.tag == "service_requests"
    assert root.findtext("request/lat") == "37.69"
    private = await post(desk, "xml", api_key=secret)
    number = tree(private).findtext("request/service_request_id")
    assert "publicize" not in str(await desk.see(number))
    assert await listed(desk, service_request_id=number) == []


@pytest.mark.parametrize("format", ["json", "xml"])
async def test_what_cannot_be_taken_is_refused_by_the_protocols_statuses(desk, format):
    secret = await key(desk)

    async def refused(name, status, **values):
        answer = await post(desk, format, **{"api_key": secret, **values})
        return refusal(answer, name, status)

    assert "address_id" in (await refused("open311.error.no-place", 400, address_string=None))[0]
    empty = {"address_string": " ", "lat": "", "long": ""}  # it is not given
    await refused("open311.error.no-place", 400, **empty)
    await refused("open311.error.half-place", 400, lat="37.6")
    for lat, long in (("abc", "1"), ("91", "1"), ("nan", "nan")):
        await refused("open311.error.field", 400, lat=lat, long=long)
    await refused("open311.error.address-id", 400, address_id="999999999")
    await refused("open311.error.no-service", 400, service_code=None)
    await refused("open311.error.service", 404, service_code="nothing")
    await refused("open311.error.jurisdiction", 404, jurisdiction_id="elsewhere.example")
    await refused("open311.error.no-key", 403, api_key=None)
    await refused("open311.error.key", 403, api_key="o311_wrong")
    await refused("open311.error.long", 400, description="长" * 4001)
    await refused("open311.error.name", 400, first_name="长" * 101)
    assert errors(await post(desk, api_key=secret, first_name="a\0"), 400)
    await refused("open311.error.field", 400, phone="12")
    await refused("open311.error.media", 400, media_url="javascript:alert(1)")
    await refused("open311.error.value", 400, **{"attribute[kind]": "report"})
    await refused("open311.error.attribute", 400, **{"attribute[nothing]": "1"})
    await refused("open311.error.field", 400, description="a\x00b")
    await refused("open311.error.idempotency-key", 400, headers={"idempotency-key": "a b"})
    both = {"service_code": None, "address_string": None}
    assert len(await refused("open311.error.no-place", 400, **both)) == 2
    other = await desk.hub.client().post(
        f"{V2}/requests.{format}", json={"api_key": secret, "service_code": SERVICE}
    )
    refusal(other, "open311.error.content-type", 400)
    assert (await (await desk.client("dispatcher")).get(f"{HERE}/orders")).json()["items"] == []


@pytest.mark.parametrize("format", ["json", "xml"])
async def test_what_is_asked_wrongly_is_refused_too(desk, format):
    visitor = desk.hub.client()

    async def refused(name, code, path, **params):
        return refusal(await visitor.get(f"{V2}/{path}", params=params), name, code)

    requests = f"requests.{format}"
    day = "2026-01-01T00:00:00Z"
    long = {"start_date": day, "end_date": "2026-04-01T00:00:01Z"}
    assert "90" in (await refused("open311.error.range-span", 400, requests, **long))[0]
    turned = {"start_date": day, "end_date": "2025-12-31T00:00:00Z"}
    await refused("open311.error.range-order", 400, requests, **turned)
    await refused("open311.error.date", 400, requests, start_date="2026-01-01T00:00:00")  # no zone
    await refused("open311.error.date", 400, requests, end_date="yesterday")
    await refused("open311.error.date", 400, requests, end_date="0001-01-01T00:00:00Z")
    await refused("open311.error.status", 400, requests, status="lost")
    await refused("open311.error.service", 404, requests, service_code=f"{SERVICE},nothing")
    await refused("open311.error.number", 400, requests, page="0")
    await refused("open311.error.number", 400, requests, page_size="1001")
    await refused("open311.error.too-deep", 400, requests, page="99999", page_size="1000")
    many = ",".join(map(str, range(1001)))
    await refused("open311.error.too-many-ids", 400, requests, service_request_id=many)
    await refused("open311.error.jurisdiction", 404, requests, jurisdiction_id="elsewhere.example")
    for name, code, path in (
        ("open311.error.service", 404, "services/nothing"),
        ("open311.error.request", 404, "requests/209901010001"),
        ("open311.error.token", 404, "tokens/nothing"),
        ("open311.error.resource", 404, "nothing"),
        ("open311.error.no-service", 400, "services/"),
        ("open311.error.no-request", 400, "requests/"),
        ("open311.error.no-token", 400, "tokens/"),
    ):
        await refused(name, code, f"{path}.{format}")
    for path in ("services.yaml", f"services/{SERVICE}", f"requests/1.{format}x"):
        await refused("open311.error.format", 404, path)
    exactly = {"start_date": day, "end_date": "2026-04-01T00:00:00Z", "jurisdiction_id": ""}
    assert (await visitor.get(f"{V2}/{requests}", params=exactly)).status_code == 200
    local = {"start_date": "2026-01-01T00:00:00 08:00"}  # a plus that was not encoded
    assert (await visitor.get(f"{V2}/{requests}", params=local)).status_code == 200


async def test_ids_override_every_other_argument(desk):
    number = await publish(desk)
    wrong = {"start_date": "yesterday", "status": "lost", "service_code": "nothing", "page": "0"}
    for more in (wrong, {"status": "closed", "page": "9", "end_date": "2020-01-01T00:00:00Z"}):
        assert await listed(desk, service_request_id=f" ,{number},", **more) == [number]


async def test_photos_come_with_a_form_in_parts(desk):
    secret, visitor = await key(desk), desk.hub.client()
    town = (await desk_of(desk.hub.hub.apps.hubs["hotline"]).regions())[-1].code

    async def send(*files, **more):
        values = {"api_key": secret, "service_code": SERVICE, "address_id": town, **more}
        parts: list[Any] = [
            (name, (f"{n}.jpg", data, "image/jpeg")) for n, (name, data) in enumerate(files)
        ]
        parts.append(("attribute[public][]", (None, "yes")))  # a part without a file's name
        return await visitor.post(f"{V2}/requests.xml", data=values, files=parts)

    assert errors(await send(("media", b"no picture")), 400)[0].startswith("media")
    refusal(await send(*[("media[]", photo())] * 6), "open311.error.media-many", 400)
    assert (await (await desk.client("dispatcher")).get(f"{HERE}/orders")).json()["items"] == []
    answer = await send(("media", photo()), ("media[]", photo()), description="路灯不亮")
    number = tree(answer).findtext("request/service_request_id")
    assert len((await desk.see(number))["attachments"]) == 2
    assert (await moderate(desk, number, photo_1=True)).status_code == 200
    (one,) = (await visitor.get(f"{V2}/requests/{number}.json")).json()
    assert one["address_id"] == town  # as it was sent
    seen = await visitor.get(one["media_url"])
    assert (seen.status_code, seen.headers["access-control-allow-origin"]) == (200, "*")


async def test_hostile_text_stays_text_in_xml(desk):
    text = "<script>alert(1)</script> & ]]> “路灯”"
    number = (await desk.file(wishes_public=True, text=text))["number"]
    assert (await moderate(desk, number, text=text)).status_code == 200
    answer = await desk.hub.client().get(f"{V2}/requests.xml")
    assert tree(answer).findtext("request/description") == text
    assert b"<script>" not in answer.content
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_what_is_sent_again_under_its_key_is_the_same_order(desk):
    secret = await key(desk)
    headers = {"idempotency-key": "a-key-of-this-test"}
    answers = await asyncio.gather(*(post(desk, api_key=secret, headers=headers) for _ in range(8)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()[0]["service_request_id"] for answer in answers}) == 1
    changed = {"description": "另一件事", "address_string": "别处", "phone": "13800005678"}
    for name, value in changed.items():
        other = await post(desk, api_key=secret, headers=headers, **{name: value})
        refusal(other, "open311.error.key-reused", 400)
    another = await post(desk, api_key=await key(desk), headers=headers)
    assert another.json()[0]["service_request_id"] != answers[0].json()[0]["service_request_id"]


async def test_keys_are_kept_as_digests_and_end_at_once(desk):
    secret = await key(desk)
    dispatcher = await desk.client("dispatcher")
    shown = await dispatcher.get(f"{HERE}/open311/keys")
    assert secret not in shown.text
    (one,) = shown.json()["items"]
    assert one["hint"] == secret[-4:]
    assert (await post(desk, api_key=secret)).status_code == 200
    assert (await dispatcher.post(one["revoke_href"], json={})).status_code == 200
    assert errors(await post(desk, api_key=secret), 403)
    async with desk.hub.services.database.transaction() as tx:
        answers = await tx.session.execute(select(col(RequestRecord.answer)))
        assert secret not in str(answers.all())


async def test_one_application_and_one_network_do_not_drown_the_rest(make_hub, tmp_path):
    from plugins.hotline.tests.conftest import Desk

    desk = Desk(await make_hub(grants=granted(tmp_path, "open311_hourly = 1\nopen311_reads = 3")))
    secret = await key(desk)
    assert (await post(desk, api_key=secret)).status_code == 200
    late = await post(desk, api_key=secret)
    refusal(late, "open311.error.hourly", 429)
    assert int(late.headers["retry-after"]) > 0
    assert (await post(desk, api_key=await key(desk))).status_code == 200
    visitor = desk.hub.client()
    said = [(await visitor.get(f"{V2}/requests.json")).status_code for _ in range(5)]
    assert said == [200, 200, 200, 429, 429]
    desk.hub.clock.move(hours=1)
    assert (await post(desk, api_key=secret)).status_code == 200


def granted(tmp_path, settings):
    """Return a folder with the hotline's grant and more of its settings."""
    from portal.testing.hub import ROOT

    folder = tmp_path / "granted"
    folder.mkdir()
    own = (ROOT / "manifests" / "hotline.toml").read_text("utf-8")
    assert "[settings]" not in own
    (folder / "hotline.toml").write_text(f"{own}\n[settings]\n{settings}\n", "utf-8")
    return folder


async def test_where_the_county_looks_first_a_token_stands_for_what_was_filed(make_hub, tmp_path):
    from plugins.hotline.tests.conftest import Desk

    desk = Desk(await make_hub(grants=granted(tmp_path, "open311_screened = true")))
    secret = await key(desk)
    visitor = desk.hub.client()
    assert {one["type"] for one in (await visitor.get(f"{V2}/services.json")).json()} == {"batch"}
    headers = {"idempotency-key": "a-key-of-this-test"}
    person = {"first_name": "秀英", "last_name": "王", "phone": "13800005678"}
    answer = await post(desk, api_key=secret, headers=headers, **person)
    check("filed", answer.json())
    (filed,) = answer.json()
    token = filed["token"]
    assert set(filed) == {"token"}
    assert (await post(desk, api_key=secret, headers=headers, **person)).json() == [filed]
    assert errors(await post(desk, api_key=secret, headers=headers, description="别的"), 400)
    values = {"api_key": secret, "service_code": SERVICE, **PLACE}
    files = {"media": ("a.jpg", photo(), "image/jpeg")}  # would lie there unseen
    sent = await visitor.post(f"{V2}/requests.json", data=values, files=files)
    refusal(sent, "open311.error.media-screened", 400)
    early = await visitor.get(f"{V2}/tokens/{token}.json")  # before its order exists
    assert early.status_code == 200
    assert early.json() == [{"token": token}]
    check("filed", early.json())
    dispatcher = await desk.client("dispatcher")
    (waiting,) = (await dispatcher.get(f"{HERE}/open311/filings")).json()["items"]
    assert "13800005678" not in str(waiting)
    assert waiting["by"] == "随手拍小程序"
    answers = await asyncio.gather(
        *(dispatcher.post(waiting["accept_href"], json={}) for _ in range(2))
    )
    assert sorted(one.status_code for one in answers) == [200, 409]
    again = await dispatcher.post(waiting["accept_href"], json={})
    assert again.json()["type"].endswith("hotline.filing-decided")
    (found,) = (await visitor.get(f"{V2}/tokens/{token}.json")).json()
    number = found["service_request_id"]
    assert "路灯不亮" in str((await desk.see(number))["summary"])
    root = tree(await visitor.get(f"{V2}/tokens/{token}.xml"))
    assert root.findtext("request/service_request_id") == number
    assert root.findtext("request/token") == token
    hub = desk.hub.hub.apps.hubs["hotline"]
    async with hub.read(hub.system("test")) as read:
        columns = (col(Open311Filing.sent), col(Open311Filing.caller_name))
        rows = (await read.session.execute(read.rows(Open311Filing, *columns))).all()
        assert rows == [({}, "")]
    again = (await post(desk, api_key=secret)).json()[0]["token"]
    (waiting,) = (await dispatcher.get(f"{HERE}/open311/filings")).json()["items"]
    assert (await dispatcher.get(waiting["refuse_href"])).status_code == 200
    refused = await dispatcher.post(waiting["refuse_href"], json={"reason": "测试数据"})
    assert refused.status_code == 200
    assert errors(await visitor.get(f"{V2}/tokens/{again}.json"), 404)


async def test_a_request_keeps_its_time_with_its_zone(desk):
    number = await publish(desk)
    (one,) = (await desk.hub.client().get(f"{V2}/requests/{number}.json")).json()
    assert one["requested_datetime"][-6:] == "+08:00"
    now = desk.hub.clock()
    moment = (now - timedelta(minutes=5)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert await listed(desk, start_date=moment) == [number]

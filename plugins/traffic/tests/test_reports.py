"""随手拍: what photos say against a report, one violation reported by many, the reporter hidden."""

import asyncio
from collections import Counter

import pytest

from core.identity.register import set_number
from plugins.traffic.demonstration import NUMBERS
from plugins.traffic.handed import Ruling
from plugins.traffic.reports import evidence
from plugins.traffic.reports.models import Report, ReportPhoto
from plugins.traffic.tests.conftest import HERE
from plugins.traffic.tests.reporting import CROSSING, Reporters, photo

OTHERS = "鲁M5H207"
EMBEDDED = pytest.mark.parametrize("engine_kind", ["embedded"], indirect=True)


@pytest.fixture
def reporters(town):
    return Reporters(town)


def codes(answer):
    assert answer.status_code == 422, answer.text
    errors = answer.json()["errors"]
    return {error["field"]: error["code"].rpartition(".")[2] for error in errors}


@EMBEDDED
async def test_photos_that_contradict_the_report_are_refused_with_a_sentence(reporters):
    east, north = CROSSING
    here = {"longitude": east, "latitude": north}
    for photos, changed, wrong in (
        ((), {}, {"photos": "photo-missing"}),
        ((photo(at="2026:08:28 08:41:00"),), {}, {"photos": "photo-old"}),
        ((photo(at="2026:09:01 07:00:00"),), {}, {"photos": "photo-time"}),
        ((photo(place=(119, 37)),), here, {"photos": "photo-place"}),
        ((photo(place=(119, 37)), photo(1, place=(118, 37))), {}, {"photos": "photos-apart"}),
        ((photo(), photo()), {}, {"photos": "photo-twice"}),
        ((photo(at=None),), {"clock": "09:01"}, {"happened_on": "in-the-future"}),
        ((photo(at=None),), {"happened_on": "2026-08-28"}, {"happened_on": "report-old"}),
        ((photo(),), {"plate": "齐M12345"}, {"plate": "plate-region"}),
        ((photo(),), {"kind": "gossip"}, {"kind": "choice"}),
        ((photo(),), {"clock": "25:00"}, {"clock": "wrong"}),
        ((photo(),), {"place": "找 11010519491231002X"}, {"place": "identity-number"}),
        ((photo(),), {"longitude": east}, {"latitude": "missing"}),
        ((b"GIF89a",), {}, {"photos": "picture-kind"}),
    ):
        assert codes(await reporters.send("resident", *photos, **changed)) == wrong, changed
    assert await reporters.town.rows(Report) == []
    assert await reporters.town.rows(ReportPhoto) == []
    page = await (await reporters.town.client("resident")).page(f"{HERE}/reports/new")
    assert "车主看得到地点" in page.text
    assert "照片自带的时间" in page.text
    number = await reporters.report("resident", photo(at=None))
    assert (await reporters.row(number)).remarks == ["bare"]
    seen = await reporters.town.get(f"/reports/{number}", "officer")
    said = {fact["label"]["key"].rpartition(".")[2] for fact in seen["summary"]}
    assert "remark" in said


async def test_a_report_becomes_a_record_of_the_police_without_its_reporter(reporters):
    town, secret = reporters.town, "周晓岚"
    me = "13905430001"
    said = {"place": f"富国路路口，电话{me}", "text": f"我是{me}"}
    number = await reporters.report("resident", photo(place=(118, 37)), **said)
    kept = await reporters.row(number)
    assert not any(me in text for text in (kept.title, kept.place, kept.text))
    assert kept.place.endswith("139****0001")
    for by, status in ((None, 401), ("resident2", 404), ("clerk", 404)):
        await town.get(f"/reports/{number}", by, status)
    await reporters.act(number, "accept", "resident", 403)
    await reporters.act(number, "accept", "brigade", 403)
    town.source.switch(away=True)
    await reporters.act(number, "accept")
    await reporters.act(number, "accept", status=409)
    await reporters.work()
    assert await reporters.states() == {number: "accepted"}, "it waits for the source"
    await reporters.act(number, "record", status=404)  # the hub does it by itself
    town.source.switch()
    await asyncio.gather(reporters.work(), reporters.work())
    row = await reporters.row(number)
    assert (row.state, row.recorded_as) == ("recorded", "3716032026000001")
    assert "已录入" in await reporters.messages("resident")
    # whose vehicle it is finds it among their violations, with the picture and nothing more
    await town.prove("resident2")
    await town.post("/vehicles", "resident2", 201, plate=OTHERS, vin_tail="234567")
    found = await town.get(f"/violations/{row.recorded_as}", "resident2")
    picture = await town.get(found["pictures"][0].removeprefix(HERE), "resident2")
    assert picture.headers["content-type"] == "image/jpeg"
    assert b"Exif" not in picture.content
    for text in (str(found), await reporters.messages("resident2")):
        assert secret not in text
        assert me not in text
        assert number not in text
    for path, status in (("", 404), ("/filed", 404), ("/accept", 403), ("/reveal", 403)):
        await town.get(f"/reports/{number}{path}", "resident2", status)
    listed = await town.get("/reports", "resident2")
    assert listed["items"] == []
    for client in ("resident2", "officer"):
        for address in (f"/search?q={OTHERS[1:]}", "/me/record", f"{HERE}/reports.csv"):
            page = await (await town.client(client)).page(address)
            assert secret not in page.text, address


async def test_an_officer_sees_the_reporter_only_for_a_reason_that_is_recorded(reporters):
    town, secret = reporters.town, "周晓岚"
    number = await reporters.report()
    officer = await town.client("officer")
    for path in ("", "/accept", "/reject"):
        page = await officer.page(f"{HERE}/reports/{number}{path}")
        assert page.status_code == 200
        assert secret not in page.text
    seen = await town.get(f"/reports/{number}", "officer")
    assert secret not in str(seen)
    assert [one["name"] for one in seen["attachments"]] == ["1.jpg"], "not what the phone called it"
    assert {(one["role"], one["unit"]) for one in seen["timeline"]} == {("", "")}
    await town.post(f"/reports/{number}/reveal", "brigade", 403, reason="想看看")
    await town.post(f"/reports/{number}/reveal", "officer", 422)
    shown = await town.post(f"/reports/{number}/reveal", "officer", reason="照片不清，需要回访")
    assert secret in str(shown["summary"][0])
    # the officer's own vehicle: they see nothing more of it, decide nothing, and ask for nothing
    services, cast = town.hub.services, await town.hub.actors()
    async with services.database.transaction(write=True) as tx:
        tx_number = NUMBERS["resident2"]
        await set_number(tx, services.numbers, cast["officer2"].person_id, tx_number, seen=True)
    await own_vehicle(town, cast["officer2"], OTHERS)
    for path in ("", "/accept", "/reject", "/same"):
        await town.get(f"/reports/{number}{path}", "officer2", 404)
    for by, seen in (("officer", True), ("officer2", False)):
        reader = await town.client(by)
        for path in ("/reports", "/reports.csv", "/queue"):
            page = await reader.page(f"{HERE}{path}")
            assert (number in page.text) is seen, path
        found = await reader.page("/search?q=5H207")
        assert ("富国路" in found.text) is seen
        home = await reader.page("/")
        assert home.status_code == 200
        assert seen or "富国路" not in home.text
        assert seen or "5H207" not in home.text
    await town.post(f"/reports/{number}/reveal", "officer2", 404, reason="是谁")
    await reporters.act(number, "accept", "officer2", 404)
    await reporters.act(number, "reject", "officer2", 404, reason="不是我")
    # nor does it help that the vehicle is taken off: it was theirs when it happened
    await town.post("/release", "officer", plate=OTHERS, reason="核对行驶证，车辆已过户")
    await town.get(f"/reports/{number}", "officer2", 404)
    await town.post(f"/reports/{number}/reveal", "officer2", 404, reason="是谁")
    await reporters.act(number, "reject", "officer2", 404, reason="不是我")
    # and an officer who reports decides nothing of it; what their post is stands nowhere
    mine = await reporters.report("officer", photo(2), plate="鲁M8D136")
    await reporters.act(mine, "accept", "officer", 403)
    stale = await town.post(f"/reports/{mine}/accept", "officer2", 409, version=2)
    assert "民警" not in stale["detail"]
    seen = await town.get(f"/reports/{mine}", "officer2")
    assert {(one["role"], one["unit"]) for one in seen["timeline"]} == {("", "")}
    await reporters.act(mine, "accept", "officer2")


async def own_vehicle(town, actor, plate):
    from plugins.traffic.models import OwnVehicle

    hub = town.desk.hub
    async with hub.work(hub.system("test")) as work:
        row = OwnVehicle(
            organization_id=actor.organization_id,
            person_id=actor.person_id,
            plate=plate,
            owner_index="of a test",
            bound_at=work.now,
        )
        await work.add(row, placed=True)


async def test_one_violation_reported_by_many_is_one(reporters):
    town = reporters.town
    sent = await asyncio.gather(
        *(reporters.send("resident", photo(n), clock="08:40") for n in range(3)),
        *(reporters.send("resident2", photo(n), clock="08:45") for n in range(3, 6)),
    )
    assert Counter(answer.status_code for answer in sent) == {201: 2, 409: 4}, "one a person"
    refused = {answer.json()["type"] for answer in sent if answer.status_code == 409}
    assert [one.rpartition(".")[2] for one in refused] == ["report-twice"]
    first = next(row.number for row in await town.rows(Report) if row.state == "filed")
    second = next(row.number for row in await town.rows(Report) if row.state == "joined")
    # a photo again: one's own is refused, of another's the officer is told
    by = "resident" if (await reporters.row(first)).happened_at.minute == 40 else "resident2"
    other = "resident2" if by == "resident" else "resident"
    used = [n for n in range(6) if sent[n].status_code == 201]
    own, theirs = used if by == "resident" else reversed(used)
    again = await reporters.send(by, photo(own), plate="鲁M00001")
    assert again.json()["type"].endswith("report-photo-used")
    seen = await reporters.report(by, photo(theirs), plate="鲁M00002")
    assert (await reporters.row(seen)).remarks == ["no-place", "seen"]
    # elsewhere, or of another kind, it is another
    east, north = CROSSING
    here = {"kind": "line", "longitude": east, "latitude": north}
    far = await reporters.report(by, photo(7), **here)
    apart = await reporters.report(other, photo(8), **{**here, "longitude": east + 0.05})
    assert {(await reporters.states())[one] for one in (far, apart)} == {"filed"}
    # an officer joins two by hand, but not those of two vehicles, nor one with itself
    for wrong in (seen, far, "nothing"):
        await reporters.act(far, "same", status=422, number=wrong)
    await reporters.act(apart, "same", number=far)
    assert (await reporters.row(apart)).same_as == (await reporters.row(far)).id
    # the first is rejected: the second is looked at in its place, and both ends are shared
    await reporters.act(first, "reject", reason="照片看不清号牌")
    await reporters.work()
    assert (await reporters.states())[second] == "filed"
    await reporters.act(second, "accept")
    await reporters.act(far, "accept")
    await reporters.work()
    states = await reporters.states()
    ends = ["rejected", "recorded", "recorded", "recorded"]
    assert [states[one] for one in (first, second, far, apart)] == ends
    assert "点开看原因" in await reporters.messages(by)


async def test_what_the_police_do_not_know_goes_back_and_nobody_reports_without_end(reporters):
    town = reporters.town
    unknown = await reporters.report("resident", photo(50), plate="鲁M00000")
    await reporters.act(unknown, "accept")
    await reporters.work()
    assert await reporters.states() == {unknown: "filed"}
    seen = await town.get(f"/reports/{unknown}", "officer")
    assert "没有这个号牌" in seen["timeline"][0]["reason"]
    assert seen["deadline"]["kind"] == "days_left"
    own = await town.get(f"/reports/{unknown}")
    assert "没有这个号牌" not in str(own["timeline"]), (
        "what goes on between officers and the source"
    )
    sent = await asyncio.gather(
        *(reporters.send("resident", photo(n), plate=f"鲁M100{n:02}") for n in range(14))
    )
    assert Counter(answer.status_code for answer in sent) == {201: 9, 409: 5}
    refused = next(answer.json() for answer in sent if answer.status_code == 409)
    assert refused["type"].endswith("report-too-often")
    town.later(days=1)
    next_day = {"happened_on": "2026-09-02", "clock": "07:00"}
    await reporters.report("resident", photo(60, at=None), **next_day)
    figures = await town.get("/figures", "brigade")
    cards = {card["label"]["key"]: card["value"] for card in figures["cards"] if card["label"]}
    assert cards["traffic.figure.reported.label"] == 11
    await town.get("/reports/figures", "brigade")


@EMBEDDED
async def test_what_the_source_says_amiss_keeps_no_other_report_waiting(reporters, monkeypatch):
    monkeypatch.setattr(evidence, "BATCH", 2)
    said = {
        "鲁M10001": Ruling(number="9" * 33),
        "鲁M10002": Ruling(),
        "鲁M10003": Ruling(refused="word-of-tomorrow"),
        "鲁M10004": Ruling(number="3716032026000009"),
    }
    numbers = {}
    for n, plate in enumerate(said):
        numbers[plate] = await reporters.report("resident", photo(n), plate=plate)
        await reporters.act(numbers[plate], "accept")

    class Source:
        async def record(self, evidence):
            return said[evidence.plate]

    reporters.handing.provider = Source()
    await reporters.work()
    assert set((await reporters.states()).values()) == {"accepted"}
    await reporters.work()
    states = await reporters.states()
    ends = {plate: states[number] for plate, number in numbers.items()}
    assert list(ends.values()) == ["accepted", "accepted", "filed", "recorded"]
    seen = await reporters.town.get(f"/reports/{numbers['鲁M10003']}", "officer")
    assert "没有收下" in seen["timeline"][0]["reason"]
    said["鲁M10001"] = Ruling(number="3716032026000010")
    await reporters.work()
    assert (await reporters.row(numbers["鲁M10001"])).state == "recorded"


@pytest.mark.parametrize("engine_kind", ["production"], indirect=True)
async def test_two_that_are_joined_to_one_another_at_once_do_not_both_wait(reporters):
    east, north = CROSSING
    here = {"longitude": east, "latitude": north}
    pairs = []
    for n in range(3):
        plate = f"鲁M2000{n}"
        one = await reporters.report("resident", photo(2 * n), plate=plate, **here)
        away = {**here, "longitude": east + 0.05}
        pairs.append(
            (one, await reporters.report("resident2", photo(2 * n + 1), plate=plate, **away))
        )
    for one, two in pairs:
        ways = ((one, two, "officer"), (two, one, "officer2"))

        async def join(number, first, by):
            version = (await reporters.row(number)).version
            form = {"version": version, "number": first}
            client = await reporters.town.client(by)
            return await client.post(f"{HERE}/reports/{number}/same", json=form)

        sent = await asyncio.gather(*(join(*way) for way in ways))
        assert sorted(answer.status_code for answer in sent) == [200, 422]
        states = await reporters.states()
        assert sorted((states[one], states[two])) == ["filed", "joined"]

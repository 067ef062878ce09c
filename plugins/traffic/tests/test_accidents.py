"""Accidents without injury: reported at the place, confirmed by both sides in person, decided by
two officers where they disagree; and a paper that anybody can check."""

import asyncio
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest

from plugin_sdk.acting import Agent
from plugin_sdk.files import Taken
from plugin_sdk.problems import AppConflict
from plugins.traffic.accidents import demonstration
from plugins.traffic.accidents.evidence import metres_off
from plugins.traffic.accidents.forms import OTHER, Share, Stop
from plugins.traffic.accidents.models import (
    Accident,
    AccidentEntry,
    AccidentPaper,
    AccidentSide,
    AccidentTry,
)
from plugins.traffic.accidents.papers import Papers, shares_of
from plugins.traffic.accidents.sides import in_person
from plugins.traffic.tests.conftest import HERE
from plugins.traffic.tests.crash import EAST, NORTH, VIEWS, plain_rows, shot

EMBEDDED = pytest.mark.parametrize("engine_kind", ["embedded"], indirect=True)


def codes(answer):
    return [(error["field"], error["code"]) for error in answer["errors"]]


async def notices(town, role):
    await town.hub.settle()
    client = await town.client(role)
    return str((await client.get("/messages")).json())


async def test_two_sides_agree_and_anybody_checks_the_paper(town, crash):
    await crash.both()
    mine, theirs = await crash.see("resident"), await crash.see("resident2")
    assert mine["summary"] == theirs["summary"], "both see the same statement"
    shown = str(theirs)
    assert "鲁北财险" in shown and "周晓岚" in shown  # noqa: PT018  what the agreement needs
    assert not [word for word in ("phone", "9999991990", "latitude") if word in shown]
    labels = [one["label"]["key"].rpartition(".")[2] for one in theirs["shots"]]
    assert theirs["shots"][3]["label"]["key"].endswith("seen.plate_a"), "theirs is the other plate"
    assert labels == list(VIEWS), "their own licence, and not the other's"
    assert theirs["shots"][-1]["href"] != mine["shots"][-1]["href"]
    await crash.see("operator", 404)
    await town.get(f"/accidents/{crash.number}/paper.pdf", "resident", 404)
    await crash.agree("resident", "none")
    await crash.agree("resident", "none", 409)  # said already
    half = await crash.see("resident2")
    assert half["state"] == "confirming", "nobody confirms for both sides"
    await crash.agree("resident2", "full")
    done = await crash.see("resident")
    assert done["state"] == "agreed"
    assert "accident.notice.settle" in await notices(town, "resident")
    assert "accident.notice.agree" in await notices(town, "resident2")
    (paper,) = await plain_rows(town, AccidentPaper)
    for who in ("resident", "resident2", "officer"):
        pdf = await town.get(f"/accidents/{crash.number}/paper.pdf", who)
        assert pdf.headers["content-type"] == "application/pdf"
        assert pdf.content.startswith(b"%PDF")
    seen = await town.get(f"/verify/{paper.code}", None)
    assert seen["state"] == "good"
    assert "鲁M·8***6" in str(seen["facts"])
    assert not [word for word in ("周", "钱", "财险", "黄河", "8D136") if word in str(seen)]
    assert (await town.get("/verify/ABCDEFGHJKMN", None, 404))["state"] == "unknown"
    await crash.act("revoke", "officer", 403, reason="重复出具")
    await crash.act("revoke", "brigade", reason="经查一方为代驾人，重新处理。")
    gone = await town.get(f"/verify?code={paper.code.lower()}", None)
    assert gone["state"] == "withdrawn"
    assert "鲁" not in str(gone["facts"]), "of a withdrawn paper no more than what it was"
    page = (await town.hub.client().page(f"{HERE}/verify/{paper.code}")).text
    assert "文书已撤销" in page
    assert "文书核验到" not in page, "it cannot be checked until some day: it is worth nothing now"
    page = (await town.hub.client().page(f"{HERE}/verify/ABCDEFGHJKMN")).text
    assert "照纸上的核验码再填一次" in page
    assert "accident.notice.revoke" in await notices(town, "resident2")


@EMBEDDED
async def test_a_paper_is_good_for_its_time(town, crash):
    await crash.both()
    await crash.agree("resident2", "main")
    await crash.agree("resident", "minor")
    (paper,) = await plain_rows(town, AccidentPaper)
    shown = {
        fact["label"]["key"].rpartition(".")[2]: fact["value"]
        for fact in (await crash.see())["paper"]
    }
    assert shown["paper_code"] == f"{paper.code[:4]} {paper.code[4:8]} {paper.code[8:]}"
    typed = await town.get(f"/verify?code={shown['paper_code']}", None)
    assert typed["state"] == "good", "typed as the page and the PDF show it"
    assert shown["standing"]["key"].endswith("standing.good")
    town.later(days=1096)
    assert (await town.get(f"/verify/{paper.code}", None))["state"] == "expired"
    assert "standing.expired" in str((await crash.see())["paper"])


@EMBEDDED
async def test_what_may_not_be_settled_alone_is_told_to_call(town, crash):
    for stop in Stop:
        if stop is Stop.NONE:
            continue
        refused = await crash.report(422, stop=stop)
        assert codes(refused)[0][0] == "stop"
        assert "122" in str(refused), stop
    tomorrow = town.hub.clock() + timedelta(days=1)
    long_ago = town.hub.clock() - timedelta(days=3)
    for wrong, field in (
        ({"happened_on": f"{tomorrow:%Y-%m-%d}"}, "happened_time"),
        ({"happened_on": f"{long_ago:%Y-%m-%d}"}, "happened_on"),
        ({"happened_time": "25:00"}, "happened_time"),
        ({"other_plate": "鲁M8D136"}, "other_plate"),
        ({"other_plate": "齐M8D136"}, "other_plate"),
        ({"latitude": None}, "latitude"),
        ({"what": "身份证号 110101199003070011 的人追尾"}, "what"),
    ):
        assert codes(await crash.report(422, **wrong))[0][0] == field, wrong
    assert await town.rows(Accident) == []
    # nothing goes on before the photos are there, and nobody else may send one
    await crash.report(what="我车等红灯，被后车追尾，电话 13800138000，后保险杠损坏。")
    assert "13800138000" not in str(await crash.see())
    assert (await crash.report(409))["type"].endswith("accident-open")
    assert len((await crash.see())["lacking"]) == 6
    await crash.invite(status=409)
    await crash.photo("front", data=b"not a picture", status=422)
    await crash.photo("sky", status=404)
    await crash.photo("front", by="resident2", status=404)
    await crash.see("resident2", 404)
    for _ in range(5):
        await crash.photo("front")
    await crash.photo("front", status=409)
    for view in VIEWS[1:-1]:
        await crash.photo(view)
    left = await crash.see()
    assert [one["key"] for one in left["lacking"]] == ["traffic.accident.view.licence"]
    assert left["actions"][0]["href"].endswith("/photos/licence")
    await crash.photo("licence")
    await crash.invite("officer", 404)
    await crash.invite("resident2", 404)


async def test_an_invitation_is_used_once_by_the_other_side_in_person(town, crash):
    await crash.report()
    await crash.photos()
    older = await crash.invite()
    assert len(older) == 8
    town.later(minutes=1)
    code = await crash.invite()
    assert (await crash.join(older, status=409))["type"].endswith("invitation-expired")
    assert (await crash.join(code, "resident", 409))["type"].endswith("accident-own-side")
    assert codes(await crash.join("ABCDEFGH", status=422))[0][0] == "code"
    assert codes(await crash.join(code, status=422, plate="鲁M00001"))[0][0] == "plate"
    assert codes(await crash.join(code, status=422, stop="injury"))[0][0] == "stop"
    town.later(minutes=31)
    assert (await crash.join(code, status=409))["type"].endswith("invitation-expired")
    code = await crash.invite()
    client = await town.client("resident2")
    form = {"code": code, "stop": "none", "plate": "鲁M5H207", "insurer": "渤海财险"}
    sent = [client.post("/apps/traffic/accidents/join", json=form) for _ in range(4)]
    statuses = sorted(answer.status_code for answer in await asyncio.gather(*sent))
    assert statuses == [201, 409, 409, 409]
    assert len(await plain_rows(town, AccidentSide)) == 2
    assert (await crash.join(code, status=409))["type"].endswith("invitation-used")
    await crash.invite(status=409)
    await crash.photo("front", status=409)  # the other side has seen it
    refused = await crash.agree("resident2", "full", 409)
    assert refused["type"].endswith("photos-missing")
    # guessing is bounded, also by many at once
    guesses = [{**form, "code": f"ABCDEFG{n}"} for n in "23456789ABCDEFG"]
    sent = [client.post("/apps/traffic/accidents/join", json=guess) for guess in guesses]
    refused = await asyncio.gather(*sent)
    assert {answer.status_code for answer in refused} <= {409, 422}
    for guess in guesses:
        await client.post("/apps/traffic/accidents/join", json=guess)
    last = await crash.join("ABCDEFGH", status=409)
    assert last["type"].endswith("accident-tries")
    assert len(await plain_rows(town, AccidentTry)) <= 20  # within this hour and the one before


async def test_both_may_agree_at_the_same_moment(town, crash):
    await crash.both()
    seen = await crash.see()
    sent = []
    for who, share in (("resident", "equal"), ("resident2", "equal")):
        client = await town.client(who)
        form = {"version": seen["version"], "statement": 1, "share": share}
        at = f"/apps/traffic/accidents/{crash.number}/agree"
        sent += [client.post(at, json=form) for _ in range(3)]
    statuses = [answer.status_code for answer in await asyncio.gather(*sent)]
    assert statuses.count(200) == 2
    assert (await crash.see())["state"] == "agreed"
    assert len(await plain_rows(town, AccidentPaper)) == 1
    verbs = [one.verb for one in await town.rows(AccidentEntry)]
    assert (verbs.count("agree"), verbs.count("settle")) == (2, 1)


@EMBEDDED
async def test_a_change_of_the_statement_voids_what_was_agreed(town, crash):
    await crash.both()
    await crash.agree("resident2", "full")
    known = await town.get(f"/accidents/{crash.number}/amend")
    values = {one["name"]: one["value"] for one in known["fields"] if one["value"] is not None}
    values["happened_on"] = str(values["happened_on"])
    changed = {**values, "what": "我车倒车时与后车相碰，后保险杠损坏。", "collision": "reverse"}
    await crash.act("amend", "resident2", 403, **changed)
    refused = await crash.act("amend", "resident", 409, **{**changed, "other_plate": "鲁M00001"})
    assert refused["type"].endswith("accident-joined")
    await crash.act("amend", "resident", **changed)
    assert "accident.notice.amend" in await notices(town, "resident2")
    stale = await crash.agree("resident", "none", 409)
    assert stale["type"].endswith("accident-changed")
    await crash.agree("resident", "none", statement=2)
    seen = await crash.see()
    assert seen["state"] == "confirming", "the other side agreed to something else"
    assert [side["agreed"] for side in seen["sides"]] == [True, False]
    await crash.agree("resident2", "full", statement=2)
    assert (await crash.see())["state"] == "agreed"


async def test_two_officers_decide_where_the_sides_disagree(town, crash):
    await crash.both()
    await crash.agree("resident", "none")
    await crash.agree("resident2", "none")
    assert (await crash.see())["state"] == "disputed"
    assert "accident.notice.hand-over" in await notices(town, "resident")
    work = await (await town.client("officer")).get("/work")
    assert "黄河五路" in str(work.json())
    for who in ("resident", "resident2"):
        await crash.act("propose", who, 403, outcome="full", text="我说了算")
    inside = await crash.see("officer")
    assert [one["label"]["key"].rpartition(".")[2] for one in inside["shots"]][-2:] == [
        "licence_a",
        "licence_b",
    ]
    await crash.act("propose", "officer", outcome="none", text="后车未保持安全距离。")
    waiting = await crash.see("resident")
    assert "安全距离" not in str(waiting), "a proposal is not for the sides"
    refused = await crash.act("confirm", "officer", 403)
    assert refused["type"].endswith("had-a-hand")
    await crash.act("send-back", "officer2", reason="请写明依据条款。")
    await crash.act("propose", "officer", outcome="none", text="后车未保持安全距离，追尾。")
    await crash.act("confirm", "officer2")
    done = await crash.see("resident2")
    assert done["state"] == "decided"
    assert "安全距离，追尾" in str(done)
    liable = [fact["value"]["key"] for side in done["sides"] for fact in side["facts"][3:4]]
    assert liable == ["traffic.accident.share.none", "traffic.accident.share.full"]
    assert "accident.notice.confirm" in await notices(town, "resident2")
    (paper,) = await plain_rows(town, AccidentPaper)
    assert paper.kind == "decision"
    figures = await town.get("/accidents/figures", "officer")
    assert figures["cards"]


@EMBEDDED
async def test_a_photo_that_contradicts_the_report_is_told_and_marked(town, crash):
    await crash.report()
    now = town.hub.clock()
    taken = await crash.photo("front", data=shot(now - timedelta(hours=3)))
    (one,) = taken["shots"]
    assert [doubt["key"].rpartition(".")[2] for doubt in one["doubts"]] == ["time"]
    taken = await crash.photo("rear", data=shot(now, NORTH + 0.02))
    assert [doubt["key"].rpartition(".")[2] for doubt in taken["shots"][1]["doubts"]] == ["place"]
    await crash.photo("contact", data=shot())  # many phones write nothing: it refuses nothing
    await crash.photo("front", data=shot(now))  # taken again, as it should be
    for view in VIEWS[3:]:
        await crash.photo(view, data=shot(now, where=False))
    await crash.join(await crash.invite())
    await crash.photo("licence", "resident2", data=shot(now))
    await crash.agree("resident", "none")
    await crash.agree("resident2", "full")
    assert (await crash.see())["state"] == "checking", "an officer looks at it first"
    assert await plain_rows(town, AccidentPaper) == []
    inside = await crash.see("officer")
    assert {shot_["metres"] for shot_ in inside["shots"]} >= {2224, None}
    await crash.act("clear", "officer", reason="照片定位漂移，现场吻合。")
    assert (await crash.see("resident2"))["state"] == "agreed"
    assert len(await plain_rows(town, AccidentPaper)) == 1


@EMBEDDED
async def test_what_waits_too_long_ends_or_goes_to_an_officer(town, crash):
    await crash.report()
    town.later(days=2)
    await town.hub.settle()
    assert (await crash.see())["state"] == "withdrawn"
    await crash.both()
    await crash.agree("resident", "none")
    town.later(days=2)
    await town.hub.settle()
    seen = await crash.see("resident2")
    assert seen["state"] == "disputed", "silence is not agreement"
    await crash.act("refer", "officer", text="双方各执一词，请到交警大队三楼现场处理。")
    assert "三楼" in str(await crash.see("resident2"))
    await crash.agree("resident2", "full", 409)
    # and either may say at once that they do not agree
    await crash.both()
    await crash.act("dispute", "resident2", reason="是对方突然变道。")
    assert "变道" in str(await crash.see("resident")), "what one says the other reads"


@EMBEDDED
async def test_nobody_acts_for_a_side(town, crash):
    cast = await town.hub.actors()
    agent = Agent(
        consent_id=cast["resident"].person_id,
        person_id=cast["clerk"].person_id,
        name="代办",
        post_id=cast["clerk"].post_id,
        organization_id=cast["clerk"].organization_id,
        organization_name="",
        scope=("traffic",),
        until=town.hub.clock() + timedelta(days=1),
    )
    acting = msgspec.structs.replace(
        cast["resident"], agent=agent, permission="traffic.accident.agree"
    )
    async with town.desk.hub.read(acting) as read:
        with pytest.raises(AppConflict):
            in_person(read)


def test_what_one_side_is_liable_for_makes_the_other():
    assert [OTHER[share] for share in Share] == ["none", "minor", "equal", "main", "full"]
    assert shares_of("nobody") == {"a": "none", "b": "none"}
    assert shares_of("minor") == {"a": "minor", "b": "main"}


def test_a_paper_cites_what_the_county_says_and_no_article_by_itself():
    def basis(**settings):
        return Papers(cast("Any", SimpleNamespace(settings=settings))).basis("decision")

    assert basis().params == {"law": "《道路交通事故处理程序规定》（公安部令第146号）"}
    assert basis(accident_law="《规定》第六十条").params == {"law": "《规定》第六十条"}


def test_metres_are_those_of_the_ground():
    here = Taken(None, EAST, NORTH)
    assert metres_off(here, EAST, NORTH) == 0
    assert metres_off(here, EAST + 0.01, NORTH) == 884
    assert metres_off(Taken(), EAST, NORTH) is None
    assert metres_off(here, None, None) is None
    assert metres_off(Taken(None, 0.0, 0.0), 180.0, 0.0) == 20015087


@EMBEDDED
async def test_the_demonstration_shows_how_far_each_went(town):
    hub, cast = town.desk.hub, await town.hub.actors()
    town.hub.clock.move(hours=1)
    for outcome in ("added", "present"):  # begun again, nothing comes twice
        said = [report.outcome async for report in demonstration.demonstrate(hub, cast)]
        assert said == [outcome] * 4
    states = {row.state: row for row in await town.rows(Accident)}
    assert set(states) == {"agreed", "decided", "disputed", "confirming"}
    assert len(await plain_rows(town, AccidentPaper)) == 2
    listed = await town.get("/accidents", "officer")
    assert [one["state"] for one in listed["items"]][:2] == ["confirming", "disputed"]

"""Calls: what the exchange says in whatever order, who answers, what becomes of them, and what is
shown of who called."""

import asyncio
import csv
import io
import itertools
from functools import partial

import pytest
from openpyxl import load_workbook

from core import audit
from core.access.grants import grant
from plugin_sdk import exports
from plugin_sdk.ports import ScopeKind
from plugins.hotline.calls import demonstration as calls
from plugins.hotline.calls import listing
from plugins.hotline.lines import demonstration as lines
from plugins.hotline.models import Order
from plugins.hotline.tests.conftest import HERE
from plugins.hotline.tests.switching import EVENTS, PHONE, Exchange

INTAKE = {"kind": "help", "text": "路灯不亮，连着五盏"}


@pytest.fixture
def exchange(hub_app):
    """The exchange of the hub."""
    return Exchange(hub_app)


def code(answer):
    return answer.json()["type"].rpartition(":")[2]


async def shown(client):
    """What the operator's desk shows, for programs."""
    answer = await client.get(f"{HERE}/desk")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def second_operator(desk):
    """Let somebody else of the centre take calls too."""
    async with desk.hub.services.database.transaction(write=True) as tx:
        post = (await desk.hub.actor("dispatcher")).post_id
        await grant(tx, post, "hotline.operator", ScopeKind.ORGANIZATION, granted_by=None)
    return await desk.client("dispatcher")


async def test_events_come_to_the_same_call_in_every_order_and_twice(desk, exchange):
    kinds = {"ringing": 0, "answered": 5, "ended": 65}
    for n, order in enumerate(itertools.permutations(kinds)):
        for kind in (*order, *order):
            event = exchange.event(kind, f"c{n}", kinds[kind])
            assert (await exchange.send(event)).json() == {"received": True}
        call = await exchange.of(f"c{n}")
        assert (call.ended_at - call.started_at).total_seconds() == 65, order
        assert (call.ended_at - call.answered_at).total_seconds() == 60, order
        assert call.outcome == "unrecorded", order  # on a telephone that is nobody's here
    assert len(await exchange.all()) == 6
    await exchange.send(exchange.event("ended", "gone", 9))  # the one event that ever came
    assert (await exchange.of("gone")).outcome == "abandoned"


async def test_what_is_not_signed_or_not_ours_is_refused_and_leaves_nothing(desk, exchange):
    ringing = exchange.event("ringing", "c1")
    assert code(await exchange.send(ringing, key=b"x" * 32)) == "hotline.call-unsigned"
    for late in (400, -400):
        assert code(await exchange.send(ringing, late=late)) == "hotline.call-unsigned"
    bare = await desk.hub.client().post(EVENTS, content=b"{}")
    assert (bare.status_code, code(bare)) == (403, "hotline.call-unsigned")
    for wrong in (
        exchange.event("ringing", "c1", 900),  # it has not happened yet
        exchange.event("ringing", "c" * 65),
        exchange.event("ringing", "c\n1"),
        exchange.event("ringing", ""),
        exchange.event("ringing", "c1", phone="1" * 41),
    ):
        answer = await exchange.send(wrong)
        assert (answer.status_code, code(answer)) == (400, "hotline.call-unreadable"), wrong
    for ref in ("none", "00000000-0000-7000-8000-000000000000"):
        made = exchange.event("answered", "c2", direction="out", ref=ref)
        assert code(await exchange.send(made)) == "hotline.call-unknown"
    assert await exchange.all() == []
    await exchange.ring("c1")
    other = exchange.event("ended", "c1", direction="out")
    assert code(await exchange.send(other)) == "hotline.call-other"
    stranger = await exchange.send(
        exchange.event("ended", "c3", ref=str((await exchange.of("c1")).id))
    )
    assert code(stranger) == "hotline.call-other"
    assert (await exchange.of("c1")).ended_at is None


async def test_at_the_same_time_there_is_one_call_and_the_first_operator_has_it(desk, exchange):
    operator, other = await desk.client("operator"), await second_operator(desk)
    kinds = ("ringing", "answered", "ended") * 2
    events = [exchange.event(kind, "c0", n % 3) for n, kind in enumerate(kinds)]
    told = await asyncio.gather(*(exchange.send(event) for event in events))
    assert {one.status_code for one in told} == {200}
    assert (await exchange.of("c0")).outcome == "unrecorded"
    id = await exchange.ring("c1")
    clients = (operator, other) * 3
    answers = await asyncio.gather(
        *(client.post(f"{HERE}/calls/{id}/answer", json={}) for client in clients)
    )
    taken = {
        client is operator for client, one in zip(clients, answers, strict=True) if one.is_success
    }
    refused = {code(one) for one in answers if not one.is_success}
    assert (len(taken), refused) == (1, {"hotline.call-taken"})
    first, second = (operator, other) if taken == {True} else (other, operator)
    assert (await shown(first))["call"]["id"] == id
    assert (await shown(second))["call"] is None
    late = await second.post_form(f"{HERE}/calls/{id}/answer", {})
    assert "别的座席" in late.text
    for verb, body in (("order", INTAKE), ("finish", {"outcome": "answered"}), ("hang-up", {})):
        assert (
            code(await second.post(f"{HERE}/calls/{id}/{verb}", json=body)) == "hotline.call-taken"
        )
    kept = await second.post_form(f"{HERE}/calls/{id}/finish", {"outcome": "answered", "note": "x"})
    assert kept.status_code == 409
    assert (await exchange.ring("c2")) != id  # one call at a time
    busy = await first.post(f"{HERE}/calls/{(await exchange.of('c2')).id}/answer", json={})
    assert code(busy) == "hotline.call-busy"
    done = await first.post(f"{HERE}/calls/{id}/finish", json={"outcome": "answered"})
    assert done.status_code == 200
    again = await first.post(f"{HERE}/calls/{id}/finish", json={"outcome": "abandoned"})
    assert code(again) == "hotline.call-over"
    call = await exchange.of("c1")
    assert (call.outcome, call.operator_person_id) == (
        "answered",
        None,
    )  # nobody is counted by calls


async def test_a_call_becomes_an_order_of_its_line_or_is_answered_on_the_spot(desk, exchange):
    dispatcher, operator = await desk.client("dispatcher"), await desk.client("operator")
    line = {"code": "12319", "name": "城建热线", "owner": await desk.unit()}
    assert (await dispatcher.post(f"{HERE}/lines", json=line)).status_code == 201
    id = await exchange.ring("c1", line="12319")
    assert (await shown(operator))["phone"]["ringing"][0]["phone"] == "138****5678"
    await operator.post(f"{HERE}/calls/{id}/answer", json={})
    page = (await operator.page(f"{HERE}/desk")).text
    assert 'value="13800005678"' in page
    assert "城建热线 12319" in page
    wrong = await operator.post_form(f"{HERE}/calls/{id}/order", {"kind": "help", "phone": PHONE})
    assert wrong.status_code == 422
    assert "error-summary" in wrong.text
    filed = await operator.post(f"{HERE}/calls/{id}/order", json={**INTAKE, "phone": PHONE})
    assert filed.status_code == 201, filed.text
    number = filed.json()["number"]
    twice = await operator.post(f"{HERE}/calls/{id}/order", json={**INTAKE, "phone": PHONE})
    assert code(twice) == "hotline.call-over"
    told = await shown(operator)
    assert told["call"] is None
    told = (await operator.get(f"{HERE}/desk?filed={number}")).json()["filed"]
    assert (told["number"], told["code"]) == (number, filed.json()["code"])
    assert (await dispatcher.get(f"{HERE}/orders/{number}")).json()["state"] == "received"
    assert (await operator.post(told["hang_up_href"], json={})).status_code == 200
    # the same number again: who calls is known by their requests and calls
    await exchange.send(exchange.event("ended", "c1", 50))
    id = await exchange.ring("c2")
    await operator.post(f"{HERE}/calls/{id}/answer", json={})
    known = await shown(operator)
    assert [one["number"] for one in known["orders"]] == [number]
    assert [one["order"] for one in known["calls"]] == [number]
    hub = exchange.board.hub  # who asks for secrecy afterwards is theirs no more
    async with hub.work(hub.system("test")) as work:
        (await work.get(Order, (await exchange.of("c1")).order_id)).secret = True
    known = await shown(operator)
    assert (known["orders"], known["calls"]) == ([], [])
    (_, first) = (await operator.get(f"{HERE}/calls")).json()["items"]
    assert (first["phone"]["key"], first["order"]) == ("hotline.call.hidden", "")
    reply = {**INTAKE, "phone": PHONE, "reply": "已告知报修电话和处理时限。"}
    spot = (await operator.post(f"{HERE}/calls/{id}/order", json=reply)).json()
    assert (await dispatcher.get(f"{HERE}/orders/{spot['number']}")).json()["state"] == "replied"
    outcomes = [call.outcome for call in await exchange.all()]
    assert outcomes == ["order", "answered"]
    # who may not see an order's filing is told nothing of it
    assert (await (await second_operator(desk)).get(f"{HERE}/desk?filed={number}")).json()[
        "filed"
    ] is None
    await desk.count()
    figures = (await dispatcher.get(f"{HERE}/lines/figures")).json()
    by_line = {str(row[0]): row[1:] for row in figures["charts"][1]["rows"]}
    assert by_line["城建热线"] == [1, 1]


async def test_the_number_is_neither_in_kept_answers_nor_in_calls_of_what_is_kept_secret(
    desk, exchange
):
    operator = await desk.client("operator")
    id = await exchange.ring("c1")
    answered = await operator.post(f"{HERE}/calls/{id}/answer", json={})
    assert answered.status_code == 200
    assert PHONE not in answered.text
    assert PHONE in (await operator.get(f"{HERE}/desk")).text
    filed = await operator.post(f"{HERE}/calls/{id}/order", json={**INTAKE, "phone": PHONE})
    assert (await exchange.of("c1")).phone
    await desk.act(filed.json()["number"], "keep-secret", "operator")
    await desk.hub.settle()
    assert (await exchange.of("c1")).phone == ""


async def test_a_secret_caller_and_a_hidden_number_lead_to_nobody(desk, exchange):
    operator = await desk.client("operator")
    number = ""
    for call, form in (("c1", {**INTAKE, "secret": True}), ("c2", {**INTAKE, "kind": "report"})):
        id = await exchange.ring(call)
        await operator.post(f"{HERE}/calls/{id}/answer", json={})
        filed = await operator.post(f"{HERE}/calls/{id}/order", json={**form, "phone": PHONE})
        number = filed.json()["number"]
        await exchange.send(exchange.event("ended", call, 30))  # it says the number again
        assert (await exchange.of(call)).phone == ""
    back = await desk.hub.client_as("operator")
    await back.post(f"{HERE}/seat", json={"extension": "8001"})
    dialled = await back.post(f"{HERE}/orders/{number}/call", json={})
    assert dialled.status_code == 201, dialled.text
    assert dialled.json()["call"]["phone"]["key"] == "hotline.call.hidden"
    await back.post(
        f"{HERE}/calls/{dialled.json()['call']['id']}/finish", json={"outcome": "answered"}
    )
    id = await exchange.ring("c3")
    await operator.post(f"{HERE}/calls/{id}/answer", json={})
    known = await shown(operator)
    assert (known["orders"], known["calls"]) == ([], [])
    listed = await operator.get(f"{HERE}/calls")
    assert number not in listed.text
    assert PHONE not in listed.text
    await operator.post(f"{HERE}/calls/{id}/finish", json={"outcome": "abandoned"})
    for call, hidden in (("c4", ""), ("c5", "anonymous")):
        id = await exchange.ring(call, phone=hidden)
        await operator.post(f"{HERE}/calls/{id}/answer", json={})
        known = await shown(operator)
        assert known["call"]["phone"]["key"] == "hotline.call.hidden"
        assert (known["orders"], known["calls"]) == ([], [])
        taken = await operator.post(f"{HERE}/calls/{id}/order", json=INTAKE)  # and names none
        assert taken.status_code == 201, taken.text


async def test_a_call_out_is_made_by_a_click_and_told_of_where_it_fails(desk, exchange):
    operator = await desk.client("operator")
    number = (await desk.file("operator", "intake", phone=PHONE))["number"]
    assert "call" in {one["verb"] for one in (await desk.see(number, "operator"))["actions"]}
    assert "call" not in {one["verb"] for one in (await desk.see(number))["actions"]}
    back = f"{HERE}/orders/{number}/call"
    assert code(await operator.post(back, json={})) == "hotline.call-no-seat"
    for wrong in ("8", "80a1", "1" * 11):
        assert (await operator.post(f"{HERE}/seat", json={"extension": wrong})).status_code == 422
    await operator.post(f"{HERE}/seat", json={"extension": "8001"})
    assert (await operator.post(f"{HERE}/calls/out", json={"number": "12345"})).status_code == 422
    await exchange.simulated.switch(away=True)
    assert code(await operator.post(back, json={})) == "hotline.call-away"
    assert [call.outcome for call in await exchange.all()] == ["abandoned"]
    await exchange.simulated.switch(away=False)
    made = await operator.post(back, json={})
    assert made.status_code == 201, made.text
    assert PHONE not in made.text
    (_, call) = await exchange.all()
    assert (call.direction, call.outcome) == ("out", None)
    assert call.answered_at is not None
    assert (
        code(await operator.post(f"{HERE}/calls/{call.id}/order", json=INTAKE))
        == "hotline.call-outgoing"
    )
    note = f"{HERE}/calls/{call.id}/finish"
    assert (await operator.post(note, json={"outcome": "transferred"})).status_code == 422
    assert (await operator.post(note, json={"outcome": "called_back"})).status_code == 200
    (_, call) = await exchange.all()
    assert call.ended_at is not None
    # who picks up the telephone itself has the call, and shifts share telephones
    await exchange.ring("c1")
    await exchange.send(exchange.event("answered", "c1", 3, seat="8001"))
    assert (await shown(operator))["call"]["direction"]["key"].endswith(".in")
    other = await second_operator(desk)
    taken = await other.post(f"{HERE}/seat", json={"extension": "8001"})
    assert taken.json()["errors"][0]["code"] == "hotline.call.wrong.extension_taken"
    id = (await exchange.of("c1")).id
    await operator.post(f"{HERE}/calls/{id}/finish", json={"outcome": "answered"})
    assert (await other.post(f"{HERE}/seat", json={"extension": "8001"})).status_code == 200
    assert (await shown(operator))["seat"] is None
    order = await desk.file(phone=None)
    assert (
        code(await other.post(f"{HERE}/orders/{order['number']}/call", json={}))
        == "hotline.call-no-number"
    )


async def test_calls_are_for_who_takes_them(desk, exchange):
    id = await exchange.ring("c1")
    places = [
        ("get", "desk"),
        ("get", "desk/phone"),
        ("get", "calls"),
        ("post", f"calls/{id}/answer"),
    ]
    places += [("post", "calls/out"), ("post", "seat"), ("post", "telephony/simulated")]
    for role in ("unit", "resident", "checker"):
        client = await desk.client(role)
        for method, at in places:
            send = client.get if method == "get" else partial(client.post, json={})
            answer = await send(f"{HERE}/{at}")
            assert answer.status_code == 403, (role, at)
    dispatcher = await desk.client("dispatcher")
    listed = (
        await dispatcher.get(f"{HERE}/calls?direction=in&day={exchange.began:%Y-%m-%d}")
    ).json()
    assert len(listed["items"]) <= 1
    for wrong in ("outcome=x", "day=x", "cursor=x", "line=1"):
        answer = await dispatcher.get(f"{HERE}/calls?{wrong}")
        assert answer.status_code in (200 if wrong == "line=1" else 422, 400), wrong
    for wrong in ("x", "2026-02-30", "0001-01-01", "9999-12-31"):
        for at in ("calls", "calls.csv"):
            answer = await dispatcher.get(f"{HERE}/{at}?day={wrong}")
            assert (answer.status_code, code(answer)) == (400, "hotline.call-no-day"), wrong
    assert (await dispatcher.post(f"{HERE}/calls/{id}/answer", json={})).status_code == 403


async def test_the_list_of_calls_goes_on_where_it_stopped(desk, exchange):
    for n in range(53):
        await exchange.send(exchange.event("ended", f"c{n}", n // 3))
    operator = await desk.client("operator")
    first = (await operator.get(f"{HERE}/calls?outcome=abandoned")).json()
    rest = (await operator.get(first["next_href"])).json()
    ids = [one["id"] for one in (*first["items"], *rest["items"])]
    assert (len(first["items"]), len(ids), len(set(ids))) == (50, 53, 53)
    assert rest["next_href"] is None
    seen = (await operator.get(f"{HERE}/desk/phone")).json()
    assert (await operator.get(f"{HERE}/desk/phone?seen={seen['seen']}")).status_code == 204


async def test_the_demonstration_is_acted_out_once(desk, exchange):
    cast = await desk.hub.actors()
    for outcome in ("added", "present"):
        for part in (lines.demonstrate, calls.demonstrate):
            reports = [one.outcome async for one in part(exchange.board.orders, cast)]
            assert set(reports) == {outcome}, reports
    outcomes = [call.outcome for call in await exchange.all()]
    assert sorted(set(outcomes)) == ["abandoned", "answered", "called_back", "order", "transferred"]


async def test_calls_leave_as_a_file_as_the_list_shows_them(desk, exchange, monkeypatch):
    operator = await desk.client("operator")
    id = await exchange.ring("c1")
    await operator.post(f"{HERE}/calls/{id}/answer", json={})
    filed = await operator.post(f"{HERE}/calls/{id}/order", json={**INTAKE, "phone": PHONE})
    number = filed.json()["number"]
    await exchange.send(exchange.event("answered", "c1", 5))
    await exchange.send(exchange.event("ended", "c1", 65))
    id = await exchange.ring("c2", after=70, phone="")
    await operator.post(f"{HERE}/calls/{id}/answer", json={})
    done = {"outcome": "answered", "note": "=HYPERLINK(1)"}
    await operator.post(f"{HERE}/calls/{id}/finish", json=done)
    links = (await operator.get(f"{HERE}/calls")).json()["links"]
    assert [one["verb"] for one in links][:2] == ["csv", "xlsx"]
    monkeypatch.setattr(listing, "BATCH", 1)  # pages of a file are put together
    sent = await operator.get(links[0]["href"])
    assert sent.headers["content-disposition"].endswith('.csv"')
    said = list(csv.reader(io.StringIO(sent.text.removeprefix("\ufeff"))))
    assert [len(row) for row in said] == [8, 8, 8]
    assert said[1][2:5] == ["号码未显示", "12345（本线）", "当场答复"]
    assert said[1][6] == "'=HYPERLINK(1)"
    assert said[2][2:] == ["138****5678", "12345（本线）", "已登记工单", "60", "", number]
    book = load_workbook(io.BytesIO((await operator.get(links[1]["href"])).content))
    assert [row[2].value for row in book.active][1:] == ["号码未显示", "138****5678"]
    chosen = await operator.get(f"{HERE}/calls.csv?outcome=order")
    assert chosen.text.count("\r\n") == 2
    async with desk.hub.services.database.transaction() as tx:
        kept = await audit.search(tx, app="hotline", subject="calls")
    assert {one.act for one in kept} == {"call.export"}
    assert [one.facts["n"] for one in kept] == [1, 2, 2]
    assert kept[0].facts["outcome"] == "order"
    monkeypatch.setattr(exports, "MOST", 1)
    many = await operator.get(f"{HERE}/calls.xlsx")
    assert (many.status_code, code(many)) == (409, "export-many")
    assert (await operator.get(f"{HERE}/calls.csv?outcome=none")).status_code == 400
    for role in ("unit", "resident"):
        assert (await (await desk.client(role)).get(f"{HERE}/calls.csv")).status_code == 403

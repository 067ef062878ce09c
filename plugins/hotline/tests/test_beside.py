"""What stands beside an intake: answers of the knowledge base, counted when a caller is answered
with one, and requests that the caller's may repeat."""

import pytest

from plugins.hotline.tests.conftest import HERE
from plugins.hotline.tests.knowing import Base
from plugins.hotline.tests.switching import PHONE, Exchange

LIGHTS_OUT = "建设路的路灯连着五盏不亮，晚上看不清"
TYPED = {"kind": "help", "text": LIGHTS_OUT, "place": "建设路"}


def code(answer):
    return answer.json()["type"].rpartition(":")[2]


@pytest.fixture
async def base(desk):
    base = Base(desk)
    await base.staff()
    return base


async def taken(desk, exchange, call):
    """Let a call ring and be taken; return its address and who took it."""
    id = await exchange.ring(call)
    operator = await desk.client("operator")
    answer = await operator.post(f"{HERE}/calls/{id}/answer", json={})
    assert answer.status_code == 200, answer.text
    return f"{HERE}/calls/{id}", operator


async def looked(client, address, **typed):
    answer = await client.post(address, json=typed)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_caller_is_answered_with_the_knowledge_base_and_it_counts(base, desk):
    exchange = Exchange(desk.hub)
    kept = await base.publish(text="路灯由{单位}管护，编号 {编号}，{期限}前修好。")
    at, operator = await taken(desk, exchange, "c1")
    assert (await operator.get(f"{HERE}/desk")).json()["beside"]["asked"] is False
    found = await looked(operator, f"{at}/look", **TYPED)
    (one,) = found["beside"]["answers"]
    assert (one["key"], one["label"]) == ("1", "路灯不亮找谁 · v1")
    assert "由12345热线服务中心管护，编号 {编号}" in one["text"]
    assert (await looked(operator, f"{at}/look", **TYPED, q="结婚登记"))["beside"]["answers"] == []
    searched = await looked(operator, f"{at}/look", q="灯坏了")
    assert [answer["id"] for answer in searched["beside"]["answers"]] == [one["id"]]
    begun = await looked(operator, one["href"], **TYPED, reply="您好。")
    fields = {field["name"]: field["value"] for field in begun["intake"]["fields"]}
    assert fields["text"] == LIGHTS_OUT
    assert fields["reply"] == f"您好。\n{one['text']}"  # what was typed is kept
    used = begun["intake"]["hidden"]
    again = await looked(operator, one["href"], **TYPED, reply=one["text"], **used)
    fields = {field["name"]: field["value"] for field in again["intake"]["fields"]}
    assert fields["reply"] == one["text"]  # and what began it is not said twice
    form = {**TYPED, "phone": PHONE, "reply": fields["reply"], **used}
    filed = (await operator.post(f"{at}/order", json=form)).json()
    order = await desk.see(filed["number"])
    facts = {fact["label"]["key"]: fact["value"] for fact in order["summary"]}
    assert order["state"] == "replied"
    assert filed["number"] in facts["hotline.order.field.reply"]
    assert "{" not in facts["hotline.order.field.reply"]
    assert facts["hotline.knowledge.began_with"] == one["label"]
    # a call that ends with the answer counts too; one that ends otherwise does not
    for call, outcome in (("c2", "answered"), ("c3", "transferred")):
        at, operator = await taken(desk, exchange, call)
        done = {"outcome": outcome, "note": "已告知", **used}
        assert (await operator.post(f"{at}/finish", json=done)).status_code == 200
        assert code(await operator.post(f"{at}/finish", json=done)) == "hotline.call-over"
    assert (await base.see(kept["id"]))["versions"][0]["used"] == 2


async def test_what_may_not_be_answered_is_refused_at_the_desk_and_opens_nothing(base, desk):
    exchange = Exchange(desk.hub)
    kept = await base.publish()
    await desk.file("operator", "intake", phone="13900001111", caller_name="赵文")
    at, operator = await taken(desk, exchange, "c1")
    (one,) = (await looked(operator, f"{at}/look", **TYPED))["beside"]["answers"]
    form = {**TYPED, "phone": PHONE, "used": one["id"]}
    for reply in ("尊敬的赵文，您反映的路灯已修好。", "已致电 13900001111 说明情况。"):
        refused = await operator.post_form(f"{at}/order", {**form, "reply": reply})
        assert refused.status_code == 422, reply
        assert 'href="#f-reply"' in refused.text
        assert reply in refused.text
    await operator.post(f"{at}/finish", json={"outcome": "abandoned"})
    at, operator = await taken(desk, exchange, "c2")
    await base.act(kept["id"], "withdraw", "unit", reason="写错了")
    refused = await operator.post_form(f"{at}/order", {**form, "reply": "照此答复，写了很久"})
    assert refused.status_code == 409
    assert "写了很久" in refused.text
    assert 'name="used"' not in refused.text  # sent again, it is an answer of one's own
    refusals = [
        await operator.post(f"{at}/order", json={**form, "reply": "照此答复"}),
        await operator.post(f"{at}/finish", json={"outcome": "answered", "used": one["id"]}),
        await operator.post(f"{at}/look?begin={one['id']}", json=TYPED),
    ]
    assert [code(answer) for answer in refusals] == ["hotline.knowledge-withdrawn"] * 3
    assert [call.outcome for call in await exchange.all()] == ["abandoned", None]


async def test_requests_alike_are_shown_beside_an_intake_but_none_that_is_secret(base, desk):
    exchange = Exchange(desk.hub)
    text = "建设路的路灯连着五盏都不亮，晚上看不清路"
    known = (await desk.file(text=text, place="建设路东段"))["number"]
    secret = (await desk.file("resident2", text=text, secret=True))["number"]
    report = (await desk.file("resident2", text=text, kind="report"))["number"]
    at, operator = await taken(desk, exchange, "c1")
    for address in (f"{at}/look", f"{HERE}/intake/look"):
        found = await looked(operator, address, **TYPED)
        (one,) = found["beside"]["repeated"]
        assert (one["number"], one["place"]) == (known, "建设路东段")
        assert (one["state_label"]["key"], one["chosen"]) == ("hotline.order.state.received", False)
        assert not {secret, report} & set(str(found).split("'"))
        kept = await looked(operator, address, **TYPED, repeats=known)
        assert [one["chosen"] for one in kept["beside"]["repeated"]] == [True]
        assert (await looked(operator, address, text="公交末班车几点"))["beside"]["repeated"] == []
        odd = {"region": "x", "longitude": 10**400, "latitude": "999", "text": "灯" * 9000}
        odd["category"] = odd["place"] = "a\0b"  # PostgreSQL holds no such letter
        assert (await looked(operator, address, **odd))["beside"]["repeated"] == []
    stranger = await desk.client("unit")
    for address in (f"{at}/look", f"{HERE}/intake/look"):
        assert (await stranger.post(address, json=TYPED)).status_code == 403
    form = {**TYPED, "phone": PHONE}
    for address in (f"{at}/order", f"{HERE}/intake"):
        for wrong in (secret, report, "1", "x" * 41):
            refused = await operator.post(address, json={**form, "repeats": wrong})
            assert refused.status_code == 422, wrong
    page = await operator.post_form(f"{HERE}/intake/look", {**form, "repeats": known})
    assert f'value="{known}" checked' in page.text
    for address in (f"{at}/order", f"{HERE}/intake"):
        filed = await operator.post(address, json={**form, "repeats": known})
        number = filed.json()["number"]
        summary = (await desk.see(number, "dispatcher"))["summary"]
        facts = {fact["label"]["key"]: fact["value"] for fact in summary}
        assert facts["hotline.order.field.repeats"] == known
        await desk.act(number, "follow", "dispatcher", original=known)
    # what was typed of one call is not gone on with at another
    assert code(await operator.post(f"{at}/look", json=TYPED)) == "hotline.call-over"
    # whoever asks for secrecy afterwards is named no more
    filed = await operator.post(f"{HERE}/intake", json={**form, "repeats": known})
    assert known in str((await desk.see(filed.json()["number"]))["summary"])
    await desk.act(known, "keep-secret", "operator")
    assert known not in str((await desk.see(filed.json()["number"]))["summary"])

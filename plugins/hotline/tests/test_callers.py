"""A caller without an account is told by short message: number and code, then the answer."""

from core.delivery.service import SimulatedSms

CALL = {
    "kind": "help",
    "text": "楼道里的消防通道被堵住了。",
    "caller_name": "王秀英",
    "phone": "138 0000 5678",
}


async def test_a_caller_gets_number_and_code_and_can_track_with_them(
    hub_app, client_as, monkeypatch
):
    left = []  # what a provider would put on the air
    keep = SimulatedSms.send

    async def send(self, tx, id, phone, text, shown):
        left.append(text)
        await keep(self, tx, id, phone, text, shown)

    monkeypatch.setattr(SimulatedSms, "send", send)
    operator = await client_as("operator")
    taken = (await operator.post("/apps/hotline/intake", json=CALL)).json()
    await hub_app.settle()
    administrator = await client_as("administrator")
    assert taken["code"] in left[0]
    (sent,) = (await administrator.get("/admin/outbox")).json()["messages"]
    assert sent["address"] == "138****5678"
    assert taken["number"] in sent["text"]
    assert taken["code"] not in sent["text"]
    assert "查询码 ******" in sent["text"]
    assert taken["code"] not in (await administrator.page("/admin/outbox")).text
    asked = {"number": taken["number"], "code": taken["code"]}
    assert (await hub_app.client().post("/track", json=asked)).json()["found"] is True
    wrong = (await hub_app.client().post("/track", json={**asked, "code": "0"})).json()
    assert wrong["found"] is False

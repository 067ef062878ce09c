"""No page shows a key, an id or a day as machines write it where people read words."""

from tests.portal.test_acting import consent, hand_over, in_days


async def test_what_is_sent_names_days_and_permissions_in_words(hub_app):
    unit, answer = await hand_over(hub_app)
    assert answer.status_code == 201, answer.text
    asked = {"permission": "hotline.order.dispatch", "reason": "轮值派单"}
    assert (await unit.post("/why/request", json=asked)).status_code == 201
    await hub_app.settle()
    deputy = await hub_app.client_as("deputy")
    told = (await deputy.page("/messages")).text
    assert "委托了岗位" in told
    assert in_days(7) not in told.replace(f'"{in_days(7)}', "")
    admin = await hub_app.client_as("administrator")
    for path in ("/messages", "/work"):
        page = (await admin.page(path)).text
        assert "申请权限" in page, path
        assert "hotline.order.dispatch" not in page, path
        admin.cookies.set("lang", "en")
        assert "asks for" in (await admin.page(path)).text
        admin.cookies.set("lang", "zh-CN")


async def test_pages_hold_no_words_of_machines(hub_app):
    resident = await hub_app.client_as("resident")
    given = {"username": "grid", "scope": "hotline", "ends_on": in_days(30)}
    assert (await resident.post("/me/consents", json=given)).status_code == 201
    assert "request " not in (await resident.page("/me/consents")).text
    assert "identity_device" not in (await resident.page("/me/record")).text
    visitor = hub_app.client()
    complaint = {"app": "yimen", "text": "登录太慢了"}
    assert (await visitor.post("/feedback", json=complaint)).status_code == 201
    owner = await hub_app.client_as("governance")
    names = (await owner.get("/owner/feedback")).json()["names"]
    assert names == {"yimen": "一门"}
    admin = await hub_app.client_as("administrator")
    tree = (await admin.page("/admin/organizations")).text
    assert ">township<" not in tree
    assert "乡镇（街道）" in tree


async def test_what_a_worker_wrote_down_as_evidence_is_shown(hub_app):
    worker, answer = await consent(hub_app, evidence="在家中口头同意")
    assert answer.status_code == 201, answer.text
    assert "在家中口头同意" in (await worker.page("/behalf")).text

"""While an app is shut, no page says that there is nothing in it."""


async def test_what_a_shut_app_holds_is_not_said_to_be_nothing(hub_app):
    resident = await hub_app.client_as("resident")
    order = {"kind": "help", "text": "路灯不亮，连着五盏", "place": "文化路"}
    filed = (await resident.post("/apps/hotline/orders", json=order)).json()
    asked = {"number": filed["number"], "code": filed["code"]}
    await hub_app.set_state("hotline", "disabled", reason="系统升级")
    visitor = hub_app.client()
    for path, none in (
        ("/", "您还没有办件"),
        ("/search?q=路灯", "没有找到"),
        ("/work", "都办完了"),
    ):
        page = (await resident.page(path)).text
        assert none not in page, path
        assert "暂时没有回应" in page, path
    answer = (await visitor.post("/track", json=asked)).json()
    assert not answer["found"]
    assert answer["shut"][0]["params"]["reason"] == "系统升级"
    page = (await visitor.post_form("/track", asked)).text
    assert "暂停使用" in page
    assert "系统升级" in page
    assert "没有找到这件" not in page
    await hub_app.set_state("hotline", "enabled")
    assert "暂停使用" not in (await visitor.post_form("/track", {**asked, "code": "1"})).text
    assert "连着五盏" in (await resident.page("/")).text


async def test_a_resident_finds_open_cases_among_their_work(hub_app):
    resident = await hub_app.client_as("resident")
    order = {"kind": "help", "text": "路灯不亮，连着五盏", "place": "文化路"}
    filed = (await resident.post("/apps/hotline/orders", json=order)).json()
    view = (await resident.get("/work")).json()
    assert [row["number"] for row in view["cases"]] == [filed["number"]]
    page = (await resident.page("/work")).text
    assert "都办完了" not in page
    assert f"/apps/hotline/orders/{filed['number']}" in page
    assert (await resident.get("/work?which=done")).json()["cases"] == []

"""A form that cannot be taken is shown again with what is wrong, or leads back to its page."""


async def test_a_sign_in_without_a_name_is_asked_for_again(hub_app):
    visitor = hub_app.client()
    empty = {"username": "", "password": "", "next": "/work"}
    page = await visitor.post_form("/sign-in", empty)
    assert page.status_code == 422
    assert "用户名和密码都要填" in page.text
    assert 'name="next" value="/work"' in page.text
    page = await visitor.post_form("/sign-in", {**empty, "username": "wang"})
    assert 'value="wang"' in page.text
    answer = await visitor.post("/sign-in", json={})
    assert answer.json()["type"] == "urn:yimen:problem:invalid-form"


async def test_a_number_longer_than_any_is_a_wrong_number(hub_app):
    page = await hub_app.client().post_form("/track", {"number": "9" * 81, "code": "1"})
    assert page.status_code == 422
    assert "没有找到这件" in page.text
    assert f'value="{"9" * 40}"' in page.text


async def test_the_forms_on_a_person_stay_on_their_page(client_as):
    admin = await client_as("administrator")
    found = (await admin.get("/admin/people?q=unit")).json()["people"]
    here = next(p["href"] for p in found if p["username"] == "unit")
    for form, said in (
        ({"number": "37160319900101123"}, "enter-number-error"),
        ({"number": "371603199001011234", "accept": "true"}, "enter-reason-error"),
    ):
        page = await admin.post_form(f"{here}/number", form)
        assert page.status_code == 422
        assert f'id="{said}"' in page.text
        assert f'value="{form["number"]}"' in page.text
    page = await admin.post_form(f"{here}/number/unmask", {"reason": ""})
    assert page.status_code == 422
    answer = await admin.post(f"{here}/number", json={"number": "1"})
    assert answer.json()["errors"][0]["field"] == "number"
    for unit, title in (("NONE", "科长"), ("", "科长")):
        page = await admin.post_form(f"{here}/posts", {"organization": unit, "title": title})
        assert page.status_code == 422
        assert 'id="f-organization-error"' in page.text
        assert 'value="科长"' in page.text


async def test_a_form_without_a_page_of_its_own_says_what_is_wrong_and_leads_back(client_as):
    unit = await client_as("unit")
    asked = {"name": "", "href": "/work"}
    own = {"referer": "http://127.0.0.1/work?which=late"}
    page = await unit.post_form("/pins", asked, headers=own)
    assert page.status_code == 422
    (said,) = (e["detail"] for e in (await unit.post("/pins", json=asked)).json()["errors"])
    assert f"<li>{said}</li>" in page.text
    assert 'href="/work?which=late">返回修改' in page.text
    page = await unit.post_form("/pins", asked, headers={"referer": "https://elsewhere.example/x"})
    assert f"<li>{said}</li>" in page.text
    assert "返回修改" not in page.text

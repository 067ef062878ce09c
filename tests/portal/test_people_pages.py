"""The administrator's pages of people and organizations, as pages and as JSON."""

from tests.core.identity.county import as_csv, as_workbook, person

HERE = "/admin/people/import"


def rows(n):
    found = [person(i) for i in range(n)]
    for row in found:
        row[4] = "371603U01"
    return found


async def send(client, content, name="people.csv", **more):
    return await client.post(
        HERE, data={"_csrf": client.csrf}, files={"file": (name, content)}, **more
    )


async def act(client, url, **values):
    return await client.post(url, json=values)


async def test_a_file_is_tried_imported_repeated_and_taken_back(hub_app, client_as):
    admin = await client_as("administrator")
    assert (await admin.get(f"{HERE}/template.csv")).content.startswith(b"\xef\xbb\xbf")
    answer = await send(admin, as_workbook([*rows(3), ["?", *person(9)[1:]]]), "人员.xlsx")
    assert answer.status_code == 201, answer.text
    here = answer.json()["location"]
    view = (await admin.get(here)).json()
    assert [(c["outcome"], c["n"]) for c in view["counts"]] == [("refused", 1), ("ok", 3)]
    assert view["rows"][3]["reasons"][0]["key"] == "people_import.reason.username-form"
    assert (await admin.get("/admin/people?q=p0000")).json()["people"] == []
    page = await admin.page(here)
    assert "导入 3 行" in page.text
    assert (await act(admin, view["start"])).status_code == 200
    assert (await act(admin, view["start"])).status_code == 409
    await hub_app.settle()
    view = (await admin.get(here)).json()
    assert (view["job"]["done"], view["job"]["running"], view["start"]) == (4, False, None)
    found = (await admin.get("/admin/people?q=p0000")).json()["people"]
    assert [p["username"] for p in found] == ["p00000", "p00001", "p00002"]
    assert person(1)[3] not in (await admin.page(here)).text
    report = await admin.get(f"{here}/report.csv")
    assert report.content.decode("utf-8-sig").count("\r\n") == 5
    assert (await act(admin, view["roll_back"])).status_code == 200
    await hub_app.settle()
    assert (await admin.get("/admin/people?q=p0000")).json()["people"] == []
    assert (await act(admin, view["roll_back"])).status_code == 409


async def test_a_report_is_asked_for_after_any_line(client_as):
    admin = await client_as("administrator")
    here = (await send(admin, as_csv(rows(2)))).json()["location"]
    for after, n in (("-1", 2), ("999999999999999999999", 0)):
        answer = await admin.get(here, params={"after": after})
        assert (answer.status_code, len(answer.json()["rows"])) == (200, n)


async def test_nobody_imported_can_sign_in_before_they_have_a_way(hub_app, client_as):
    admin = await client_as("administrator")
    here = (await send(admin, as_csv(rows(1)))).json()["location"]
    await act(admin, f"{here}/start")
    await hub_app.settle()
    for password in ("", "p00000", "None"):
        answer = await hub_app.client().post(
            "/sign-in", json={"username": "p00000", "password": password or "x"}
        )
        assert answer.status_code == 401
    id = await person_of(admin, "p00000")
    assert "发放首次密码" in (await admin.page(f"/admin/people/{id}")).text
    given = await act(admin, f"/admin/people/{id}/password")
    assert given.headers["cache-control"] == "no-store"
    password = given.json()["password"]
    first = {"username": "p00000", "password": password}
    assert (await hub_app.client().post("/sign-in", json=first)).status_code == 200
    again = await act(admin, f"/admin/people/{id}/password")  # nobody signs in as somebody else
    assert (again.status_code, again.json()["type"]) == (409, "urn:yimen:problem:password-given")
    person, record = [(await admin.page(p)).text for p in (f"/admin/people/{id}", "/admin/audit")]
    assert password not in person + record
    assert "发放首次密码</button>" not in person
    assert "已发放首次密码" in record


NO_FILE = [
    (b"", "file-empty"),
    (b"a,b\n1,2\n", "columns-missing"),
    (None, "file-missing"),
]


async def test_a_file_that_is_none_is_told_in_both_forms(client_as):
    admin = await client_as("administrator")
    for content, code in NO_FILE:
        answer = await (send(admin, content) if content is not None else admin.post(HERE, json={}))
        assert answer.status_code == 422, code
        assert answer.json()["errors"][0]["code"] == code
        if content is not None:
            page = await send(admin, content, headers={"accept": "text/html"})
            assert page.status_code == 422
            assert 'id="f-file-error"' in page.text


async def test_a_file_of_50_mb_is_refused_before_it_is_read(client_as):
    admin = await client_as("administrator")
    answer = await send(admin, b"x" * (50 * 1024 * 1024))
    assert answer.status_code == 413
    assert "16" in answer.json()["detail"]


async def test_others_see_nothing_of_it(client_as):
    for role in ("resident", "dispatcher"):
        client = await client_as(role)
        for answer in (await client.get(HERE), await send(client, as_csv(rows(1)))):
            assert answer.status_code == 403


async def person_of(admin, username):
    found = (await admin.get(f"/admin/people?q={username}")).json()["people"]
    return next(p["id"] for p in found if p["username"] == username)


async def test_posts_are_added_transferred_and_left(client_as):
    admin = await client_as("administrator")
    id = await person_of(admin, "unit")
    view = (await admin.get(f"/admin/people/{id}")).json()
    post = view["posts"][0]["id"]
    preview = (await admin.get(f"/admin/posts/{post}/transfer")).json()
    assert {fact["label"]["key"] for fact in preview["about"]} == {
        "posts.ends",
        "posts.grants",
        "posts.work",
    }
    answer = await act(admin, f"/admin/posts/{post}/transfer", organization="NONE", title="岗")
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "organization")
    unit = {"organization": "371603U02", "title": "科长"}
    answer = await act(admin, f"/admin/posts/{post}/transfer", **unit, successor="resident")
    assert answer.json()["errors"][0]["code"] == "successor-elsewhere"
    page = await admin.post_form(f"/admin/posts/{post}/transfer", {**unit, "successor": "x"})
    assert page.status_code == 422
    assert 'value="科长"' in page.text
    assert (await act(admin, f"/admin/posts/{post}/transfer", **unit)).status_code == 200
    assert (await act(admin, f"/admin/posts/{post}/transfer", **unit)).status_code == 409
    assert (await act(admin, f"/admin/people/{id}/posts", **unit)).status_code == 422
    more = {"organization": "371603U03", "title": "兼职"}
    assert (await act(admin, f"/admin/people/{id}/posts", **more)).status_code == 201
    preview = (await admin.get(f"/admin/people/{id}/leave")).json()
    assert [f["label"]["key"] for f in preview["about"]].count("posts.ends") == 2
    assert (await act(admin, f"/admin/people/{id}/leave")).status_code == 200
    view = (await admin.get(f"/admin/people/{id}")).json()
    assert view["person"]["disabled"]
    assert all(p["ends_at"] for p in view["posts"])
    assert view["grants"] == []


async def test_nobody_transfers_or_retires_themselves(client_as):
    admin = await client_as("administrator")
    id = await person_of(admin, "administrator")
    assert (await act(admin, f"/admin/people/{id}/leave")).status_code == 409
    post = (await admin.get(f"/admin/people/{id}")).json()["posts"][0]["id"]
    unit = {"organization": "371603U02", "title": "科长"}
    assert (await act(admin, f"/admin/posts/{post}/transfer", **unit)).status_code == 409


async def test_organizations_are_moved_and_merged_after_a_look(client_as):
    admin = await client_as("administrator")
    tree = "/admin/organizations"
    answer = await act(admin, f"{tree}/move", code="371603", parent="371603U02")
    assert answer.json()["errors"][0]["code"] == "tree-circle"
    answer = await act(admin, f"{tree}/move", code="371603U02", parent="371603U01")
    assert answer.status_code == 200
    merge = {"code": "371603U02", "successor": "371603U03", "reason": "机构改革"}
    asked = await act(admin, f"{tree}/close", **merge)
    assert asked.json()["hidden"]["confirmed"] == "true"
    listed = (await admin.get(tree)).json()["organizations"]
    assert not any(o["closed"] for o in listed)
    page = await admin.post_form(f"{tree}/close", merge)
    assert "撤并不能撤回" in page.text
    assert (await act(admin, f"{tree}/close", **merge, confirmed=True)).status_code == 200
    listed = {o["code"]: o for o in (await admin.get(tree)).json()["organizations"]}
    assert listed["371603U02"]["closed"]
    assert listed["371603U02"]["depth"] == listed["371603U03"]["depth"] + 1
    answer = await act(admin, f"{tree}/close", **merge, confirmed=True)
    assert answer.json()["errors"][0]["code"] == "tree-closed"
    hire = {"username": "zhang", "name": "张三", "password": "long enough a word"}
    answer = await act(admin, "/admin/people", **hire, organization="371603U02")
    error = answer.json()["errors"][0]
    assert (answer.status_code, error["field"]) == (422, "organization")
    assert error["code"] == "organization-closed"
    assert (await admin.get("/admin/people?q=zhang")).json()["people"] == []
    below = {"code": "371603U99", "name": "新设股", "parent": "371603U02"}
    answer = await act(admin, tree, **below)
    error = answer.json()["errors"][0]
    assert (error["field"], error["code"]) == ("parent", "organization-closed")
    dispatcher = await client_as("dispatcher")
    assert (await act(dispatcher, f"{tree}/move", code="x", parent="y")).status_code == 403


async def test_a_page_of_a_person_offers_what_its_reader_may_do(client_as):
    admin = await client_as("administrator")
    role = {
        "name": "desk",
        "zh": "人事专员",
        "en": "Staff desk",
        "permissions": "yimen.people.manage",
    }
    assert (await admin.post("/admin/access/roles", json=role)).status_code == 201
    given = {"username": "unit", "role": "own.desk", "scope": "organization"}
    assert (await admin.post("/admin/grants", json=given)).status_code == 201
    found = (await admin.get("/admin/people?q=unit")).json()["people"]
    here = next(p["href"] for p in found if p["username"] == "unit")
    full = (await admin.page(here)).text
    desk = (await (await client_as("unit")).page(here)).text
    for offered in ("/withdraw", "/admin/access/people/"):
        assert offered in full
        assert offered not in desk
    assert "人事专员" in desk
    assert "own.desk" not in desk


async def test_people_are_found_by_their_unit_and_beyond_a_page(client_as, monkeypatch):
    monkeypatch.setattr("portal.pages.admin.people.PAGE", 2)
    admin = await client_as("administrator")
    unit = (await admin.get(f"/admin/people/{await person_of(admin, 'unit')}")).json()
    name = unit["posts"][0]["organization"]
    seen, href = [], f"/admin/people?q={name}"
    while href:
        view = (await admin.get(href)).json()
        seen += [p["username"] for p in view["people"]]
        assert all(any(name in post for post in p["posts"]) for p in view["people"])
        href = view["next_href"]
    assert "unit" in seen
    seen, href = [], "/admin/people"
    while href:
        view = (await admin.get(href)).json()
        assert 0 < len(view["people"]) <= 2
        seen += [p["username"] for p in view["people"]]
        href = view["next_href"]
    assert len(seen) > 4
    assert seen == sorted(set(seen))

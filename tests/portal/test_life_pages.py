"""The end of an app's life as people see it: the pages, the door, what is refused and why."""

import asyncio
from datetime import date, datetime, timedelta
from email.utils import parsedate_to_datetime

import pytest
from sqlmodel import col, select, update

from core.apps import runtime
from core.governance.lifecycle.models import Standing, StepTaken
from core.governance.lifecycle.service import standing, take
from core.governance.merging.functions import inventory
from core.governance.merging.links import links_of
from core.governance.merging.models import OldLink, Parity
from core.identity.organizations import by_code
from core.identity.people import add_post
from core.messages.models import Notice
from plugin_sdk.times import SHANGHAI

EMBEDDED = pytest.mark.parametrize("engine_kind", ["embedded"], indirect=True)
LIFE = "/governance/apps/supervision/life"
APP = "/apps/supervision"
CLOSES = date(2026, 3, 10)  # a Tuesday
REASON = "三个月只办成两件，并入 12345 热线"


async def decided(hub, verdict="retire", app="supervision", **values):
    """Bring an app to where a review has decided on it."""
    actor = await hub.actor("governance")
    async with hub.services.database.transaction(write=True) as tx:
        if (await standing(tx, app)).stage == "proposed":
            await take(tx, app, "file", actor)
        if (await standing(tx, app)).stage == "filed":
            await take(tx, app, "begin", actor)
        await take(tx, app, "review", actor)
        return await take(tx, app, verdict, actor, reason=REASON, name=actor.name, **values)


@pytest.fixture
async def hub(hub_app):
    hub_app.clock.stand(datetime(2026, 1, 28, 10, tzinfo=SHANGHAI))
    await decided(hub_app, successor="hotline")

    async def keep():  # as a worker does
        while True:
            await hub_app.hub.apps.follow()
            await asyncio.sleep(0.05)

    following = asyncio.create_task(keep())
    yield hub_app
    following.cancel()


def kind(answer):
    return answer.json()["type"].removeprefix("urn:yimen:problem:")


async def sign_away(hub):
    """Give every function up, as the gate of a merge has it before a sunset."""
    async with hub.services.database.transaction(write=True) as tx:
        for function in ("随手查", *await inventory(tx, "supervision")):
            tx.session.add(
                Parity(app="supervision", successor="hotline", function=function, waiver="不再需要")
            )


async def announce(staff, **more):
    form = {"reason": REASON, "closes_on": str(CLOSES), "noted": True, "seen": "", **more}
    return await staff.post(f"{LIFE}/sunset", json=form)


async def test_an_app_goes_into_its_sunset_closes_and_comes_back(hub):
    staff, anyone = await hub.client_as("governance"), hub.client()
    before = (await staff.get(LIFE)).json()
    assert before["state"] == "retire"
    assert [one["verb"] for one in before["next"]] == ["sunset"]
    answer = await announce(staff)
    assert answer.status_code == 200, answer.text
    await hub.hub.apps.follow()

    # read-only, and every answer says so
    inspector = await hub.client_as("inspector")
    read = await inspector.get(f"{APP}/")
    assert read.status_code < 400
    refused = await inspector.post(f"{APP}/findings", json={})
    page = await inspector.page(f"{APP}/findings")
    for one in (read, refused, page, await anyone.get(f"{APP}/nowhere")):
        assert one.headers["deprecation"] == f"@{int(hub.clock().timestamp())}"
        assert parsedate_to_datetime(one.headers["sunset"]).astimezone(SHANGHAI).date() == CLOSES
        assert one.headers["link"] == '</apps/hotline/>; rel="successor-version"'
    assert refused.status_code == 409
    assert kind(refused) == "app-read-only"
    said = refused.json()
    assert said["successor"] == "hotline"
    assert said["sunset"].startswith("2026-03-09T16:00")
    assert said["location"] == "/about/supervision"
    assert "3月10日" in said["detail"]
    assert "12345热线" in said["detail"]
    assert REASON not in said["detail"]
    assert "本应用 3月10日 停用" in page.text
    assert "/about/supervision#functions" in page.text
    assert "deprecation" not in (await anyone.get("/apps/hotline/")).headers
    about = (await anyone.get("/about/supervision")).json()
    assert (about["stage"], about["successor"]["href"]) == ("sunset", "/about/hotline")

    await hub.settle()
    async with hub.services.database.transaction() as tx:
        told = select(Notice.href).where(col(Notice.key) == "life.told.sunset")
        hrefs = set((await tx.session.execute(told)).scalars())
    assert hrefs == {"/about/supervision"}, "its owner replies to reviews, and reads no figures"

    # disabled meanwhile, it keeps its sunset
    until = hub.clock() + timedelta(days=1)
    await hub.set_state("supervision", "disabled", reason="机房检修", until=until)
    shut = await inspector.get(f"{APP}/")
    assert shut.status_code == 503
    assert shut.json()["until"].startswith("2026-01-29")
    assert "3月10日" in shut.json()["detail"]
    assert "机房检修" in shut.json()["detail"]
    assert "sunset" in shut.headers
    await hub.set_state("supervision", "enabled")
    assert (await inspector.post(f"{APP}/findings", json={})).status_code == 409

    # not before its day
    early = await staff.post(f"{LIFE}/close", json={"reason": REASON})
    assert (early.status_code, kind(early)) == (409, "lifecycle-blocked")
    assert "3月10日" in early.json()["detail"]
    async with hub.services.database.transaction(write=True) as tx:
        tx.session.add(
            OldLink(
                app="supervision", path="/findings/{id}", target="/apps/hotline/orders?was={id}"
            )
        )
    await sign_away(hub)
    hub.clock.stand(datetime(2026, 3, 10, 9, tzinfo=SHANGHAI))
    staff, inspector = await hub.client_as("governance"), await hub.client_as("inspector")

    async def tried(status, days=0):
        async with hub.services.database.transaction(write=True) as tx:
            when = hub.clock() - timedelta(days=days)
            await tx.session.execute(update(OldLink).values(status=status, tested_at=when))

    async def links_in_the_way():
        answer = await staff.post(f"{LIFE}/close", json={"reason": REASON})
        assert (answer.status_code, kind(answer)) == (409, "lifecycle-blocked"), answer.text
        return answer.json()["detail"]

    assert "还没有试过" in await links_in_the_way(), "changed since the sunset, and not tried"
    await tried(404)
    assert "打不开" in await links_in_the_way()
    await tried(200, days=8)
    assert "须重新检查" in await links_in_the_way(), "a week ago it led there"
    await tried(200)
    closed = await staff.post(f"{LIFE}/close", json={"reason": REASON})
    assert closed.status_code == 200, closed.text
    async with hub.services.database.transaction(write=True) as tx:
        links = [*await links_of(tx, "supervision"), ("/evil", "//evil.example/")]
        await runtime.change(tx, "supervision", links=links, by=None)
    await hub.hub.apps.follow()
    gone = await anyone.get(f"{APP}/")
    assert (gone.status_code, kind(gone)) == (410, "app-closed")
    assert gone.json()["successor"] == "hotline"
    moved = await anyone.get(f"{APP}/findings/7%2F8%20a?x=1&y=%E4%B8%AD")
    assert moved.status_code == 410, "%2F is a slash: two segments"
    moved = await anyone.get(f"{APP}/findings/7a?x=1&y=%E4%B8%AD")
    assert moved.status_code == 308
    assert moved.headers["location"] == "/apps/hotline/orders?was=7a&x=1&y=%E4%B8%AD"
    assert moved.headers["cache-control"] == "no-store", "it may be reopened"
    assert (await anyone.get(f"{APP}/evil")).status_code == 410
    assert (await anyone.post(f"{APP}/findings/7a", json={})).status_code == 410
    page = await anyone.page(f"{APP}/")
    assert page.status_code == 410
    for words in ("监督督办", "已关停", "12345热线", "不再需要"):
        assert words in page.text, words
    assert "supervision" not in {i.app.id for i in hub.hub.apps.running}, "no timer of it either"

    # and back
    await staff.post(f"{LIFE}/reopen", json={"reason": "还要核对几件"})
    await hub.hub.apps.follow()
    assert (await inspector.get(f"{APP}/")).status_code < 400
    await staff.post(f"{LIFE}/call_off", json={"reason": "另有安排"})
    await hub.hub.apps.follow()
    after = await inspector.get(f"{APP}/")
    assert "sunset" not in after.headers
    view = (await staff.get(LIFE)).json()
    assert view["state"] == "retire", "where its sunset began"
    assert [one["verb"] for one in view["steps"]][:4] == ["call_off", "reopen", "close", "sunset"]
    assert view["steps"][3]["reason"] == REASON


async def test_what_may_not_be_is_refused_and_nothing_is_written(hub):
    staff = await hub.client_as("governance")

    async def refused(**more):
        answer = await announce(staff, **more)
        assert answer.status_code == 422, answer.text
        return {e["field"]: e["code"] for e in answer.json()["errors"]}

    assert await refused(closes_on="2026-02-10") == {"closes_on": "closes-early"}
    assert await refused(closes_on="2026-03-14") == {"closes_on": "not-a-working-day"}
    assert await refused(closes_on="2039-03-10") == {"closes_on": "beyond-calendar"}
    assert await refused(successor="traffic") == {"successor": "unknown"}, "a review decides that"
    assert await refused(reason=" ") == {"reason": "missing"}
    page = await staff.post_form(f"{LIFE}/sunset", {"closes_on": "2039-03-10", "reason": REASON})
    assert page.status_code == 422
    assert "2039 年的节假日还没有录入" in page.text
    assert REASON in page.text, "what was typed is kept"
    stale = await announce(staff, version=1)
    assert (stale.status_code, kind(stale)) == (409, "lifecycle-moved")
    for verb, code in (("close", "lifecycle-elsewhere"), ("settle", "lifecycle-elsewhere")):
        answer = await staff.post(f"{LIFE}/{verb}", json={"reason": REASON})
        assert (answer.status_code, kind(answer)) == (409, code), verb
    assert (await staff.post(f"{LIFE}/retire", json={"reason": REASON})).status_code == 404
    for role in ("owner", "administrator", "resident"):
        answer = await (await hub.client_as(role)).post(f"{LIFE}/sunset", json={"reason": REASON})
        assert answer.status_code == 403, role
    async with hub.services.database.transaction() as tx:
        assert (await standing(tx, "supervision")).stage == "retire"
        assert (await runtime.gates(tx))["supervision"].mode == "open"
        found = await tx.session.execute(select(StepTaken.verb).order_by(col(StepTaken.at)))
        assert "sunset" not in set(found.scalars())
        assert not set((await tx.session.execute(select(Notice.key))).scalars())


@EMBEDDED
async def test_what_is_merged_goes_into_its_sunset_once_the_gate_is_open(hub):
    await decided(hub, "merge", app="village-affairs", successor="hotline")
    staff = await hub.client_as("governance")
    path = "/governance/apps/village-affairs/life"
    (next,) = (await staff.get(path)).json()["next"]
    assert {o["key"] for o in next["obstacles"] if not o["waivable"]}, "nothing is proven yet"
    form = {"reason": REASON, "closes_on": str(CLOSES), "noted": True}
    form["seen"] = " ".join(o["key"] for o in next["obstacles"])
    answer = await staff.post(f"{path}/sunset", json=form)
    assert (answer.status_code, kind(answer)) == (409, "lifecycle-blocked")
    page = (await staff.page(f"{path}/sunset")).text
    assert "先处理好上面的事" in page
    assert "<textarea" not in page


@EMBEDDED
async def test_the_owner_does_not_decide_in_whatever_post_they_act(hub):
    await decided(hub, "retire", app="oversight")
    staff = await hub.client_as("governance")  # a post in the unit that answers for oversight
    path = "/governance/apps/oversight/life"
    form = {"reason": REASON, "closes_on": str(CLOSES)}
    answer = await staff.post(f"{path}/sunset", json=form)
    assert (answer.status_code, kind(answer)) == (403, "owner-decides")
    view = (await staff.get(path)).json()
    assert view["decides"] is False
    assert all(one["href"] is None for one in view["next"])
    async with hub.services.database.transaction(write=True) as tx:
        unit = await by_code(tx, "371603U07")  # a second post, at the owner of supervision
        assert unit is not None
        person = (await hub.actor("governance")).person_id
        await add_post(tx, person, unit.id, "干部")
    staff = await hub.client_as("governance")
    answer = await announce(staff)
    assert (answer.status_code, kind(answer)) == (403, "owner-decides")


@EMBEDDED
async def test_the_owner_is_told_and_sees_the_steps_without_taking_any(hub):
    await decided(hub, "retire", app="hotline")
    staff, owner = await hub.client_as("governance"), await hub.client_as("owner")
    path = "/governance/apps/hotline/life/sunset"
    ways = (await staff.get(path)).json()
    assert [o["key"] for o in ways["noticed"]] == ["follows-supervision"], "who relies on it"
    form = {"reason": REASON, "closes_on": str(CLOSES)}
    unseen = await staff.post(path, json=form)
    assert (unseen.status_code, kind(unseen)) == (409, "lifecycle-blocked")
    assert "监督督办" in unseen.json()["detail"]
    seen = {**form, "noted": True, "seen": "follows-supervision"}
    assert (await staff.post(path, json=seen)).status_code == 200
    await hub.settle()
    (notice,) = [
        one
        for day in (await owner.get("/messages")).json()["days"]
        for one in day["notices"]
        if one["title"]["key"] == "life.told.sunset"
    ]
    assert "3月10日" in (await owner.page("/messages")).text
    opened = await owner.page(notice["href"])
    assert opened.status_code in (200, 303)
    view = (await owner.get("/owner/apps/hotline/life")).json()
    assert view["next"] == []
    assert view["steps"][0]["reason"] == REASON
    assert "监督督办" in view["steps"][0]["text"]
    assert (await owner.get("/owner/apps/supervision/life")).status_code == 404
    assert (await owner.get("/governance/apps/hotline/life")).status_code == 403


async def test_a_write_that_had_begun_is_let_end(hub):
    resident = await hub.client_as("resident")
    staff = await hub.client_as("governance")
    await decided(hub, "retire", app="hotline")
    apps, waits, goes = hub.hub.apps, asyncio.Event(), asyncio.Event()
    instance = apps.instances["hotline"]
    inner = instance.asgi

    async def slow(scope, receive, send):
        waits.set()
        await goes.wait()
        await inner(scope, receive, send)

    instance.asgi = slow
    order = {"kind": "help", "text": "路灯不亮，连着五盏", "place": "文化路"}
    begun = asyncio.create_task(resident.post("/apps/hotline/orders", json=order))
    await waits.wait()
    seen = {"noted": True, "seen": "follows-supervision"}
    path = "/governance/apps/hotline/life/sunset"
    done = await staff.post(path, json={"reason": REASON, "closes_on": str(CLOSES), **seen})
    assert done.status_code == 200, done.text
    await apps.follow()
    assert (await resident.post("/apps/hotline/orders", json=order)).status_code == 409
    goes.set()
    assert (await begun).status_code == 201


@EMBEDDED
async def test_an_app_whose_package_is_gone_still_has_its_page_and_its_end(hub_app):
    async with hub_app.services.database.transaction(write=True) as tx:
        kept = select(Standing.manifest).where(col(Standing.app) == "supervision")
        manifest = dict((await tx.session.execute(kept)).scalar_one())
        manifest["identity"] = {**manifest["identity"], "id": "gone-app"}
        tx.session.add(
            Standing(app="gone-app", stage="closed", since=date(2026, 1, 5), manifest=manifest)
        )
        await runtime.introduce(tx, [("gone-app", True)])
        await runtime.change(tx, "gone-app", mode="closed", links=[["/a", "/apps/hotline/"]])
    await hub_app.hub.apps.follow()
    anyone = hub_app.client()
    assert (await anyone.get("/about/gone-app")).json()["stage"] == "closed"
    gone = await anyone.get("/apps/gone-app/x")
    assert (gone.status_code, kind(gone)) == (410, "app-closed")
    assert (await anyone.page("/apps/gone-app/x")).status_code == 410
    assert (await anyone.get("/apps/gone-app/a")).headers["location"] == "/apps/hotline/"
    staff = await hub_app.client_as("governance")
    view = (await staff.get("/governance/apps/gone-app/life")).json()
    assert {one["verb"] for one in view["next"]} == {"reopen", "archive"}
    async with hub_app.services.database.transaction(write=True) as tx:
        await tx.session.execute(
            update(Standing).where(col(Standing.app) == "gone-app").values(stage="purged")
        )
    assert "销毁" in (await anyone.page("/about/gone-app")).text


@EMBEDDED
async def test_an_archive_is_asked_for_followed_and_called_off_on_the_page(hub):
    staff = await hub.client_as("governance")
    await announce(staff)
    hub.clock.stand(datetime(2026, 3, 10, 9, tzinfo=SHANGHAI))
    staff = await hub.client_as("governance")
    await sign_away(hub)
    await staff.post(f"{LIFE}/close", json={"reason": REASON})
    asked = await staff.post(f"{LIFE}/archive", json={"reason": REASON})
    assert asked.status_code == 200, asked.text
    view = (await staff.get(LIFE)).json()
    assert view["archive"]["running"]
    assert view["archive"]["give_up"]
    assert view["next"] == [], "nothing else meanwhile"
    again = await staff.post(f"{LIFE}/archive", json={"reason": REASON})
    assert (again.status_code, kind(again)) == (409, "archive-under-way")
    back = await staff.post(f"{LIFE}/reopen", json={"reason": REASON})
    assert (back.status_code, kind(back)) == (409, "lifecycle-blocked")
    assert (await staff.page(LIFE)).text.count("<progress") == 1
    purge = await staff.post(f"{LIFE}/purge", json={"sha256": "0" * 64})
    assert purge.status_code == 403, "another role's"
    given_up = await staff.post(f"{LIFE}/give-up", json={})
    assert given_up.status_code == 200, given_up.text
    view = (await staff.get(LIFE)).json()
    assert {one["verb"] for one in view["next"]} == {"archive", "reopen"}

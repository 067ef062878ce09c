"""Signing in through a provider above, seen from outside: linked by who is signed in, and by
nothing else; rules within their author's reach; and nothing out there harms signing in here."""

import asyncio
import re
import time
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from sqlalchemy import select, update
from sqlmodel import col

from core.access import grants
from core.audit.models import AuditEntry
from core.identity import people
from core.identity.models import Person, SignInSession
from core.identity.sessions import digest
from core.identity.upstream import flow, service
from core.identity.upstream.models import Upstream, UpstreamIdentity, UpstreamPost
from core.identity.upstream.rules import parse
from core.settings import OWN_MACHINE
from plugin_sdk.ports import ScopeKind
from portal.assembly import catalogue_of
from portal.testing.hub import PASSWORD
from tests.core.outside_server import answer
from tests.core.provider_above import CLIENT, SECRET, provider_above
from tests.portal.test_acting import begun
from tests.portal.test_factors import Phone

EMBEDDED = pytest.mark.parametrize("engine_kind", ["embedded"], indirect=True)
HOME = "http://127.0.0.1"
LED = {"referer": f"{HOME}/sign-in", "accept": "text/html"}
PAGE = "/admin/upstreams"
LINK = "/me/identities/province/link"
HOUSE = Path(__file__).parents[2]


@pytest.fixture
async def above():
    async with provider_above() as found:
        yield found


@pytest.fixture
async def hub(make_hub, above):
    found = await make_hub(outside_networks=OWN_MACHINE)
    above.now = lambda: found.clock().timestamp()
    return found


def settings(above, **changed):
    return {
        "key": "province",
        "issuer": above.issuer,
        "name_zh": "省统一认证",
        "name_en": "Province sign-in",
        "client_id": CLIENT,
        "secret": SECRET,
        **changed,
    }


async def administrator_with(hub, *aboves):
    admin = await hub.client_as("administrator")
    for number, above in enumerate(aboves):
        key = "province" if not number else f"other-{number}"
        added = await admin.post(f"{PAGE}/new", json=settings(above, key=key))
        assert added.status_code == 201, added.text
    return admin


async def travel(client, above, start, key="province", *, brought=None):
    """Go out by a link of ours and come back; where one lands."""
    found = above.authorize(await led_out(client, start)) | (brought or {})
    back = await client.get(f"/sign-in/with/{key}/back?{urlencode(found)}", headers=LED)
    assert back.status_code == 303, back.text
    return back.headers["location"]


async def led_out(client, start):
    """Return where a link of ours leads out, or the form by which one links an account."""
    if not start.endswith("/link"):
        led = await client.get(start, headers=LED)
        assert led.status_code == 303, led.text
        return led.headers["location"]
    led = await client.post_form(start, {}, headers=LED)
    assert led.status_code == 200, led.text
    return led.headers["refresh"].removeprefix("0;url=")


async def links(client, above):
    """Link an account there to one's own, and say that it is: where one lands."""
    asked = await travel(client, above, LINK)
    if asked != "/me/identities/province/confirm":
        return asked
    assert "是我的" in (await client.page(asked)).text
    return (await client.post_form(asked, {})).headers["location"]


async def come(hub, above, key="province", client=None):
    """Sign in through it in another browser; the client, and where it landed."""
    client = client or hub.client()
    return client, await travel(client, above, f"/sign-in/with/{key}?next=/work", key)


def why(location):
    return parse_qs(urlsplit(location).query)["why"][0]


async def recorded(hub, act):
    async with hub.services.database.transaction() as tx:
        found = await tx.session.execute(
            select(col(AuditEntry.facts))
            .where(col(AuditEntry.act) == act)
            .order_by(col(AuditEntry.at))
        )
        return list(found.scalars())


async def person_id(hub, username):
    async with hub.services.database.transaction() as tx:
        found = await people.by_username(tx, username)
        assert found is not None
        return found.id


async def test_who_is_signed_in_links_and_nothing_else_does(hub, above):
    await administrator_with(hub, above)
    # the same name, phone and address as somebody here make nobody anybody
    operator_id = await person_id(hub, "operator")
    async with hub.services.database.transaction(write=True) as tx:
        await tx.session.execute(
            update(Person).where(col(Person.id) == operator_id).values(phone="13800138000")
        )
    above.claims = {
        "preferred_username": "operator",
        "name": "吴话务",
        "phone_number": "+8613800138000",
        "phone_number_verified": True,
        "email": "operator@county.example",
        "email_verified": True,
    }
    client, landed = await come(hub, above)
    assert why(landed) == "unknown"
    assert (await client.get("/me")).status_code == 401
    told = (await client.page(landed)).text
    assert "先关联账号" in told
    assert "/sign-in?next=%2Fme%2Fidentities" in told
    # linked by who is signed in here
    operator = await hub.client_as("operator")
    assert "关联省统一认证" in (await operator.page("/me/identities")).text
    assert await links(operator, above) == "/me/identities"
    (link,) = (await operator.get("/me/identities")).json()["links"]
    assert link["facts"][0]["value"] == "u-***ng"
    await hub.settle()
    assert "关联了省统一认证" in (await operator.page("/messages")).text
    # and so one comes in, to the page one came from
    client, landed = await come(hub, above)
    assert landed == "/work"
    assert "吴" in (await client.page("/me")).text
    signed = [facts for facts in await recorded(hub, "signed-in") if "upstream" in facts]
    assert signed == [{"proofs": ["fed"], "upstream": "province"}]
    # one account there is one person's
    assert why(await links(operator, above)) == "held"
    unit = await hub.client_as("unit")
    assert why(await links(unit, above)) == "taken"
    async with hub.services.database.transaction() as tx:
        row = (await tx.session.execute(select(UpstreamIdentity))).scalar_one()
        assert row.person_id == operator_id
        assert above.sub not in repr(row)  # kept as a digest
        assert SECRET not in repr((await tx.session.execute(select(Upstream))).scalar_one())
    # the same account of another issuer is another
    async with provider_above() as other:
        other.now, other.claims = above.now, above.claims
        admin = await hub.client_as("administrator")
        added = await admin.post(f"{PAGE}/new", json=settings(other, key="other"))
        assert added.status_code == 201
        _, landed = await come(hub, other, "other")
        assert why(landed) == "unknown"
    # whom the hub keeps out, no provider lets in
    async with hub.services.database.transaction(write=True) as tx:
        await people.disable(tx, operator_id)
    _, landed = await come(hub, above)
    assert why(landed) == "disabled"
    async with hub.services.database.transaction(write=True) as tx:
        await people.enable(tx, operator_id)
    # unlinked, nobody comes in by it
    operator = await hub.client_as("operator")
    gone = await operator.post(f"/me/identities/{link['id']}/unlink", json={})
    assert gone.status_code == 200, gone.text
    assert (await unit.post(f"/me/identities/{link['id']}/unlink", json={})).status_code == 404
    _, landed = await come(hub, above)
    assert why(landed) == "unknown"


@EMBEDDED
async def test_another_site_links_nobody_to_who_is_signed_in_there(hub, above):
    """No address acts by being opened, who is signed in there proves it anew, and is asked."""
    await administrator_with(hub, above)
    operator = await hub.client_as("operator")
    # by a redirect of ours browsers say that we led here
    led = LED | {"sec-fetch-site": "same-origin", "sec-fetch-dest": "document"}
    opened = await operator.get(LINK, headers=led)
    assert opened.headers["location"] == "/me/identities"
    forged = await operator.post(LINK, data={"_csrf": "x"}, headers=LED)
    assert forged.status_code == 403
    out = await led_out(operator, LINK)
    asked = parse_qs(urlsplit(out).query)
    assert (asked["prompt"], asked["max_age"]) == (["login"], ["0"])
    above.claims = {"auth_time": int(above.now()) - 3600}
    assert why(await travel(operator, above, LINK)) == "denied"
    above.claims = {"preferred_username": "mallory"}
    confirm = await travel(operator, above, LINK)
    page = await operator.page(confirm)
    assert "mallory" in page.text
    assert not (await operator.get("/me/identities")).json()["links"]
    assert (await operator.post(confirm, data={"_csrf": "x"}, headers=LED)).status_code == 403
    # what one was asked about is nobody else's to confirm
    kept = operator.cookies["yimen-through"]
    unit = await hub.client_as("unit")
    unit.cookies.set("yimen-through", kept)
    assert why((await unit.post_form(confirm, {})).headers["location"]) == "over"
    assert (await operator.post_form(confirm, {})).headers["location"] == "/me/identities"
    assert len((await operator.get("/me/identities")).json()["links"]) == 1


RULES = """
[person]
name = "{name}"
username = "{preferred_username}"
when = { user_type = "staff" }

[[post]]
organization = "{dept}"
title = "{title}"

[[post]]
organization = "371603U01"
title = "值班员"
when = { groups = "night" }
"""


async def test_rules_make_people_and_posts_within_what_their_author_may_manage(hub, above):
    admin = await administrator_with(hub, above)
    rules = f"{PAGE}/province/rules"
    kept = {"rules": RULES, "provides": True, "gives_posts": True, "version": 1}
    assert (await admin.post(rules, json=kept)).status_code == 200
    said = {
        "name": "新来的",
        "preferred_username": "operator",  # taken: they are given another, never that account
        "user_type": "staff",
        "dept": "371603U02",
        "title": "科员",
        "groups": ["night"],
    }
    above.claims = {**said, "user_type": "citizen"}
    _, landed = await come(hub, above)
    assert why(landed) == "not-made"
    above.claims = said
    client, landed = await come(hub, above)
    assert landed == "/work"
    async with hub.services.database.transaction() as tx:
        row = (await tx.session.execute(select(UpstreamIdentity))).scalar_one()
        who = await people.person(tx, row.person_id)
        posts = await people.posts(tx, [row.person_id])
        given = {(post.organization, post.title) for post in posts}
        (upstream,) = await service.every(tx)
        last_said = await hub.services.upstreams.said(tx, upstream)
    assert last_said is not None
    assert last_said[1] == row.person_id
    assert who is not None
    assert (who.name, who.phone, row.made) == ("新来的", None, True)
    assert re.fullmatch(r"province-[0-9a-f]{12}", who.username)
    assert given == {("交通运输局", "科员"), ("城市管理局", "值班员")}
    # posts, and nothing that may be done in them
    assert (await client.get("/admin/people")).status_code == 403
    # a post that fits no longer ends; one that was given here stays
    async with hub.services.database.transaction(write=True) as tx:
        own = await people.add_post(tx, row.person_id, posts[0].organization_id, "借调")
    above.claims = {**said, "groups": []}
    await come(hub, above)
    async with hub.services.database.transaction() as tx:
        now = {post.title for post in await people.posts(tx, [row.person_id])}
    assert now == {"科员", "借调"}
    # what was not heard whole changes nothing
    above.answers["/userinfo"] = answer(b"", "503 Service Unavailable")
    above.claims = {"name": "新来的"}
    await come(hub, above)
    del above.answers["/userinfo"]
    async with hub.services.database.transaction() as tx:
        assert {p.title for p in await people.posts(tx, [row.person_id])} == {"科员", "借调"}
    # who answers for the rules has left: they give nothing more
    author = await person_id(hub, "administrator")
    async with hub.services.database.transaction(write=True) as tx:
        await tx.session.execute(
            update(Upstream).values(rules_post_id=own)  # a post that is not the author's
        )
        assert author is not None
        # nor do they end the post of the last who gives rights
        (last,) = [p for p in await people.posts(tx, [row.person_id]) if p.title == "科员"]
        await grants.grant(tx, last.id, "yimen.administrator", ScopeKind.ALL)
        for post in await people.posts(tx, [author]):
            await people.end_post(tx, post.id)
    above.claims = {**said, "dept": "371603U04"}
    await come(hub, above)
    async with hub.services.database.transaction() as tx:
        titles = {p.organization for p in await people.posts(tx, [row.person_id])}
        assert "交通运输局" in titles
    assert "住房和城乡建设局" not in titles
    sets = await recorded(hub, "upstream-posts-set")
    assert [len(facts["given"]) for facts in sets][:2] == [2, 0]
    # an account that has no other way in keeps this one
    assert (
        (await client.post("/me/identities/" + str(row.id) + "/unlink", json={}))
        .json()["type"]
        .endswith(("identity-last", "step-up"))
    )
    # forgotten with the person
    async with hub.services.database.transaction(write=True) as tx:
        for post in await people.posts(tx, [row.person_id]):
            await people.end_post(tx, post.id)
        await people.disable(tx, row.person_id)
        await people.erase(tx, row.person_id)
        assert (await tx.session.execute(select(UpstreamIdentity))).first() is None
        kept_said = await tx.session.execute(select(col(Upstream.said)))
        assert kept_said.scalar_one() is None


@EMBEDDED
async def test_a_dry_run_says_what_would_change_and_changes_nothing(hub, above):
    admin = await administrator_with(hub, above)
    rules = f"{PAGE}/province/rules"
    claims = (
        '{"sub": "u-9", "name": "新来的", "user_type": "staff", "dept": "371603U02", '
        '"title": "科员", "groups": ["night"]}'
    )
    form = {"rules": RULES, "claims": claims, "version": 1}
    tried = (await admin.post(f"{rules}/try", json=form)).json()["tried"]
    assert tried["who"]["key"] == "page.upstreams.plan.made_unnamed"
    told = [line["key"].rpartition(".")[2] for line in tried["lines"]]
    assert told == ["gives", "gives", "provides_off", "posts_off"]
    ticked = {**form, "provides": True, "gives_posts": True}
    tried = (await admin.post(f"{rules}/try", json=ticked)).json()["tried"]
    assert [line["key"].rpartition(".")[2] for line in tried["lines"]] == ["gives", "gives"]
    page = (await admin.post_form(f"{rules}/try", form)).text
    assert "给岗位：交通运输局 · 科员" in page
    assert "什么都没有改" in page
    async with hub.services.database.transaction() as tx:
        assert (await tx.session.execute(select(UpstreamPost))).first() is None
        assert (await tx.session.execute(select(col(Upstream.rules)))).scalar_one() == ""
    # what came last is shown by its beginnings, and tried whole
    empty = await admin.post(f"{rules}/try", json={"rules": RULES, "version": 1})
    assert empty.json()["errors"][0]["code"] == "upstream-claims-none"
    above.claims = {"name": "王秘密", "user_type": "staff", "dept": "nowhere", "title": "科员"}
    await come(hub, above)
    shown = (await admin.page(rules)).text
    assert "王秘密" not in shown
    assert "“王***”" in shown
    tried = (await admin.post(f"{rules}/try", json={"rules": RULES, "version": 1})).json()["tried"]
    assert tried["lines"][0]["key"].endswith("unit-unknown")
    # faults by line, on the page and for programs
    broken = '[person]\nname = "{name"\n\n[[post]]\norganization = "999"\n'
    page = (await admin.post_form(rules, {"rules": broken, "version": "1"})).text
    assert "第 2 行 person.name" in page
    assert "第 4 行 post[0]" in page
    nowhere = '[[post]]\norganization = "999"\ntitle = "x"\n'
    wrong = await admin.post(rules, json={"rules": nowhere, "version": 1})
    assert (wrong.status_code, wrong.json()["errors"][0]["code"]) == (422, "upstream-rules")
    for bad in ("[1]", "{", "[" * 5000):
        wrong = await admin.post(f"{rules}/try", json={**form, "claims": bad})
        assert wrong.json()["errors"][0]["code"] == "upstream-claims"
    # who may manage people of one unit alone gives posts there alone
    actors = await hub.actors()
    plan = hub.services.upstreams.plan
    async with hub.services.database.transaction() as tx:
        (upstream,) = await service.every(tx)
        said = {"name": "a", "user_type": "staff", "dept": "371603U02", "title": "科员"}
        for author in (actors["unit2"], None):
            found = await plan(tx, upstream, parse(RULES), said, None, author)
            assert [kept.code for kept in found.keeps] == ["beyond-author"]
            assert found.gives == []


@EMBEDDED
async def test_a_second_factor_is_asked_for_unless_the_administrator_trusts_the_other_one(
    hub, above
):
    admin = await administrator_with(hub, above)
    unit = await hub.client_as("unit")
    await links(unit, above)
    unit_id = await person_id(hub, "unit")

    async def proofs():
        async with hub.services.database.transaction() as tx:
            found = await tx.session.execute(
                select(col(SignInSession.proofs), col(SignInSession.proved_at))
                .where(col(SignInSession.person_id) == unit_id)
                .order_by(col(SignInSession.created_at).desc())
                .limit(1)
            )
            return found.one()

    # how long ago they proved it there is how long ago it was: an act of high risk asks again
    now = above.now()
    above.claims = {"auth_time": int(now) - 3 * 3600, "acr": "loa3"}
    client, landed = await come(hub, above)
    assert landed == "/work"
    assert (await proofs())[0] == ["fed"]  # its acr counts for nothing until somebody says so
    asked = await client.post(LINK, json={})
    assert asked.json()["type"].endswith("step-up")
    above.without = ("auth_time",)
    client, _ = await come(hub, above)
    assert (await proofs())[1] is None
    asked = await client.page("/sign-in/again?next=/me/security")
    assert "到省统一认证确认是您本人" in asked.text
    # and there they prove it: anew, and as themselves
    again = "/sign-in/again/with/province?next=/me/security"
    assert why(await travel(client, above, again)) == "denied"
    above.without, above.claims = (), {}
    above.sub, mine = "somebody-else-there", above.sub
    assert why(await travel(client, above, again)) == "other"
    above.sub = mine
    assert await travel(client, above, again) == "/me/security"
    assert (await proofs())[1] is not None
    # a factor of one's own is asked for, and no provider stands in for it
    client.csrf = (await client.get("/me/security")).json().get("csrf", "")
    key = (await unit.get("/me/security/totp")).json()["key"]
    phone = Phone(hub, key)
    answered = await unit.post("/me/security/totp", json={"code": phone.shows()})
    assert answered.status_code == 200, answered.text
    hub.clock.move(seconds=60)
    stranger, landed = await come(hub, above)
    assert landed == "/sign-in/second?next=%2Fwork"
    assert (await stranger.get("/me")).status_code == 401
    done = await stranger.post("/sign-in/second", json={"code": phone.shows(), "next": "/work"})
    assert done.status_code == 200
    assert (await proofs())[0] == ["fed", "otp", "mfa"]
    # until the administrator says which of its classes count
    changed = {**settings(above), "strong_acr": "loa3 loa4", "secret": "", "version": 1}
    for name in ("key", "issuer"):
        del changed[name]
    assert "不填就用原来的" in (await admin.page(f"{PAGE}/province/edit")).text
    assert (await admin.post(f"{PAGE}/province/edit", json=changed)).status_code == 200
    above.claims = {"acr": "loa2"}
    _, landed = await come(hub, above)
    assert landed.startswith("/sign-in/second")
    above.claims = {"acr": "loa3"}
    _, landed = await come(hub, above)
    assert landed == "/work"
    assert (await proofs())[0] == ["fed", "fedmfa", "mfa"]


@EMBEDDED
async def test_what_comes_back_must_be_of_this_browser_this_once_and_of_this_provider(hub, above):
    await administrator_with(hub, above)
    operator = await hub.client_as("operator")
    await links(operator, above)
    client = hub.client()
    # led by a page of ours alone
    for headers in (
        {"accept": "text/html"},
        {"accept": "text/html", "referer": "https://evil.example/"},
        {**LED, "sec-fetch-site": "cross-site", "sec-fetch-dest": "document"},
    ):
        stays = await client.get("/sign-in/with/province?next=/work", headers=headers)
        assert stays.headers["location"] == "/sign-in?next=%2Fwork"
        stays = await operator.get(LINK, headers=headers)
        assert stays.headers["location"] == "/me/identities"
    led = await client.get("/sign-in/with/province?next=//evil.example", headers=LED)
    cookie = led.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    found = above.authorize(led.headers["location"])
    back = f"/sign-in/with/province/back?{urlencode(found)}"
    # another browser has nothing to show for it
    stranger = hub.client()
    assert why((await stranger.get(back)).headers["location"]) == "over"
    twice = await client.get(f"{back}&state=x")
    assert why(twice.headers["location"]) == "over"
    assert not await recorded(hub, "upstream-refused")  # nor writes anything into the record
    kept = dict(client.cookies)
    landed = await client.get(back, headers=LED)
    assert landed.headers["location"] == "/"  # never to another's address
    assert (await client.get("/me")).status_code == 200
    # once
    client.cookies.update({"yimen-through": kept.get("yimen-through", "")})
    led = await client.get(back)
    assert why(led.headers["location"]) == "over"
    # mix-up: the answer of another provider, though its code were good
    other = hub.client()
    landed = await travel(
        other, above, "/sign-in/with/province", brought={"iss": "https://evil.example"}
    )
    assert why(landed) == "doubtful"
    # what a provider writes is shown to nobody
    led = await other.get("/sign-in/with/province", headers=LED)
    state = parse_qs(urlsplit(led.headers["location"]).query)["state"][0]
    said = {"state": state, "iss": above.issuer, "error": "access_denied"}
    said["error_description"] = "<script>alert(1)</script>"
    stopped = await other.get(f"/sign-in/with/province/back?{urlencode(said)}")
    page = await other.page(stopped.headers["location"])
    assert why(stopped.headers["location"]) == "denied"
    assert "alert(1)" not in page.text + stopped.headers["location"]
    odd = await other.page("/sign-in/with/province/stopped?why=%3Cscript%3E&next=//evil")
    assert "<script>alert" not in odd.text
    assert 'href="//evil' not in odd.text
    # a link that was begun by one is not ended as another
    out = await led_out(operator, LINK)
    above.sub = "another-account"
    found = above.authorize(out)
    await operator.post("/sign-out", json={})
    await operator.post("/sign-in", json={"username": "unit", "password": PASSWORD})
    ended = await operator.get(f"/sign-in/with/province/back?{urlencode(found)}")
    assert why(ended.headers["location"]) == "over"
    reasons = [facts["reason"] for facts in await recorded(hub, "upstream-refused")]
    assert {"state", "used", "answer-other", "answer-access_denied"} <= set(reasons)
    assert (await other.get("/sign-in/with/nowhere", headers=LED)).status_code == 404


@EMBEDDED
async def test_nobody_links_an_account_of_theirs_to_whom_they_act_for(hub, above):
    await administrator_with(hub, above)
    worker, *_ = await begun(hub)
    async with hub.services.database.transaction() as tx:
        (upstream,) = await service.every(tx)
    upstreams = hub.services.upstreams
    address, sealed = await upstreams.flow.begin(
        upstreams.relying(upstream),
        "link",
        hub.clock(),
        session_id=digest(worker.cookies["yimen"]),
    )
    worker.cookies.set("yimen-through", sealed)
    back = f"/sign-in/with/province/back?{urlencode(above.authorize(address))}"
    landed = await worker.get(back, headers=LED)
    assert why(landed.headers["location"]) == "over"
    async with hub.services.database.transaction() as tx:
        assert (await tx.session.execute(select(UpstreamIdentity))).first() is None
    refused = await worker.post_form(LINK, {}, headers=LED)
    assert refused.status_code == 403


@EMBEDDED
async def test_a_provider_that_hangs_harms_nobody_here(hub, above, monkeypatch):
    assert flow.ALL_SECONDS < 15
    monkeypatch.setattr(flow, "ALL_SECONDS", 1.5)
    await administrator_with(hub, above)
    above.slow["/token"] = 60
    travellers = [asyncio.create_task(come(hub, above)) for _ in range(12)]
    await asyncio.sleep(0.5)
    begun = time.monotonic()
    page = await hub.client().page("/sign-in")
    assert "用省统一认证登录" in page.text
    await asyncio.gather(*(hub.client_as(role) for role in ("operator", "unit", "resident")))
    assert time.monotonic() - begun < 5
    landed = [location for _, location in await asyncio.gather(*travellers)]
    assert {why(location) for location in landed} == {"away"}
    # absent altogether, the page of signing in is as it was
    above.answers["/.well-known/openid-configuration"] = answer(b"", "500 Internal Server Error")
    hub.services.upstreams.flow.providers.forget(above.issuer)
    gone = await hub.client().get("/sign-in/with/province", headers=LED)
    assert why(gone.headers["location"]) == "away"
    assert (await hub.client().page("/sign-in")).status_code == 200


@EMBEDDED
async def test_the_administrator_adds_tries_and_shuts_a_provider(hub, above):
    admin = await administrator_with(hub)
    wrong = {"key": "Province!", "issuer": "http://idp.example", "secret": "", "scopes": "profile"}
    for field, code in (
        ("key", "upstream-key"),
        ("issuer", "upstream-plain"),
        ("secret", "upstream-secret"),
        ("scopes", "upstream-openid"),
    ):
        refused = await admin.post(f"{PAGE}/new", json=settings(above, **{field: wrong[field]}))
        assert refused.status_code == 422, refused.text
        assert [(e["field"], e["code"]) for e in refused.json()["errors"]] == [(field, code)]
        page = await admin.post_form(f"{PAGE}/new", settings(above, **{field: wrong[field]}))
        assert page.status_code == 422
        assert SECRET not in page.text
    assert (await admin.post(f"{PAGE}/new", json=settings(above))).status_code == 201
    taken = await admin.post(f"{PAGE}/new", json=settings(above))
    assert taken.json()["errors"][0]["code"] == "upstream-taken"
    page = (await admin.page(f"{PAGE}/province")).text
    assert f"{HOME}/sign-in/with/province/back" in page
    assert SECRET not in page
    assert SECRET not in (await admin.get(f"{PAGE}/province")).text
    tried = (await admin.post(f"{PAGE}/province/test", json={})).json()["tried"]
    assert tried["problem"] is None
    above.metadata = {"issuer": "https://evil.example"}
    tried = (await admin.post(f"{PAGE}/province/test", json={})).json()["tried"]
    assert tried["code"] == "issuer-other"
    above.metadata = {}
    stale = {**settings(above), "version": 7}
    del stale["key"], stale["issuer"]
    assert (await admin.post(f"{PAGE}/province/edit", json=stale)).status_code == 409
    assert (await admin.post(f"{PAGE}/province/disable", json={})).status_code == 200
    assert "省统一认证" not in (await hub.client().page("/sign-in")).text
    assert (await hub.client().get("/sign-in/with/province", headers=LED)).status_code == 404
    assert (await admin.post(f"{PAGE}/province/enable", json={})).status_code == 200
    assert "省统一认证" in (await hub.client().page("/sign-in")).text
    unit = await hub.client_as("unit")
    for method, path in (
        ("GET", PAGE),
        ("POST", f"{PAGE}/new"),
        ("POST", f"{PAGE}/province/rules"),
    ):
        assert (await unit.request(method, path, json=settings(above))).status_code == 403
    # it is an act of high risk
    hub.clock.move(hours=1)
    late = await admin.post(f"{PAGE}/province/disable", json={})
    assert late.json()["type"].endswith("step-up")


@EMBEDDED
async def test_who_signs_out_is_told_that_they_are_still_signed_in_there(hub, above):
    await administrator_with(hub, above)
    operator = await hub.client_as("operator")
    assert (await operator.post("/sign-out", json={})).json()["location"] == "/"
    operator = await hub.client_as("operator")
    await links(operator, above)
    client, _ = await come(hub, above)
    left = (await client.post("/sign-out", json={})).json()["location"]
    assert left == "/sign-in/with/province/left"
    assert "也退出省统一认证" in (await client.page(left)).text
    out = await client.get("/sign-in/with/province/out", headers=LED)
    address = urlsplit(out.headers["location"])
    assert address.path == "/end"
    assert parse_qs(address.query) == {
        "client_id": [CLIENT],
        "post_logout_redirect_uri": [f"{HOME}/"],
    }
    from_elsewhere = await client.get("/sign-in/with/province/out")
    assert from_elsewhere.headers["location"] == "/"
    above.metadata = {"end_session_endpoint": None}
    hub.services.upstreams.flow.providers.forget(above.issuer)
    assert (await client.get(left)).headers["location"] == "/"


def test_every_reason_has_words():
    catalogue = catalogue_of({})
    said = re.compile(r'(?:OutsideError|ProviderError)\("([a-z-]+)"\)')
    codes = set()
    for file in ("core/outside.py", "core/identity/upstream/discovery.py"):
        codes |= set(said.findall((HOUSE / file).read_text("utf-8")))
    assert len(codes) == 20
    assert {code for code in codes if f"upstream.error.{code}" not in catalogue} == set()

"""The door: where a request goes, what holds it back, and how an app's door stands."""

import asyncio

from core.apps.sections import Sections
from plugin_sdk.manifest import Breaker as Limits
from portal.testing.apps import FAILING, GRANTS, bad_apps, good_app
from portal.testing.apps.good.models import Item, Notice


def problem(answer) -> str:
    assert answer.headers["content-type"].startswith("application/problem+json"), answer.text
    return answer.json()["type"].removeprefix("urn:yimen:problem:")


async def begun_in(hub, app: str, requests: int) -> None:
    """Wait until so many requests are past the door."""
    instance = hub.hub.apps.instances[app]
    async with asyncio.timeout(20):
        while len(instance.requests) < requests:  # noqa: ASYNC110  (nothing tells)
            await asyncio.sleep(0.005)


async def test_an_unknown_app_looks_like_any_hidden_thing(hub):
    client = await hub.client_as("resident")
    unknown = await client.get("/apps/nobody/")
    hidden = await client.get("/apps/good/nothing-there")
    for answer in (unknown, hidden):
        assert answer.status_code == 404
        answer.json().pop("request")
    left, right = unknown.json(), hidden.json()
    assert {**left, "request": ""} == {**right, "request": ""}


PAST = [
    "/apps/",
    "/apps//good/items",
    "/apps/%2e%2e/admin/apps",
    "/apps/Good/items",
    "/apps/good%00/items",
    "/apps/good%20/items",
    "/apps/good%5Citems",
    "/apps/good/%2e%2e/%2e%2e/admin/apps",
    "/apps/good%2F..%2F..%2Fadmin/apps",
    "/apps/good@portal.testing.apps.taken_id",
]


async def test_no_address_leads_past_its_app(hub):
    client = await hub.client_as("administrator")
    for path in PAST:
        answer = await client.get(path)
        assert answer.status_code == 404, path


async def test_an_app_without_its_slash_is_led_to_it(hub):
    client = hub.client()
    answer = await client.get("/apps/good?a=1&b=%E4%B8%AD")
    assert answer.status_code == 308
    assert answer.headers["location"] == "/apps/good/?a=1&b=%E4%B8%AD"


async def test_dispatch_is_one_lookup_however_many_apps(hub):
    """The door never walks its slots: a table that cannot be walked serves as well."""

    class OneLookup(dict):
        def __iter__(self):
            raise AssertionError("the door walked its table")

        items = values = keys = __iter__

    apps = hub.hub.apps
    client = await hub.client_as("resident")
    table = OneLookup(apps.door.slots)
    for number in range(500):
        dict.__setitem__(table, f"other-{number}", table["good"])
    apps.door.slots = table
    assert (await client.get("/apps/good/items")).status_code == 200
    assert (await client.get("/apps/nobody/")).status_code == 404


async def test_usage_counts_the_route_and_not_the_address(hub):
    client = await hub.client_as("resident")
    await client.get("/apps/good/wait/1")
    counted = {(app, feature) for app, feature, *_ in hub.services.usage._requests}
    assert ("good", "GET /wait/{milliseconds:int}") in counted or (
        "good",
        "GET /wait/{milliseconds}",
    ) in counted, counted


async def test_what_no_route_answers_is_one_feature_whatever_was_asked_for(hub):
    client = await hub.client_as("resident")
    for n in range(3):
        await client.get(f"/apps/good/nowhere/{n}")
        await client.request(f"M{n}", "/apps/good/items", headers={"origin": "http://127.0.0.1"})
    counted = {feature for app, feature, *_ in hub.services.usage._requests if app == "good"}
    assert counted == {"?"}


# --- how the door stands -----------------------------------------------------------------


async def test_read_only_refuses_writes_alone(hub, set_state):
    client = await hub.client_as("resident")
    await set_state("good", "enabled", mode="read_only", reason="迁移")
    assert (await client.get("/apps/good/items")).status_code == 200
    answer = await client.post("/apps/good/items", json={"title": "x"})
    assert answer.status_code == 409
    assert problem(answer) == "app-read-only"


async def test_moved_keeps_the_rest_and_the_query_as_they_were_written(hub, set_state):
    await set_state("good", "enabled", mode="moved", successor="hotline")
    client = await hub.client_as("resident")
    for rest in ("/items?q=a%20b&r=%E4%B8%AD", "/%E4%B8%AD%25/%2F?x", "/", "/a%0D%0Ab"):
        answer = await client.get(f"/apps/good{rest}")
        assert answer.status_code == 308
        assert answer.headers["location"] == f"/apps/hotline{rest}"
    answer = await client.post("/apps/good/items", json={"title": "x"})
    assert answer.status_code == 308


async def test_closed_is_gone_with_its_successor(hub, set_state, count):
    await set_state("good", "disabled", mode="closed", successor="hotline", reason="合并")
    client = await hub.client_as("resident")
    answer = await client.get("/apps/good/items")
    assert answer.status_code == 410
    assert problem(answer) == "app-closed"
    assert answer.json()["successor"] == "hotline"
    page = await client.page("/apps/good/items")
    assert page.status_code == 410


async def test_an_app_is_disabled_and_enabled_without_a_restart(hub, set_state, life):
    client = await hub.client_as("resident")
    generation = await set_state("good", "disabled", reason="检修")
    answer = await client.get("/apps/good/items")
    assert answer.status_code == 503
    assert problem(answer) == "app-disabled"
    assert answer.headers["retry-after"]
    apps = hub.hub.apps
    assert (await apps.until_acknowledged(generation, 2)).ready == 1
    assert (await apps.until_acknowledged(generation, 2, drained=True)).ready == 1
    assert (await apps.acknowledged(generation + 1)).ready == 0
    await set_state("good", "enabled")
    assert (await client.get("/apps/good/items")).status_code == 200


async def test_the_lifespan_is_entered_and_left_in_one_task(hub, set_state, life):
    assert len(life["entered"]) == 1
    for _ in range(3):
        await set_state("good", "disabled")
        await set_state("good", "enabled")
    await set_state("good", "disabled")
    assert len(life["entered"]) == 4
    assert life["entered"] == life["left"]


async def test_jobs_and_events_of_a_disabled_app_wait(hub, set_state, life, count):
    client = await hub.client_as("resident")
    await set_state("good", "disabled")
    await hub.services.jobs.run_due()
    assert life["jobs"] == []
    await set_state("good", "enabled")
    assert (await client.post("/apps/good/items", json={"title": "told"})).status_code == 201
    await set_state("good", "disabled")
    for _ in range(20):  # more often than an outbox row may fail
        await hub.services.jobs.relay()
        hub.clock.move(minutes=2)
    assert await count(hub, Notice) == 0
    await set_state("good", "enabled")
    await hub.settle()
    assert await count(hub, Notice) == 1
    await hub.services.jobs.run_due()
    assert len(life["jobs"]) == 1


# --- draining ----------------------------------------------------------------------------


async def test_who_is_past_the_door_is_answered_and_nobody_else(hub, life):
    client = await hub.client_as("resident")
    begun = [asyncio.create_task(client.get("/apps/good/wait/900")) for _ in range(20)]
    await begun_in(hub, "good", 20)
    changed = asyncio.create_task(hub.set_state("good", "disabled"))
    await asyncio.sleep(0.1)
    late = await client.get("/apps/good/items")
    assert late.status_code == 503
    assert not life["left"], "the lifespan is left after the last answer"
    assert [answer.status_code for answer in await asyncio.gather(*begun)] == [200] * 20
    await changed
    assert len(life["left"]) == 1


async def test_at_the_drain_limit_what_is_left_gets_504(make_hub, life):
    hub = await make_hub(points=[good_app(), *bad_apps()], grants=GRANTS)
    instance = hub.hub.apps.instances["good"]
    import msgspec

    instance.limits = msgspec.structs.replace(instance.limits, drain_seconds=0.3)
    client = await hub.client_as("resident")
    long = [asyncio.create_task(client.get("/apps/good/wait/9000")) for _ in range(10)]
    await begun_in(hub, "good", 10)
    short = [asyncio.create_task(client.get("/apps/good/wait/100")) for _ in range(10)]
    await begun_in(hub, "good", 20)
    await hub.set_state("good", "disabled")
    assert {answer.status_code for answer in await asyncio.gather(*short)} == {200}
    answers = await asyncio.gather(*long)
    assert {answer.status_code for answer in answers} == {504}
    assert {problem(answer) for answer in answers} == {"app-stopped"}, "cut, and not too late"
    assert not instance.requests
    assert not instance.cut
    await hub.set_state("good", "enabled")
    assert (await client.get("/apps/good/items")).status_code == 200


async def test_quarantine_cuts_at_once_and_keeps_no_request_that_resists(full_hub):
    client = full_hub.client()
    deaf = asyncio.create_task(client.get("/apps/slow/deaf"))
    await asyncio.sleep(0)
    await begun_in(full_hub, "slow", 1)
    await asyncio.wait_for(full_hub.set_state("slow", "quarantined"), 3)
    answer = await deaf
    assert answer.status_code in (200, 504)


async def test_enabling_while_it_drains_cuts_nobody(hub, life):
    client = await hub.client_as("resident")
    begun = asyncio.create_task(client.get("/apps/good/wait/1500"))
    await begun_in(hub, "good", 1)
    apps = hub.hub.apps
    await apps.change("good", state="disabled")
    closing = asyncio.create_task(apps.follow())
    await asyncio.sleep(0.1)
    assert (await client.get("/apps/good/items")).status_code == 503
    await apps.change("good", state="enabled")
    await apps.follow()
    assert (await client.get("/apps/good/items")).status_code == 200
    assert (await begun).status_code == 200
    await closing
    assert life["left"] == []


async def test_one_app_that_drains_keeps_no_other_waiting(full_hub):
    client = await full_hub.client_as("resident")
    begun = asyncio.create_task(client.get("/apps/good/wait/2500"))
    await begun_in(full_hub, "good", 1)
    apps = full_hub.hub.apps
    number = await apps.change("good", state="disabled")
    following = [asyncio.create_task(apps.follow())]
    await asyncio.sleep(0.1)
    assert (await apps.acknowledged(number)).ready == 1, "the door is closed"
    assert (await apps.acknowledged(number, drained=True)).ready == 0
    await apps.change("slow", state="disabled")
    following.append(asyncio.create_task(apps.follow()))
    await asyncio.sleep(0.2)
    assert (await client.get("/apps/slow/")).status_code == 503
    assert not begun.done()
    await asyncio.gather(begun, *following)
    assert (await apps.until_acknowledged(number, 2, drained=True)).ready == 1


async def test_draining_lets_begun_requests_end_however_long(hub):
    client = await hub.client_as("resident")
    begun = asyncio.create_task(client.get("/apps/good/wait/500"))
    await begun_in(hub, "good", 1)
    await hub.set_state("good", "draining")
    assert begun.done() or (await begun).status_code == 200
    assert (await client.get("/apps/good/items")).status_code == 503


# --- limits ------------------------------------------------------------------------------


async def test_a_request_that_takes_too_long_gets_504(full_hub):
    answer = await full_hub.client().get("/apps/slow/wait/5000")
    assert answer.status_code == 504
    assert problem(answer) == "app-timeout"


async def test_more_at_once_than_the_limit_are_told_to_come_again(full_hub):
    clients = [full_hub.client() for _ in range(8)]
    answers = await asyncio.gather(*(client.get("/apps/slow/wait/200") for client in clients))
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses == [200] * 4 + [503] * 4
    busy = next(answer for answer in answers if answer.status_code == 503)
    assert problem(busy) == "app-busy"
    assert busy.headers["retry-after"] == "1"
    assert (await clients[0].get("/apps/slow/wait/1")).status_code == 200


async def test_the_breaker_opens_rests_tries_once_and_closes(full_hub):
    client = full_hub.client()
    for _ in range(3):
        assert (await client.get("/apps/raising/raise")).status_code == 500
    resting = await client.get("/apps/raising/")
    assert resting.status_code == 503
    assert problem(resting) == "app-resting"
    await asyncio.sleep(0.6)
    assert (await client.get("/apps/raising/raise")).status_code == 500, "the trial fails"
    assert (await client.get("/apps/raising/")).status_code == 503
    await asyncio.sleep(0.6)
    assert (await client.get("/apps/raising/")).status_code == 200, "the trial succeeds"
    assert (await client.get("/apps/raising/raise")).status_code == 500
    assert (await client.get("/apps/raising/")).status_code == 200


async def test_a_denial_is_no_failure(full_hub):
    client = await full_hub.client_as("resident")
    for _ in range(10):
        assert (await client.get("/apps/raising/denied")).status_code == 403
        assert (await client.get("/apps/raising/nothing")).status_code == 404
    assert (await client.get("/apps/raising/")).status_code == 200


def test_only_the_trial_speaks_while_the_breaker_is_open(monkeypatch):
    from core.apps.breaker import Breaker

    now = [100.0]
    monkeypatch.setattr("core.apps.breaker.time.monotonic", lambda: now[0])
    breaker = Breaker(Limits(failures=2, window_seconds=10, open_seconds=5))
    breaker.record(True)
    now[0] += 11
    breaker.record(True)
    assert breaker.closed, "two failures in two windows are none"
    breaker.record(True)
    assert breaker.admit() == 5
    now[0] += 4
    breaker.record(True)  # it began before: it does not prolong the rest
    assert breaker.admit() == 1
    now[0] += 1
    assert breaker.admit() == 0
    assert breaker.admit() == 1, "one at a time"
    breaker.record(False)  # it began before, and proves nothing
    assert not breaker.closed
    breaker.record(None, trial=True)  # denied: another may try
    assert breaker.admit() == 0
    breaker.record(True, trial=True)
    assert breaker.admit() == 5
    now[0] += 5
    assert breaker.admit() == 0
    breaker.record(False, trial=True)
    assert breaker.closed


async def test_an_app_that_a_test_breaks_is_whole_again(hub, break_app):
    client = await hub.client_as("resident")
    break_app("good")
    assert (await client.get("/apps/good/items")).status_code == 500
    break_app("good", "exit")
    assert (await client.get("/apps/good/items")).status_code == 500
    break_app("good", None)
    assert (await client.get("/apps/good/items")).status_code == 200


async def test_an_app_that_cannot_be_built_is_closed_by_name(hub):
    instance = hub.hub.apps.instances["good"]

    def build(handlers):
        raise ValueError("two handlers disagree")

    instance.asgi = Sections(instance.handlers, build, instance.on_fault)
    client = await hub.client_as("resident")
    assert (await client.get("/apps/good/items")).status_code == 500
    answer = await client.get("/apps/good/items")
    assert answer.status_code == 503
    assert "two handlers disagree" in hub.hub.apps.door.slots["good"].gate.reason


def test_every_failing_app_has_a_grant():
    assert {path.stem for path in GRANTS.glob("*.toml")} >= {"good", *FAILING}


async def test_the_same_key_is_one_effect(hub, count):
    client = await hub.client_as("resident")
    headers = {"idempotency-key": "key-of-this-test"}
    answers = await asyncio.gather(
        *(
            client.post("/apps/good/items", json={"title": "once"}, headers=headers)
            for _ in range(16)
        )
    )
    assert {answer.status_code for answer in answers} <= {200, 201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert await count(hub, Item) == 1

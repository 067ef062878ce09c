"""Each bad app is refused or contained, and says why; the good one has no errors beside them."""

import asyncio

import pytest

from core.apps import runtime
from core.apps.hooks import HookFailure, contained
from plugin_sdk.ports import Actor
from portal.testing.apps import FAILING, GRANTS, REFUSED, bad_apps, good_app
from portal.testing.apps.good.models import Item

KINDS = {
    "raising": ("raise", "exit", "cancel", "group"),
    "slow": ("wait/600", "deaf", "stream"),
}


async def hammer(client, stop: asyncio.Event) -> list[int]:
    """Use the good app until told to stop; return the answers that were errors."""
    wrong = []
    number = 0
    while not stop.is_set() or number < 4:
        number += 1
        answers = await asyncio.gather(
            client.get("/apps/good/items"),
            client.post("/apps/good/items", json={"title": f"item {number}"}),
        )
        wrong += [answer.status_code for answer in answers if answer.status_code >= 400]
    return wrong


async def test_a_bad_app_is_refused_by_name_with_its_reason(full_hub):
    client = full_hub.client()
    for app, code in REFUSED.items():
        refusal = full_hub.hub.apps.instances[app].app.refusal
        assert refusal is not None, app
        assert refusal.code == code, app
        assert full_hub.hub.apps.door.slots[app].gate.reason == str(refusal)
        answer = await client.get(f"/apps/{app}/")
        assert answer.status_code == 503, app
        assert answer.headers["content-type"].startswith("application/problem+json")
        assert refusal.detail not in answer.text, "what broke is for administrators"


async def test_the_administrator_reads_why_an_app_was_refused(full_hub):
    client = await full_hub.client_as("administrator")
    page = (await client.get("/admin/apps")).text
    for words in ("this package breaks when it is imported", "names no permission", "item.invent"):
        assert words in page, words


async def test_a_taken_name_stays_with_the_first(make_hub, life):
    hub = await make_hub(points=[good_app(), *bad_apps()], grants=GRANTS)
    good = hub.hub.apps.instances["good"].app
    assert good.refusal is None
    assert good.plugin.__name__ == "portal.testing.apps.good"
    impostor = hub.hub.apps.instances["good@portal.testing.apps.taken_id"].app
    assert impostor.refusal.code == "id-taken"
    assert hub.hub.catalogue.text("en", "good.card") == "Items"
    client = await hub.client_as("resident")
    assert (await client.get("/apps/good/items")).status_code == 200


async def test_the_hub_starts_whatever_the_apps_do(full_hub):
    answer = await full_hub.client().get("/readyz")
    assert answer.status_code == 200
    for app in FAILING:
        assert (await full_hub.client().get(f"/apps/{app}/")).status_code == 200


@pytest.mark.parametrize(
    ("app", "path"), [(app, path) for app, paths in KINDS.items() for path in paths]
)
async def test_an_app_that_fails_leaves_the_others_without_errors(full_hub, count, app, path):
    client = await full_hub.client_as("resident")
    stop = asyncio.Event()
    load = asyncio.create_task(hammer(client, stop))
    answers = []
    for _ in range(3):
        answers += await asyncio.gather(
            *(full_hub.client().get(f"/apps/{app}/{path}") for _ in range(4)),
            return_exceptions=True,
        )
    stop.set()
    assert await load == []
    statuses = [answer.status_code for answer in answers if hasattr(answer, "status_code")]
    if path == "deaf":  # it swallows what should end it, and answers
        assert set(statuses) <= {200, 503, 504}
    elif path != "stream":
        assert set(statuses) <= {500, 503, 504}
        assert 503 in statuses, "the breaker opens"


async def test_an_app_that_holds_the_database_lets_others_write(full_hub, count):
    client = await full_hub.client_as("resident")
    before = await count(full_hub, Item)
    for _ in range(3):
        held = [asyncio.create_task(full_hub.client().post("/apps/slow/hold")) for _ in range(4)]
        await asyncio.sleep(0.05)
        made = await client.post("/apps/good/items", json={"title": "through"})
        assert made.status_code == 201, made.text
        for answer in await asyncio.gather(*held):
            assert answer.status_code in (503, 504)
    assert await count(full_hub, Item) == before + 3


async def test_an_app_that_holds_all_it_may_leaves_connections_to_the_others(
    make_hub, engine_kind, life
):
    hub = await make_hub(points=[good_app()], grants=GRANTS)
    greedy = hub.hub.apps.hubs["good"]
    actor, end = greedy.system("greed"), asyncio.Event()
    holding = 0

    async def hold(opened):
        nonlocal holding
        async with opened:
            holding += 1
            await end.wait()

    held = [asyncio.create_task(hold(greedy.read(actor))) for _ in range(30)]
    if engine_kind == "production":  # on SQLite one alone writes, whoever it is
        held += [asyncio.create_task(hold(greedy.work(actor))) for _ in range(30)]
    await asyncio.sleep(0.5)
    try:
        async with asyncio.timeout(10):
            assert 0 < holding <= 5
            resident = await hub.client_as("resident")
            assert (await resident.get("/apps/hotline/orders")).status_code == 200
            order = {"kind": "help", "text": "路灯不亮"}
            filed = await asyncio.gather(
                *(resident.post("/apps/hotline/orders", json=order) for _ in range(4))
            )
            assert {answer.status_code for answer in filed} == {201}
    finally:
        end.set()
        await asyncio.gather(*held)
    assert holding == len(held), "each had its turn"


async def test_a_unit_of_work_within_another_waits_for_no_share(hub):
    own = hub.hub.apps.hubs["good"]
    actor = own.system("nested")

    async def nested():
        async with own.read(actor), own.read(actor):
            await asyncio.sleep(0)

    async with asyncio.timeout(20):
        await asyncio.gather(*(nested() for _ in range(20)))


async def test_options_of_a_route_is_no_fault(full_hub):
    client = await full_hub.client_as("resident")
    answer = await client.request("OPTIONS", "/apps/good/items")
    assert answer.status_code < 500, answer.text


async def test_a_lifespan_that_fails_closes_that_app_alone(make_hub, life, monkeypatch):
    from portal.testing.apps import raising

    monkeypatch.setitem(raising.LIFE, "fails", True)
    hub = await make_hub(points=[good_app(), *bad_apps()], grants=GRANTS)
    gate = hub.hub.apps.door.slots["raising"].gate
    assert gate.state == "quarantined"
    assert "raised in the lifespan" in gate.reason
    assert (await hub.client().get("/apps/raising/")).status_code == 503
    client = await hub.client_as("resident")
    assert (await client.get("/apps/good/items")).status_code == 200
    monkeypatch.setitem(raising.LIFE, "fails", False)
    await hub.set_state("raising", "enabled")
    assert (await hub.client().get("/apps/raising/")).status_code == 200


async def test_a_lifespan_that_takes_too_long_delays_no_other_app(make_hub, life, monkeypatch):
    from portal.testing.apps import slow

    hub = await make_hub(points=[good_app(), *bad_apps()], grants=GRANTS)
    apps = hub.hub.apps
    await hub.set_state("slow", "disabled")
    await hub.set_state("good", "disabled")
    monkeypatch.setitem(slow.LIFE, "slow", True)
    monkeypatch.setattr("core.apps.standing.START_SECONDS", 1.0)
    await apps.change("slow", state="enabled")
    number = await apps.change("good", state="enabled")
    following = asyncio.create_task(apps.follow())
    await asyncio.sleep(0.3)
    client = await hub.client_as("resident")
    assert (await client.get("/apps/good/items")).status_code == 200
    assert (await client.get("/apps/slow/")).status_code == 503
    assert (await apps.acknowledged(number)).ready == 0, "not every door stands as it should"
    await following
    assert apps.door.slots["slow"].gate.state == "quarantined"
    assert "took longer than 1 s" in apps.door.slots["slow"].gate.reason


async def test_hooks_are_called_one_at_a_time_with_a_limit_and_a_catch(full_hub):
    hooks, hubs = full_hub.hub.apps.hooks, full_hub.hub.apps.hubs
    actor = await full_hub.actor("resident")
    cards: dict[str, object] = {}
    for app in hooks.implemented("portal_cards"):
        try:
            found = await hooks.call_async(
                app, "portal_cards", [], seconds=0.2, hub=hubs[app], actor=actor
            )
            cards[app] = [card.text for card in found]
        except HookFailure as failure:
            cards[app] = str(failure)
    assert cards["good"] == ["0"]
    assert cards["raising"] == "portal_cards: Fault: raised in a card"
    assert cards["slow"] == "portal_cards: took longer than 0.2 s"
    with pytest.raises(HookFailure, match="SystemExit"):
        await hooks.call_async("raising", "health", hub=hubs["raising"])
    with pytest.raises(HookFailure, match="list of Hit"):
        await hooks.call_async(
            "raising", "search", [], hub=hubs["raising"], actor=Actor(), query="x", limit=5
        )
    assert await hooks.call_async("blocking", "health", hub=hubs["blocking"]) is None


async def test_the_home_page_shows_the_cards_of_those_who_answer(full_hub):
    client = await full_hub.client_as("resident")
    page = await client.page("/")
    assert page.status_code == 200
    found = await client.get("/search", params={"q": "item"})
    assert found.status_code == 200


async def test_who_gives_up_is_not_held_back_by_the_limit():
    async def work():
        await asyncio.sleep(60)

    task = asyncio.create_task(contained("work", 30, work()))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_job_and_an_event_that_fail_stop_no_others(full_hub, life):
    client = await full_hub.client_as("resident")
    made = await client.post("/apps/good/items", json={"title": "told"})
    await full_hub.settle()
    assert life["events"] == [made.json()["id"]]
    await full_hub.services.jobs.run_due()
    assert len(life["jobs"]) == 1


async def test_an_app_that_was_not_migrated_keeps_no_other_from_starting(make_hub, monkeypatch):
    monkeypatch.setattr("portal.assembly.pending", _behind)
    hub = await make_hub(points=[good_app(), *bad_apps()], grants=GRANTS)
    refusal = hub.hub.apps.instances["good"].app.refusal
    assert refusal.code == "migrations"
    assert (await hub.client().get("/apps/good/items")).status_code == 503
    assert (await hub.client().get("/apps/slow/")).status_code == 200


async def _behind(database, apps):
    return ["good"]


async def test_words_that_cannot_be_read_are_that_apps_alone(make_hub, tmp_path):
    from portal.assembly import catalogue_of

    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "locale.toml").write_text("= not toml")
    good = catalogue_of({"broken": broken})
    assert good.text("en", "name") == "Yimen"


async def test_an_app_that_moves_leads_to_another(full_hub):
    with pytest.raises(ValueError, match="name it"):
        await full_hub.hub.apps.change("good", mode="moved")
    with pytest.raises(ValueError, match="name it"):
        await full_hub.hub.apps.change("good", mode="moved", successor="good")
    with pytest.raises(runtime.UnknownApp):
        await full_hub.hub.apps.change("nobody", state="disabled")

"""What the portal asks of apps by hooks: cards, search, health."""

from contextlib import nullcontext
from types import SimpleNamespace

from core.apps import hooks
from core.apps.hooks import HookFailure
from core.governance.lifecycle.in_the_way import unfinished
from plugin_sdk.extension import MOST_CARDS, Card, Health
from plugin_sdk.hooks import case_hooks


async def test_portal_cards_and_search_show_what_the_reader_may_see(hub_app, client_as):
    resident = await client_as("resident")
    home = (await resident.get("/")).json()
    assert home["cards"] == []
    form = {"kind": "help", "text": "路灯不亮，晚上看不见路。", "place": "富国路"}
    filed = await resident.post("/apps/hotline/orders", json=form)
    assert filed.status_code in (200, 201), filed.text
    home = (await resident.get("/")).json()
    assert [case["title"] for case in home["cases"]] == ["路灯不亮，晚上看不见路"]
    found = (await resident.get("/search", params={"q": "路灯"})).json()
    assert [kind["kind"] for kind in found["kinds"]] == ["work"]
    stranger = await client_as("resident2")
    assert (await stranger.get("/search", params={"q": "路灯"})).json()["kinds"] == []


async def test_no_card_is_counted_that_a_home_page_has_no_room_for():
    asked = []

    class Desk:
        def __init__(self, name, text):
            self.name, self.text = name, text

        async def card(self, read):
            asked.append(self.name)
            return Card(title=self.name, text=self.text, href="/") if self.text else None

    desks = [Desk("a", ""), Desk("b", "1"), Desk("c", "2"), Desk("d", "3"), Desk("e", "")]
    hooks = case_hooks(lambda hub: [], needs="", shown=lambda hub: desks)
    cards = await hooks[1](SimpleNamespace(read=lambda actor: nullcontext()), None)
    assert [card.title for card in cards] == ["b", "c"]
    assert len(cards) == MOST_CARDS
    assert asked == ["a", "b", "c"]


async def test_an_unhealthy_app_is_named_with_its_reason(hub_app, client_as, monkeypatch):
    administrator = await client_as("administrator")

    async def unwell(app, hook, default=None, **arguments):
        return Health(ok=False, detail="no centre") if hook == "health" else default

    monkeypatch.setattr(hub_app.hub.apps.hooks, "call_async", unwell)
    apps = (await administrator.get("/admin/apps")).json()["apps"]
    hotline = next(app for app in apps if app["id"] == "hotline")
    assert hotline["error"]["params"] == {"detail": "no centre"}


async def test_an_app_of_cases_names_what_is_not_finished_before_it_is_retired(
    hub_app, client_as, monkeypatch
):
    monkeypatch.setattr(hooks, "HOOK_SECONDS", 60.0)  # a busy machine is no silent app
    apps = hub_app.hub.apps
    assert await unfinished(apps, "hotline") == []
    resident = await client_as("resident")
    form = {"kind": "help", "text": "路灯不亮，晚上看不见路。", "place": "富国路"}
    filed = await resident.post("/apps/hotline/orders", json=form)
    assert filed.status_code == 201, filed.text
    (said,) = await unfinished(apps, "hotline")
    assert hub_app.hub.catalogue.shown("zh", said) == "工单：1 件还没有办完"
    assert await unfinished(apps, "supervision") == []


async def test_an_app_that_cannot_say_whether_it_can_be_retired_is_asked_by_a_person(
    hub_app, monkeypatch
):
    async def fails(app, hook, default=None, **arguments):
        raise HookFailure(f"{hook}: broken")

    monkeypatch.setattr(hub_app.hub.apps.hooks, "call_async", fails)
    (said,) = await unfinished(hub_app.hub.apps, "hotline")
    assert "can_retire: broken" in hub_app.hub.catalogue.shown("en", said)

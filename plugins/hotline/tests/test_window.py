"""What could not be done at a counter: asked of the unit, settled by others, counted by cause."""

from types import SimpleNamespace
from typing import Any

import pytest

from plugin_sdk.cases.flow import words_of
from plugin_sdk.forms import Form, field_views
from plugin_sdk.views import Phrase
from plugins.hotline.enterprises.desk import RecordDesk
from plugins.hotline.enterprises.forms import CallForm, CallPlanForm, CardForm, EnterpriseForm
from plugins.hotline.reception.forms import (
    CallerMatterForm,
    CallerVisitForm,
    Cause,
    ReceptionDayForm,
)
from plugins.hotline.reception.visit_flow import visit_flow
from plugins.hotline.reception.visits import VisitDesk
from plugins.hotline.reception.window_flow import matter_flow
from plugins.hotline.reception.windows import MatterDesk
from plugins.hotline.tests.conftest import HERE
from plugins.hotline.tests.test_words import catalogue

PHONE = "13800005678"
END = {"cause": "materials", "text": "已当场办结，证照已领"}


def kind(answer):
    return answer.json()["type"].rsplit(":", 1)[1]


class Window:
    """The window's officer, the unit that refused, and who came."""

    def __init__(self, desk):
        self.desk = desk

    async def get(self, path, by="specialist"):
        return await (await self.desk.client(by)).get(f"{HERE}{path}")

    async def post(self, path, by, **form):
        return await (await self.desk.client(by)).post(f"{HERE}{path}", json=form)

    async def file(self, by="resident", at="/window", status=201, **more):
        values = {
            "matter": "道路占用许可",
            "unit_id": await self.desk.unit(),
            "counter": "政务大厅 6 号窗口",
            "refused_on": str(self.desk.hub.clock.day()),
            "text": "去了三次，每次要的材料都不一样",
            "said": "材料不齐",
            "phone": PHONE,
        }
        answer = await self.post(at, by, **{**values, **more})
        assert answer.status_code == status, answer.text
        return answer.json().get("number")

    async def act(self, number, verb, by, **form):
        if "version" not in form:
            form["version"] = (await self.get(f"/window/{number}")).json()["version"]
        return await self.post(f"/window/{number}/{verb}", by, **form)

    async def stated(self, finding="wrong", **more):
        """Return a matter on which the unit has had its say."""
        number = await self.file()
        unit = await self.desk.unit()
        took = await self.act(number, "take", "specialist", unit=unit, representative="首席 孙代表")
        assert took.status_code == 200, took.text
        said = {"finding": finding, "text": "窗口人员理解有误", **more}
        answer = await self.act(number, "state", "unit", **said)
        assert answer.status_code == 200, answer.text
        return number


@pytest.fixture
def window(desk):
    return Window(desk)


async def test_a_refusal_is_asked_of_its_unit_and_settled_by_the_window(desk, window):
    number = await window.file()
    assert (await window.get(f"/window/{number}", "unit")).status_code == 404  # not asked yet
    unit = await desk.unit()
    took = await window.act(number, "take", "specialist", unit=unit, representative="首席 孙代表")
    assert took.status_code == 200, took.text
    for role in ("unit2", "unit3"):
        assert (await window.get(f"/window/{number}", role)).status_code == 404
    without = await window.act(number, "state", "unit", finding="right", text="依规定不能办")
    assert without.status_code == 422
    assert [error["field"] for error in without.json()["errors"]] == ["rule"]
    said = {"finding": "wrong", "text": "窗口人员理解有误，内部已整改"}
    assert (await window.act(number, "state", "unit", **said)).status_code == 200
    for verb, more in (
        ("settle", {}),
        ("explain", {"rule": "《城市道路管理条例》第三十一条"}),
        ("systemic", {"proposal": "改办事指南"}),
    ):
        refused = await window.act(number, verb, "unit", **END, **more)
        assert refused.status_code == 403, verb  # the unit that refused cannot close it
    hers = (await window.get(f"/window/{number}", "resident")).json()
    assert "内部已整改" not in str(hers)  # not before the window has decided
    done = await window.act(number, "settle", "specialist", **END)
    assert done.status_code == 200, done.text
    assert kind(await window.act(number, "settle", "specialist", **END)) == "case.illegal"
    hers = (await window.get(f"/window/{number}", "resident")).json()
    assert hers["state"] == "closed"
    said = {fact["label"]["key"].rsplit(".", 1)[1]: fact["value"] for fact in hers["summary"]}
    assert said["reply"] == END["text"]
    assert said["representative"] == "首席 孙代表"


async def test_nobody_of_the_unit_that_refused_closes_it_whatever_they_may(desk, window):
    from core.access.grants import grant
    from plugin_sdk.ports import ScopeKind

    number = await window.stated("right", rule="《城市道路管理条例》第三十一条")
    actors = await desk.hub.actors()
    async with desk.hub.services.database.transaction(write=True) as tx:
        for role in ("unit", "deputy"):
            await grant(tx, actors[role].post_id, "hotline.specialist", ScopeKind.ALL)
    for role in ("unit", "deputy"):
        refused = await window.act(number, "settle", role, **END)
        assert (refused.status_code, kind(refused)) == (403, "case.not-origin")
    rule = "《城市道路管理条例》第三十一条"
    done = await window.act(number, "explain", "specialist", **{**END, "rule": rule})
    assert done.status_code == 200, done.text
    assert rule in (await window.get(f"/window/{number}", "resident")).text


async def test_what_fails_for_all_becomes_a_suggestion_once(desk, window):
    number = await window.stated()
    form = {**END, "cause": "rule", "proposal": "办事指南第三条写明只要营业执照"}
    done = await window.act(number, "systemic", "specialist", **form)
    assert done.status_code == 200, done.text
    (order,) = (await window.get("/orders", "dispatcher")).json()["items"]
    seen = await desk.see(order["number"])
    said = {fact["label"]["key"].rsplit(".", 1)[1]: fact["value"] for fact in seen["summary"]}
    assert said["kind"]["key"] == "hotline.order.kind.suggest"
    assert number in said["text"]
    assert PHONE not in str(seen)  # it is the county's own, nobody's request
    assert (await window.get("/orders", "resident")).json()["items"] == []


async def test_it_is_late_asked_again_and_opened_anew_but_not_for_ever(desk, window):
    number = await window.stated()
    unit2 = await desk.unit("unit2")
    again = {"unit": unit2, "reason": "这项由交通局办"}
    assert (await window.act(number, "ask", "unit", **again)).status_code == 403
    assert (await window.act(number, "ask", "specialist", unit=unit2)).status_code == 422
    assert (await window.act(number, "ask", "specialist", **again)).status_code == 200
    desk.hub.clock.move(days=15)
    await desk.hub.settle()
    verbs = [step["verb"] for step in (await window.get(f"/window/{number}")).json()["timeline"]]
    assert verbs.count("supervise") == 1
    assert "stage_late" in verbs
    said = {"finding": "wrong", "text": "应当受理"}
    assert (await window.act(number, "state", "unit2", **said)).status_code == 200
    assert (await window.act(number, "settle", "specialist", **END)).status_code == 200
    assert (await window.act(number, "reopen", "resident2", reason="x")).status_code == 404
    anew = await window.act(number, "reopen", "resident", reason="到窗口又不给办")
    assert anew.status_code == 200, anew.text
    seen = (await window.get(f"/window/{number}")).json()
    assert (seen["state"], seen["deadline"]["n"]) == ("registered", 5)
    take = {"unit": unit2, "representative": "首席 孙代表"}
    assert (await window.act(number, "take", "specialist", **take)).status_code == 200
    assert (await window.act(number, "state", "unit2", **said)).status_code == 200
    assert (await window.act(number, "settle", "specialist", **END)).status_code == 200
    desk.hub.clock.move(days=20)
    late = await window.act(number, "reopen", "resident", reason="太晚了")
    assert kind(late) == "case.window-over"


async def test_what_is_registered_is_checked_and_who_came_is_masked(desk, window):
    tomorrow = str(desk.hub.clock.day(1))
    await window.file(refused_on=tomorrow, status=422)
    await window.file(unit_id=await desk.unit("dispatcher"), status=422)  # has no counter
    await window.file(phone="12", status=422)
    assert (await window.get("/window")).json()["items"] == []
    await window.file("specialist", "/window-intake", 422)  # without who came
    number = await window.file("specialist", "/window-intake", caller_name="李大爷")
    shown = await window.get(f"/window/{number}")
    assert "李大爷" not in shown.text
    assert PHONE not in shown.text
    for role in ("operator", "dispatcher", "checker"):
        assert (await window.get("/window", role)).json()["items"] == []  # only their own
        assert (await window.get(f"/window/{number}", role)).status_code == 404
    assert (await window.get(f"/window/{number}", "resident")).status_code == 404


async def test_figures_show_no_small_group(desk, window):
    number = await window.stated()
    await window.act(number, "settle", "specialist", **END)
    view = (await window.get("/window/figures")).json()
    for chart in view["charts"][:3]:
        assert [row[1] for row in chart["rows"]] == [None]


def test_every_word_of_both_rooms_is_there():
    found = catalogue()
    orders: Any = SimpleNamespace(hub=SimpleNamespace(app="hotline", settings={}))
    days: Any = None
    flows = [visit_flow(orders, days), matter_flow(orders)]
    used = {word for flow in flows for word in words_of(flow, "hotline")}
    shown: list[tuple[type[Form], str, frozenset[str]]] = [
        (CallerVisitForm, "reception", VisitDesk.hints),
        (CallerMatterForm, "window", MatterDesk.hints),
        (EnterpriseForm, "enterprise", RecordDesk.hints),
        (CallForm, "enterprise", frozenset({"need"})),
        (CardForm, "enterprise.card", frozenset()),
        (CallPlanForm, "enterprise_plan", frozenset({"scale", "region_id"})),
        (ReceptionDayForm, "reception_day", frozenset({"starts_on", "leader"})),
        *((one.form, "reception", VisitDesk.hints) for one in flows[0].transitions),
        *((one.form, "window", MatterDesk.hints) for one in flows[1].transitions),
    ]
    for form, prefix, hints in shown:
        for view in field_views(form, f"hotline.{prefix}", hints=hints):
            words = [view.label, view.hint, *(option.label for option in view.options)]
            if view.name != "version":
                used |= {word.key for word in words if isinstance(word, Phrase)}
    used |= {f"hotline.window.cause.{cause}" for cause in Cause}
    assert sorted(word for word in used if word not in found) == []

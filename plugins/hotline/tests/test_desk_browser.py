"""An operator at the desk by the keyboard alone: from the call that rings to the order that is
filed, to an answer of the knowledge base, to a call that one makes."""

import asyncio
import os
from pathlib import Path

import pytest

from plugins.hotline.tests.conftest import HERE, LIGHTS, Desk
from plugins.hotline.tests.keys import choose, focused, tab_to
from plugins.hotline.tests.knowing import Base
from plugins.hotline.tests.switching import Exchange
from portal.testing.browser import DESKTOP, PHONE, sign_in


async def see(tab, name):
    if folder := os.environ.get("YIMEN_SCREENSHOTS"):
        await tab.screenshot(path=Path(folder, f"{name}.png"), full_page=True)


async def rings(tab, exchange, phone, shown):
    """Let a call ring, and answer it."""
    id = await exchange.simulated.ring(phone, "12345")
    await exchange.simulated.deliver(exchange.board.receive)
    await tab.locator("#telephone", has_text=shown).wait_for()
    await tab.keyboard.press("a")
    await tab.locator("#call", has_text=shown).wait_for()
    return id


async def filed_number(tab):
    filed = tab.locator(".certain")
    await filed.wait_for()
    number = await filed.locator("dd .number").first.inner_text()
    return number.replace(" ", "").replace("\n", "")


async def test_an_intake_by_keyboard_alone_from_the_ringing_to_the_order(served_hub, phone):
    exchange = Exchange(served_hub)
    tab = await phone(size=DESKTOP)
    await sign_in(tab, served_hub.url, "operator", next=f"{HERE}/desk")
    await tab_to(tab, "#f-extension")
    await tab.keyboard.type("8001")
    await tab.keyboard.press("Control+Enter")
    await tab.locator(".flash", has_text="话机 8001").wait_for()
    # it rings while something is typed: what is typed stays, and its letters answer nothing
    await tab.keyboard.press("c")
    assert await focused(tab) == "f-number"
    await tab.keyboard.type("0543-")
    id = await exchange.simulated.ring("13800005678", "12345")
    await exchange.simulated.deliver(exchange.board.receive)
    await tab.locator("#telephone", has_text="138****5678").wait_for()
    await tab.locator("#live", has_text="138****5678").wait_for(state="attached")
    await tab.keyboard.type("aix")
    assert await focused(tab) == "f-number"
    assert await tab.locator("#f-number").input_value() == "0543-aix"
    await tab.keyboard.press("Escape")
    await tab.keyboard.press("a")
    await tab.locator("#call", has_text="138****5678").wait_for()
    await tab.locator("#telephone", has_text="通话中").wait_for()
    assert (await exchange.of(id)).answered_at is not None
    await tab.keyboard.press("h")
    assert await focused(tab) == "history"
    await tab.keyboard.press("i")
    assert await focused(tab) == "f-kind-0"
    await tab.keyboard.press("ArrowDown")  # 求助
    await tab_to(tab, "#f-text")
    await tab.keyboard.type("富国街道建设路的路灯不亮")
    assert await tab.locator("#f-phone").input_value() == "13800005678"
    await tab_to(tab, "#f-caller_name")
    await tab.keyboard.type("王秀英")
    await tab.keyboard.press("Control+Enter")
    number = await filed_number(tab)
    assert number.isdigit()
    await tab.keyboard.press("x")
    await tab.locator(".flash", has_text="已挂断").wait_for()
    call = await exchange.of(id)
    assert (call.outcome, call.ended_at is not None) == ("order", True)
    order = await (await served_hub.client_as("dispatcher")).get(f"{HERE}/orders/{number}")
    assert order.json()["state"] == "received"
    # a call out, dialled and ended
    await tab.keyboard.press("c")
    await tab.keyboard.type("13800005678")
    await tab.keyboard.press("Control+Enter")
    await tab.locator(".flash", has_text="正在接通").wait_for()
    await tab.locator("#call", has_text="外呼").wait_for()
    await tab.keyboard.press("e")
    await tab_to(tab, "#f-outcome-0")
    for _ in range(3):
        await tab.keyboard.press("ArrowDown")
        if await tab.locator("#f-outcome-2").is_checked():  # 回拨
            break
    await tab.keyboard.press("Control+Enter")
    await tab.locator(".flash", has_text="通话已结束").wait_for()
    assert (await exchange.all())[-1].outcome == "called_back"
    # an outcome is wanted, and said beside its field; then the call ends without an order
    await rings(tab, exchange, "", "号码未显示")
    await tab.keyboard.press("e")
    assert await focused(tab) == "f-note"
    await tab.keyboard.type("问办公时间")
    await tab.keyboard.press("Control+Enter")
    await tab.locator(".error-summary").wait_for()
    assert await tab.locator("#f-note").input_value() == "问办公时间"
    await tab_to(tab, "#f-outcome-0")
    await tab.keyboard.press("Space")
    await tab.keyboard.press("Control+Enter")

    await tab.locator(".flash", has_text="通话已结束").wait_for()


async def test_a_caller_is_answered_on_the_spot_by_keyboard_alone(served_hub, phone):
    exchange, desk = Exchange(served_hub), Desk(served_hub)
    base = Base(desk)
    await base.staff()
    kept = await base.publish()
    known = (await desk.file(text="建设路的路灯连着五盏都不亮", place="建设路东段"))["number"]
    tab = await phone(size=DESKTOP)
    keys = tab.keyboard
    await sign_in(tab, served_hub.url, "operator", next=f"{HERE}/desk")
    await rings(tab, exchange, "13800005678", "138****5678")
    await keys.press("i")
    await keys.press("ArrowDown")  # 求助
    await tab_to(tab, "#f-text")
    await keys.type("建设路的路灯连着五盏不亮，晚上看不清")
    await choose(tab, "f-category", LIGHTS)
    await tab.locator("#found", has_text="路灯不亮找谁").wait_for()
    await tab_to(tab, "#f-secret")
    await keys.press("Space")
    await tab.wait_for_timeout(400)  # the category is looked for once nobody goes on choosing
    await tab.locator("html:not(.is-loading)").wait_for()
    await see(tab, "desk-found")
    # one who says that it is the same: the dispatcher is told
    await keys.press("l")
    assert await focused(tab) == "beside"
    await tab_to(tab, "#repeats-none")
    await keys.press("ArrowUp")
    assert await tab.locator(f"#repeats-{known}").is_checked()
    await keys.press("1")
    await tab.locator("#spot .outcome:focus", has_text="路灯不亮找谁").wait_for()
    await tab_to(tab, "#f-reply")
    assert "由12345热线服务中心管护" in await tab.locator("#f-reply").input_value()
    await keys.press("Control+End")
    await keys.type("谢谢来电。")
    await see(tab, "desk-begun")
    await keys.press("Control+Enter")
    await tab.locator(".flash", has_text="当场答复").wait_for()
    number = await filed_number(tab)
    order = await desk.see(number)
    facts = {fact["label"]["key"]: fact["value"] for fact in order["summary"]}
    assert (order["state"], facts["hotline.order.field.repeats"]) == ("replied", known)
    assert facts["hotline.order.field.category"] == LIGHTS
    assert facts["hotline.order.field.caller_name"]["key"] == "hotline.order.hidden"
    assert facts["hotline.order.field.reply"].endswith("谢谢来电。")
    await keys.press("x")
    await tab.locator(".flash", has_text="已挂断").wait_for()
    # the answer is looked for and read out, and no order is opened
    await rings(tab, exchange, "", "号码未显示")
    await keys.press("b")
    assert await focused(tab) == "near-q"
    await keys.type("灯坏了")
    await keys.press("Enter")
    await tab.locator("#found", has_text="可用答复 1 条").wait_for()
    await keys.press("Escape")
    await keys.press("1")
    await tab.locator("#begun", has_text="路灯不亮找谁").wait_for()
    await keys.press("e")
    await keys.type("告知报修电话")
    await tab_to(tab, "#f-outcome-0")
    await keys.press("Space")
    await keys.press("Control+Enter")
    await tab.locator(".flash", has_text="通话已结束").wait_for()
    assert (await base.see(kept["id"]))["versions"][0]["used"] == 2


@pytest.mark.parametrize("lang", ["zh-CN", "en"])
async def test_the_intake_says_what_it_may_repeat(served_hub, phone, lang):
    known = (await Desk(served_hub).file(text="建设路的路灯连着五盏都不亮"))["number"]
    for size, name in ((DESKTOP, "1280"), (PHONE, "390")):
        tab = await phone(size=size, lang=lang)
        await sign_in(tab, served_hub.url, "operator", next=f"{HERE}/intake")
        await tab_to(tab, "#f-text")
        await tab.keyboard.type("建设路的路灯连着五盏不亮，晚上看不清")
        await tab_to(tab, "#f-place")
        await tab.locator(f"#repeats-{known}").wait_for()
        assert await tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
        await tab_to(tab, "#repeats-none")
        await see(tab, f"intake-{name}-{lang}")


async def test_what_is_typed_and_chosen_meanwhile_stays(served_hub, phone):
    """While one looks for what is like it, and where another form of the desk is refused."""
    exchange, desk = Exchange(served_hub), Desk(served_hub)
    known = (await desk.file(text="建设路的路灯连着五盏都不亮"))["number"]
    tab = await phone(size=DESKTOP)
    await sign_in(tab, served_hub.url, "operator", next=f"{HERE}/desk")
    await rings(tab, exchange, "13800005678", "138****5678")
    text = "建设路的路灯连着五盏不亮，晚上看不清"
    await tab.locator("#f-text").fill(text)
    await tab.locator("#f-place").fill("建设路")
    await tab.locator(f"#repeats-{known}").check()
    going, go_on = asyncio.Event(), asyncio.Event()

    async def slow(route):
        going.set()
        await go_on.wait()
        await route.continue_()

    await tab.locator("html:not(.is-loading)").wait_for()
    await tab.route("**/look", slow)
    await tab.locator("#f-place").fill("建设路东段")
    await tab.locator("#f-text").focus()
    await asyncio.wait_for(going.wait(), 5)
    await tab.locator("#repeats-none").check()  # as the answer is under way: not the same after all
    async with tab.expect_response("**/look"):
        go_on.set()
    await tab.locator("html:not(.is-loading)").wait_for()
    await tab.wait_for_timeout(100)
    assert await tab.locator("#repeats-none").is_checked()
    await tab.locator(f"#repeats-{known}").check()
    for form, id, typed in (("finishing", "note", "问办公时间"), ("seating", "extension", "1")):
        await tab.locator(f"#{form} #f-{id}").fill(typed)
        await tab.locator(f"#{form} [data-submit]").click()
        await tab.locator(f"#{form} .error-summary:focus").wait_for()
        assert await tab.locator(f"#f-{id}").input_value() == typed
        assert await tab.locator("#f-text").input_value() == text
        assert await tab.locator(f"#repeats-{known}").is_checked()
        await see(tab, f"desk-refused-{form}")
    await tab.locator("#finishing #f-outcome-0").check()
    await tab.locator("#finishing [data-submit]").click()
    await tab.locator(".flash", has_text="通话已结束").wait_for()
    assert await tab.locator("#taking").count() == 0
    assert tab.url.endswith(f"{HERE}/desk")

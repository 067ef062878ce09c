"""A dispatcher at the desk by keyboard alone: take proposals, dispatch, go on, follow."""

import os
from pathlib import Path

from plugins.hotline.tests.conftest import HERE, LIGHTS, Desk
from portal.testing.browser import DESKTOP, sign_in


async def see(tab, name):
    if folder := os.environ.get("YIMEN_SCREENSHOTS"):
        await tab.screenshot(path=Path(folder, f"{name}.png"), full_page=True)


async def test_a_dispatcher_dispatches_by_keyboard_alone(served_hub, phone):
    desk = Desk(served_hub)
    dispatcher = await desk.client("dispatcher")
    rule = {
        "name": "路灯归城管",
        "category": LIGHTS,
        "basis": "三定方案",
        "unit": await desk.unit(),
    }
    assert (await dispatcher.post(f"{HERE}/rules", json=rule)).status_code == 201
    text = "富国路的路灯连着五盏不亮，晚上看不清"
    first = (await desk.file(text=text, category=LIGHTS))["number"]
    text = "富国路的路灯连着五盏都不亮，晚上看不清路"
    second = (await desk.file("resident2", text=text))["number"]
    tab = await phone(size=DESKTOP)
    await sign_in(tab, served_hub.url, "dispatcher")
    await tab.goto(f"{served_hub.url}{HERE}/dispatch")
    keys = tab.keyboard
    order, queue = [await tab.locator(name).bounding_box() for name in ("#order", "#queue")]
    assert queue["x"] > order["x"] + order["width"], "two columns on a desktop"
    await see(tab, "desk")
    assert await tab.locator("#f-unit").input_value() == ""
    await tab.locator("#f-reason").focus()
    await keys.type("先去现场看")
    while not await tab.evaluate("document.activeElement.matches('button')"):
        await keys.press("Tab")
    await keys.press("5")  # the first unit that is proposed
    await tab.wait_for_url("**unit=**")
    taken = tab.locator("button[name=_change][aria-current]:focus")
    await taken.filter(has_text="城市管理局").wait_for()
    assert await tab.locator("#f-unit").input_value() == await desk.unit()
    assert await tab.locator("#f-category").input_value() == LIGHTS
    assert await tab.locator("#f-reason").input_value() == "先去现场看", "what was typed is kept"
    await see(tab, "taken")
    await tab.locator("#f-reason").fill("")
    # while one types, keys are letters
    await tab.locator("#f-reason").focus()
    await keys.type("d5n1")
    assert await tab.locator("#f-reason").input_value() == "d5n1"
    assert (await desk.see(first))["state"] == "received"
    for _ in range(4):
        await keys.press("Backspace")
    await keys.press("Control+Enter")
    await tab.locator(".flash", has_text="已派单").wait_for()
    assert (await desk.see(first))["state"] == "dispatched"
    # the next one stands there; it is like the one before, and follows it
    await tab.locator("#order", has_text="看不清路").wait_for()
    await see(tab, "like")
    await keys.press("f")
    await tab.locator(".flash", has_text="并案").wait_for()
    assert (await desk.see(second))["state"] == "following"
    await tab.locator("#main .empty").wait_for()
    third, fourth = [(await desk.file(text=f"第{n}件事"))["number"] for n in (3, 4)]
    await tab.reload()
    await keys.press("n")
    await tab.wait_for_url(f"**/dispatch/{fourth}")
    await keys.press("j")
    await keys.press("Enter")
    await tab.wait_for_url(f"**/dispatch/{third}")
    small = await phone()
    await sign_in(small, served_hub.url, "dispatcher")
    await small.goto(f"{served_hub.url}{HERE}/dispatch/{third}")
    order, queue = [await small.locator(name).bounding_box() for name in ("#order", "#queue")]
    assert queue["y"] > order["y"] + order["height"], "one column on a phone"
    assert await small.evaluate("document.documentElement.scrollWidth <= innerWidth")
    await see(small, "desk-390")

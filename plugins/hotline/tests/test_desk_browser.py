"""An intake by the keyboard alone: from the call that rings to the order that is filed."""

from plugins.hotline.tests.conftest import HERE
from plugins.hotline.tests.switching import Exchange
from portal.testing.browser import DESKTOP, sign_in


async def focused(tab):
    """The id of what has the focus."""
    return await tab.evaluate("document.activeElement.id")


async def tab_to(tab, id, most=80):
    """Press Tab until the focus is there: no trap on the way, nothing without a visible place."""
    for _ in range(most):
        if await focused(tab) == id:
            return
        await tab.keyboard.press("Tab")
        shown = "document.activeElement.getBoundingClientRect().width > 0"
        assert await tab.evaluate(shown), await focused(tab)
    raise AssertionError(f"Tab does not lead to {id}")


async def test_an_intake_by_keyboard_alone_from_the_ringing_to_the_order(served_hub, phone):
    exchange = Exchange(served_hub)
    tab = await phone(size=DESKTOP)
    await sign_in(tab, served_hub.url, "operator", next=f"{HERE}/desk")
    await tab_to(tab, "f-extension")
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
    await tab_to(tab, "f-text")
    await tab.keyboard.type("富国街道建设路的路灯不亮")
    assert await tab.locator("#f-phone").input_value() == "13800005678"
    await tab_to(tab, "f-caller_name")
    await tab.keyboard.type("王秀英")
    await tab.keyboard.press("Control+Enter")
    filed = tab.locator(".certain")
    await filed.wait_for()
    number = (
        (await filed.locator("dd .number").first.inner_text()).replace(" ", "").replace("\n", "")
    )
    assert number.isdigit()
    await tab.keyboard.press("x")
    await tab.locator(".flash", has_text="已挂断").wait_for()
    call = await exchange.of(id)
    assert (call.outcome, call.ended_at is not None) == ("order", True)
    order = await (await served_hub.client_as("dispatcher")).get(f"{HERE}/orders/{number}")
    assert order.json()["state"] == "received"
    # an outcome is wanted, and said beside its field; then the call ends without an order
    await exchange.simulated.ring("", "12345")
    await exchange.simulated.deliver(exchange.board.receive)
    await tab.locator("#telephone", has_text="号码未显示").wait_for()
    await tab.keyboard.press("a")
    await tab.locator("#call", has_text="号码未显示").wait_for()
    await tab.keyboard.press("e")
    assert await focused(tab) == "f-note"
    await tab.keyboard.type("问办公时间")
    await tab.keyboard.press("Control+Enter")
    await tab.locator(".error-summary").wait_for()
    assert await tab.locator("#f-note").input_value() == "问办公时间"
    await tab_to(tab, "f-outcome-0")
    await tab.keyboard.press("Space")
    await tab.keyboard.press("Control+Enter")

    await tab.locator(".flash", has_text="通话已结束").wait_for()

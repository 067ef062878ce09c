"""Pages by the keyboard alone: where the focus is, and that one sees it."""

SEEN = """() => {
  const at = document.activeElement;
  if (at === document.body) return true; // beyond the last: the browser's own
  const shown = at.matches(".choice input") ? at.nextElementSibling : at;
  const { width, height } = shown.getBoundingClientRect();
  const { outlineStyle, outlineWidth } = getComputedStyle(shown);
  return width > 1 && height > 1 && outlineStyle !== "none" && parseFloat(outlineWidth) >= 2;
}"""


async def focused(tab):
    """The id of what has the focus."""
    return await tab.evaluate("document.activeElement.id")


async def tab_to(tab, selector, most=120):
    """Press Tab until the focus is there: no trap on the way, nothing without a visible place and
    a ring around it."""
    for _ in range(most):
        if await tab.evaluate("(selector) => document.activeElement.matches(selector)", selector):
            return
        await tab.keyboard.press("Tab")
        what = await tab.evaluate("document.activeElement.outerHTML.slice(0, 120)")
        assert await tab.evaluate(SEEN), what
    raise AssertionError(f"Tab does not lead to {selector}")


async def choose(tab, id, value, most=200):
    """Go to a choice and down its list until a value is chosen."""
    await tab_to(tab, f"#{id}")
    for _ in range(most):
        if await tab.locator(f"#{id}").input_value() == value:
            return
        await tab.keyboard.press("ArrowDown")
    raise AssertionError(f"{id} does not offer {value}")

"""A governance officer reads the portfolio and a dossier, at both sizes."""

import pytest

from portal.testing.browser import DESKTOP, PHONE, sign_in
from tests.portal.governed import govern
from tests.portal.test_checklist import faults
from tests.portal.test_gallery import AXE


@pytest.mark.parametrize("engine_kind", ["embedded"], indirect=True)
@pytest.mark.timeout(300)
async def test_the_portfolio_leads_to_a_dossier_and_its_evidence(served_hub, phone):
    await govern(served_hub)
    axe = AXE.read_text(encoding="utf-8")
    tab = await phone(size=DESKTOP)
    await sign_in(tab, served_hub.url, "governance", next="/governance")

    async def passes():
        await tab.evaluate(f"() => {{ {axe} }}")
        for size in (PHONE, DESKTOP):
            assert await faults(tab, size) == [], (tab.url, size)
        assert await tab.evaluate("document.querySelectorAll('*').length") <= 1500

    first = tab.locator("#rows tr").first
    await first.locator(".badge", has_text="僵尸").wait_for()
    await tab.locator("#scatter").scroll_into_view_if_needed()
    await tab.locator("#scatter.drawn canvas").first.wait_for()
    await passes()

    await tab.locator("#filters summary").click()
    await tab.get_by_label("发现的问题").select_option(label="填报负担")
    await tab.get_by_role("button", name="筛选").click()
    await tab.wait_for_url("**/governance?*finding=burden*")
    await tab.locator("#rows tr").first.get_by_role("link", name="12345热线").click()
    await tab.wait_for_url("**/governance/apps/hotline")
    await tab.get_by_text("最近 90 天打开 12 次").wait_for()
    await tab.get_by_text("怎样会消除：", exact=True).wait_for()
    card = tab.locator(".figure-card", has_text="办成率")
    await card.locator("summary").click()
    await card.get_by_text("分母：").wait_for()
    await tab.locator("#chart-use_effects").scroll_into_view_if_needed()
    await tab.locator("#chart-use_effects.drawn canvas").first.wait_for()
    await passes()

    await tab.get_by_text("换一段日期").click()
    await tab.get_by_label("从", exact=True).fill("2020-01-01")
    await tab.get_by_label("到", exact=True).fill("2020-01-31")
    await tab.get_by_role("button", name="查看").click()
    await tab.wait_for_url("**since=2020-01-01*")
    await tab.locator("#results", has_text="这段日期没有统计").wait_for()
    assert await tab.locator("#results .chart").count() == 0, "unknown, never zero"

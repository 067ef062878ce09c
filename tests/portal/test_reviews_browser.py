"""A review on a phone: nominated from the dossier, answered by the owner, decided by another, and
what everybody reads of it afterwards."""

import pytest

from portal.testing.browser import DESKTOP, PHONE, sign_in
from tests.portal.governed import govern
from tests.portal.test_checklist import faults
from tests.portal.test_gallery import AXE


@pytest.mark.parametrize("engine_kind", ["embedded"], indirect=True)
@pytest.mark.timeout(300)
async def test_an_app_is_nominated_answered_decided_and_says_so(served_hub, phone):
    await govern(served_hub)
    axe = AXE.read_text(encoding="utf-8")

    async def passes(tab):
        await tab.evaluate(f"() => {{ {axe} }}")
        for size in (PHONE, DESKTOP):
            assert await faults(tab, size) == [], (tab.url, size)

    tab = await phone()
    await sign_in(tab, served_hub.url, "governance", next="/governance/apps/hotline")
    await tab.get_by_role("link", name="提请复核").click()
    await tab.wait_for_url("**/apps/oversight/reviews/new/hotline")
    assert await tab.locator("#f-app").input_value() == "hotline"
    await tab.get_by_text("最近 90 天打开 12 次").wait_for()
    await passes(tab)
    await tab.locator("#f-cause").fill("填报的项目太多")
    await tab.get_by_role("button", name="继续").click()
    await tab.get_by_role("button", name="提请复核").click()
    await tab.wait_for_url("**/filed")
    await tab.goto(f"{served_hub.url}/governance/apps/hotline")
    await tab.get_by_role("link", name="看复核").wait_for()

    owner = await phone()
    await sign_in(owner, served_hub.url, "owner", next="/owner")
    notice = owner.locator("#notices")
    await notice.get_by_text("剩 15 个工作日").wait_for()
    await passes(owner)
    await notice.get_by_role("link", name="12345热线").click()
    await owner.get_by_role("link", name="提出异议").click()
    await owner.locator("#f-text").fill("各项都是来电必填，九成按期办结")
    await passes(owner)
    await owner.get_by_role("button", name="提出异议").click()
    await owner.get_by_text("已答复待决").first.wait_for()
    await owner.goto(f"{served_hub.url}/owner")
    await owner.get_by_text("没有需要答复的通知。").wait_for()

    decider = await phone(size=DESKTOP)
    await sign_in(decider, served_hub.url, "decider", next="/apps/oversight/reviews")
    await decider.get_by_role("link", name="12345热线").click()
    left = await decider.get_by_role("heading", name="依据").bounding_box()
    right = await decider.get_by_role("heading", name="主管单位答复").bounding_box()
    assert left["x"] + 400 < right["x"], "evidence on the left, the decision on the right"
    await passes(decider)
    await decider.get_by_role("link", name="决定整合").click()
    await decider.get_by_text("各项都是来电必填").wait_for()
    await decider.locator("#f-successor").select_option(label="监督督办")
    await decider.locator("#f-reason").fill("并到一处填报")
    await passes(decider)
    await decider.get_by_role("button", name="决定整合").click()
    await decider.get_by_text("已决定整合").first.wait_for()
    await passes(decider)
    await decider.get_by_role("link", name="下一步：逐项证明新应用接住了").wait_for()
    paper = await decider.get_by_role("link", name="决定书（PDF）").get_attribute("href")
    made = await decider.context.request.get(f"{served_hub.url}{paper}")
    assert (await made.body()).startswith(b"%PDF")

    anybody = await phone()
    await anybody.goto(f"{served_hub.url}/about/hotline")
    await anybody.get_by_text("已决定整合到另一个应用").wait_for()
    await anybody.get_by_role("link", name="监督督办").wait_for()
    await passes(anybody)

"""Choosing a password as a person does it."""

import pytest
from sqlalchemy import update
from sqlmodel import col

from core.identity.models import Person
from portal.testing.hub import PASSWORD

NEW = "lantern orbit pickle"


@pytest.mark.parametrize("engine_kind", ["embedded"], indirect=True)
@pytest.mark.parametrize("script", [True, False])
async def test_who_owes_a_password_chooses_one_and_goes_on(served_hub, phone, script):
    async with served_hub.services.database.transaction(write=True) as tx:
        await tx.session.execute(
            update(Person).where(col(Person.username) == "resident").values(must_change=True)
        )
    tab = await phone(script=script)
    await tab.goto(f"{served_hub.url}/sign-in?next=/messages")
    await tab.fill("#f-username", "resident")
    await tab.fill("#f-password", PASSWORD)
    await tab.click("[data-submit]")
    await tab.wait_for_url("**/me/password?next=%2Fmessages")
    await tab.fill("#f-old", PASSWORD)
    field = tab.locator("#f-password")
    note = tab.locator("[data-strength]")
    await field.fill("lantern")
    if script:
        assert await note.text_content() == "还差 8 个字符"
        await tab.get_by_role("button", name="显示").last.click()
        assert await field.get_attribute("type") == "text"
    await tab.click("[data-submit]")
    await tab.locator(".error-summary").wait_for()
    assert await field.input_value() == ""
    await tab.fill("#f-old", PASSWORD)
    await field.fill(NEW)
    if script:
        assert await note.text_content() == "够长了"
    await tab.click("[data-submit]")
    await tab.wait_for_url(f"{served_hub.url}/messages")
    await tab.locator("#page").get_by_text("密码已修改，其他设备已退出").wait_for()

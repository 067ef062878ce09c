"""A county's people come in through the page, at phone size, with script and without."""

import re

import pytest
from sqlalchemy import func, select
from sqlmodel import col

from core.identity.models import Person, PersonNumber
from portal.testing.browser import sign_in, until
from tests.core.identity.county import PEOPLE, as_csv, build_units, person

HERE = "/admin/people/import"


async def people_there(hub):
    async with hub.services.database.transaction() as tx:
        found = await tx.session.execute(
            select(func.count()).select_from(Person).where(col(Person.username).startswith("p"))
        )
        return found.scalar_one()


async def press(tab, name):
    async with tab.expect_response(lambda answer: answer.request.method == "POST"):
        await tab.get_by_role("button", name=name).first.click()
    await tab.wait_for_load_state()


@pytest.mark.parametrize(
    ("engine_kind", "script", "count"),
    [("embedded", True, PEOPLE), ("embedded", False, 30), ("production", True, 30)],
    ids=["county-embedded", "plain-embedded", "script-production"],
    indirect=["engine_kind"],
)
async def test_people_are_tried_imported_and_taken_back(served_hub, phone, script, count):
    hub = served_hub
    async with hub.services.database.transaction(write=True) as tx:
        await build_units(tx, parent="371603")
    tab = await phone(script=script)
    tab.set_default_timeout(60_000)
    await sign_in(tab, hub.url, "administrator", next=HERE)
    rows = [person(n) for n in range(count - 1)]
    broken = [*person(count), "extra"][:-1]
    broken[4] = "NONE"
    file = {
        "name": "人员.csv",
        "mimeType": "text/csv",
        "buffer": as_csv([*rows, broken]),
    }
    await tab.get_by_label("文件").set_input_files(file)
    await press(tab, "试运行")
    await tab.wait_for_url(re.compile(f"{HERE}/[0-9a-f-]{{36}}$"))
    here = tab.url
    assert await people_there(hub) == 0
    await tab.get_by_text("没有代码为 NONE 的单位").or_(tab.locator("#rows")).first.wait_for()
    await press(tab, f"导入 {count - 1} 行" if count < 1000 else "导入 14,292 行")
    if script:
        await tab.locator("#job progress").wait_for()

    async def done():
        return await people_there(hub) == count - 1

    await until(done, seconds=100)
    await tab.goto(f"{here}?outcome=refused")
    await tab.get_by_text("没有代码为 NONE 的单位").first.wait_for()
    assert await tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
    async with hub.services.database.transaction() as tx:
        numbers = await tx.session.execute(select(func.count()).select_from(PersonNumber))
        assert numbers.scalar_one() == count - 1
    if count > 1000:
        return
    await tab.locator("summary", has_text="撤回这次导入").click()
    await press(tab, "撤回这次导入")

    async def gone():
        return await people_there(hub) == 0

    await until(gone)

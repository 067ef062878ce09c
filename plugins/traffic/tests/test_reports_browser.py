"""A resident reports a violation on a phone: the photos arrive as the camera wrote them."""

from datetime import timedelta

import pytest

from plugin_sdk.times import SHANGHAI
from plugins.traffic.reports.desk import ReportDesk
from plugins.traffic.reports.models import Report
from plugins.traffic.tests.conftest import HERE
from plugins.traffic.tests.reporting import photo
from portal.testing.browser import sign_in

EMBEDDED = pytest.mark.parametrize("engine_kind", ["embedded"], indirect=True)


@EMBEDDED
async def test_a_violation_is_reported_on_a_phone(served_hub, phone):
    hub = served_hub.hub.apps.hubs["traffic"]
    happened = (hub.now() - timedelta(hours=1)).astimezone(SHANGHAI)
    at = f"{happened:%Y:%m:%d %H:%M:%S}"
    tab = await phone()
    await sign_in(tab, served_hub.url, "resident")
    await tab.goto(f"{served_hub.url}{HERE}/reports")
    await tab.get_by_role("link", name="举报违法").first.click()
    await tab.get_by_label("违法行为").select_option("line")
    await tab.get_by_label("车牌号").fill("鲁m 5H207")
    await tab.get_by_label("哪一天").fill(f"{happened:%Y-%m-%d}")
    await tab.get_by_label("几点几分").fill(f"{happened:%H:%M}")
    await tab.get_by_label("地点").fill("中心路与银河五路路口")
    photos = [photo(n, at, (118, 37)) for n in range(2)]
    for n, one in enumerate(photos):  # one after the other, as a phone offers them
        file = {"name": f"IMG_{n}.jpg", "mimeType": "image/jpeg", "buffer": one}
        await tab.locator("input[type=file]").set_input_files([file])
        await tab.locator(".upload-list li").nth(n).wait_for()
    await tab.get_by_role("button", name="提交举报").click()
    await tab.get_by_text("已提交").first.wait_for()
    assert "没有带拍摄" not in await tab.content()
    async with hub.read(hub.system("test")) as read:
        (row,) = (await read.session.execute(read.rows(Report))).scalars()
        files = await hub.files.of(read, ReportDesk(hub).engine.subject(row.id))
        assert (row.remarks, row.longitude, row.latitude) == ([], 118, 37)
        assert [file.name for file in files] == ["1.jpg", "2.jpg"]
        for file in files:
            assert b"Exif" not in await hub.files.content(read, file)

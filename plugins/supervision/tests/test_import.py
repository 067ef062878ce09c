import time
from collections import Counter

import pytest

from plugins.supervision.imports import COLUMNS

LINES = """S-01,建筑垃圾,宏达商砼站,2024/3/5 9:20,有问题,车辆带泥上路。,已加装冲洗台。,2024-03-12
S-02,古树名木,城南公园,2024-04-02,无问题,挂牌完整。,,
S-03,建筑垃圾,二号工地,2024-05-06 10:00,有问题,裸土未覆盖。,,
S-04,建筑垃圾,三号工地,2024-13-01,有问题,围挡缺口。,,
S-05,建筑垃圾,四号工地,2024-05-08,也许,围挡缺口。,,
S-06,建筑垃圾,五号工地,2024-05-08,有问题,围挡缺口。,,2024-05-09
S-01,建筑垃圾,宏达商砼站,2024/3/5 9:20,有问题,别的内容。,已加装冲洗台。,2024-03-12
,建筑垃圾,六号工地,2024-05-08,有问题,围挡缺口。,,
S-07,建筑垃圾,,2024-05-08,有问题,没有写谁。,,
"""
REASONS = {
    *("import.time-impossible", "import.choice-unknown", "import.time-without-answer"),
    *("import.number-taken", "import.number-empty", "import.nothing-asked"),
}


async def bring_in(cast, source, stop_after=None):
    apps = cast.hub.hub.apps
    hub = apps.hubs["supervision"]
    rows = apps.hooks.call("supervision", "import_legacy", hub=hub, source=source, of="")
    reports = []
    async for report in rows:
        reports.append(report)
        if len(reports) == stop_after:
            await rows.aclose()
            break
    return reports


async def test_an_import_that_is_killed_and_run_again_equals_one_unbroken_run(cast, tmp_path):
    source = tmp_path / "export.csv"
    source.write_text(f"{','.join(COLUMNS)}\n{LINES}", encoding="utf-8-sig")
    await bring_in(cast, source, stop_after=2)
    second = await bring_in(cast, source)
    third = await bring_in(cast, source)
    assert Counter(report.outcome for report in second) == {"present": 2, "added": 1, "refused": 6}
    assert Counter(report.outcome for report in third) == {"present": 3, "refused": 6}
    assert {report.reason.key for report in third if report.reason} == REASONS
    found = {row.source_key: row for row in await cast.kept()}
    states = {key: row.state for key, row in found.items()}
    assert states == {"legacy:S-01": "closed", "legacy:S-02": "clear", "legacy:S-03": "found"}
    assert sorted(await cast.codes()) == ["waste", "古树名木"]  # the list learns what it lacked
    assert found["legacy:S-01"].topic == "waste"
    shown = await cast.see("/findings/LS-01")
    assert [entry["verb"] for entry in shown["timeline"]] == ["rectify", "file"]


@pytest.mark.parametrize("engine_kind", ["embedded"], indirect=True)
async def test_the_demonstration_is_acted_out_once_and_quickly(hub_app):
    hub = hub_app.hub.apps.hubs["supervision"]

    async def load():
        act_out = hub_app.hub.apps.hooks.call
        rows = act_out("supervision", "load_demonstration", hub=hub, cast=await hub_app.actors())
        return [report.outcome async for report in rows]

    began = time.process_time()
    assert set(await load()) == {"added"}
    assert time.process_time() - began < 5
    assert set(await load()) == {"present"}

"""The old system's export: idempotent, resumable, and strict about what may be published."""

from collections import Counter

from sqlmodel import col

from plugins.village_affairs import imports
from plugins.village_affairs.models import Month, Publication

ROWS = (
    "371603001202,2025-07,CW01,收支,,,凭证 7 号,100,50,30.5,119.5,2025/8/9 9:30",
    "371603001202,2025-07,CU04,误工补贴,2400,丁树林,付款单,,,,,2025/8/12 9:30",
    "371603001202,2025-07,CU03,本月无,,,,,,,,2025/8/9",
    "371603001204,2025-07,HM01,补贴,-5,,回执,,,,,2025/8/9",
    "371603001204,2025-07,HM01,给 11010519491231002X,5,,回执,,,,,2025/8/9",
    "371603009999,2025-07,HM01,补贴,5,,回执,,,,,2025/8/9",
    "371603001204,2025-09,HM01,补贴,5,,回执,,,,,2025/8/9",
    "371603001204,2025-7,HM01,补贴,5,,回执,,,,,2025/8/9",
    "371603001204,2025-07,XX01,补贴,5,,回执,,,,,2025/8/9",
)


async def test_an_export_comes_in_once_wherever_it_was_stopped(village, tmp_path):
    source = tmp_path / "old.csv"
    source.write_text("\n".join([",".join(imports.COLUMNS), *ROWS]), encoding="utf-8")

    async def run(limit=99):
        outcomes = []
        async for report in imports.run(village.desk, source):
            outcomes.append(report)
            if len(outcomes) == limit:
                break
        return outcomes

    await run(2)  # killed
    rest = await run()
    assert Counter(report.outcome for report in rest) == {"present": 2, "added": 1, "refused": 6}
    assert [report.reason.key for report in rest if report.reason] == [
        "problem.field.money-negative",
        "problem.field.identity-number",
        *(
            f"import.{name}"
            for name in ("unit-unknown", "month-ahead", "month-unreadable", "item-unknown")
        ),
    ]
    assert "11010519491231002" not in str(rest)
    assert {report.outcome for report in await run()} == {"present", "refused"}
    kept = sorted(await village.rows(Publication), key=lambda row: row.item)
    month = await village.rows(Month, col(Month.owed) == 0)
    assert [(row.item, row.late, row.nil, row.amount) for row in kept] == [
        ("CU03", False, True, None),
        ("CU04", True, False, 240000),
        ("CW01", False, False, None),
    ]
    assert [row.done for row in month] == [0]
    changed = ROWS[1].replace("2400", "2500")
    source.write_text("\n".join([",".join(imports.COLUMNS), changed]), encoding="utf-8")
    assert (await run())[0].reason.key == "import.number-taken"

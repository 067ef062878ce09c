"""What a row of the old systems' export means as a finding."""

from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Final

from plugin_sdk.cases.imports import (
    OldCase,
    Refused,
    Step,
    answered,
    bring_in_file,
    old_number,
    old_time,
    unwrapped,
)
from plugin_sdk.cases.titles import title_of
from plugin_sdk.deadlines import local_day
from plugin_sdk.extension import ImportReport
from plugin_sdk.tables import BadRow, read_rows
from plugins.supervision.desk import FindingDesk
from plugins.supervision.registers import enter_topics

COLUMNS: Final = (
    *("编号", "监督事项", "被检查单位", "检查时间"),
    *("检查结果", "检查情况", "整改情况", "整改时间"),
)
RESULTS: Final = {"有问题": "problem", "无问题": "clear"}


async def run(desk: FindingDesk, source: Path, of: str) -> AsyncIterator[ImportReport]:
    """Yield what became of each row. A topic that the county's list lacks is entered first."""
    rows = read_rows(source, expect=COLUMNS)
    named = {row.values["监督事项"].strip() for row in rows if not isinstance(row, BadRow)}
    hub = desk.hub
    async with hub.read(hub.system("import")) as read:
        codes = {name: code for code, name in (await desk.topics.names(read)).items()}
    new = {name[:40]: name for name in sorted(named - {"", *codes}) if len(name) <= 200}
    keeper = await desk.engine.receiver(hub.system("import"))
    async for _ in enter_topics(desk.topics, keeper, new):
        pass
    codes |= {name: code for code, name in new.items()}

    def make(values: Mapping[str, str]) -> OldCase:
        return finding_of(values, codes)

    async for report in bring_in_file(desk.engine, source, COLUMNS, make, of):
        yield report


def finding_of(values: Mapping[str, str], codes: Mapping[str, str]) -> OldCase:
    """Return the finding of a row, without a deadline, since the old system kept none. Raises
    `Refused`."""
    number, topic, subject, time, result, text, done, done_at = (
        unwrapped(values[c]) for c in COLUMNS
    )
    if not (topic and subject and text):
        raise Refused("nothing-asked")
    for value, known in ((topic, codes), (result, RESULTS)):
        if value not in known:
            raise Refused("choice-unknown", text=value[:40])
    checked = old_time(time)
    settled = answered(checked, done, done_at)
    clear = RESULTS[result] == "clear"
    steps = [Step(verb="file", time=checked, target="clear" if clear else "found")]
    if settled is not None and not clear:
        steps.append(Step(verb="rectify", time=settled, target="closed", text=done))
    return OldCase(
        number=old_number(number),
        title=f"{subject}：{title_of(text)}"[:200],
        steps=tuple(steps),
        resolved=checked if clear else settled,
        fields={
            "topic": codes[topic],
            "subject": subject[:100],
            "checked_on": local_day(checked.at),
            "result": RESULTS[result],
            "text": text,
        },
        same=("subject", "text"),
    )

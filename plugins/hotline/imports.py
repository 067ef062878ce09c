"""What a row of the old system's export means as an order."""

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
from plugin_sdk.extension import ImportReport
from plugins.hotline.desk import OrderDesk

COLUMNS: Final = (
    *("留言编号", "留言用户", "留言主题", "留言时间"),
    *("留言详情", "答复意见", "答复时间"),
)


def run(desk: OrderDesk, source: Path, of: str) -> AsyncIterator[ImportReport]:
    """Yield what became of each row of the export, of the app `of` if the hub knows it."""
    return bring_in_file(desk.engine, source, COLUMNS, order_of, of)


def order_of(values: Mapping[str, str]) -> OldCase:
    """Return the order of a row: unclassified and without a deadline, since the old system
    kept neither. Raises `Refused`."""
    number, user, subject, asked, text, reply, time = (unwrapped(values[c]) for c in COLUMNS)
    if not (subject or text):
        raise Refused("nothing-asked")
    opened = old_time(asked)
    replied = answered(opened, reply, time)
    steps = [Step(verb="file", time=opened, target="received")]
    if replied is not None:
        steps.append(Step(verb="reply", time=replied, target="closed", text=reply))
    return OldCase(
        number=old_number(number),
        title=title_of(subject or text),
        steps=tuple(steps),
        resolved=replied,
        fields={
            "channel": "legacy",
            "caller_name": user[:100],
            "text": text or subject,
            "reply": reply or None,
            "answered_at": replied.at if replied else None,
        },
        same=("text", "reply"),
    )

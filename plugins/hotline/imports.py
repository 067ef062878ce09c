"""What a row of the old system's export means as an order.

Two shapes are known, told apart by their heading: messages with the unit's reply, and messages
with what readers voted on them. A file may have both.
"""

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

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
from plugin_sdk.tables import TableError, read_rows
from plugin_sdk.views import Phrase
from plugins.hotline.desk import OrderDesk

ASKED: Final = ("留言编号", "留言用户", "留言主题", "留言时间", "留言详情")
REPLIED: Final = ("答复意见", "答复时间")
VOTED: Final = ("点赞数", "反对数")
COLUMNS: Final = (*ASKED, *REPLIED)
VOTES: Final = (*ASKED, *VOTED)
SHAPES: Final = ((*COLUMNS, *VOTED), COLUMNS, VOTES)
"""What a heading may have, the fullest first."""
MOST_VOTES: Final = 1_000_000_000
_COUNT: Final = re.compile(r"[0-9]{1,10}")


class NotTaken(Refused):
    """Why a row cannot be taken: the words at `hotline.import.<code>`."""

    def __init__(self, code: str, **params: Any) -> None:
        super().__init__(code)
        self.reason = Phrase(f"hotline.import.{code}", params)


async def run(desk: OrderDesk, source: Path, of: str) -> AsyncIterator[ImportReport]:
    """Yield what became of each row of the export, of the app `of` if the hub knows it. Raises
    `TableError` for a file of neither shape."""
    columns = shape_of(source)
    async for report in bring_in_file(desk.engine, source, columns, order_of, of):
        yield report


def shape_of(source: Path) -> Sequence[str]:
    """Return the columns of the shape that a file has. Raises `TableError`, which names both."""
    for columns in SHAPES:
        try:
            next(iter(read_rows(source, expect=columns)), None)
        except TableError as error:
            if error.code != "table-columns-missing":
                raise
        else:
            return columns
    both = " / ".join("、".join(columns) for columns in (COLUMNS, VOTES))
    raise TableError("table-columns-missing", columns=[both])


def order_of(values: Mapping[str, str]) -> OldCase:
    """Return the order of a row: unclassified and without a deadline, since the old system
    kept neither. Raises `Refused`."""
    number, user, subject, asked, text = (unwrapped(values[c]) for c in ASKED)
    reply, time = (unwrapped(values.get(c, "")) for c in REPLIED)
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
            "votes_for": _votes(values, "点赞数"),
            "votes_against": _votes(values, "反对数"),
        },
        same=("text", "reply", "votes_for", "votes_against"),
    )


def _votes(values: Mapping[str, str], column: str) -> int | None:
    """Return a count of votes, None where the file has none. Raises `Refused`; an empty cell is
    not taken for zero."""
    if column not in values:
        return None
    text = values[column].strip()
    if not _COUNT.fullmatch(text) or int(text) > MOST_VOTES:
        code = "votes-unreadable" if text else "votes-empty"
        raise NotTaken(code, column=column, text=text[:20])
    return int(text)

"""What a row of the old system's export means as a publication."""

from collections.abc import AsyncIterator, Mapping
from datetime import date
from pathlib import Path
from typing import Final

from plugin_sdk.cases.imports import Refused, old_time, unwrapped
from plugin_sdk.duties.calendar import read_period
from plugin_sdk.duties.imports import OldReturn, bring_in_file
from plugin_sdk.extension import ImportReport
from plugin_sdk.forms import validate
from plugin_sdk.problems import NotFound
from plugins.village_affairs.desk import Desk
from plugins.village_affairs.publications import PublicationForm

COLUMNS: Final = (
    *("村代码", "月份", "事项编码", "公开内容", "金额", "收款人", "凭证"),
    *("上月结余", "本月收入", "本月支出", "本月结余", "公开时间"),
)
FIELDS: Final = (
    *("content", "amount", "payee", "evidence"),
    *("opening", "income", "expense", "closing"),
)
NIL: Final = "本月无"


async def run(desk: Desk, source: Path) -> AsyncIterator[ImportReport]:
    """Yield what became of each row of the export."""
    await desk.catalogue.seed(desk.hub.system("import"))
    async for report in bring_in_file(desk.publications, source, COLUMNS, return_of):
        yield report


def return_of(values: Mapping[str, str]) -> OldReturn:
    """Return the publication of a row. Raises `Refused`, and `Invalid` for what may not be
    published: a negative amount, an identity number."""
    village, month, item, *rest, time = (unwrapped(values[column]) for column in COLUMNS)
    given = dict(zip(FIELDS, rest, strict=True))
    nil = given["content"] == NIL
    return OldReturn(
        organization_code=village,
        period=_month(month),
        item=item,
        form=None if nil else validate(PublicationForm, given),
        published=old_time(time),
    )


def _month(text: str) -> date:
    try:
        return read_period(text)
    except NotFound:
        raise Refused("month-unreadable", text=text[:20]) from None

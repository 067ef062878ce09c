"""The demonstration: lines that were merged in the last years, of our own making."""

from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from typing import Any, Final

import msgspec

from plugin_sdk.deadlines import local_day
from plugin_sdk.extension import ImportReport
from plugin_sdk.forms import validate
from plugin_sdk.ports import Actor
from plugins.hotline.desk import OrderDesk
from plugins.hotline.lines.forms import LineForm
from plugins.hotline.lines.register import line_engine, names

LINES: Final = (  # number, name, days from today: merged from, last day of the old number; its app
    ("12319", "城建服务热线", -700, -300, None),
    ("12328", "交通运输服务热线", -520, None, "demo-move-car"),
    ("12369", "环保举报热线", -430, -20, None),
    ("0543-3321111", "自来水抢修热线", -90, 20, None),
    ("0543-3361890", "供热服务热线", 35, None, None),
)


async def demonstrate(desk: OrderDesk, cast: Mapping[str, Actor]) -> AsyncIterator[ImportReport]:
    """Enter the lines; what is there is left as it is."""
    hub = desk.hub
    keeper = msgspec.structs.replace(cast["dispatcher"], permission="hotline.line.edit")
    engine, today = line_engine(hub), local_day(hub.now())
    units = await desk.engine.units_with("order.sign")
    async with hub.read(hub.system("demonstration")) as read:
        known = await names(read)
    for n, (code, name, merged, last, app) in enumerate(LINES, 1):
        if code not in known:
            values = {
                "code": code,
                "name": name,
                "owner": str(units[n % len(units)].id),
                "starts_on": today + timedelta(days=min(merged, 0)),
                "takes_over_on": today + timedelta(days=merged),
                "ends_on": None if last is None else today + timedelta(days=last),
                "app": app,
            }
            async with hub.work(keeper) as work:
                await engine.add(work, validate(LineForm, values))
        outcome: Any = "present" if code in known else "added"
        yield ImportReport(line=n, outcome=outcome, total=len(LINES))

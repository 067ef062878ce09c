"""Operators who file at the same moment: no number is lost, none is given twice."""

import asyncio

from plugin_sdk.forms import Submission, validate
from plugins.hotline.desk import desk_of
from plugins.hotline.forms import IntakeForm

MANY = 60
FORM = {"kind": "help", "text": "路灯不亮", "caller_name": "王秀英", "phone": "13800005678"}


async def test_orders_filed_at_once_have_numbers_in_a_row(hub_app):
    hub = hub_app.hub.apps.hubs["hotline"]
    desk, system = desk_of(hub), hub.system("test")
    await desk.prepare()

    async def file(n):
        async with hub.work(system) as work:
            row = await desk.intake(work, Submission(validate(IntakeForm, FORM), None))
            await asyncio.sleep(0)
            if n % 10 == 0:
                raise TimeoutError  # who is cut off leaves no number behind
            return row.number

    filed = await asyncio.gather(*(file(n) for n in range(MANY)), return_exceptions=True)
    numbers = sorted(int(number) for number in filed if isinstance(number, str))
    assert len(numbers) == MANY - MANY // 10
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    async with hub.read(system) as read:
        assert await desk.counting.waiting(read) == len(numbers)  # each marked with its filing
